package actions

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse/schema"
)

// phoneWorld has contacts with numbers in several spellings and fields.
func phoneWorld(t *testing.T) world {
	t.Helper()
	return newWorldWith(t, map[string][]map[string]any{
		"contacts": {
			{"lastname": "Dotted", "telephone1": "317.555.0125"},
			{"lastname": "Mobile", "telephone1": "317 555 0199", "mobilephone": "+31 6 12345678"},
			{"lastname": "Neighbour", "telephone1": "416.555.0125"},
			{"lastname": "Assistant", "assistantphone": "(0044) 20 7946 0958"},
			{"lastname": "Note", "description": "call 020 7946 0000"},
			{"lastname": "Twice", "telephone1": "+49 30 1234567", "telephone2": "030/1234567"},
			{"lastname": "Again", "telephone2": "0049301234567"},
		},
		"accounts": {{"name": "Dotted & Co", "telephone1": "+1 317 555 0125"}},
	})
}

func byPhone(number string, more ...any) map[string]any {
	object := map[string]any{"number": number}
	for i := 0; i+1 < len(more); i += 2 {
		object[more[i].(string)] = more[i+1]
	}
	return map[string]any{"@phone": object}
}

func TestPhoneIsFoundWhateverItsSpelling(t *testing.T) {
	t.Parallel()
	w := phoneWorld(t)
	for _, asked := range []string{"+1 (317) 555-0125", "+13175550125", "3175550125", "317-555-0125", "(317) 555 0125", "tel:+1-317-555-0125", "001 317 555 0125", "1 317 555 0125 x5"} {
		got := w.find(t, FindRecord{Entity: "contact", Where: byPhone("{{ caller }}", "region", "us"), Variables: map[string]any{"caller": asked}})
		want := &PhoneMatch{Field: "telephone1", Number: "317.555.0125", E164: "+13175550125"}
		if got.Outcome != Matched || got.Record.Name != "Dotted" || *got.MatchCount != 1 || !got.MoreMatches || !cmp.Equal(got.PhoneMatch, want) {
			t.Errorf("%q: %s %+v, %+v, want the one contact with the number", asked, got.Outcome, got.Record, got.PhoneMatch)
		}
	}
}

func TestPhoneMatchIsTold(t *testing.T) {
	t.Parallel()
	w := phoneWorld(t)
	save := map[string]string{"field": "@phone_field", "number": "@phone_number", "id": "@id"}
	got := w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"@phone": "+31612345678", "lastname": "mobile"}, Save: save})
	if got.Outcome != Matched || got.Variables["field"] != "mobilephone" || got.Variables["number"] != "+31 6 12345678" {
		t.Errorf("variables = %v, want the field and the number as it is stored", got.Variables)
	}
	if s := got.PhoneSearch; s == nil || s.E164 != "+31612345678" || s.Region != "" || !slices.Contains(s.Fields, "assistantphone") || slices.Contains(s.Fields, "yomilastname") {
		t.Errorf("phone search = %+v, want all fields for phone numbers", s)
	}
	got = w.find(t, FindRecord{Entity: "contact", Where: byPhone("+1 317 555 0999"), Save: save, Variables: map[string]any{"field": "of the customer before"}})
	if got.Outcome != NotMatched || *got.MatchCount != 0 || got.Variables["field"] != nil || got.PhoneMatch != nil || got.PhoneSearch.E164 != "+13175550999" {
		t.Errorf("%+v, want NOT_MATCHED that tells what was looked for", got)
	}
	got = w.find(t, FindRecord{Entity: "contact", Where: byPhone("030 1234567", "region", "DE", "fields", []any{"telephone2", "telephone1"}), MaxCandidates: 5, OrderBy: []string{"lastname desc"}})
	if got.Record.Name != "Twice" || got.PhoneMatch.Field != "telephone2" || *got.MatchCount != 2 || len(got.Candidates) != 2 || got.Candidates[1].PhoneMatch.Number != "0049301234567" {
		t.Errorf("%+v of %+v, want the order kept and the first of the named fields", got.PhoneMatch, got.Candidates)
	}
	got = w.find(t, FindRecord{Entity: "contact", Where: byPhone("+4930 1234567"), OnMultiple: TakeNone})
	if got.Outcome != Ambiguous || len(got.Candidates) != 2 || got.PhoneMatch != nil {
		t.Errorf("%s with %d candidates, want AMBIGUOUS with 2", got.Outcome, len(got.Candidates))
	}
	got = w.find(t, FindRecord{Entity: "contact", Where: byPhone("+442079460000", "fields", []any{"Description"})})
	if got.Record == nil || got.Record.Name != "Note" {
		t.Errorf("record = %+v, want the one with the number in its notes", got.Record)
	}
	got = w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"@phone": "{{ n }}"}, Variables: map[string]any{"n": "+442079460958"}, Conditions: []Condition{{Field: "lastname", Operator: "begins_with", Value: "Assis"}}})
	if got.Record == nil || got.PhoneMatch.Field != "assistantphone" {
		t.Errorf("record = %+v, %+v, want it found beside a condition", got.Record, got.PhoneMatch)
	}
}

