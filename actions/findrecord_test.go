package actions

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/botverse/botverse/actions/actionstest"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
)

// contactID is the record ID of a contact of the demo data.
func contactID(n int) string { return fmt.Sprintf("c0000000-0000-4000-8000-%012x", n) }

func accountID(n int) string { return fmt.Sprintf("a0000000-0000-4000-8000-%012x", n) }

// find is FindRecord that must not fail.
func (w world) find(t testing.TB, spec FindRecord) Result {
	t.Helper()
	result, err := w.FindRecord(t.Context(), spec)
	if err != nil {
		t.Fatalf("FindRecord %s %v: %v", spec.Entity, spec.Where, err)
	}
	return result
}

// insert creates a record, whether it is a duplicate or not, and returns its ID.
func (w world) insert(t testing.TB, entity string, fields, variables map[string]any) string {
	t.Helper()
	result, err := w.CreateRecord(t.Context(), CreateRecord{Entity: entity, Fields: fields, Variables: variables, OnDuplicate: CreateDuplicate})
	if err != nil || result.Record == nil {
		t.Fatalf("CreateRecord %s: %v, %v", entity, result, err)
	}
	return result.Record.ID
}

func testFindRecordMatches(t *testing.T, w world) {
	got := w.find(t, FindRecord{
		Entity: "contact", Where: map[string]any{"emailaddress1": "{{ visitor.email }}"},
		Save: map[string]string{
			"name": "fullname", "how": "preferredcontactmethodcode@formatted", "company": "parentcustomerid@formatted", "born": "birthdate",
			"id": "@id", "link": "@url", "ref": "@record", "n": "@count", "fax": "fax",
		},
		Variables: map[string]any{"visitor": map[string]any{"email": "MARISOL.quintero@alderfinch.example.com"}, "fax": "the customer before"},
	})
	one := 1
	record := &Record{Entity: "contact", ID: contactID(1), Name: "Marisol Quintero", URL: got.Record.URL}
	if !strings.Contains(record.URL, "/main.aspx?") || !strings.Contains(record.URL, contactID(1)) {
		t.Errorf("url = %s", record.URL)
	}
	want := Result{
		Outcome: Matched, Record: record, MatchCount: &one, OrderedBy: []string{"statecode asc", "createdon asc", "contactid asc"},
		Variables: map[string]any{
			"visitor": map[string]any{"email": "MARISOL.quintero@alderfinch.example.com"},
			"name":    "Marisol Quintero", "how": "Email", "company": "Alder & Finch Logistics", "born": "1961-02-04",
			"id": contactID(1), "link": record.URL, "ref": map[string]any{"entity": "contact", "id": contactID(1), "name": "Marisol Quintero"}, "n": 1.0, "fax": nil,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

func testNoMatchIsAnOutcome(t *testing.T, w world) {
	got := w.find(t, FindRecord{
		Entity: "contact", Where: map[string]any{"emailaddress1": "nobody@example.com"}, Variables: map[string]any{"name": "the customer before"},
		Save: map[string]string{"name": "fullname", "how": "preferredcontactmethodcode", "n": "@count"}, SaveDefaults: map[string]any{"how": "Phone"},
	})
	if got.Outcome != NotMatched || got.Record != nil || *got.MatchCount != 0 || got.MoreMatches {
		t.Errorf("result = %+v, want NOT_MATCHED", got)
	}
	if diff := cmp.Diff(map[string]any{"name": nil, "how": "Phone", "n": 0.0}, got.Variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

func TestFindRecordIsOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := FindRecord{
		Entity: "account", Where: map[string]any{"name": "Castellan Robotics"}, MaxCandidates: 3,
		Save: map[string]string{"mail": "primarycontactid.emailaddress1", "contact": "primarycontactid@formatted"},
	}
	w.find(t, spec)
	w.wire.take()
	got := w.find(t, spec)
	if sent := w.wire.take(); !slices.Equal(sent, []string{"GET /accounts"}) {
		t.Errorf("sent %v, want one request", sent)
	}
	if got.Variables["mail"] != "jose.nunez@castellan.example.com" || got.Variables["contact"] != "José Núñez Ibarra" {
		t.Errorf("variables = %v, want what is behind the lookup", got.Variables)
	}
}

func TestEachTypeIsSearched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(t, "contact", map[string]any{
		"lastname": "Zz", "birthdate": "1990-02-28", "donotfax": true, "numberofchildren": 7.0, "creditlimit": "1234567.89", "description": "a note",
		"preferredcontactmethodcode": "Fax",
	}, nil)
	user := map[string]any{"entity": "systemuser", "name": "Dana Ruiz-Okafor"}
	for _, c := range []struct {
		entity string
		where  map[string]any
		want   string // the record's name
	}{
		{"contact", map[string]any{"lastname": "O'Brien"}, "Seán O'Brien"},
		{"contact", map[string]any{"fullname": "jose nunez ibarra"}, "José Núñez Ibarra"},
		{"contact", map[string]any{"birthdate": "1990-02-28"}, "Zz"},
		{"contact", map[string]any{"donotfax": "yes", "lastname": "Zz"}, "Zz"},
		{"contact", map[string]any{"numberofchildren": 7.0}, "Zz"},
		{"contact", map[string]any{"creditlimit": "1234567.89"}, "Zz"},
		{"contact", map[string]any{"description": "A NOTE"}, "Zz"},
		{"contact", map[string]any{"preferredcontactmethodcode": "fax"}, "Zz"},
		{"contact", map[string]any{"statecode": "Inactive"}, "Gwenllian ap Rhys"},
		{"contact", map[string]any{"contactid": contactID(7)}, "Anneliese Vogt"},
		{"contact", map[string]any{"lastname": "Smith", "firstname": "Jo", "parentcustomerid": nil}, "Jo Smith"},
		{"contact", map[string]any{"lastname": "Vogt", "parentcustomerid": accountID(3)}, "Anneliese Vogt"},
		{"contact", map[string]any{"lastname": "Vogt", "parentcustomerid": map[string]any{"entity": "account", "name": "Castellan Robotics"}}, "Anneliese Vogt"},
		{"account", map[string]any{"revenue": 610000000.0}, "Emberlight Energy"},
		{"account", map[string]any{"name": "Castellan Robotics", "ownerid": user}, "Castellan Robotics"},
		{"task", map[string]any{"prioritycode": "Low"}, "Prepare yearly review"},
	} {
		got := w.find(t, FindRecord{Entity: c.entity, Where: c.where})
		if got.Outcome != Matched || got.Record.Name != c.want {
			t.Errorf("%s %v: %s %v, want %s", c.entity, c.where, got.Outcome, got.Record, c.want)
		}
	}
}

func TestFirstOfSeveralIsTheOldestActive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := FindRecord{Entity: "contact", Where: map[string]any{"lastname": "Twin"}}
	first := w.insert(t, "contact", map[string]any{"lastname": "Twin", "firstname": "A"}, nil)
	for i := range 5 {
		w.insert(t, "contact", map[string]any{"lastname": "Twin", "firstname": fmt.Sprint(i)}, nil)
	}
	for range 10 {
		if got := w.find(t, spec); got.Record.ID != first || *got.MatchCount != 2 || !got.MoreMatches || got.Candidates != nil {
			t.Fatalf("%+v, want the oldest, %s", got, first)
		}
	}
	client := w.client(t)
	contact, err := client.Entity(t.Context(), "contact")
	if err != nil {
		t.Fatal(err)
	}
	if err := client.UpdateRecord(t.Context(), contact, dataverse.ID(first), dataverse.Fields{"statecode": 1, "statuscode": 2}); err != nil {
		t.Fatal(err)
	}
	if got := w.find(t, spec); got.Record.ID == first {
		t.Error("an inactive record came before active ones")
	}
	spec.OrderBy = []string{"firstname desc"}
	if got := w.find(t, spec); got.Record.ID != first || !slices.Equal(got.OrderedBy, []string{"firstname desc", "contactid asc"}) {
		t.Errorf("%+v, want the order of the request", got)
	}
}

func testSeveralMatches(t *testing.T, w world) {
	spec := FindRecord{
		Entity: "contact", Where: map[string]any{"emailaddress1": "jo.smith@example.com"}, OnMultiple: TakeNone,
		Save: map[string]string{"first": "firstname", "n": "@count", "id": "@id"}, SaveDefaults: map[string]any{"first": "you"},
	}
	got := w.find(t, spec)
	if got.Outcome != Ambiguous || got.Record != nil || *got.MatchCount != 2 || got.MoreMatches {
		t.Errorf("%+v, want AMBIGUOUS with two matches", got)
	}
	if diff := cmp.Diff(map[string]any{"first": "you", "n": 2.0, "id": nil}, got.Variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if len(got.Candidates) != 2 || got.Candidates[0].Record.Name != "Jo Smith" || got.Candidates[0].Fields["firstname"] != "Jo" || got.Candidates[1].Fields["firstname"] != "Joanna" {
		t.Errorf("candidates = %+v, want Jo and Joanna", got.Candidates)
	}
	spec.OnMultiple, spec.MaxCandidates = TakeFirst, 1
	if got := w.find(t, spec); got.Outcome != Matched || got.Record.Name != "Jo Smith" || len(got.Candidates) != 1 || got.Variables["first"] != "Jo" {
		t.Errorf("%+v, want the first and one candidate", got)
	}
	spec.Where = map[string]any{"emailaddress1": "priya.r@alderfinch.example.com"}
	if got := w.find(t, spec); got.Outcome != Matched || got.Candidates != nil || got.MoreMatches {
		t.Errorf("%+v, want the only match and no candidates", got)
	}
}

func testFindRecordFaults(t *testing.T, w world) {
	w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"lastname": "x"}})
	for _, c := range []struct {
		name   string
		spec   FindRecord
		reason input.Reason
		field  string
		near   string
	}{
		{"unknown entity", FindRecord{Entity: "contacts", Where: map[string]any{"x": 1}}, input.UnknownEntity, "entity", "contact"},
		{"misspelt field", FindRecord{Entity: "contact", Where: map[string]any{"emailadress1": "x"}}, input.InvalidField, "where.emailadress1", "emailaddress1"},
		{"wrong label", FindRecord{Entity: "contact", Where: map[string]any{"preferredcontactmethodcode": "Pigeon"}}, input.InvalidValue, "where.preferredcontactmethodcode", ""},
		{"unset", FindRecord{Entity: "contact", Where: map[string]any{"lastname": "{{ nobody }}"}}, input.VariableUnset, "where.lastname", ""},
		{"order", FindRecord{Entity: "contact", Where: map[string]any{"lastname": "x"}, OrderBy: []string{"creaton"}}, input.InvalidField, "order_by[0]", ""},
		{"save", FindRecord{Entity: "contact", Where: map[string]any{"lastname": "x"}, Save: map[string]string{"a": "fulname"}}, input.InvalidField, "save.a", "fullname"},
		{"save behind a lookup", FindRecord{Entity: "account", Where: map[string]any{"name": "x"}, Save: map[string]string{"a": "primarycontactid.fulname"}}, input.InvalidField, "save.a", "fullname"},
		{"zone", FindRecord{Entity: "contact", Where: map[string]any{"lastname": "x"}, TimeZone: "Berlin"}, input.InvalidRequest, "time_zone", ""},
		{"candidates", FindRecord{Entity: "contact", Where: map[string]any{"lastname": "x"}, MaxCandidates: 51}, input.InvalidRequest, "max_candidates", ""},
		{"lookup of nothing", FindRecord{Entity: "contact", Where: map[string]any{"parentcustomerid": map[string]any{"entity": "account", "name": "Nobody Ltd"}}}, input.LookupNotFound, "where.parentcustomerid", ""},
	} {
		_, err := w.FindRecord(t.Context(), c.spec)
		var refused *input.Error
		if !errors.As(err, &refused) || len(refused.Faults) != 1 || refused.Faults[0].Reason != c.reason || refused.Faults[0].Field != c.field {
			t.Errorf("%s: %v, want %s at %s", c.name, err, c.reason, c.field)
			continue
		}
		if c.near != "" && !slices.Contains(refused.Faults[0].Nearest, c.near) {
			t.Errorf("%s: nearest %v, want %s", c.name, refused.Faults[0].Nearest, c.near)
		}
	}
	_, err := w.FindRecord(t.Context(), FindRecord{
		Entity: "contact", Where: map[string]any{"lastname": "{{ nobody }}", "x": 1}, OrderBy: []string{"y"}, Save: map[string]string{"a": "z"}, TimeZone: "w",
	})
	if len(input.FaultsOf(err)) != 5 {
		t.Errorf("faults = %v, want five at once", err)
	}
}

func TestAFaultySearchIsNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"lastname": "x"}})
	w.wire.take()
	if _, err := w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: map[string]any{"lastname": "{{ nobody }}"}}); err == nil {
		t.Error("an unset variable was searched for")
	}
	if sent := w.wire.take(); len(sent) > 0 {
		t.Errorf("sent %v, want nothing", sent)
	}
}

func TestAnOutageIsNoMissingMatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := FindRecord{Entity: "contact", Where: map[string]any{"lastname": "Vogt"}}
	w.find(t, spec)
	w.wire.answer("GET /contacts", http.StatusForbidden, nil, `{"error":{"code":"0x80040220","message":"no privilege"}}`)
	if got, err := w.FindRecord(t.Context(), spec); !errors.Is(err, dataverse.ErrForbidden) || got.Outcome != "" {
		t.Errorf("%+v, %v, want an error without an outcome", got, err)
	}
	w.wire.answer("GET /contacts", http.StatusOK, nil, `{"hello":"I am a proxy"}`)
	if got, err := w.FindRecord(t.Context(), spec); err == nil {
		t.Errorf("%+v, want an error for an answer that is no list", got)
	}
}

func TestValidatedSearchIsListedAndNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := FindRecord{
		Entity: "account", Where: map[string]any{"name": "{{ company }}", "industrycode": "Consumer Services"}, Save: map[string]string{"mail": "primarycontactid.emailaddress1", "phone": "telephone1"},
		Variables: map[string]any{"company": "L'Atelier & Co 100%"}, OrderBy: []string{"ownerid desc"}, MaxCandidates: 4, ValidateOnly: true,
	}
	w.FindRecord(t.Context(), FindRecord{Entity: "account", Where: map[string]any{"name": "x"}, Save: spec.Save, ValidateOnly: true})
	w.wire.take()
	got := w.find(t, spec)
	if sent := w.wire.take(); len(sent) > 0 {
		t.Errorf("sent %v, want nothing", sent)
	}
	if got.Outcome != "" || got.Record != nil || len(got.Requests) != 1 || got.Requests[0].Method != http.MethodGet || got.Requests[0].Condition != "" {
		t.Fatalf("%+v, want one planned request", got)
	}
	address, err := url.Parse(got.Requests[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	options := map[string]string{}
	for name := range address.Query() {
		options[name] = address.Query().Get(name)
	}
	// Web API, "Query data using the Web API"; a quote in a literal is doubled.
	want := map[string]string{
		"$select": "accountid,name,telephone1", "$filter": "industrycode eq " + industry(t, w) + " and name eq 'L''Atelier & Co 100%'",
		"$orderby": "_ownerid_value desc,accountid", "$top": "5", "$expand": "primarycontactid($select=emailaddress1)",
	}
	if diff := cmp.Diff(want, options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if !strings.HasSuffix(address.Path, "/api/data/v9.2/accounts") {
		t.Errorf("path = %s", address.Path)
	}
	for name := range got.Requests[0].Header {
		if strings.EqualFold(name, "authorization") {
			t.Error("the plan shows how we sign in")
		}
	}
	if diff := cmp.Diff(map[string]any{"company": "L'Atelier & Co 100%", "mail": nil, "phone": nil}, got.Variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

// industry is the number of the label Consumer Services.
func industry(t *testing.T, w world) string {
	t.Helper()
	e, err := w.client(t).Entity(t.Context(), "account")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range e.Field("industrycode").Options {
		if o.Label.Is("Consumer Services") {
			return fmt.Sprint(o.Value)
		}
	}
	t.Fatal("there is no industry Consumer Services")
	return ""
}

func testValidatedSearchListsTheReadsItNeeds(t *testing.T, w world) {
	got := w.find(t, FindRecord{
		Entity: "contact", Where: map[string]any{"parentcustomerid": map[string]any{"entity": "account", "name": "Castellan Robotics"}}, ValidateOnly: true,
	})
	var paths []string
	for _, request := range got.Requests {
		address, _ := url.Parse(request.URL)
		paths = append(paths, address.Path[strings.LastIndex(address.Path, "/"):])
	}
	if !slices.Equal(paths, []string{"/accounts", "/contacts"}) {
		t.Errorf("requests = %v, want the lookup and the search", paths)
	}
}

func TestHostileValuesFindOnlyThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var values []string
	rapid.Check(t, func(rt *rapid.T) {
		value := strings.TrimSpace(actionstest.Hostile().Draw(rt, "value"))
		if bad := input.CheckPrintable(value, "") != nil; !bad && !input.Blank(value) && len([]rune(value)) < 50 && len(values) < 20 {
			values = append(values, value)
		}
	})
	for _, value := range values {
		id := w.insert(t, "contact", map[string]any{"lastname": "{{ v }}", "description": "{{ v }}"}, map[string]any{"v": value})
		for _, field := range []string{"lastname", "description"} {
			got := w.find(t, FindRecord{Entity: "contact", Where: map[string]any{field: "{{ v }}", "contactid": id}, Variables: map[string]any{"v": value}})
			if got.Outcome != Matched || got.Record.ID != id {
				t.Errorf("%s = %q: %s, want the record with it", field, value, got.Outcome)
			}
			other := w.find(t, FindRecord{Entity: "contact", Where: map[string]any{field: "{{ v }}", "contactid": contactID(1)}, Variables: map[string]any{"v": value}})
			if other.Outcome != NotMatched {
				t.Errorf("%s = %q found a record without it", field, value)
			}
		}
	}
}

func testReferenceSavedByASearchIsAValueOfTheNext(t *testing.T, w world) {
	first := w.find(t, FindRecord{Entity: "account", Where: map[string]any{"name": "Castellan Robotics"}, Save: map[string]string{"company": "@record"}})
	second := w.find(t, FindRecord{
		Entity: "contact", Where: map[string]any{"parentcustomerid": "{{ company }}", "lastname": "Vogt"}, Variables: maps.Clone(first.Variables),
	})
	if second.Outcome != Matched || second.Record.ID != contactID(7) {
		t.Errorf("%+v, want the contact of that company", second)
	}
}

func testAPointInTimeIsSearchedByItsDay(t *testing.T, w world) {
	made := w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"lastname": "Vogt"}, Save: map[string]string{"created": "createdon"}})
	created, _ := made.Variables["created"].(string)
	for _, c := range []struct {
		day, zone string
		want      Outcome
	}{
		{created[:10], "", Matched}, // the application user's zone is UTC
		{created[:10], "UTC", Matched},
		{"2020-01-01", "", NotMatched},
		{"2020-01-01", "Europe/Berlin", NotMatched},
	} {
		got := w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"lastname": "Vogt", "createdon": c.day}, TimeZone: c.zone})
		if got.Outcome != c.want {
			t.Errorf("%s in zone %q: %s, want %s", c.day, c.zone, got.Outcome, c.want)
		}
	}
}

