package translate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/schema"
)

// Reason says why a rendered value becomes what is sent for a field that takes it.
func Reason(f *schema.Field, v any, o Options) string {
	if list, ok := v.([]any); ok && f.Type != schema.MultiSelectPicklist && f.Type != schema.PartyList {
		return Reasons(f, list, o)
	}
	text, isText := v.(string)
	switch f.Type {
	case schema.String, schema.Memo:
		return textReason(f, v, o)
	case schema.Integer, schema.BigInt, schema.Decimal, schema.Double, schema.Money:
		switch {
		case isText && o.Numbers != nil:
			return fmt.Sprintf("%q is a number as the culture %s writes it", text, o.Numbers.Culture)
		case isText:
			return fmt.Sprintf("%q is read as a number", text)
		}
	case schema.Boolean:
		return yesNoReason(f, v, o)
	case schema.Picklist, schema.State, schema.Status, schema.MultiSelectPicklist:
		return choiceReason(f, v, o)
	case schema.DateTime:
		return timeReason(f, text, o)
	case schema.Uniqueidentifier:
		return "a GUID, in lower case without braces"
	case schema.Lookup, schema.Customer, schema.Owner:
		return lookupReason(f, v, o)
	case schema.PartyList:
		return partyReason(f, v, o)
	}
	return "as given"
}

// Reasons is why several values become what is sent for them, each reason told once.
func Reasons(f *schema.Field, values []any, o Options) string {
	reasons := make([]string, len(values))
	for i, v := range values {
		reasons[i] = Reason(f, v, o)
	}
	return joinReasons(reasons)
}

func textReason(f *schema.Field, v any, o Options) string {
	text, isText := v.(string)
	switch {
	case !isText:
		return "the digits, or the word, as a text"
	case o.CutLongText && !o.Search && f.MaxLength > 0 && utf16Length(text) > f.MaxLength:
		return fmt.Sprintf("text, cut to %d characters, the last of which is …", f.MaxLength)
	}
	return "text, as given"
}

func yesNoReason(f *schema.Field, v any, o Options) string {
	t, fault := Value(f, v, o)
	text, isText := v.(string)
	switch {
	case fault != nil || !isText:
		return "yes or no, as given"
	case f.TrueLabel.Is(text) != f.FalseLabel.Is(text):
		return fmt.Sprintf("label %q is %v for %s", text, t.Wire, f.LogicalName)
	}
	return fmt.Sprintf("the word %q is %v", text, t.Wire)
}

func choiceReason(f *schema.Field, v any, o Options) string {
	if elements, ok := v.([]any); ok || f.Type == schema.MultiSelectPicklist {
		if !ok {
			elements = splitChoices(f, v)
		}
		single := *f
		single.Type = schema.Picklist
		var reasons []string
		for _, element := range elements {
			reasons = append(reasons, choiceReason(&single, element, o))
		}
		return joinReasons(reasons)
	}
	n, fault := translateChoice(f, v, o)
	if fault != nil {
		return "as given"
	}
	text, _ := TextOf(v)
	number, _ := n.(int)
	option := f.Option(number)
	if _, isText := v.(string); isText && option != nil && option.Label.Is(text) {
		return fmt.Sprintf("label %q is option %d of %s", text, number, f.LogicalName)
	}
	if option == nil {
		return fmt.Sprintf("option %d of %s, whose options are not known", number, f.LogicalName)
	}
	return fmt.Sprintf("option %d of %s is %q", number, f.LogicalName, option.Label.String())
}

func timeReason(f *schema.Field, text string, o Options) string {
	t, fault := Value(f, text, o)
	_, local := parseClock(strings.TrimSpace(text), time.UTC)
	switch {
	case f.Behavior == schema.DateOnly:
		return "a date, as given"
	case fault != nil: // a day, which a search compares by its begin and end
		return "a day, of the zone of the application user"
	case f.Behavior == schema.TimeZoneIndependent:
		return "what a clock shows, which no zone changes"
	case local && o.Zone != nil && o.Search && len(strings.TrimSpace(text)) == len("2006-01-02"):
		return fmt.Sprintf("a day in %s, from its begin to its end", o.Zone)
	case local && o.Zone != nil:
		return fmt.Sprintf("local time in %s is %v", o.Zone, t.Wire)
	}
	return fmt.Sprintf("the moment is %v", t.Wire)
}

func lookupReason(f *schema.Field, v any, o Options) string {
	l, fault := ParseLookup(f, v, o)
	_, isText := v.(string)
	switch {
	case fault != nil:
		return "a record ID, which is enough in a search"
	case l.Where != nil:
		return fmt.Sprintf("the one record of %s that matches the lookup's %s", l.Entity, l.Where.Member())
	case l.ID != "" && isText:
		return fmt.Sprintf("the ID of a record of %s, which the field points at", l.Entity)
	case l.ID != "":
		return "a reference to a record of " + l.Entity
	case l.Entity == "":
		return fmt.Sprintf("%q was found among %s", l.Name, input.OneOf(f.Targets))
	}
	return fmt.Sprintf("%s %q was found by its name", l.Entity, l.Name)
}

func partyReason(f *schema.Field, v any, o Options) string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var reasons []string
	for _, element := range list {
		switch text, isText := element.(string); {
		case isText && strings.Contains(text, "@"):
			reasons = append(reasons, "an address for which there is no record")
		default:
			reasons = append(reasons, lookupReason(f, element, o))
		}
	}
	return joinReasons(reasons)
}

// joinReasons is several reasons as one, each told once.
func joinReasons(reasons []string) string {
	var once []string
	for _, reason := range reasons {
		if !slices.Contains(once, reason) {
			once = append(once, reason)
		}
	}
	return strings.Join(once, "; ")
}
