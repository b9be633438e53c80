package presence

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// The presence table, and the fields of it that are read.
const (
	presenceEntity = "msdyn_presence"
	presenceName   = "msdyn_name"
	presenceText   = "msdyn_presencestatustext"
	presenceBase   = "msdyn_basepresencestatus"
)

// missPause is how long a presence or an agent that Dataverse did not tell of is not asked for again.
const missPause = time.Minute

// maxNames bounds how many agents' names are kept.
const maxNames = 10_000

// labels knows the presence table and the agents' names, read when one is missed. They are labels: nothing fails for
// want of them.
type labels struct {
	reader Reader // may be nil
	logger *slog.Logger
	flight singleflight.Group

	mu       sync.Mutex
	statuses map[string]Status // by organisation and presence ID
	names    map[string]string // by organisation and agent ID
	asked    map[string]time.Time
}

func newLabels(reader Reader, logger *slog.Logger) *labels {
	return &labels{
		reader: reader, logger: logger,
		statuses: make(map[string]Status), names: make(map[string]string), asked: make(map[string]time.Time),
	}
}

// fill completes an entry's labels: the presence table's, else the delivery's own.
func (l *labels) fill(ctx context.Context, e *entry) {
	if l.reader == nil {
		return
	}
	if e.Presence.ID != "" {
		if status, ok := l.status(ctx, e.OrganizationID, e.Presence.ID); ok {
			e.Presence = status
		}
	}
	if e.AgentName == "" && e.AgentID != "" {
		e.AgentName = l.name(ctx, e.OrganizationID, e.AgentID)
	}
	if e.OtherAgentName == "" && e.OtherAgentID != "" {
		e.OtherAgentName = l.name(ctx, e.OrganizationID, e.OtherAgentID)
	}
}

// status looks a presence up, and reads the table again when it is not there.
func (l *labels) status(ctx context.Context, organizationID, id string) (Status, bool) {
	key := organizationID + "." + id
	find := func() (Status, bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		status, ok := l.statuses[key]
		return status, ok
	}
	if status, ok := find(); ok {
		return status, true
	}
	l.once(ctx, "presence."+key, func(ctx context.Context) error { return l.readStatuses(ctx, organizationID) })
	return find()
}

// name looks an agent's name up, and reads it when it is not there; empty where Dataverse does not tell.
func (l *labels) name(ctx context.Context, organizationID, id string) string {
	key := organizationID + "." + id
	find := func() string {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.names[key]
	}
	if name := find(); name != "" {
		return name
	}
	l.once(ctx, "agent."+key, func(ctx context.Context) error {
		user, err := l.reader.GetRecord(ctx, organizationID, "systemuser", id, []string{"fullname"})
		if err != nil {
			return err
		}
		name, _ := user.Values["fullname"].(string)
		l.remember(key, name)
		return nil
	})
	return find()
}

func (l *labels) remember(key, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.names) >= maxNames {
		clear(l.names)
	}
	l.names[key] = name
}

// once asks Dataverse, unless it was asked the same a short while ago; who asks meanwhile waits for the same answer.
func (l *labels) once(ctx context.Context, key string, ask func(context.Context) error) {
	answer := l.flight.DoChan(key, func() (any, error) {
		if !l.due(key) {
			return nil, nil
		}
		// One caller's end must not take the answer from the others.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		if err := ask(ctx); err != nil {
			l.logger.WarnContext(ctx, "presence labels could not be read", "error", err)
		}
		return nil, nil
	})
	select {
	case <-answer:
	case <-ctx.Done():
	}
}

// due says whether to ask, and notes that it was done.
func (l *labels) due(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if last, ok := l.asked[key]; ok && now.Sub(last) < missPause {
		return false
	}
	if len(l.asked) >= maxNames {
		clear(l.asked)
	}
	l.asked[key] = now
	return true
}

// readStatuses reads the presence table of an organisation.
func (l *labels) readStatuses(ctx context.Context, organizationID string) error {
	records, err := l.reader.ListRecords(ctx, organizationID, presenceEntity, []string{presenceName, presenceText, presenceBase})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, record := range records {
		id := strings.ToLower(record.ID)
		l.statuses[organizationID+"."+id] = statusOf(id, record)
	}
	return nil
}

func statusOf(id string, record Record) Status {
	name, _ := record.Values[presenceName].(string)
	text, _ := record.Values[presenceText].(string)
	base := fmt.Sprint(record.Values[presenceBase])
	return Status{ID: id, Name: cmp.Or(name, Unknown), Text: text, Base: baseStatuses[base]}
}