func TestPhoneFaults(t *testing.T) {
	t.Parallel()
	w := phoneWorld(t)
	for _, c := range []struct {
		name         string
		where        map[string]any
		reason       input.Reason
		field, tells string
	}{
		{"unset", map[string]any{"@phone": "{{ nobody }}"}, input.VariableUnset, "where.@phone", "is not set"},
		{"unset in an object", byPhone("{{ nobody }}"), input.VariableUnset, "where.@phone.number", "is not set"},
		{"null", map[string]any{"@phone": nil}, input.VariableUnset, "where.@phone", "compare a field"},
		{"a null variable", map[string]any{"@phone": "{{ nothing }}"}, input.VariableUnset, "where.@phone", "null"},
		{"blank", map[string]any{"@phone": " "}, input.InvalidValue, "where.@phone", "blank"},
		{"a blank variable", map[string]any{"@phone": "{{ blank }}"}, input.VariableUnset, "where.@phone", "blank"},
		{"no number", map[string]any{"@phone": "hello"}, input.InvalidValue, "where.@phone", `"+13175550125"`},
		{"a list", map[string]any{"@phone": []any{"+13175550125"}}, input.InvalidValue, "where.@phone", "a list"},
		{"an object without a number", map[string]any{"@phone": map[string]any{"region": "US"}}, input.VariableUnset, "where.@phone.number", "no number"},
		{"no country", map[string]any{"@phone": "317 555 0125"}, input.InvalidValue, "where.@phone", `"region": "US"`},
		{"no area code", byPhone("555 0125", "region", "US"), input.InvalidValue, "where.@phone.number", "area code"},
		{"no region", byPhone("317 555 0125", "region", "USA"), input.InvalidValue, "where.@phone.region", `"NL"`},
		{"an unset region", byPhone("317 555 0125", "region", "{{ nobody }}"), input.VariableUnset, "where.@phone.region", "is not set"},
		{"an unknown member", byPhone("+13175550125", "filds", []any{"telephone1"}), input.InvalidValue, "where.@phone.filds", "fields"},
		{"an unknown field", byPhone("+13175550125", "fields", []any{"telephon1"}), input.InvalidField, "where.@phone.fields", "telephone1"},
		{"a field that is no text", byPhone("+13175550125", "fields", []any{"birthdate"}), input.InvalidField, "where.@phone.fields", "holds no text"},
		{"a template for a field", byPhone("+13175550125", "fields", []any{"{{ blank }}"}), input.InvalidValue, "where.@phone.fields", "logical names"},
		{"no fields", byPhone("+13175550125", "fields", []any{}), input.InvalidValue, "where.@phone.fields", "from 1"},
		{"a megabyte", map[string]any{"@phone": "{{ long }}"}, input.InvalidValue, "where.@phone", "too long"},
	} {
		_, err := w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: c.where, Variables: map[string]any{"nothing": nil, "blank": " ", "long": strings.Repeat("+1 317 555 0125 ", 1<<16)}})
		faults := input.FaultsOf(err)
		if len(faults) != 1 || faults[0].Reason != c.reason || faults[0].Field != c.field || !strings.Contains(faults[0].Message, c.tells) || len(faults[0].Message) > 1000 {
			t.Errorf("%s: %v, want %s at %s that tells %q", c.name, err, c.reason, c.field, c.tells)
		}
	}
	_, err := w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: map[string]any{"@phone": "x", "nosuch": 1}, Save: map[string]string{"a": "@phone_feld"}})
	if faults := input.FaultsOf(err); len(faults) != 3 {
		t.Errorf("%v, want all three faults at once", err)
	}
	_, err = w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: map[string]any{"lastname": "x"}, Save: map[string]string{"a": "@phone_field"}})
	if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Reason != input.InvalidField || !strings.Contains(faults[0].Message, "@phone") {
		t.Errorf("%v, want @phone_field refused without @phone", err)
	}
	_, err = w.FindRecord(t.Context(), FindRecord{Entity: "team", Where: map[string]any{"@phone": "+13175550125"}})
	if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Field != "where.@phone.fields" {
		t.Errorf("%v, want an entity without phone fields refused", err)
	}
}

