package presence

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse/webhook"
)

// entry is what the log says of a delivery: the facts, read once when it came, so that every process that follows the
// log works out the same. The body as it came lies beside it.
type entry struct {
	Version          int       `json:"v"`
	Kind             Kind      `json:"kind"`
	Source           string    `json:"source"`
	ID               string    `json:"id"`
	OrganizationID   string    `json:"organizationId,omitempty"`
	OrganizationName string    `json:"organizationName,omitempty"`
	BusinessUnitID   string    `json:"businessUnitId,omitempty"`
	RecordID         string    `json:"recordId,omitempty"`
	AgentID          string    `json:"agentId"`
	AgentName        string    `json:"agentName,omitempty"`
	Presence         Status    `json:"presence"`
	StartTime        time.Time `json:"startTime,omitzero"`
	CreateTime       time.Time `json:"createTime,omitzero"`
	QueueTime        time.Time `json:"queueTime,omitzero"` // when Dataverse queued the delivery
	ReceiveTime      time.Time `json:"receiveTime"`
	Capacity         *int32    `json:"capacity,omitempty"`
	SignedIn         *bool     `json:"signedIn,omitempty"`
	CorrelationID    string    `json:"correlationId,omitempty"`
	Seeded           bool      `json:"seeded,omitempty"`     // not delivered: a present state, read at the first start or after a gap
	Backfilled       bool      `json:"backfilled,omitempty"` // not delivered: read from the table
	Rank             rank      `json:"rank,omitempty"`       // among presences that began in the same second

	// Of what is no agent's presence.
	Entity         string            `json:"entity,omitempty"`
	Message        string            `json:"message,omitempty"`
	OtherAgentID   string            `json:"otherAgentId,omitempty"`
	OtherAgentName string            `json:"otherAgentName,omitempty"`
	Values         map[string]any    `json:"values,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	Omitted        []string          `json:"omitted,omitempty"`
}

// The versions of entries: of agents' presence, and of all else, which a Botverse that knows only the first passes over.
const (
	entryVersion    = 1
	activityVersion = 2
)

// parseEntry reads an entry. A version that a later Botverse writes is an error.
func parseEntry(text string) (entry, error) {
	var e entry
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return entry{}, fmt.Errorf("read an entry of the log: %w", err)
	}
	if e.Version != entryVersion && e.Version != activityVersion {
		return entry{}, fmt.Errorf("read an entry of the log: it has version %d, this Botverse reads up to %d", e.Version, activityVersion)
	}
	return e, nil
}

// maxEntry bounds an entry, in bytes of JSON: it travels in a header, and NATS takes 64 KiB of headers.
const maxEntry = 60 << 10

// unstorable is why an entry cannot be kept: what was told makes no sense, or is too much.
type unstorable struct{ reason string }

func (u unstorable) Error() string { return u.reason }

// text is an entry as the log has it. Its error is always unstorable.
func (e entry) text() (string, error) {
	for _, at := range []struct {
		what string
		time time.Time
	}{{"start", e.StartTime}, {"creation", e.CreateTime}, {"queueing", e.QueueTime}} {
		if year := at.time.Year(); year < 1 || year > 9999 { // RFC 3339 has no others
			return "", unstorable{fmt.Sprintf("the time of its %s is in the year %d", at.what, year)}
		}
	}
	text, err := json.Marshal(e)
	switch {
	case err != nil:
		return "", unstorable{"it has no JSON: " + err.Error()}
	case len(text) > maxEntry:
		return "", unstorable{fmt.Sprintf("what is to be kept of it has %d bytes; there is room for %d", len(text), maxEntry)}
	}
	return string(text), nil
}

// order is the time by which events of an agent are told older from newer.
func (e entry) order() time.Time {
	switch {
	case !e.StartTime.IsZero():
		return e.StartTime
	case !e.CreateTime.IsZero():
		return e.CreateTime
	}
	return e.ReceiveTime
}

// agentKey names the agent of an entry in the state bucket. Agents of two organisations are never the same.
func (e entry) agentKey() string { return agentKey(e.OrganizationID, e.AgentID) }

func agentKey(organizationID, agentID string) string {
	return cmp.Or(organizationID, uuid.Nil.String()) + "." + agentID
}

// eventID is the key of a created record: the organisation, the kind and the row.
func eventID(organizationID string, kind Kind, recordID string) string {
	return cmp.Or(organizationID, uuid.Nil.String()) + "." + string(kind) + "." + recordID
}

// recordKey is the key of what happens once to a record: that it is created, or deleted.
func recordKey(name string, s Source, organizationID, recordID string) string {
	kind := s.Kind
	if kind == RowChange { // two sources may be for changes of one entity
		kind += Kind("." + name)
	}
	return eventID(organizationID, kind, recordID)
}

// keyOf is the key of a delivery: the same however often Dataverse sends it. A record is created once and deleted once. Of
// an Update the kind's own key says which, else the record's version, else the operation.
func keyOf(name string, s Source, c *webhook.Context, e entry) string {
	id := recordKey(name, s, c.OrganizationID, c.PrimaryEntityID)
	start := ""
	if !e.StartTime.IsZero() {
		start = e.StartTime.UTC().Format(time.RFC3339Nano)
	}
	switch {
	case s.Message != "Update":
		return id
	case s.Kind == AcceptedWork && e.AgentID != "" && start != "":
		return id + "." + e.AgentID + "." + start
	case s.Kind == AfterWork && start != "":
		return id + "." + start
	}
	if version := versionOf(s, c); version != "" {
		return id + ".v" + version
	}
	return id + "." + cmp.Or(c.OperationID, c.RequestID)
}

// versionOf is the record's version after the change, empty where it was not told.
func versionOf(s Source, c *webhook.Context) string {
	image, _ := c.PostImage(s.ImageAlias)
	target, _ := c.Target()
	return cmp.Or(target.RowVersion, image.RowVersion)
}
