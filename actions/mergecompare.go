package actions

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// canCompare reports whether a field's value in a record can be read and compared with another.
func canCompare(f *schema.Field) bool {
	return f.Readable && f.Type != schema.Image && f.Type != schema.PartyList
}

// filled reports whether a record has a value in a field. A blank text is none.
func filled(f *schema.Field, row dataverse.Record) bool {
	value, _ := row.Value(f.Property())
	return !isBlank(value)
}

// holds reports whether a record has a value in a field, as Dataverse sent it. The value is as translated.Wire, or nil.
func holds(f *schema.Field, row dataverse.Record, value any) bool {
	raw, _ := row.Value(f.Property())
	if value == nil || raw == nil {
		return raw == nil && isBlank(value) // Dataverse stores a blank text as none
	}
	switch v := value.(type) {
	case translate.Reference:
		id, _ := raw.(string)
		return strings.EqualFold(id, string(v.ID)) && (len(f.Targets) == 1 || row.LookupEntity(f.Property()) == v.Entity)
	case []int:
		return sameOptions(raw, v)
	case int:
		return sameNumber(raw, strconv.Itoa(v))
	case json.Number:
		return sameNumber(raw, v.String())
	case string:
		return sameText(f, raw, v)
	}
	return raw == value
}

func sameText(f *schema.Field, raw any, text string) bool {
	there, _ := raw.(string)
	if f.Type == schema.DateTime {
		a, errA := time.Parse(time.RFC3339, there)
		b, errB := time.Parse(time.RFC3339, text)
		return there == text || errA == nil && errB == nil && a.Equal(b)
	}
	if f.Type == schema.Uniqueidentifier {
		return strings.EqualFold(there, text)
	}
	return there == text
}

// sameNumber compares by value: Dataverse writes 1.5 as 1.5000000000.
func sameNumber(raw any, digits string) bool {
	number, ok := raw.(json.Number)
	if !ok {
		return false
	}
	a, okA := new(big.Rat).SetString(number.String())
	b, okB := new(big.Rat).SetString(digits)
	return okA && okB && a.Cmp(b) == 0
}

// sameOptions compares a multi-select choice, which Dataverse writes as "1,9", whatever the order.
func sameOptions(raw any, options []int) bool {
	text, _ := raw.(string)
	there := strings.Split(text, ",")
	for i := range there {
		there[i] = strings.TrimSpace(there[i])
	}
	if text == "" {
		there = nil
	}
	for _, option := range options {
		if !slices.Contains(there, strconv.Itoa(option)) {
			return false
		}
	}
	return len(there) == len(options)
}
