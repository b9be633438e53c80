package presence

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse/webhook"
)

// maxValues bounds an event's values, in bytes of JSON: they travel in a header of the log, which has 64 KiB.
const maxValues = 32 << 10

// plain is a raw value as events and filters have it: a choice as its number, a lookup as the record ID, a time in RFC 3339,
// a number that a double cannot hold as a string. It is not ok for what has no such form, as party lists.
func plain(value any) (v any, ok bool) {
	switch v := value.(type) {
	case nil, bool:
		return v, true
	case string:
		if id, err := uuid.Parse(v); err == nil && len(v) == 36 {
			return id.String(), true
		}
		return v, true
	case json.Number:
		return plainNumber(string(v)), true
	case webhook.Money:
		return plainNumber(string(v)), true
	case webhook.OptionSetValue:
		return float64(v), true
	case []webhook.OptionSetValue:
		list := make([]any, len(v))
		for i, option := range v {
			list[i] = float64(option)
		}
		return list, true
	case webhook.EntityReference:
		return v.ID, true
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano), true
	}
	return nil, false
}

// plainNumber keeps the digits of a number that a double would change.
func plainNumber(digits string) any {
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return digits
	}
	if whole, err := strconv.ParseInt(digits, 10, 64); err == nil && (whole > 1<<53 || whole < -1<<53) {
		return digits
	}
	short := strings.TrimSuffix(strings.TrimRight(digits, "0"), ".")
	if strings.Contains(digits, ".") && strconv.FormatFloat(n, 'f', -1, 64) != short {
		return digits
	}
	return n
}

// texts are the ways in which a value may stand in a filter. A choice of several options has one for each.
func texts(value any) []string {
	v, _ := plain(value)
	switch v := v.(type) {
	case nil:
		return []string{""}
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, fmt.Sprint(one))
		}
		return all
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	case string: // of a choice of several options the Web API has one text: "192350000,192350001"
		return append(strings.Split(v, ","), v)
	default:
		return []string{fmt.Sprint(v)}
	}
}

// allows says whether a value is one of the wanted ones.
func (o OneOf) allows(value any) bool {
	return slices.ContainsFunc(texts(value), func(text string) bool {
		return slices.ContainsFunc(o, func(want string) bool { return strings.EqualFold(text, want) })
	})
}

// activityValues are what an event has of a record: the source's fields, or all that was told, with their display texts. What
// has no plain form, or would make the event too large, is left out and named.
func (rs rows) activityValues(s Source) (values map[string]any, labels map[string]string, omitted []string) {
	names := s.Values
	if len(names) == 0 && s.Kind == RowChange {
		names = rs.names()
	}
	values, labels = make(map[string]any, len(names)), make(map[string]string)
	for _, name := range names {
		value, formatted := rs.find(name)
		v, ok := plain(value)
		if !ok {
			omitted = append(omitted, name)
			continue
		}
		values[name] = v
		if formatted != "" && formatted != v {
			labels[name] = formatted
		}
	}
	return values, labels, append(omitted, shrink(values, labels)...)
}

// shrink takes out the largest values until the rest is small enough.
func shrink(values map[string]any, labels map[string]string) (omitted []string) {
	sizes, total := make(map[string]int, len(values)), 0
	for name, v := range values {
		text, err := json.Marshal(v)
		if err != nil { // plain values have JSON
			continue
		}
		sizes[name] = len(name) + len(text) + len(name) + len(labels[name])
		total += sizes[name]
	}
	for total > maxValues {
		largest := ""
		for name, size := range sizes {
			if largest == "" || size > sizes[largest] || size == sizes[largest] && name < largest {
				largest = name
			}
		}
		total -= sizes[largest]
		omitted = append(omitted, largest)
		delete(sizes, largest)
		delete(values, largest)
		delete(labels, largest)
	}
	return omitted
}