// TestAnUnknownFieldHasTheMetadataReadOnceMore runs in a bubble of fake time: what was read a while ago is read again.
func TestAnUnknownFieldHasTheMetadataReadOnceMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, anUnknownFieldHasTheMetadataReadOnceMore)
}

func anUnknownFieldHasTheMetadataReadOnceMore(t *testing.T) {
	w := newWorldInBubble(t)
	w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"lastname": "x"}})
	w.wire.take()
	calls := map[string]func() error{
		"FindRecord": func() error {
			_, err := w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: map[string]any{"new_field": "x"}})
			return err
		},
		"FindRecordByFetchXML": func() error {
			_, err := w.FindRecordByFetchXML(t.Context(), FindRecordByFetchXML{Entity: "account", FetchXML: `<fetch><entity name="account"><attribute name="new_field"/></entity></fetch>`})
			return err
		},
	}
	calls["save behind a lookup"] = func() error {
		_, err := w.FindRecord(t.Context(), FindRecord{Entity: "lead", Where: map[string]any{"lastname": "x"}, Save: map[string]string{"a": "owninguser.new_field"}})
		return err
	}
	for _, name := range []string{"account", "lead", "systemuser"} {
		if _, err := w.client(t).Entity(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	for name, call := range calls {
		w.wire.take()
		if faults := input.FaultsOf(call()); len(faults) != 1 || faults[0].Reason != input.InvalidField {
			t.Errorf("%s: %v, want INVALID_FIELD", name, faults)
		}
		want := []string{"POST /$batch"}
		if name == "save behind a lookup" {
			want = append(want, want...) // of the lookup's entity, and of its own
		}
		if sent := w.wire.take(); !slices.Equal(sent, want) {
			t.Errorf("%s sent %v, want the metadata once more", name, sent)
		}
	}
}

func TestWhatASearchReturnsIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := FindRecordByFetchXML{Entity: "contact", FetchXML: `<fetch top="1"><entity name="contact"><attribute name="fullname"/></entity></fetch>`}
	first := w.fetch(t, spec)
	first.OrderedBy[0], first.Warnings[0].Message = "changed", "changed"
	if second := w.fetch(t, spec); second.OrderedBy[0] != "statecode asc" || second.Warnings[0].Message == "changed" {
		t.Errorf("a later answer has what the caller wrote into an earlier one: %+v", second)
	}
}