func TestPhoneQueryIsShown(t *testing.T) {
	t.Parallel()
	w := phoneWorld(t)
	got := w.find(t, FindRecord{Entity: "contact", Where: byPhone("+1 (317) 555-0125", "fields", []any{"telephone1", "mobilephone"}), ValidateOnly: true})
	var conditions, filters []string
	for _, request := range got.Requests {
		u, err := url.Parse(request.URL)
		if err != nil {
			t.Fatal(err)
		}
		conditions, filters = append(conditions, request.Condition), append(filters, u.Query().Get("$filter"))
		if top := u.Query().Get("$top"); top != "100" && request.Condition != "if 100 records have the number's digits, and too few of them the number" {
			t.Errorf("%s rows are asked for at once", top)
		}
		if !strings.Contains(u.Query().Get("$select"), "telephone1,mobilephone") {
			t.Errorf("query = %v", u.Query())
		}
	}
	if want := []string{"", "if no record has the number as its own in a usual spelling", "if 100 records have the number's digits, and too few of them the number"}; !slices.Equal(conditions, want) || got.PhoneSearch == nil {
		t.Fatalf("conditions = %q, want %q", conditions, want)
	}
	for _, want := range []string{"Microsoft.Dynamics.CRM.In(PropertyName='telephone1',PropertyValues=[", ") or Microsoft.Dynamics.CRM.In(PropertyName='mobilephone',PropertyValues=[", `"+13175550125"`, `"(317) 555-0125"`, `"317.555.0125"`} {
		if !strings.Contains(filters[0], want) {
			t.Errorf("filter = %s, want %s in it", filters[0], want)
		}
	}
	if want := "contains(telephone1,'3%1%7%5%5%5%0%1%2%5') or contains(mobilephone,'3%1%7%5%5%5%0%1%2%5')"; filters[1] != want || filters[2] != want {
		t.Errorf("filters = %q, want %s", filters[1:], want)
	}
	for want, spec := range map[string]FindRecord{"": {CountMatches: true}, "if fewer than 4 records have the number as their own in a usual spelling": {OnMultiple: TakeNone}} {
		spec.Entity, spec.Where, spec.ValidateOnly = "contact", byPhone("+13175550125", "fields", []any{"telephone1"}), true
		if got := w.find(t, spec); got.Requests[1].Condition != want {
			t.Errorf("condition = %q, want %q", got.Requests[1].Condition, want)
		}
	}
	got = w.find(t, FindRecord{Entity: "contact", Where: byPhone("+13175550125", "fields", []any{"description"}), ValidateOnly: true})
	if len(got.Requests) != 2 || !strings.Contains(got.Requests[0].URL, "contains(description") {
		t.Errorf("requests = %+v, want no equality of a long text with a number", got.Requests)
	}
	w.wire.take()
	w.find(t, FindRecord{Entity: "contact", Where: byPhone("+1 (317) 555-0125", "fields", []any{"telephone1"})})
	if sent := w.wire.take(); !slices.Equal(sent, []string{"GET /contacts"}) {
		t.Errorf("sent %v, want one request", sent)
	}
}

