package presence

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse/webhook"
)

// readTimeout bounds a reading in Dataverse while a delivery waits for its answer. Dataverse itself waits 60 s ("Use
// webhooks to create external handlers for server events").
const readTimeout = 5 * time.Second

// row is a record from wherever it was told: an image, a Target, or a reading.
type row struct {
	value     func(field string) any
	formatted func(field string) string
}

func rowOf(e webhook.Entity) row { return row{e.Value, e.FormattedValue} }

func (r Record) row() row {
	return row{func(field string) any { return r.Values[field] }, func(field string) string { return r.Formatted[field] }}
}

// rows are the tellings of one record, the best first.
type rows []row

// find returns the value of a field from the first row that has one, and its display text.
func (rs rows) find(field string) (value any, formatted string) {
	if field == "" {
		return nil, ""
	}
	for _, r := range rs {
		if v := r.value(field); v != nil {
			return v, r.formatted(field)
		}
	}
	return nil, ""
}

// lookup returns the ID that a field points at, empty where there is none, and its display text.
func (rs rows) lookup(field string) (id, name string) {
	value, formatted := rs.find(field)
	switch v := value.(type) {
	case webhook.EntityReference:
		id, name = v.ID, v.Name
	case string:
		id = v
	}
	if formatted != "" {
		name = formatted
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		return "", name
	}
	return parsed.String(), name
}

// time returns the instant of a field, zero where there is none. It never reads a display text: those are in the
// language and zone of whoever made the change.
func (rs rows) time(field string) time.Time {
	value, _ := rs.find(field)
	switch v := value.(type) {
	case time.Time:
		return v.UTC()
	case string:
		for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
			if t, err := time.Parse(layout, v); err == nil {
				return t.UTC()
			}
		}
	}
	return time.Time{}
}

func (rs rows) integer(field string) *int32 {
	value, _ := rs.find(field)
	n, err := strconv.ParseInt(strings.TrimSuffix(fmt.Sprint(value), ".0"), 10, 32)
	if err != nil {
		return nil
	}
	return new(int32(n))
}

func (rs rows) boolean(field string) *bool {
	value, _ := rs.find(field)
	b, ok := value.(bool)
	if !ok {
		return nil
	}
	return &b
}

// decode reads an entry from a delivery. Its error is the reason why no event can be made of it.
func (p *Presence) decode(ctx context.Context, name string, s Source, c *webhook.Context, header http.Header) (entry, error) {
	if c.PrimaryEntityName != s.Entity || c.MessageName != s.Message {
		return entry{}, fmt.Errorf("%s of %s came, but source %s is for %s of %s: correct the step's registration or the source",
			c.MessageName, c.PrimaryEntityName, name, s.Message, s.Entity)
	}
	if _, err := uuid.Parse(c.PrimaryEntityID); err != nil {
		return entry{}, errors.New("PrimaryEntityId is no record ID")
	}
	if _, err := uuid.Parse(c.OrganizationID); err != nil && c.OrganizationID != "" {
		return entry{}, errors.New("OrganizationId is no ID")
	}
	told, err := p.tell(ctx, s, c, header)
	if err != nil {
		return entry{}, err
	}
	e := told.entry(s.Fields)
	e.Kind, e.Source, e.ID = s.Kind, name, eventID(c.OrganizationID, s.Kind, c.PrimaryEntityID)
	e.OrganizationID, e.OrganizationName = c.OrganizationID, c.OrganizationName
	e.BusinessUnitID, e.RecordID = c.BusinessUnitID, c.PrimaryEntityID
	e.QueueTime, e.CorrelationID = c.OperationCreatedOn, c.CorrelationID
	return e, nil
}

// tell collects what is told of the record: the image, then Target, and where these do not say whose presence it is and
// which, what Dataverse says when asked.
func (p *Presence) tell(ctx context.Context, s Source, c *webhook.Context, header http.Header) (rows, error) {
	var told rows
	if image, ok := c.PostImage(s.ImageAlias); ok {
		told = append(told, rowOf(image))
	}
	if target, ok := c.Target(); ok {
		told = append(told, rowOf(target))
	}
	missing := told.missing(s.Fields)
	if missing == "" {
		return told, nil
	}
	if header.Get(webhook.HeaderSizeExceeded) != "" {
		missing = "the payload was left out for its size"
	}
	if p.reader == nil {
		return nil, fmt.Errorf("%s, and there is no environment to read the record from", missing)
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	record, err := p.reader.GetRecord(ctx, c.OrganizationID, s.Entity, c.PrimaryEntityID, s.Fields.Names())
	if err != nil {
		return nil, fmt.Errorf("%s, and reading the record again did not help: %w", missing, err)
	}
	told = append(told, record.row())
	if missing := told.missing(s.Fields); missing != "" {
		return nil, fmt.Errorf("%s, even when it is read again", missing)
	}
	return told, nil
}

// missing says what an event cannot do without, empty when it is all there.
func (rs rows) missing(f Fields) string {
	if len(rs) == 0 {
		return "the delivery has neither an image nor a Target"
	}
	for _, field := range []string{f.Agent, f.Presence} {
		if id, _ := rs.lookup(field); id == "" {
			return fmt.Sprintf("the record has no %s", field)
		}
	}
	return ""
}

// entry reads the facts.
func (rs rows) entry(f Fields) entry {
	e := entry{
		Version: entryVersion, ReceiveTime: time.Now().UTC(),
		StartTime: rs.time(f.StartTime), CreateTime: rs.time(f.CreateTime),
		Capacity: rs.integer(f.Capacity), SignedIn: rs.boolean(f.SignedIn),
	}
	e.AgentID, e.AgentName = rs.lookup(f.Agent)
	e.Presence.ID, e.Presence.Name = rs.lookup(f.Presence)
	return e
}
