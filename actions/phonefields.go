package actions

import (
	"slices"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// mostPhoneValues bounds how many values the query of the usual spellings compares with: a statement of Dataverse's database has
// 2,100 parameters at most (SQL Server, "Maximum capacity specifications").
const mostPhoneValues = 800

// phoneFieldsOf are the fields that an entity has for phone numbers: those for a record's own numbers first, each by logical name.
func phoneFieldsOf(e *schema.Entity) []*schema.Field {
	var fields []*schema.Field
	for _, f := range e.Fields {
		if isPhoneField(f) {
			fields = append(fields, f)
		}
	}
	slices.SortFunc(fields, func(a, b *schema.Field) int {
		if isAnothers(a) != isAnothers(b) {
			if isAnothers(b) {
				return -1
			}
			return 1
		}
		return strings.Compare(a.LogicalName, b.LogicalName)
	})
	return fields
}

// isAnothers reports whether a field has the number of somebody else than the record: a contact's manager and assistant, and
// the company with all who work there (Dataverse, "Contact table"). nil, which stands for the end of a list, is no record's own.
func isAnothers(f *schema.Field) bool {
	if f == nil {
		return true
	}
	switch f.LogicalName {
	case "managerphone", "assistantphone", "company":
		return true
	}
	return false
}

// usualFields are the fields in which the usual spellings are looked for: for the record's own numbers, and short enough that
// there is nothing beside a number in them.
func (p *phoneSearch) usualFields() []*schema.Field {
	return slices.DeleteFunc(slices.Clone(p.fields[:p.own]), func(f *schema.Field) bool { return f.Type != schema.String })
}

// usualTerm is the condition that one of the record's own fields has the number in a usual spelling; nil where none can. One
// condition a field compares with all spellings, as Dataverse takes 500 conditions at most (FetchXML, "Limits").
func (p *phoneSearch) usualTerm() odata.Expr {
	var values odata.Array
	for _, text := range p.usualTexts {
		values = append(values, odata.String(text))
	}
	var terms []odata.Expr
	for _, f := range p.usualFields() {
		terms = append(terms, &odata.QueryFunction{Name: "In", Params: []odata.Param{
			{Name: "PropertyName", Value: odata.String(f.LogicalName)}, {Name: "PropertyValues", Value: values},
		}})
	}
	if len(terms) == 0 {
		return nil
	}
	return joined(odata.Or, terms)
}

// prepareUsual makes the whole condition of the search by usual spellings: of all its terms, that of the number in its place has
// another. One that is too long to be sent is none.
func (p *phoneSearch) prepareUsual(terms []odata.Expr, place int) {
	texts := p.number.Spellings(p.region)
	p.usualTexts = texts[:min(len(texts), mostPhoneValues/max(1, len(p.usualFields())))] // the fewer the more fields there are
	term := p.usualTerm()
	if term == nil {
		return
	}
	terms = slices.Clone(terms)
	terms[place] = term
	if whole := joined(odata.And, terms); input.CheckQuery(odata.FormatFilter(whole), "where") == nil {
		p.usual = whole
	}
}

// phoneRank is how well a record has a number, the best first.
type phoneRank int

const (
	usualNumber    phoneRank = iota // as its own, in a usual spelling
	ownNumber                       // as its own, in another
	anothersNumber                  // as that of its manager, its assistant or its company only
	noNumber                        // not at all
)

// rank is how well a record has the number. Whether a spelling is a usual one is judged here alone, byte by byte: what Dataverse
// takes for equal depends on its collation.
func (p *phoneSearch) rank(row dataverse.Record) phoneRank {
	match, texts := p.match(row), p.usualTexts
	if match == nil {
		return noNumber
	}
	if !slices.ContainsFunc(p.fields[:p.own], func(f *schema.Field) bool { return f.LogicalName == match.Field }) {
		return anothersNumber // its own fields are looked at first
	}
	for _, f := range p.usualFields() {
		value, _ := row.Value(f.Property())
		if text, ok := value.(string); ok && slices.Contains(texts, text) && p.number.In(text, p.region) {
			return usualNumber
		}
	}
	return ownNumber
}

// isPhoneField reports whether a search by a phone number that names no fields looks into this one.
func isPhoneField(f *schema.Field) bool {
	return f.Type == schema.String && f.Format == "Phone" && translate.Searchable(f)
}
