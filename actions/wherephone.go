package actions

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/phone"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// phoneMember is the member of `where` that finds a phone number in any spelling.
const phoneMember = "@phone"

// mostPhoneFields bounds the fields that one search looks into, and with it the length of its query.
const mostPhoneFields = 40

// PhoneSearch is how a search read the number that it was given.
type PhoneSearch struct {
	E164   string   // as "+13175550125"
	Region string   // whose numbers come without a country code: what the request says, as "US"; "" for the number's own
	Fields []string // that were looked into, by logical name
}

// PhoneMatch says by what a record was found.
type PhoneMatch struct {
	Field  string // logical name
	Number string // as it is stored
	E164   string
}

// phoneSearch finds records by a phone number, however it is spelled. Dataverse cannot compare numbers, and is asked in one
// or both of two ways: for the records that have the number in a usual spelling, which an index answers, and for those that have
// its digits in a field, in this order whatever stands between them, for which it reads every record. What comes back is read.
// So a record is never missed for its spelling, and none is found that has another number with the same last digits.
type phoneSearch struct {
	number     phone.Number
	region     string
	fields     []*schema.Field // in the order in which they are looked at: the record's own first
	own        int             // how many of fields are for the record's own numbers
	named      bool            // whether the request names them
	usualTexts []string        // the usual spellings
	usual      odata.Expr      // the whole condition of the search with the usual spellings in place of digits; nil for none
}

// splitPhone takes the phone number out of a `where`.
func splitPhone(pairs map[string]any) (rest map[string]any, number any, found bool) {
	number, found = pairs[phoneMember]
	if !found {
		return pairs, nil, false
	}
	rest = make(map[string]any, len(pairs))
	for name, value := range pairs {
		if name != phoneMember {
			rest[name] = value
		}
	}
	return rest, number, true
}

func hasPhone(pairs map[string]any) bool {
	_, found := pairs[phoneMember]
	return found
}

