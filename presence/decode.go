package presence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
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
	names     []string // of the fields that were told
	whole     bool     // whether a field that was not told is null; a Target of an Update only has what was written
}

func rowOf(e webhook.Entity, whole bool) row {
	names := make([]string, len(e.Attributes))
	for i, a := range e.Attributes {
		names[i] = a.Key
	}
	return row{e.Value, e.FormattedValue, names, whole}
}

func (r Record) row() row {
	return row{
		func(field string) any { return r.Values[field] }, func(field string) string { return r.Formatted[field] },
		slices.Sorted(maps.Keys(r.Values)), true,
	}
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

// names are all fields that were told, sorted, none twice.
func (rs rows) names() []string {
	var names []string
	for _, r := range rs {
		names = append(names, r.names...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// tells says whether a field's value is known: it is there, or it is known to be null.
func (rs rows) tells(field string) bool {
	return slices.ContainsFunc(rs, func(r row) bool { return r.whole || r.value(field) != nil })
}

// unqualified is the error of a record that is none of those that the source is for: nothing is wrong with it.
type unqualified struct{ field string }

func (u unqualified) Error() string { return u.field + " is none of the values that the source is for" }

// decode reads an entry from a delivery. Its error is the reason why no event can be made of it, unqualified where none
// should be.
func (p *Presence) decode(ctx context.Context, name string, s Source, c *webhook.Context, header http.Header) (entry, error) {
	if c.PrimaryEntityName != s.Entity || c.MessageName != s.Message {
		return entry{}, fmt.Errorf("%s of %s came, but source %s is for %s of %s: correct the step's registration or the source",
			cmp.Or(c.MessageName, "a nameless message"), cmp.Or(c.PrimaryEntityName, "no entity"), name, s.Message, s.Entity)
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
	if field := told.unfit(s); field != "" {
		return entry{}, unqualified{field}
	}
	e := told.entryOf(name, s)
	e.OrganizationID, e.OrganizationName = c.OrganizationID, c.OrganizationName
	e.BusinessUnitID, e.RecordID = c.BusinessUnitID, c.PrimaryEntityID
	e.QueueTime, e.CorrelationID = c.OperationCreatedOn, c.CorrelationID
	e.ID = keyOf(name, s, c, e)
	return e, nil
}

// tell collects what is told of the record: the image, then Target, and where these do not say all that is needed, what
// Dataverse says when asked. A record that was deleted cannot be asked for.
func (p *Presence) tell(ctx context.Context, s Source, c *webhook.Context, header http.Header) (rows, error) {
	told := toldBy(s, c)
	lacking := told.lacking(s)
	if lacking == "" || s.Message == "Delete" {
		return told, nil
	}
	if header.Get(webhook.HeaderSizeExceeded) != "" {
		lacking = "the payload was left out for its size"
	}
	if p.reader == nil {
		if told.decided(s) {
			return told, nil
		}
		return nil, fmt.Errorf("%s, and there is no environment to read the record from", lacking)
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	record, err := p.reader.GetRecord(ctx, c.OrganizationID, s.Entity, c.PrimaryEntityID, s.Columns())
	if err != nil {
		return nil, fmt.Errorf("%s, and reading the record again did not help: %w", lacking, err)
	}
	told = append(told, record.row())
	if !told.decided(s) {
		return nil, fmt.Errorf("%s, even when it is read again", told.lacking(s))
	}
	return told, nil
}

// toldBy is what a delivery tells: of a deleted record as it was before.
func toldBy(s Source, c *webhook.Context) (told rows) {
	image, ok := c.PostImage(s.ImageAlias)
	if s.Message == "Delete" {
		image, ok = c.PreImage(s.ImageAlias)
	}
	if ok {
		told = append(told, rowOf(image, true))
	}
	if target, ok := c.Target(); ok {
		told = append(told, rowOf(target, s.Message == "Create"))
	}
	return told
}

// required are the lookups that an event cannot do without.
func (s Source) required() []string {
	switch s.Kind {
	case AgentPresence:
		return []string{s.Fields.Agent, s.Fields.Presence}
	case RowChange:
		return nil
	}
	return []string{s.Fields.Agent}
}

// lacking says what is worth reading the record again for, empty when there is nothing. A field of the filter without a
// value may be null, or may have been left out of the image: the record knows.
func (rs rows) lacking(s Source) string {
	if len(rs) == 0 {
		return "the delivery has neither an image nor a Target"
	}
	for _, field := range slices.Sorted(maps.Keys(s.Where)) {
		if value, _ := rs.find(field); value == nil {
			return "the delivery does not tell " + field
		}
	}
	if rs.unfit(s) != "" {
		return ""
	}
	for _, field := range s.required() {
		if id, _ := rs.lookup(field); id == "" {
			return "the record has no " + field
		}
	}
	return ""
}

// decided says whether it is certain that the record is an event, or that it is none.
func (rs rows) decided(s Source) bool {
	for field := range s.Where {
		if !rs.tells(field) {
			return false
		}
	}
	if len(rs) == 0 {
		return false
	}
	if rs.unfit(s) != "" {
		return true
	}
	return !slices.ContainsFunc(s.required(), func(field string) bool {
		id, _ := rs.lookup(field)
		return id == ""
	})
}

// unfit is the first field by which a record is none that the source is for, empty where it is one.
func (rs rows) unfit(s Source) string {
	for _, field := range slices.Sorted(maps.Keys(s.Where)) {
		if value, _ := rs.find(field); !s.Where[field].allows(value) {
			return field
		}
	}
	return ""
}

// entryOf is what the log says of a record that a source is for, but for whose record it is.
func (rs rows) entryOf(name string, s Source) entry {
	e := rs.entry(s.Fields)
	e.Kind, e.Source = s.Kind, name
	if s.Kind != AgentPresence {
		e.Version, e.Entity, e.Message = activityVersion, s.Entity, s.Message
		e.OtherAgentID, e.OtherAgentName = rs.lookup(s.Fields.OtherAgent)
		e.Values, e.Labels, e.Omitted = rs.activityValues(s)
	}
	return e
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
