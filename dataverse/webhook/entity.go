package webhook

import (
	"encoding/json"
	"strings"
	"time"
)

// Entity is a record as a context carries it.
type Entity struct {
	LogicalName string
	ID          string
	Attributes  []Attribute
	Formatted   []Pair // display texts in the running user's language and zone: labels, never facts
	RowVersion  string // a decimal number; empty where it was null
}

// Attribute is a field with its value: nil, string (texts and record IDs), bool, json.Number, time.Time,
// OptionSetValue, []OptionSetValue, Money, EntityReference, Entity, []Entity (party lists), or, where Dataverse's type
// is none of these, []Pair, []any or map[string]any. Encode also takes int, int32, int64 and float64.
type Attribute struct {
	Key   string
	Value any
}

// Pair is a name with a text.
type Pair struct {
	Key, Value string
}

// OptionSetValue is the number of a choice, state or status.
type OptionSetValue int32

// Money is an amount as it was written: its digits are kept.
type Money json.Number

// EntityReference points at a record. Name is empty in a Target and set in images.
type EntityReference struct {
	LogicalName string
	ID          string
	Name        string
	RowVersion  string
}

// Value returns the value of a field, nil when it is null or absent.
func (e Entity) Value(field string) any {
	for _, a := range e.Attributes {
		if a.Key == field {
			return a.Value
		}
	}
	return nil
}

// Has says whether the field is there, null or not.
func (e Entity) Has(field string) bool {
	for _, a := range e.Attributes {
		if a.Key == field {
			return true
		}
	}
	return false
}

// FormattedValue returns the display text of a field, empty where none was sent.
func (e Entity) FormattedValue(field string) string {
	for _, p := range e.Formatted {
		if p.Key == field {
			return p.Value
		}
	}
	return ""
}

// Time returns a field's instant. It takes RFC 3339 texts too, which occur in payloads of custom APIs.
func (e Entity) Time(field string) (time.Time, bool) {
	switch v := e.Value(field).(type) {
	case time.Time:
		return v, true
	case string:
		t, err := time.Parse(time.RFC3339Nano, v)
		return t.UTC(), err == nil
	}
	return time.Time{}, false
}

// canonicalID brings a record ID into the form in which IDs are compared: lower case, no braces.
func canonicalID(id string) string {
	return strings.ToLower(strings.Trim(id, "{}"))
}
