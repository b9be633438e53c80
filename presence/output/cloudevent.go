package output

import (
	"encoding/json"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"github.com/botverse/botverse/presence"
)

// typeOf names what a CloudEvent is of. A change of its data that breaks who reads it gets another version.
func typeOf(kind presence.EventKind) string {
	names := map[presence.EventKind]string{
		presence.PresenceChanged: "presence.changed",
		presence.CapacityChanged: "capacity.changed",
		presence.WorkAccepted:    "work.accepted",
		presence.WorkWrappedUp:   "work.wrapped-up",
		presence.AgentConsulted:  "agent.consulted",
		presence.RowChanged:      "row.changed",
	}
	return "com.github.botverse." + names[kind] + ".v1"
}

// The schemas of the data: messages of the contract, as JSON.
const (
	presenceSchema = "https://github.com/botverse/botverse/blob/main/proto/botverse/v1/presence.proto#PresenceEvent"
	activitySchema = "https://github.com/botverse/botverse/blob/main/proto/botverse/v1/presence.proto#ActivityEvent"
)

// cloudEvent puts an event into its envelope. Source and ID together are the same however often it is sent: the source is
// the organisation, by its ID, because its address may change.
func cloudEvent(e *presence.Event, data []byte) (cloudevents.Event, error) {
	c := cloudevents.NewEvent()
	c.SetID(e.ID)
	c.SetSource("urn:uuid:" + e.OrganizationID)
	if e.OrganizationID == "" {
		c.SetSource("urn:uuid:00000000-0000-0000-0000-000000000000")
	}
	c.SetType(typeOf(e.Kind))
	c.SetTime(e.StartTime)
	if e.StartTime.IsZero() {
		c.SetTime(e.ReceiveTime)
	}
	c.SetDataSchema(presenceSchema)
	c.SetSubject(e.AgentID)
	if e.Activity != nil {
		c.SetDataSchema(activitySchema)
		if e.AgentID == "" {
			c.SetSubject(e.RecordID)
		}
	}
	if err := c.SetData(cloudevents.ApplicationJSON, json.RawMessage(data)); err != nil {
		return c, err
	}
	return c, c.Validate()
}
