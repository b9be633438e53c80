package saved

import (
	"encoding/json"
	"io"
	"math"
	"math/big"
	"regexp"
	"strings"
	"time"

	"github.com/botverse/botverse/actions/translate"
)

// convert gives a value the input's type, as bots send texts for nearly everything. right says what the type takes where the
// value is none of it, and is "" where it is. The value is never null.
func (in *Input) convert(value any) (converted any, right string) {
	switch in.Type {
	case Text:
		return toText(value)
	case Number:
		return toNumber(value)
	case Integer:
		return toInteger(value)
	case Boolean:
		return toBoolean(value)
	case Date:
		return toDate(value)
	case DateTime:
		return toDateTime(value)
	case Object:
		return toObject(value)
	case List:
		return toList(value)
	case Reference:
		return toReference(value)
	}
	return value, ""
}

// foreign reports whether a value is a text that writes a number as a language does: the field that it goes to reads it.
func (in *Input) foreign(value any, culture string) bool {
	text, isText := value.(string)
	return isText && culture != "" && (in.Type == Number || in.Type == Integer) && strings.ContainsAny(text, "0123456789")
}

func toText(value any) (any, string) {
	switch value.(type) {
	case string, json.Number, float64: // a bot's number, as that of a telephone, too
		text, ok := translate.TextOf(value)
		if ok {
			return text, ""
		}
	}
	return nil, "a text"
}

// numberText is a number in plain digits. A comma is in none: in half the world it is the point, in the other half it is not.
var numberText = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)$`)

// maxDigits bounds a number's text.
const maxDigits = 60

const rightNumber = "a number, as 1200.50"

func toNumber(value any) (any, string) {
	switch v := value.(type) {
	case json.Number:
		return v, ""
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, rightNumber
		}
		return v, ""
	case string:
		text := strings.TrimSpace(v)
		if len(text) > maxDigits || !numberText.MatchString(text) {
			return nil, rightNumber
		}
		return plainNumber(text), ""
	}
	return nil, rightNumber
}

// plainNumber is a number in JSON's notation, with all its digits.
func plainNumber(text string) json.Number {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign = "-"
	}
	whole, fraction, _ := strings.Cut(strings.TrimLeft(text, "+-"), ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return json.Number(sign + whole + fraction)
}

const rightInteger = "a whole number, as 42"

func toInteger(value any) (any, string) {
	number, right := toNumber(value)
	if right != "" {
		return nil, rightInteger
	}
	text, _ := translate.TextOf(number)
	if len(text) > maxDigits || strings.ContainsAny(text, "eE") {
		return nil, rightInteger
	}
	whole, ok := new(big.Rat).SetString(text)
	if !ok || !whole.IsInt() {
		return nil, rightInteger
	}
	return json.Number(whole.Num().String()), ""
}

func toBoolean(value any) (any, string) {
	if b, ok := value.(bool); ok {
		return b, ""
	}
	if text, right := toText(value); right == "" {
		if b, known := translate.YesNo(text.(string)); known {
			return b, ""
		}
	}
	return nil, "true or false, or yes or no"
}

func toDate(value any) (any, string) {
	if text, ok := value.(string); ok {
		text = strings.TrimSpace(text)
		if _, err := time.Parse(time.DateOnly, text); err == nil {
			return text, ""
		}
	}
	return nil, "a day without a time, as 2026-05-17"
}

// The ways to write a point in time. Without an offset it is of the request's time zone, or refused for want of one.
var timeLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04",
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02 15:04:05", "2006-01-02 15:04",
}

func toDateTime(value any) (any, string) {
	if text, ok := value.(string); ok {
		text = strings.TrimSpace(text)
		for _, layout := range timeLayouts {
			if _, err := time.Parse(layout, strings.ToUpper(text)); err == nil {
				return text, ""
			}
		}
	}
	return nil, "a point in time, as 2026-05-17T15:30:00Z or 2026-05-17T15:30:00+02:00"
}

func toObject(value any) (any, string) {
	if object, ok := fromJSON(value).(map[string]any); ok {
		return object, ""
	}
	return nil, "an object, or the JSON text of one"
}

func toList(value any) (any, string) {
	if list, ok := fromJSON(value).([]any); ok {
		return list, ""
	}
	return nil, "a list, or the JSON text of one"
}

// fromJSON is what a text holds that is an object or a list in JSON; any other value is itself.
func fromJSON(value any) any {
	text, ok := value.(string)
	if !ok {
		return value
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var read any
	if decoder.Decode(&read) != nil {
		return value
	}
	if _, err := decoder.Token(); err != io.EOF {
		return value
	}
	return read
}

const rightReference = `a record, as {"entity": "contact", "id": "…"}, which "@record" saves, or a record ID`

// recordID is how a record's ID is written, with or without braces.
var recordID = regexp.MustCompile(`(?i)^\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$`)

func toReference(value any) (any, string) {
	if text, ok := value.(string); ok && recordID.MatchString(strings.TrimSpace(text)) {
		return strings.TrimSpace(text), ""
	}
	object, ok := fromJSON(value).(map[string]any)
	if !ok {
		return nil, rightReference
	}
	entity, _ := object["entity"].(string)
	id, hasID := object["id"].(string)
	name, hasName := object["name"].(string)
	switch {
	case entity == "", hasID && !recordID.MatchString(id), !hasID && (!hasName || name == ""):
		return nil, rightReference
	}
	return object, ""
}