func testSearchesRunSideBySide(t *testing.T, w world) {
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			n := i%3 + 1
			mail := []string{"marisol.quintero@alderfinch.example.com", "sean.obrien@alderfinch.example.com", "priya.r@alderfinch.example.com"}[n-1]
			variables := map[string]any{"mail": mail}
			byField, err := w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: map[string]any{"emailaddress1": "{{mail}}"}, Variables: variables})
			if err != nil || byField.Record == nil || byField.Record.ID != contactID(n) {
				t.Errorf("%s: %+v, %v", mail, byField, err)
			}
			byQuery, err := w.FindRecordByFetchXML(t.Context(), FindRecordByFetchXML{
				Entity: "contact", Variables: variables,
				FetchXML: `<fetch><entity name="contact"><filter><condition attribute="emailaddress1" operator="eq" value="{{mail}}"/></filter></entity></fetch>`,
			})
			if err != nil || byQuery.Record == nil || byQuery.Record.ID != contactID(n) {
				t.Errorf("%s: %+v, %v", mail, byQuery, err)
			}
		})
	}
	group.Wait()
}

func TestTheOrderDoesNotDependOnHowRecordsAreStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	least := ""
	for range 12 { // each gets a random ID
		id := w.insert(t, "contact", map[string]any{"lastname": "Same"}, nil)
		if least == "" || id < least {
			least = id
		}
		byField := w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"lastname": "Same"}, OrderBy: []string{"lastname"}})
		byQuery := w.fetch(t, FindRecordByFetchXML{
			Entity:   "contact",
			FetchXML: `<fetch><entity name="contact"><order attribute="lastname"/><filter><condition attribute="lastname" operator="eq" value="Same"/></filter></entity></fetch>`,
		})
		if byField.Record.ID != least || byQuery.Record.ID != least {
			t.Fatalf("found %s and %s, want the least of equals, %s", byField.Record.ID, byQuery.Record.ID, least)
		}
	}
}

