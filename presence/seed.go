package presence

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
)

// The table of the agents' present states, and its fields. One row an agent.
const (
	statusEntity   = "msdyn_agentstatus"
	statusAgent    = "msdyn_agentid"
	statusPresence = "msdyn_currentpresenceid"
	statusStart    = "msdyn_presencemodifiedon"
	statusCapacity = "msdyn_availableunitscapacity"
)

// seededKey is in the state bucket once the first states were read.
const seededKey = "seeded"

// seedPause is how long to wait for a Dataverse that does not answer at the first start.
const seedPause = 10 * time.Second

// seed reads the agents' present states, once in a journal's life, so that the first snapshot is not empty. It goes
// through the log like all else. Agents of whom something was heard are left as they are.
func (p *Presence) seed(ctx context.Context) error {
	defer p.seeded.Store(true)
	for p.reader != nil {
		err := p.seedOnce(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		p.logger.WarnContext(ctx, "the agents' present states could not be read; trying again", "error", err)
		p.seeded.Store(true) // whoever waits for the first states need not wait for a Dataverse that is away
		if !pause(ctx, seedPause) {
			return nil
		}
	}
	return nil
}

func (p *Presence) seedOnce(ctx context.Context) error {
	_, err := p.store.states.Get(ctx, seededKey)
	if !errors.Is(err, jetstream.ErrKeyNotFound) {
		return err
	}
	read, cancel := context.WithTimeout(ctx, 2*readTimeout)
	defer cancel()
	fields := []string{statusAgent, statusPresence, statusStart, statusCapacity}
	records, err := p.reader.ListRecords(read, "", statusEntity, fields)
	if err != nil {
		return err
	}
	for _, record := range records {
		if err := p.seedAgent(ctx, record); err != nil {
			return err
		}
	}
	if err := p.aim(ctx); err != nil {
		return err
	}
	_, err = p.store.states.PutString(ctx, seededKey, time.Now().UTC().Format(time.RFC3339))
	return err
}

// seedAgent writes one agent's present state into the log.
func (p *Presence) seedAgent(ctx context.Context, record Record) error {
	told := rows{record.row()}
	fields := Fields{Agent: statusAgent, Presence: statusPresence, StartTime: statusStart, Capacity: statusCapacity}
	if !told.decided(Source{Kind: AgentPresence, Fields: fields}) {
		return nil // an agent who was never signed in has no presence
	}
	e := told.entry(fields)
	e.Kind, e.Source, e.Seeded = AgentPresence, statusEntity, true
	if id, err := uuid.Parse(record.OrganizationID); err == nil {
		e.OrganizationID = id.String()
	}
	e.ID = eventID(e.OrganizationID, statusEntity, strings.ToLower(record.ID))
	if p.hub.agent(e.agentKey()) != nil {
		return nil
	}
	p.labels.fill(ctx, &e)
	if _, err := p.store.append(ctx, e, nil); err != nil {
		return fmt.Errorf("seed an agent's state: %w", err)
	}
	return nil
}
