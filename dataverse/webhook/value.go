package webhook

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxDepth bounds how deep values nest in values; what lies deeper is nil. Dataverse's nest two or three deep.
const maxDepth = 16

// text is a string that may come as another scalar, or as null.
type text string

// UnmarshalJSON takes any scalar and never fails.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	switch {
	case json.Unmarshal(raw, &s) == nil: // null leaves it empty
		*t = text(s)
	case raw[0] != '{' && raw[0] != '[':
		*t = text(raw)
	}
	return nil
}

func (t text) id() string { return canonicalID(string(t)) }

// instant is a date in either of its shapes; what is none reads as the zero time.
type instant struct{ time.Time }

// UnmarshalJSON takes /Date(…)/ and RFC 3339 and never fails.
func (i *instant) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return nil
	}
	if t, ok := parseDate(s); ok {
		i.Time = t
	} else if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		i.Time = t.UTC()
	}
	return nil
}

var date = regexp.MustCompile(`^/Date\((-?\d{1,18})(?:[+-]\d{4})?\)/$`)

// parseDate reads milliseconds since 1970 UTC. The offset tells where the serialiser stood and never moves the instant
// ("Stand-Alone JSON Serialization", DateTime wire format).
func parseDate(s string) (time.Time, bool) {
	match := date.FindStringSubmatch(s)
	if match == nil {
		return time.Time{}, false
	}
	milliseconds, err := strconv.ParseInt(match[1], 10, 64)
	return time.UnixMilli(milliseconds).UTC(), err == nil
}

type wirePair struct {
	Key   text
	Value json.RawMessage
}

// wireObject is any object that has a meaning in a value slot: all their members together.
type wireObject struct {
	Type            text `json:"__type"`
	Attributes      []wirePair
	Entities        []json.RawMessage
	FormattedValues []wirePair
	ID              text
	LogicalName     text
	Name            text
	RowVersion      text
	Value           json.RawMessage
}

func (o *wireObject) reference() EntityReference {
	return EntityReference{
		LogicalName: string(o.LogicalName), ID: o.ID.id(), Name: string(o.Name), RowVersion: string(o.RowVersion),
	}
}

func (o *wireObject) entity(depth int) Entity {
	e := Entity{LogicalName: string(o.LogicalName), ID: o.ID.id(), RowVersion: string(o.RowVersion)}
	for _, p := range o.Attributes {
		e.Attributes = append(e.Attributes, Attribute{Key: string(p.Key), Value: value(p.Value, depth+1)})
	}
	for _, p := range o.FormattedValues {
		var s text
		_ = json.Unmarshal(p.Value, &s) // a text never fails
		e.Formatted = append(e.Formatted, Pair{Key: string(p.Key), Value: string(s)})
	}
	return e
}

// kind is the type's name before the namespace; for objects without a marker it is told from their members.
func (o *wireObject) kind() string {
	name, _, _ := strings.Cut(string(o.Type), ":")
	switch {
	case name != "":
		return name
	case o.Entities != nil:
		return "EntityCollection"
	case o.Attributes != nil:
		return "Entity"
	case o.LogicalName != "":
		return "EntityReference"
	case o.Value != nil && bytes.ContainsAny(o.Value, ".eE"):
		return "Money"
	case o.Value != nil:
		return "OptionSetValue"
	}
	return ""
}

// value reads what stands in a slot of type object.
func value(raw json.RawMessage, depth int) any {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || depth > maxDepth:
		return nil
	case raw[0] == '{':
		return objectValue(raw, depth)
	case raw[0] == '[':
		return arrayValue(raw, depth)
	}
	return scalarValue(raw)
}

func scalarValue(raw json.RawMessage) any {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return nil
	}
	if s, ok := v.(string); ok {
		if t, ok := parseDate(s); ok {
			return t
		}
	}
	return v
}

func objectValue(raw json.RawMessage, depth int) any {
	var o wireObject
	if lenient(json.Unmarshal(raw, &o)) != nil {
		return nil
	}
	switch o.kind() {
	case "Entity":
		return o.entity(depth)
	case "EntityReference":
		return o.reference()
	case "EntityCollection":
		return entities(o.Entities, depth)
	case "Money":
		if amount := string(bytes.Trim(o.Value, `"`)); isNumber(amount) {
			return Money(amount)
		}
	case "OptionSetValue":
		n, err := strconv.ParseInt(string(bytes.Trim(o.Value, `"`)), 10, 32)
		if err == nil {
			return OptionSetValue(n)
		}
	}
	return untyped(raw)
}

func entities(raws []json.RawMessage, depth int) []Entity {
	list := make([]Entity, 0, len(raws))
	for _, raw := range raws {
		var o wireObject
		if lenient(json.Unmarshal(raw, &o)) == nil {
			list = append(list, o.entity(depth+1))
		}
	}
	return list
}

// untyped is an object of a type that we do not know.
func untyped(raw json.RawMessage) any {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var v map[string]any
	_ = decoder.Decode(&v) // it is valid JSON, or Decode would have refused the body
	return v
}

// arrayValue reads the choices of a multi-select field, the records of a party list, a dictionary, or what else there is.
func arrayValue(raw json.RawMessage, depth int) any {
	var raws []json.RawMessage
	if json.Unmarshal(raw, &raws) != nil {
		return nil
	}
	if pairs, ok := dictionary(raws); ok {
		return pairs
	}
	values := make([]any, len(raws))
	for i, element := range raws {
		values[i] = value(element, depth+1)
	}
	if choices, ok := all[OptionSetValue](values); ok {
		return choices
	}
	if records, ok := all[Entity](values); ok {
		return records
	}
	return values
}

// all returns the values as a slice of their type when all have the same one.
func all[T any](values []any) ([]T, bool) {
	list := make([]T, 0, len(values))
	for _, v := range values {
		t, ok := v.(T)
		if !ok {
			return nil, false
		}
		list = append(list, t)
	}
	return list, len(list) > 0
}

// dictionary reads the entries of a Dictionary<string, string>.
func dictionary(raws []json.RawMessage) ([]Pair, bool) {
	pairs := make([]Pair, 0, len(raws))
	for _, raw := range raws {
		var entry struct {
			Type       text `json:"__type"`
			Key, Value text
		}
		if json.Unmarshal(raw, &entry) != nil || !strings.HasPrefix(string(entry.Type), "KeyValuePair") {
			return nil, false
		}
		pairs = append(pairs, Pair{Key: string(entry.Key), Value: string(entry.Value)})
	}
	return pairs, len(pairs) > 0
}
