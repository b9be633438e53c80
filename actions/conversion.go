package actions

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// notes collects what becomes of a request's values. A nil one collects nothing; any number of goroutines may use one.
type notes struct {
	mu   sync.Mutex
	list []Conversion
}

// newNotes is where the values of a call are noted; nil for one that is not to be explained.
func newNotes(wanted bool) *notes {
	if !wanted {
		return nil
	}
	return &notes{}
}

func (n *notes) add(c Conversion) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Contains(n.list, c) {
		n.list = append(n.list, c)
	}
}

// all is what was noted, by field.
func (n *notes) all() []Conversion {
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	slices.SortStableFunc(n.list, func(a, b Conversion) int { return strings.Compare(a.Field, b.Field) })
	return n.list
}

// newConversion is what becomes of a rendered value. What must not be shown of it is left out.
func newConversion(f *schema.Field, path string, given any, sent, reason string) Conversion {
	c := Conversion{Field: path, Given: givenText(given), Sent: sent, Reason: reason}
	if why := translate.Hidden(f); why != "" {
		c.Given, c.Sent, c.Reason, c.Sensitive = "", "", why, true
	}
	return c
}

// givenText is a rendered value as a person reads it.
func givenText(v any) string {
	if text, ok := translate.TextOf(v); ok {
		return text
	}
	text, err := json.Marshal(plainLookups(v))
	if err != nil {
		return ""
	}
	return string(text)
}

// plainLookups is a value in which lookups by `where` stand as the request writes them, without what they compare with: that is
// noted by itself.
func plainLookups(v any) any {
	switch v := v.(type) {
	case lookupWhere:
		object := maps.Clone(v.object)
		if object == nil {
			object = map[string]any{}
		}
		object[v.member] = "…"
		return object
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plainLookups(v[i])
		}
		return list
	}
	return v
}

// noteField notes what the request gives for a field of the record. What is sent is known later.
func (v *recordValues) noteField(f *schema.Field, path string, given any, reason string) {
	if v.notes != nil {
		c := newConversion(f, path, given, "", reason)
		c.Reason = translate.ByLabel(f, strings.TrimPrefix(path, "fields.")) + c.Reason
		v.given[f.LogicalName] = c
	}
}

// noteSent notes what is sent of each value.
func (v *recordValues) noteSent(ctx context.Context, client *dataverse.Client) error {
	if v.notes == nil {
		return nil
	}
	sent := maps.Clone(v.values)
	maps.Copy(sent, v.later)
	for _, name := range input.SortedNames(sent) {
		text, err := sentText(ctx, client, sent[name], "fields."+name)
		if err != nil {
			return err
		}
		c, ok := v.given[name]
		switch {
		case !ok: // only a state is sent that was not given
			c = Conversion{Field: "fields." + name, Reason: "the state that goes with the status"}
			c.Sent = text
		case !c.Sensitive:
			c.Sent = text
		}
		v.notes.add(c)
	}
	return nil
}

// sentText is a translated value as it stands in a request's body.
func sentText(ctx context.Context, client *dataverse.Client, value any, path string) (string, error) {
	switch value := value.(type) {
	case nil:
		return "null", nil
	case translate.Reference:
		return recordAddress(ctx, client, value, path)
	case []int:
		return translate.ChosenText(value), nil
	case []party:
		var texts []string
		for _, p := range value {
			text := p.Address
			if text == "" {
				var err error
				if text, err = recordAddress(ctx, client, p.Reference, path); err != nil {
					return "", err
				}
			}
			texts = append(texts, text)
		}
		return strings.Join(texts, ", "), nil
	}
	text, _ := translate.TextOf(value)
	return text, nil
}

// noteTerm notes the condition that came of a value of a search.
func (c comparer) noteTerm(field string, value any, term odata.Expr, path string) {
	f := translate.Field(c.entity, field)
	if c.notes == nil || f == nil || term == nil {
		return
	}
	given, reason := value, "a search for records without a value"
	compared, _ := term.(*odata.Compare)
	switch list, isList := value.([]any); {
	case value == nil && compared != nil && compared.Op == odata.Ne:
		reason = "a search for records that have a value"
	case value == nil:
	case isList:
		values, _ := c.operands(f, list, path)
		given, reason = values, translate.Reasons(f, values, c.options(path))
	default:
		given, _ = c.operand(f, value, path)
		reason = translate.Reason(f, given, c.options(path))
	}
	conversion := newConversion(f, path, given, odata.FormatFilter(term), reason)
	conversion.Reason = translate.ByLabel(f, field) + conversion.Reason
	c.notes.add(conversion)
}

// notePhone notes how a phone number is searched for.
func (c comparer) notePhone(p *phoneSearch) {
	if c.notes == nil {
		return
	}
	number := p.number.E164()
	c.notes.add(Conversion{
		Field: cmp.Or(c.member, "where") + "." + phoneMember, Given: number, Sent: odata.FormatFilter(p.filter()),
		Reason: number + " in any spelling: usual ones are looked up first; what has its digits is read, and compared as a whole number",
	})
}
