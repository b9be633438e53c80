package actions

import (
	"context"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// party is one who takes part in an activity: a record, or an e-mail address that no record is known for.
type party struct {
	translate.Reference
	Address string // "" for a record
}

const (
	partyEntity     = "activityparty"
	partyLookup     = "partyid"
	partyKindField  = "participationtypemask"
	partyAddress    = "addressused"
	mostParties     = 500 // in one field: a bound of ours, for each may have to be looked up
	longestAddress  = 320 // of addressused
	lastMailKind    = 4   // the kinds up to it are an e-mail's sender and recipients
	ownerKind       = 9
	regardingKind   = 8
	activityPartyOf = "activityid" // points at the activity
)

// partyKinds are the ways to take part that a field of an activity stands for (Web API, "ActivityParty entity", activity
// party types). Regarding and owner are Dataverse's own to set.
var partyKinds = map[string]int{
	"from": 1, "to": 2, "cc": 3, "bcc": 4, "requiredattendees": 5, "optionalattendees": 6, "organizer": 7, "resources": 10, "customers": 11,
	"related": 13,
}

// partiesProperty is the navigation property of an activity's parties; "" for what is no activity.
func partiesProperty(e *schema.Entity) string {
	for _, r := range e.OneToMany {
		if r.ReferencingEntity == partyEntity && r.ReferencingField == activityPartyOf {
			return r.Navigation
		}
	}
	return ""
}

// takesParties reports whether a field holds parties that an action can write.
func takesParties(e *schema.Entity, f *schema.Field) bool {
	return f.Type == schema.PartyList && partyKinds[f.LogicalName] != 0 && len(f.Targets) > 0 && partiesProperty(e) != ""
}

// takesAddresses reports whether a field's parties may be addresses that no record is known for: Dataverse keeps such for
// e-mails (Web API, "E-mail activity entities").
func takesAddresses(e *schema.Entity, f *schema.Field) bool {
	return e.LogicalName == "email" && partyKinds[f.LogicalName] <= lastMailKind
}

// asked is a lookup, or one party of several, and what Dataverse says of it.
type asked struct {
	path    string // for faults
	lookup  translate.Lookup
	address string // of a party that is no record

	ref    translate.Reference
	found  bool
	faults []input.Fault
}

// parseParties reads a rendered value of a field that holds parties: one, or a list.
func parseParties(e *schema.Entity, f *schema.Field, v any, o translate.Options) ([]*asked, []input.Fault) {
	list, isList := v.([]any)
	if !isList {
		party, fault := parseParty(e, f, v, o)
		if fault != nil {
			return nil, []input.Fault{*fault}
		}
		return []*asked{party}, nil
	}
	if len(list) > mostParties {
		return nil, []input.Fault{*input.NewFault(input.InvalidValue, o.Path, "has %d parties; %s takes %d at most", len(list), translate.Named(f), mostParties)}
	}
	var all []*asked
	var faults []input.Fault
	for i, element := range list {
		inner := o
		inner.Path = fmt.Sprintf("%s[%d]", o.Path, i)
		more, moreFaults := parseParties(e, f, element, inner) // of a variable that holds a list, several
		all, faults = append(all, more...), append(faults, moreFaults...)
	}
	return all, faults
}

func parseParty(e *schema.Entity, f *schema.Field, v any, o translate.Options) (*asked, *input.Fault) {
	text, isText := v.(string)
	if text = strings.TrimSpace(text); isText && strings.Contains(text, "@") {
		if fault := checkAddress(e, f, text, o); fault != nil {
			return nil, fault
		}
		return &asked{path: o.Path, address: text}, nil
	}
	if _, err := dataverse.ParseID(text); isText && err != nil {
		return nil, translate.Misfit(f, v, o, "it takes %s", rightParty(e, f))
	}
	l, fault := translate.ParseLookup(f, v, o)
	return &asked{path: o.Path, lookup: l}, fault
}

// checkAddress is what is wrong with an e-mail address as a party; nil where nothing is.
func checkAddress(e *schema.Entity, f *schema.Field, text string, o translate.Options) *input.Fault {
	if !takesAddresses(e, f) {
		return input.NewFault(input.InvalidValue, o.Path, "an address alone is a party of an e-mail only; %s takes %s", translate.Named(f), rightParty(e, f))
	}
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text || len(text) > longestAddress {
		return translate.Misfit(f, text, o, "an address is written as ada@example.com, without a name, in at most %d characters", longestAddress)
	}
	return nil
}

// rightParty says how parties are written.
func rightParty(e *schema.Entity, f *schema.Field) string {
	right := "a record or a list of them, each a reference, " + translate.RightLookup(f)
	if takesAddresses(e, f) {
		right += ", or an e-mail address"
	}
	return right
}

// renderParties renders a list of parties, which may be lookups by `where`.
func (c comparer) renderParties(f *schema.Field, list []any, path string) (input.Rendered, *input.Fault) {
	out := input.Rendered{}
	rendered := make([]any, len(list))
	for i, element := range list {
		v, fault := c.renderField(f, element, fmt.Sprintf("%s[%d]", path, i))
		if fault != nil {
			return input.Rendered{}, fault
		}
		out.Join(v)
		if v.State == input.Set {
			rendered[i] = v.Value
		}
	}
	out.Value = rendered
	return out, nil
}

// takeParties reads the parties of a field.
func (v *recordValues) takeParties(f *schema.Field, value any, o translate.Options) {
	all, faults := parseParties(v.entity, f, value, o)
	v.faults = append(v.faults, faults...)
	if len(faults) == 0 {
		v.parties[f.LogicalName] = all
	}
}

// partiesFound are the parties that were found, each once. A field of which none was is left out.
func (v *recordValues) partiesFound(name string) {
	all := v.parties[name]
	found := []party{}
	for _, a := range all {
		switch {
		case len(a.faults) > 0:
			v.faults = append(v.faults, a.faults...)
			return
		case a.address == "" && !a.found:
			v.warnings = append(v.warnings, Warning{Code: LookupOmitted, Field: a.path, Message: "the party's lookup finds nothing: it was left out"})
			continue
		}
		if p := (party{Reference: a.ref, Address: a.address}); !slices.Contains(found, p) {
			found = append(found, p)
		}
	}
	if len(found) > 0 || len(all) == 0 {
		v.values[name] = found
	}
}

// wireParties writes the parties of one field of an activity, as a record of its own each. The lookup is bound by the
// navigation property of the metadata.
func wireParties(ctx context.Context, client *dataverse.Client, name string, all []party) ([]any, error) {
	var list []any
	for _, p := range all {
		object := map[string]any{partyKindField: partyKinds[name]}
		if p.Address != "" {
			object[partyAddress] = p.Address
			list = append(list, object)
			continue
		}
		property, address, err := partyBind(ctx, client, p.Reference, "fields."+name)
		if err != nil {
			return nil, err
		}
		object[property] = address
		list = append(list, object)
	}
	return list, nil
}

// partyBind is the member that binds a party to its record.
func partyBind(ctx context.Context, client *dataverse.Client, ref translate.Reference, path string) (property, address string, err error) {
	e, err := client.Entity(ctx, partyEntity)
	if err != nil {
		return "", "", err
	}
	f := e.Field(partyLookup)
	if f == nil || f.Navigation[ref.Entity] == "" {
		return "", "", input.ErrorOf([]input.Fault{*input.NewFault(input.InvalidValue, path, "records of %s cannot be parties of an activity", ref.Entity)})
	}
	address, err = recordAddress(ctx, client, ref, path)
	return f.Navigation[ref.Entity] + "@odata.bind", address, err
}
