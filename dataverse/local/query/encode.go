package query

import (
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// Encode makes a column's value of a value of a request's JSON: nil, bool, string, json.Number, float64, int or int64. A
// lookup takes the record ID that it points at. An empty text is no value, as in Dataverse. The error is an *Error:
// the wrong kind of literal, or a value out of the field's range.
func Encode(e *schema.Entity, f *schema.Field, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	enc := encoder{entity: e, field: f, value: value}
	switch f.Type {
	case schema.String, schema.Memo:
		return enc.text()
	case schema.Integer, schema.BigInt:
		return enc.integer()
	case schema.Picklist, schema.State, schema.Status:
		return enc.choice()
	case schema.MultiSelectPicklist:
		return enc.choices()
	case schema.Boolean:
		return enc.boolean()
	case schema.Double:
		return enc.double()
	case schema.Decimal:
		return enc.decimal()
	case schema.Money:
		return enc.money()
	case schema.DateTime:
		return enc.dateTime()
	case schema.Uniqueidentifier, schema.Lookup, schema.Customer, schema.Owner:
		return enc.guid()
	case schema.EntityName:
		if s, ok := value.(string); ok {
			return s, nil
		}
		return nil, enc.conversion("Edm.String")
	}
	return nil, refuse(code.InvalidArgument, "The field '%s' of '%s' holds no value that can be written.", f.LogicalName, e.LogicalName)
}

type encoder struct {
	entity *schema.Entity
	field  *schema.Field
	value  any
}

// conversion is the refusal of a literal of another kind, as the Web API's reader words it.
func (enc encoder) conversion(edm string) *Error {
	return refuse(code.InvalidPayload, "Error identified in Payload provided by the user for Entity :'%s', InnerException : "+
		"Microsoft.OData.ODataException: Cannot convert the literal '%s' to the expected type '%s'.", enc.entity.EntitySetName, enc.literal(), edm)
}

func (enc encoder) outside(c code.Code) *Error {
	return refuse(c, "A validation error occurred.  The value of '%s' on record of type '%s' is outside the valid range.",
		enc.field.LogicalName, enc.entity.LogicalName)
}

// literal is the value as it stood in the request, for messages.
func (enc encoder) literal() string {
	if s, ok := enc.value.(string); ok {
		return s
	}
	b, err := json.Marshal(enc.value)
	if err != nil {
		return ""
	}
	return string(b)
}

// number is a JSON number's digits, or a text that may hold them: the Web API takes "200" for 200.
func (enc encoder) number() (string, bool) {
	switch v := enc.value.(type) {
	case json.Number:
		return v.String(), true
	case string:
		return strings.TrimSpace(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	}
	return "", false
}

func (enc encoder) text() (any, error) {
	s, ok := enc.value.(string)
	if !ok {
		return nil, enc.conversion("Edm.String")
	}
	if most := enc.field.MaxLength; most > 0 && len(s) > most && len(utf16.Encode([]rune(s))) > most {
		return nil, refuse(code.StringLengthTooLong, "A validation error occurred.  The length of the '%s' attribute of the '%s' entity "+
			"exceeded the maximum allowed length of '%d'.", enc.field.LogicalName, enc.entity.LogicalName, most)
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' }); i >= 0 {
		return nil, refuse(code.InvalidCharactersInField, "The field '%s' contains invalid characters.", enc.field.LogicalName)
	}
	if s == "" {
		return nil, nil
	}
	return s, nil
}

func (enc encoder) integer() (any, error) {
	edm, bits := "Edm.Int32", 32
	if enc.field.Type == schema.BigInt {
		edm, bits = "Edm.Int64", 64
	}
	text, ok := enc.number()
	if !ok {
		return nil, enc.conversion(edm)
	}
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return nil, enc.conversion(edm)
	}
	if !enc.inRange(new(big.Rat).SetInt64(n)) {
		return nil, enc.outside(code.IntegerValueOutOfRange)
	}
	return n, nil
}

// inRange reports whether a number is between the field's least and most value, where they are known.
func (enc encoder) inRange(n *big.Rat) bool {
	if least := enc.field.MinValue; least != nil {
		if r, ok := new(big.Rat).SetString(*least); ok && n.Cmp(r) < 0 {
			return false
		}
	}
	if most := enc.field.MaxValue; most != nil {
		if r, ok := new(big.Rat).SetString(*most); ok && n.Cmp(r) > 0 {
			return false
		}
	}
	return true
}

func (enc encoder) choice() (any, error) {
	text, ok := enc.number()
	if !ok {
		return nil, enc.conversion("Edm.Int32")
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return nil, enc.conversion("Edm.Int32")
	}
	if err := enc.isOption(int(n)); err != nil {
		return nil, err
	}
	return n, nil
}

func (enc encoder) isOption(n int) error {
	if len(enc.field.Options) == 0 || enc.field.Option(n) != nil {
		return nil
	}
	accepted := make([]string, len(enc.field.Options))
	for i, o := range enc.field.Options {
		accepted[i] = strconv.Itoa(o.Value)
	}
	return refuse(code.PicklistValueOutOfRange, "A validation error occurred.  The value %d of '%s' on record of type '%s' is outside "+
		"the valid range. Accepted Values: %s", n, enc.field.LogicalName, enc.entity.LogicalName, strings.Join(accepted, ","))
}

// maxSelected is the most options that one multi-select value may have (Dataverse, "Multi-select picklist attributes").
const maxSelected = 150

func (enc encoder) choices() (any, error) {
	text, ok := enc.number()
	if !ok {
		return nil, enc.conversion("Edm.String")
	}
	var selected []int
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, enc.conversion("Edm.Int32")
		}
		if err := enc.isOption(n); err != nil {
			return nil, err
		}
		selected = append(selected, n)
	}
	if len(selected) > maxSelected {
		return nil, enc.outside(code.PicklistValueOutOfRange)
	}
	return selectedText(selected), nil
}