// falseFriendsOnly answers each list of contacts with as many rows as it asks for, of which the last has the number.
type falseFriendsOnly struct {
	next http.RoundTripper
	most int // rows that there are
}

// RoundTrip implements http.RoundTripper.
func (f falseFriendsOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/contacts") {
		return f.next.RoundTrip(r)
	}
	top, err := strconv.Atoi(r.URL.Query().Get("$top"))
	if err != nil {
		return nil, err
	}
	var rows []map[string]any
	for i := range min(top, f.most) {
		row := map[string]any{"contactid": contactID(i + 1), "telephone1": "+49 3175550125", "fullname": "Friend"}
		if i == f.most-1 {
			row["telephone1"], row["fullname"] = "317-555-0125", "Last"
		}
		rows = append(rows, row)
	}
	body, err := json.Marshal(map[string]any{"value": rows})
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(string(body))), ContentLength: int64(len(body)),
	}, err
}

func TestPhoneIsFoundBehindFalseFriends(t *testing.T) {
	t.Parallel()
	spec := FindRecord{Entity: "contact", Where: byPhone("+13175550125", "fields", []any{"telephone1"}), CountMatches: true}
	w := phoneWorld(t)
	w.find(t, spec)
	server := w.wire.next
	for _, c := range []struct {
		rows, sent, found int
		more              bool
	}{{99, 2, 1, false}, {100, 3, 1, false}, {4999, 3, 1, false}, {5000, 3, 1, true}, {6000, 3, 0, true}} {
		if underRace && c.rows >= 4999 {
			continue // thousands of numbers are read one after another: there is nothing for the detector to find
		}
		w.wire.next = falseFriendsOnly{next: server, most: c.rows}
		w.wire.take()
		got := w.find(t, spec)
		warned := slices.ContainsFunc(got.Warnings, func(w Warning) bool { return w.Code == PhoneSearchCapped })
		if sent := w.wire.take(); len(sent) != c.sent || *got.MatchCount != c.found || got.MoreMatches != c.more || warned != c.more {
			t.Errorf("of %d rows: %v, %d matches, more %t, warned %t, want %+v", c.rows, sent, *got.MatchCount, got.MoreMatches, warned, c)
		}
	}
}

func TestPhoneMeansTheRecordToChange(t *testing.T) {
	t.Parallel()
	w := phoneWorld(t)
	got, err := w.UpdateRecord(t.Context(), UpdateRecord{Entity: "contact", Where: byPhone("3175550125", "region", "US"), Fields: map[string]any{"jobtitle": "caller"}})
	if err != nil || got.Outcome != Updated || got.Record.Name != "Dotted" {
		t.Errorf("%+v, %v, want the contact changed", got, err)
	}
	got, err = w.UpdateRecord(t.Context(), UpdateRecord{Entity: "contact", Where: byPhone("+49301234567"), Fields: map[string]any{"jobtitle": "caller"}})
	if err != nil || got.Outcome != Ambiguous || len(got.Candidates) != 2 || got.Candidates[0].PhoneMatch == nil {
		t.Errorf("%+v, %v, want AMBIGUOUS with the numbers", got, err)
	}
}

func TestPhoneOfAnUpsertIsKept(t *testing.T) {
	t.Parallel()
	w := phoneWorld(t)
	upsert := func(where, fields map[string]any) (Result, error) {
		return w.UpsertRecord(t.Context(), UpsertRecord{UpdateRecord: UpdateRecord{Entity: "contact", Where: where, Fields: fields, Save: map[string]string{"m": "mobilephone", "t": "telephone1"}}})
	}
	for range 2 {
		got, err := upsert(byPhone("(212) 555-0187", "region", "US", "fields", []any{"mobilephone", "telephone1"}), map[string]any{"lastname": "New"})
		if err != nil || got.Variables["m"] != "+12125550187" || got.Variables["t"] != nil {
			t.Fatalf("%+v, %v, want the number in the first field", got, err)
		}
		if got.Outcome != Created {
			break
		}
	}
	got, err := upsert(byPhone("(212) 555-0188", "region", "US"), map[string]any{"lastname": "Newer", "telephone1": "212 555 0188"})
	if err != nil || got.Outcome != Created || got.Variables["t"] != "212 555 0188" || got.Variables["m"] != nil {
		t.Errorf("%+v, %v, want the number as the request writes it", got, err)
	}
	if _, err := upsert(byPhone("(212) 555-0189", "region", "US"), map[string]any{"lastname": "Newest"}); input.FaultsOf(err) == nil || input.FaultsOf(err)[0].Field != "where.@phone" {
		t.Errorf("%v, want a record refused that the next call would not find", err)
	}
	if got := w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"@phone": "+12125550187"}, CountMatches: true}); *got.MatchCount != 1 {
		t.Errorf("%d contacts, want one", *got.MatchCount)
	}
}

