package output

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/botverse/botverse/presence"
)

// column is one column of the files.
type column struct {
	name  string
	value func(*presence.Event) string
	bare  bool // a number or a time of ours: no spreadsheet takes it for a formula, whatever it begins with
}

// columns are in an order that only grows at its end.
func columns() []column {
	activity := func(value func(*presence.Activity) string) func(*presence.Event) string {
		return func(e *presence.Event) string {
			if e.Activity == nil {
				return ""
			}
			return value(e.Activity)
		}
	}
	previous := func(value func(*presence.Status) string) func(*presence.Event) string {
		return func(e *presence.Event) string {
			if e.Previous == nil {
				return ""
			}
			return value(e.Previous)
		}
	}
	return []column{
		{name: "event_id", value: func(e *presence.Event) string { return e.ID }},
		{name: "kind", value: func(e *presence.Event) string { return string(e.Kind) }},
		{name: "time", value: func(e *presence.Event) string { return instant(e.StartTime) }, bare: true},
		{name: "receive_time", value: func(e *presence.Event) string { return instant(e.ReceiveTime) }, bare: true},
		{name: "delay_ms", value: delay, bare: true},
		{name: "late", value: late, bare: true},
		{name: "organization_id", value: func(e *presence.Event) string { return e.OrganizationID }},
		{name: "organization_name", value: func(e *presence.Event) string { return e.OrganizationName }},
		{name: "business_unit_id", value: func(e *presence.Event) string { return e.BusinessUnitID }},
		{name: "agent_id", value: func(e *presence.Event) string { return e.AgentID }},
		{name: "agent_name", value: func(e *presence.Event) string { return e.AgentName }},
		{name: "presence_id", value: func(e *presence.Event) string { return e.Presence.ID }},
		{name: "presence_name", value: func(e *presence.Event) string { return e.Presence.Name }},
		{name: "presence_text", value: func(e *presence.Event) string { return e.Presence.Text }},
		{name: "base_status", value: func(e *presence.Event) string { return string(e.Presence.Base) }},
		{name: "previous_presence_id", value: previous(func(s *presence.Status) string { return s.ID })},
		{name: "previous_presence_name", value: previous(func(s *presence.Status) string { return s.Name })},
		{name: "previous_base_status", value: previous(func(s *presence.Status) string { return string(s.Base) })},
		{name: "capacity", value: capacity, bare: true},
		{name: "signed_in", value: signedIn, bare: true},
		{name: "source", value: activity(func(a *presence.Activity) string { return a.Source })},
		{name: "entity", value: entity},
		{name: "record_id", value: func(e *presence.Event) string { return e.RecordID }},
		{name: "message", value: activity(func(a *presence.Activity) string { return a.Message })},
		{name: "other_agent_id", value: activity(func(a *presence.Activity) string { return a.OtherAgentID })},
		{name: "other_agent_name", value: activity(func(a *presence.Activity) string { return a.OtherAgentName })},
		{name: "values", value: activity(values)},
	}
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func delay(e *presence.Event) string {
	if e.Delay == nil {
		return ""
	}
	return strconv.FormatInt(e.Delay.Milliseconds(), 10)
}

func late(e *presence.Event) string { return strconv.FormatBool(e.Late) }

func capacity(e *presence.Event) string {
	if e.Capacity == nil {
		return ""
	}
	return strconv.Itoa(int(*e.Capacity))
}

func signedIn(e *presence.Event) string {
	if e.SignedIn == nil {
		return ""
	}
	return strconv.FormatBool(*e.SignedIn)
}

func entity(e *presence.Event) string {
	if e.Activity == nil {
		return "msdyn_agentstatushistory"
	}
	return e.Activity.Entity
}

// values are a JSON object.
func values(a *presence.Activity) string {
	text, err := json.Marshal(a.Values)
	if err != nil || len(a.Values) == 0 {
		return ""
	}
	return string(text)
}

// Header are the names of the columns of the files.
func Header() []string {
	var names []string
	for _, c := range columns() {
		names = append(names, c.name)
	}
	return names
}

// Row are an event's cells, guarded.
func Row(e *presence.Event) []string {
	var cells []string
	for _, c := range columns() {
		cell := c.value(e)
		if !c.bare {
			cell = Guard(cell)
		}
		cells = append(cells, cell)
	}
	return cells
}

// Guard puts an apostrophe before what a spreadsheet would run as a formula (OWASP, "CSV Injection").
func Guard(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// AppendRow writes a record of RFC 4180. The library's writer changes the line breaks within cells.
func AppendRow(b []byte, cells []string) []byte {
	for i, cell := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		if !strings.ContainsAny(cell, ",\"\r\n") && strings.TrimSpace(cell) == cell {
			b = append(b, cell...)
			continue
		}
		b = append(b, '"')
		b = append(b, strings.ReplaceAll(cell, `"`, `""`)...)
		b = append(b, '"')
	}
	return append(b, '\r', '\n')
}
