// Package translate turns what a request says into what Dataverse wants: names and labels into fields, values into what a field's
// type holds, lookups into the records that they point at. It asks Dataverse nothing. What does not fit is an input.Fault that says
// what was given and what would be right, and never shows the value of a sensitive field.
package translate

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// Options steer the translation of one value.
type Options struct {
	// Path is where the value stands, for faults: "fields.birthdate".
	Path string
	// Zone is the zone of points in time that have no offset; nil refuses them.
	Zone *time.Location
	// Numbers is how texts write numbers; nil for digits and a point.
	Numbers *Numbers
	// CutLongText cuts a text that is too long, in place of refusing it.
	CutLongText bool
	// Search says that the value is compared and not stored: a text may be longer than the field, a number outside its
	// range.
	Search bool
}

// Translated is a value as the field holds it. Wire is, by type of the field:
//
//	text, GUID, date, point in time   string, canonical; points in time in UTC, as "2026-05-17T15:30:00Z"
//	number, money                     json.Number, every digit kept
//	yes/no                            bool
//	choice, state, status             int, the option's number
//	multi-select choice               []int, in the order of the input, each once
//	lookup, customer, owner           Reference
//	image                             string, base64
type Translated struct {
	Wire any
	// Cut says that a text was cut to the field's length.
	Cut bool
}

// Reference is a lookup's value: a record of an entity.
type Reference struct {
	Entity string
	ID     dataverse.ID
}

// Value translates a rendered value into what a field holds. It asks Dataverse nothing: a lookup must name its
// record by ID, and ParseLookup reads those that name it otherwise. The value is never null: what null means is the caller's business.
func Value(f *schema.Field, v any, o Options) (Translated, *input.Fault) {
	wire, cut, fault := any(nil), false, (*input.Fault)(nil)
	switch f.Type {
	case schema.String, schema.Memo:
		wire, cut, fault = translateText(f, v, o)
	case schema.Integer, schema.BigInt, schema.Decimal, schema.Double, schema.Money:
		wire, fault = translateNumber(f, v, o)
	case schema.Boolean:
		wire, fault = translateYesNo(f, v, o)
	case schema.Picklist, schema.State, schema.Status:
		wire, fault = translateChoice(f, v, o)
	case schema.MultiSelectPicklist:
		wire, fault = translateChoices(f, v, o)
	case schema.DateTime:
		wire, fault = translateTime(f, v, o)
	case schema.Uniqueidentifier:
		wire, fault = translateGUID(f, v, o)
	case schema.Lookup, schema.Customer, schema.Owner:
		wire, fault = translateReference(f, v, o)
	case schema.Image:
		wire, fault = translateImage(f, v, o)
	default:
		fault = input.NewFault(input.InvalidField, o.Path, "holds what actions cannot handle (%s)", f.Type)
	}
	if fault != nil {
		return Translated{}, fault
	}
	return Translated{Wire: wire, Cut: cut}, nil
}

// Misfit is the fault of a value that does not fit its field: what was given, and what would be right.
func Misfit(f *schema.Field, v any, o Options, right string, args ...any) *input.Fault {
	return input.NewFault(input.InvalidValue, o.Path, "%s does not fit %s: %s", Shown(f, v), Named(f), fmt.Sprintf(right, args...))
}

// Named is a field for messages, by its label where it has one.
func Named(f *schema.Field) string {
	if label := f.DisplayName.String(); label != "" {
		return fmt.Sprintf("%q", label)
	}
	return fmt.Sprintf("%q", f.LogicalName)
}

// maxShown bounds a value in a message, in characters.
const maxShown = 60

// Shown is a value for messages: its kind alone where it is not one value or where the field is sensitive.
func Shown(f *schema.Field, v any) input.Given {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	if sensitive(f) {
		return "the value"
	}
	text, ok := TextOf(v)
	switch {
	case !ok:
		return "the value"
	case strings.TrimSpace(text) == "":
		return "a blank text"
	}
	if r := []rune(text); len(r) > maxShown {
		text = string(r[:maxShown]) + "…"
	}
	return input.Given(strconv.Quote(text))
}

// sensitiveNames are parts of the names of fields whose values must not be repeated to anyone.
var sensitiveNames = []string{"password", "passwd", "passcode", "secret", "token", "credential", "securitycode", "creditcard", "cardnumber", "governmentid", "iban", "ssn"}

// sensitive reports whether a field's value must never be in a message.
func sensitive(f *schema.Field) bool {
	if f.Secured {
		return true
	}
	for _, part := range sensitiveNames {
		if strings.Contains(strings.ToLower(f.LogicalName), part) {
			return true
		}
	}
	return false
}

// Hidden says why a field's value is not shown; "" for one that is.
func Hidden(f *schema.Field) string {
	switch {
	case f == nil:
		return ""
	case f.Secured:
		return "the field is under column security: its value is not shown"
	case sensitive(f):
		return "the field's name says that it holds a secret: its value is not shown"
	case f.LogicalName == documentField || f.Type == schema.Image:
		return "base64, as given: the content of files is not shown"
	}
	return ""
}