// phone reads the value of phoneMember: a number, or an object with its region and the fields to look into.
func (c comparer) phone(value any) (*phoneSearch, []input.Fault) {
	path := cmp.Or(c.member, "where") + "." + phoneMember
	c.noValue = "compare a field of the number with null"
	object, ok := value.(map[string]any)
	if !ok {
		object = map[string]any{"number": value}
	}
	p, faults := &phoneSearch{}, checkPhoneMembers(object, path)
	var fault *input.Fault
	if p.fields, fault = c.phoneFields(object, path); fault != nil {
		faults = append(faults, *fault)
	}
	_, p.named = object["fields"]
	p.own = len(p.fields)
	if !p.named {
		p.own = slices.IndexFunc(append(slices.Clone(p.fields), nil), isAnothers)
	}
	if p.region, fault = c.phoneRegion(object["region"], path+".region"); fault != nil {
		return nil, append(faults, *fault)
	}
	if ok {
		path += ".number"
	}
	if p.number, fault = c.phoneNumber(object["number"], p.region, path); fault != nil {
		faults = append(faults, *fault)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return p, nil
}

func checkPhoneMembers(object map[string]any, path string) []input.Fault {
	allowed := []string{"number", "region", "fields"}
	var faults []input.Fault
	for _, name := range input.SortedNames(object) {
		if !slices.Contains(allowed, name) {
			fault := input.NewFault(input.InvalidValue, path+"."+name, "a phone number has no %q: it has number, region and fields", name)
			fault.Allowed, fault.Nearest = allowed, schema.Nearest(name, allowed)
			faults = append(faults, *fault)
		}
	}
	return faults
}

// phoneNumber is the number to look for.
func (c comparer) phoneNumber(value any, region, path string) (phone.Number, *input.Fault) {
	if value == nil {
		return phone.Number{}, input.NewFault(input.VariableUnset, path, "there is no number, and a search needs one; to search for records without a value %s", c.noValue)
	}
	value, fault := c.given(value, path)
	if fault != nil {
		return phone.Number{}, fault
	}
	text, ok := translate.TextOf(value)
	if !ok {
		return phone.Number{}, input.NewFault(input.InvalidValue, path, "takes a phone number as a text, and was given %s", translate.Shown(&schema.Field{}, value))
	}
	number, err := phone.Parse(text, region)
	switch {
	case errors.Is(err, phone.ErrNoCountry):
		return number, input.NewFault(input.InvalidValue, path, "%s cannot be used: %v; write it as \"+13175550125\", or give the region beside it, as {\"number\": …, \"region\": \"US\"}", translate.Shown(&schema.Field{}, text), err)
	case err != nil:
		return number, input.NewFault(input.InvalidValue, path, "%s cannot be used: %v; a number is written as \"+13175550125\", or as people of its region write it", translate.Shown(&schema.Field{}, text), err)
	}
	return number, nil
}

// phoneRegion is whose numbers come without a country code; "" where the request does not say.
func (c comparer) phoneRegion(value any, path string) (string, *input.Fault) {
	if value == nil {
		return "", nil
	}
	value, fault := c.given(value, path)
	if fault != nil {
		return "", fault
	}
	text, _ := value.(string)
	if region := strings.ToUpper(strings.TrimSpace(text)); phone.IsRegion(region) {
		return region, nil
	}
	return "", input.NewFault(input.InvalidValue, path, "%s is no region with phone numbers: it takes a country's two letters, as \"NL\"", translate.Shown(&schema.Field{}, value))
}

// phoneFields are the fields to look into: those that the request names, else all that the entity has for phone numbers.
func (c comparer) phoneFields(object map[string]any, path string) ([]*schema.Field, *input.Fault) {
	path += ".fields"
	value, given := object["fields"]
	if !given {
		fields := phoneFieldsOf(c.entity)
		if len(fields) == 0 || len(fields) > mostPhoneFields {
			return nil, input.NewFault(input.InvalidField, path, "%s has %d fields for phone numbers: name those to look into, from 1 to %d", c.entity.LogicalName, len(fields), mostPhoneFields)
		}
		return fields, nil
	}
	names, ok := value.([]any)
	if !ok || len(names) == 0 || len(names) > mostPhoneFields {
		return nil, input.NewFault(input.InvalidValue, path, "takes a list of the fields to look into, from 1 to %d", mostPhoneFields)
	}
	var fields []*schema.Field
	for _, name := range names {
		f, fault := c.phoneField(name, path)
		if fault != nil {
			return nil, fault
		}
		if !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// phoneField is a field that the request names: of whatever text, for numbers are kept in fields of any format.
func (c comparer) phoneField(name any, path string) (*schema.Field, *input.Fault) {
	text, ok := name.(string)
	if !ok || input.HasTemplate(text) {
		return nil, input.NewFault(input.InvalidValue, path, "takes the logical names of fields, as \"telephone1\"")
	}
	f, fault := c.field(text, path)
	if fault == nil && f.Type != schema.String && f.Type != schema.Memo {
		fault = input.NewFault(input.InvalidField, path, "%s.%s holds no text, and so no phone number (%s)", c.entity.LogicalName, f.LogicalName, f.Type)
	}
	return f, fault
}

// filter is the condition that one of the fields has the number's digits, with whatever between them. Dataverse takes % for a
// wildcard in contains (Web API, "Filter rows").
func (p *phoneSearch) filter() odata.Expr {
	pattern := odata.String(strings.Join(strings.Split(p.number.Core(), ""), "%"))
	terms := make([]odata.Expr, len(p.fields))
	for i, f := range p.fields {
		terms[i] = &odata.Call{Func: "contains", Path: odata.Path{f.Property()}, Value: pattern}
	}
	return joined(odata.Or, terms)
}

// selecting is a selection with the fields that are looked into; nil, which selects all, stays.
func (p *phoneSearch) selecting(properties []string) []string {
	if p == nil || properties == nil {
		return properties
	}
	selected := slices.Clone(properties)
	for _, f := range p.fields {
		if !slices.Contains(selected, f.Property()) {
			selected = append(selected, f.Property())
		}
	}
	return selected
}

// match is the first field of a record that has the number; nil where none has, and of a search without a number.
func (p *phoneSearch) match(row dataverse.Record) *PhoneMatch {
	if p == nil {
		return nil
	}
	for _, f := range p.fields {
		value, _ := row.Value(f.Property())
		if text, ok := value.(string); ok && p.number.In(text, p.region) {
			return &PhoneMatch{Field: f.LogicalName, Number: text, E164: p.number.E164()}
		}
	}
	return nil
}

// told is the search for an answer; nil of a search without a number.
func (p *phoneSearch) told() *PhoneSearch {
	if p == nil {
		return nil
	}
	told := &PhoneSearch{E164: p.number.E164(), Region: p.region}
	for _, f := range p.fields {
		told.Fields = append(told.Fields, f.LogicalName)
	}
	return told
}

// phoneCapped warns that not all records with a number's digits were read.
func phoneCapped() Warning {
	return Warning{
		Code: PhoneSearchCapped, Field: "where." + phoneMember,
		Message: fmt.Sprintf("More than %d records have the number's digits in this order, which is as many as are read: there may be matches behind them. Fewer fields, or another field of where beside the number, find the rest.", mostRows),
	}
}