// selectedText is the column's value of selected options: ",1,9,", ascending, each once; nil for none.
func selectedText(selected []int) any {
	if len(selected) == 0 {
		return nil
	}
	slices.Sort(selected)
	var b strings.Builder
	b.WriteByte(',')
	for _, n := range slices.Compact(selected) {
		b.WriteString(strconv.Itoa(n))
		b.WriteByte(',')
	}
	return b.String()
}

func (enc encoder) boolean() (any, error) {
	switch v := enc.value.(type) {
	case bool:
		return boolean(v), nil
	case string: // Microsoft's .NET client writes "True"
		switch strings.ToLower(v) {
		case "true":
			return boolean(true), nil
		case "false":
			return boolean(false), nil
		}
	}
	return nil, refuse(0, "Cannot convert the literal '%s' to the expected type 'Edm.Boolean'.", enc.literal())
}

func boolean(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (enc encoder) double() (any, error) {
	text, ok := enc.number()
	if !ok {
		return nil, enc.conversion("Edm.Double")
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return nil, enc.conversion("Edm.Double")
	}
	if !enc.inRange(new(big.Rat).SetFloat64(n)) {
		return nil, enc.outside(code.DecimalValueOutOfRange)
	}
	return n, nil
}

func (enc encoder) decimal() (any, error) {
	number, err := enc.rational()
	if err != nil {
		return nil, err
	}
	if !enc.inRange(number) {
		return nil, enc.outside(code.DecimalValueOutOfRange)
	}
	digits := maxDecimalDigits
	if enc.field.Precision != nil {
		digits = min(digits, *enc.field.Precision)
	}
	text, _ := canonicalDecimal(number.FloatString(digits))
	return text, nil
}

func (enc encoder) rational() (*big.Rat, error) {
	text, ok := enc.number()
	if !ok {
		return nil, enc.conversion("Edm.Decimal")
	}
	number, ok := parseDecimal(text)
	if !ok {
		return nil, enc.conversion("Edm.Decimal")
	}
	return number, nil
}

// moneyDigits is how many digits after the point money has.
const moneyDigits = 4

func (enc encoder) money() (any, error) {
	number, err := enc.rational()
	if err != nil {
		return nil, err
	}
	scaled, ok := scaledMoney(number)
	if !ok || !enc.inRange(number) {
		return nil, refuse(code.MoneySizeExceeded, "The value of '%s' on record of type '%s' exceeds the size of money.",
			enc.field.LogicalName, enc.entity.LogicalName)
	}
	return scaled, nil
}

// scaledMoney is an amount in ten-thousandths, half of one rounded away from zero.
func scaledMoney(number *big.Rat) (int64, bool) {
	digits := strings.Replace(number.FloatString(moneyDigits), ".", "", 1)
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}

func (enc encoder) dateTime() (any, error) {
	text, ok := enc.value.(string)
	if !ok {
		return nil, enc.conversion("Edm.DateTimeOffset")
	}
	if enc.field.Behavior == schema.DateOnly {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return nil, enc.conversion("Edm.Date")
		}
		return enc.inCalendar(day)
	}
	t, ok := parseTime(text)
	if !ok {
		return nil, enc.conversion("Edm.DateTimeOffset")
	}
	if enc.field.Behavior == schema.TimeZoneIndependent {
		t = asClock(t) // the offset sent means nothing
	}
	return enc.inCalendar(t)
}

func (enc encoder) inCalendar(t time.Time) (any, error) {
	if !inCalendar(t) {
		return nil, refuse(code.InvalidDateTime, "The date-time format for '%s' is invalid, or value is outside the supported range.", enc.literal())
	}
	return t.UnixMicro(), nil
}

// inCalendar reports whether SQL Server's calendar has a time: from 1753 to 9999.
func inCalendar(t time.Time) bool { return t.Year() >= 1753 && t.Year() <= 9999 }

// asClock is the time that shows the same clock in UTC.
func asClock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// parseTime reads a date with or without a time, a time with or without an offset; without one it is UTC.
func parseTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
		"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func (enc encoder) guid() (any, error) {
	text, ok := enc.value.(string)
	if !ok {
		return nil, enc.conversion("Edm.Guid")
	}
	id, ok := parseGUID(text)
	if !ok {
		return nil, enc.conversion("Edm.Guid")
	}
	return id, nil
}

// parseGUID makes a record ID of a GUID in any case, with or without braces.
func parseGUID(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		text, ok = strings.CutSuffix(inner, "}")
		if !ok {
			return "", false
		}
	}
	return text, isGUID(text)
}

// isGUID reports whether text is a GUID in lower case.
func isGUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		c := text[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}
