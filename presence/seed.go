package presence

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The table of the agents' present states, and its fields. One row an agent.
const (
	statusEntity     = "msdyn_agentstatus"
	statusAgent      = "msdyn_agentid"
	statusPresence   = "msdyn_currentpresenceid"
	statusStart      = "msdyn_presencemodifiedon"
	statusCapacity   = "msdyn_availableunitscapacity"
	statusCapacityOn = "msdyn_capacitymodifiedon"
	statusSignedIn   = "msdyn_isagentloggedin" // not in every environment
	statusModified   = "modifiedon"
)

// statusFields say where a row of the table has what a row of history has.
var statusFields = Fields{
	Agent: statusAgent, Presence: statusPresence, StartTime: statusStart, CreateTime: statusModified,
	Capacity: statusCapacity, SignedIn: statusSignedIn,
}

// seededKey begins the keys in the state bucket that say of which organisations the first states were read.
const seededKey = "seeded"

// seedFirst reads the agents' present states of each environment, once in a journal's life, so that the first snapshot is not
// empty. Where an environment does not answer, the backfill goes on to try; nobody waits for it.
func (p *Presence) seedFirst(ctx context.Context) {
	defer p.seeded.Store(true)
	var all sync.WaitGroup
	for _, environment := range p.reader.Environments() {
		all.Go(func() {
			if err := p.seedOnce(ctx, environment); err != nil && ctx.Err() == nil {
				p.logger.WarnContext(ctx, "the agents' present states could not be read; trying again", "environment", environment, "error", err)
			}
		})
	}
	all.Wait()
	if err := p.aim(ctx); err != nil && ctx.Err() == nil {
		p.logger.WarnContext(ctx, "the presence log cannot be read", "error", err)
	}
}

// seedOnce reads the first states of an environment, unless they were.
func (p *Presence) seedOnce(ctx context.Context, environment string) error {
	organization, err := p.askOrganization(ctx, environment)
	if err != nil {
		return err
	}
	key := seededKey + "." + organization.ID
	if _, err := p.store.states.Get(ctx, key); !errors.Is(err, jetstream.ErrKeyNotFound) {
		return err
	}
	statuses, err := p.readStatuses(ctx, organization.ID)
	if errors.Is(err, ErrNoHistory) { // there are no agents
		return nil
	}
	if err != nil {
		return err
	}
	if _, _, err := p.seedAgents(ctx, organization, statuses, time.Time{}); err != nil {
		return err
	}
	_, err = p.store.states.PutString(ctx, key, time.Now().UTC().Format(time.RFC3339))
	return err
}

// readStatuses reads the agents' present states.
func (p *Presence) readStatuses(ctx context.Context, organizationID string) ([]Record, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	fields := append(Source{Kind: AgentPresence, Fields: statusFields}.Columns(), statusCapacityOn)
	return p.reader.ListRecords(ctx, organizationID, statusEntity, fields)
}

// seedAgents writes into the log the present states that differ from what is known, and returns how many. What was changed
// after settled is left for later, for its row of history may be on its way, and settles says that there is such; a zero
// settled leaves nothing.
func (p *Presence) seedAgents(ctx context.Context, organization Organization, statuses []Record, settled time.Time) (seeded int, settles bool, err error) {
	for _, status := range statuses {
		e, ok := p.seedOf(organization, status)
		if !ok {
			continue
		}
		if !settled.IsZero() && e.isDated() && e.order().After(settled) {
			settles = true
			continue
		}
		p.labels.fill(ctx, &e)
		duplicate, err := p.store.append(ctx, e, nil)
		var never unstorable
		if errors.As(err, &never) {
			p.logger.WarnContext(ctx, "an agent's present state is passed over", "agent", e.AgentID, "reason", never)
			continue
		}
		if err != nil {
			return seeded, settles, fmt.Errorf("seed an agent's state: %w", err)
		}
		if !duplicate {
			seeded++
		}
	}
	return seeded, settles, nil
}

// seedOf is the entry of an agent's present state; false where it tells nothing that is not known. Its ID tells the state, and
// which one it corrects, so that several processes which find the same write it once, and the same state can be right again.
func (p *Presence) seedOf(organization Organization, status Record) (e entry, differs bool) {
	told := rows{status.row()}
	if !told.decided(Source{Kind: AgentPresence, Fields: statusFields}) {
		return entry{}, false // an agent who was never signed in has no presence
	}
	e = told.entry(statusFields)
	e.Kind, e.Source, e.Seeded = AgentPresence, statusEntity, true
	e.OrganizationID, e.OrganizationName = organization.ID, organization.Name
	if value, _ := told.find(statusStart); isDay(value) {
		e.StartTime = time.Time{} // a day does not tell what comes before what
	}
	known := p.hub.agent(e.agentKey())
	if differs = e.differs(known); !differs && e.differsInCapacity(known) {
		e.StartTime = told.time(statusCapacityOn)
		differs = e.StartTime.After(known.Order)
	}
	e.ID = eventID(e.OrganizationID, statusEntity, strings.ToLower(status.ID)) + "." + e.Presence.ID
	if e.isDated() {
		e.ID += "." + e.order().Format(time.RFC3339Nano)
	}
	if known != nil {
		e.ID += "." + strconv.FormatUint(known.Sequence, 10)
	}
	return e, differs
}

// isDay says whether a time is told as a day alone (msdyn_presencemodifiedon is of that format, and has a time of day all the
// same where the environment's version tells it).
func isDay(value any) bool {
	text, _ := value.(string)
	return len(text) == len(time.DateOnly)
}

// isDated says whether it is known to when the state belongs.
func (e entry) isDated() bool { return !e.StartTime.IsZero() || !e.CreateTime.IsZero() }

// differs says whether the agent is in another presence than is known, and has not been since before.
func (e entry) differs(known *agent) bool {
	return known == nil || e.isDated() && known.State.Presence.ID != e.Presence.ID && !e.order().Before(known.Order)
}

func (e entry) differsInCapacity(known *agent) bool {
	return known != nil && known.State.Presence.ID == e.Presence.ID && e.Capacity != nil &&
		(known.State.Capacity == nil || *known.State.Capacity != *e.Capacity)
}