// addresses is a transport that remembers where requests to the Web API went.
type addresses struct {
	next http.RoundTripper
	mu   sync.Mutex
	sent []string
}

func (a *addresses) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.sent = append(a.sent, r.Method+" "+r.URL.String())
	a.mu.Unlock()
	return a.next.RoundTrip(r)
}

func TestWhatIsPlannedIsWhatIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	byField := FindRecord{
		Entity: "contact", Where: map[string]any{"lastname": "{{ name }}", "parentcustomerid": map[string]any{"entity": "account", "name": "Alder & Finch Logistics"}},
		Save: map[string]string{"mail": "emailaddress1"}, Variables: map[string]any{"name": "O'Brien"}, ValidateOnly: true,
	}
	byQuery := FindRecordByFetchXML{
		Entity: "contact", Variables: byField.Variables, ValidateOnly: true,
		FetchXML: `<fetch><entity name="contact"><filter><condition attribute="lastname" operator="eq" value="{{ name }}"/></filter></entity></fetch>`,
	}
	planned := append(w.find(t, byField).Requests, w.fetch(t, byQuery).Requests...)
	sent := &addresses{next: w.wire.next}
	w.wire.next = sent
	byField.ValidateOnly, byQuery.ValidateOnly = false, false
	if got := w.find(t, byField); got.Outcome != Matched {
		t.Errorf("%+v, want a match", got)
	}
	w.fetch(t, byQuery)
	var want []string
	for _, request := range planned {
		want = append(want, request.Method+" "+request.URL)
	}
	if diff := cmp.Diff(want, sent.sent); diff != "" {
		t.Errorf("sent (-planned +sent):\n%s", diff)
	}
}
