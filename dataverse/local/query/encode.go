package query

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
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
	case schema.Image:
		return enc.image()
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