func TestPhoneMeansALookup(t *testing.T) {
	t.Parallel()
	w := phoneWorld(t)
	lookup := func(number string) map[string]any {
		return map[string]any{"entity": "contact", "where": map[string]any{"@phone": number}}
	}
	got, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "incident", OnDuplicate: CreateDuplicate, Fields: map[string]any{"title": "No sound", "customerid": lookup("{{ caller }}")},
		Variables: map[string]any{"caller": "+1 317 555 0125"}, Save: map[string]string{"who": "customerid@formatted"},
	})
	if err != nil || got.Variables["who"] != "Dotted" {
		t.Errorf("%v, %v, want the case of the caller", got.Variables, err)
	}
	for number, want := range map[string]input.Reason{"+13175550999": input.LookupNotFound, "+49301234567": input.LookupAmbiguous, "no": input.InvalidValue} {
		_, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "incident", Fields: map[string]any{"title": "x", "customerid": lookup(number)}})
		if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Reason != want {
			t.Errorf("%s: %v, want %s", number, err, want)
		}
	}
	_, err = w.CreateRecord(t.Context(), CreateRecord{Entity: "incident", Fields: map[string]any{"title": "x", "customerid": lookup("{{ nobody }}")}})
	if faults := input.FaultsOf(err); len(faults) == 0 {
		t.Errorf("%v, want the customer missing", err)
	}
	w.wire.next = falseFriendsOnly{next: w.wire.next, most: 6000}
	_, err = w.CreateRecord(t.Context(), CreateRecord{Entity: "incident", Fields: map[string]any{"title": "x", "customerid": lookup("+13175550125")}})
	if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Reason != input.LookupAmbiguous {
		t.Errorf("%v, want a lookup refused that cannot be told", err)
	}
}

// The query of a number stays far below what Dataverse takes in one address, however many fields the entity has.
func TestPhoneQueryIsBounded(t *testing.T) {
	t.Parallel()
	w := phoneWorld(t)
	got := w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"@phone": "+49 1511 2345678901"[:18]}, ValidateOnly: true})
	for i, most := range []int{20_000, 8000, 8000} {
		if n := len(got.Requests[i].URL); n > most || len(got.PhoneSearch.Fields) < 15 {
			t.Errorf("address %d has %d characters for %d fields", i, n, len(got.PhoneSearch.Fields))
		}
	}
	var texts []any
	for _, f := range schema.Standard().Entity("contact").Fields {
		if f.Type == schema.String && translate.Searchable(f) && len(texts) < mostPhoneFields {
			texts = append(texts, f.LogicalName)
		}
	}
	got = w.find(t, FindRecord{Entity: "contact", Where: byPhone("+442079460958", "fields", texts), ValidateOnly: true})
	if n := len(got.Requests[0].URL); len(texts) != mostPhoneFields || n > 40_000 || strings.Count(got.Requests[0].URL, "%22%2B442079460958%22") != mostPhoneFields {
		t.Errorf("an address of %d characters for %d fields, want up to 40,000 with the number for each", n, len(texts))
	}
	var names []any
	for i := range 41 {
		names = append(names, fmt.Sprintf("telephone%d", i))
	}
	_, err := w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: byPhone("+13175550125", "fields", names)})
	if faults := input.FaultsOf(err); len(faults) != 1 || !strings.Contains(faults[0].Message, "from 1 to 40") {
		t.Errorf("%v, want too many fields refused", err)
	}
}
