package actions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/botverse/botverse/actions/actionstest"
	"github.com/botverse/botverse/actions/fetch"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// fetch is FindRecordByFetchXML that must not fail.
func (w world) fetch(t testing.TB, spec FindRecordByFetchXML) Result {
	t.Helper()
	result, err := w.FindRecordByFetchXML(t.Context(), spec)
	if err != nil {
		t.Fatalf("FindRecordByFetchXML %s: %v", spec.FetchXML, err)
	}
	return result
}

func TestFetchFindsThroughALink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tomas := map[string]any{"entity": "systemuser", "name": "Tomás Ferreira"}
	first := w.insert(t, "account", map[string]any{"name": "Theirs", "ownerid": tomas, "industrycode": "Consulting"}, nil)
	w.insert(t, "account", map[string]any{"name": "Also theirs", "ownerid": tomas}, nil)
	// The accounts whose owner's last name is not a given one.
	got := w.fetch(t, FindRecordByFetchXML{
		Entity: "account",
		FetchXML: `<fetch><entity name="account"><attribute name="name"/><attribute name="industrycode"/><attribute name="ownerid"/>
			<filter><condition attribute="statecode" operator="eq" value="0"/></filter>
			<link-entity name="systemuser" from="systemuserid" to="owninguser" alias="owner">
				<attribute name="fullname"/><attribute name="lastname" alias="family"/><attribute name="businessunitid"/>
				<filter><condition attribute="lastname" operator="ne" value="{{ not }}"/></filter>
				<order attribute="fullname"/>
			</link-entity>
			<order attribute="name" descending="true"/></entity></fetch>`,
		Save: map[string]string{
			"owner": "owner.fullname", "family": "family", "unit": "owner.businessunitid@formatted", "name": "name", "industry": "industrycode@formatted", "by": "ownerid@formatted",
			"id": "accountid", "ref": "@record", "n": "@count", "unitid": "owner.businessunitid",
		},
		Variables: map[string]any{"not": "Ruiz-Okafor"}, MaxCandidates: 2,
	})
	if got.Outcome != Matched || got.Record.Name != "Theirs" || !strings.Contains(got.Record.URL, first) || *got.MatchCount != 2 || got.MoreMatches {
		t.Errorf("%+v, want the last by name of two", got)
	}
	if diff := cmp.Diff([]string{"name desc", "owner.fullname asc", "accountid asc"}, got.OrderedBy); diff != "" {
		t.Errorf("ordered by (-want +got):\n%s", diff)
	}
	want := map[string]any{
		"not": "Ruiz-Okafor", "owner": "Tomás Ferreira", "family": "Ferreira", "unit": "Harbor Lights Service Desk", "name": "Theirs", "by": "Tomás Ferreira",
		"industry": "Consulting", "id": first, "n": 2.0, "ref": map[string]any{"entity": "account", "id": first, "name": "Theirs"},
		"unitid": "bb000000-0000-4000-8000-000000000001",
	}
	if diff := cmp.Diff(want, got.Variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if len(got.Candidates) != 2 || got.Candidates[1].Record.Name != "Also theirs" || got.Candidates[1].Fields["owner.fullname"] != "Tomás Ferreira" {
		t.Errorf("candidates = %+v", got.Candidates)
	}
}

func TestFetchIsOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := FindRecordByFetchXML{
		Entity: "contact", FetchXML: `<fetch><entity name="contact"><attribute name="fullname"/><filter><condition attribute="emailaddress1" operator="eq" value="{{ mail }}"/></filter></entity></fetch>`,
		Variables: map[string]any{"mail": "priya.r@alderfinch.example.com"}, Save: map[string]string{"name": "fullname"},
	}
	w.fetch(t, spec)
	w.wire.take()
	for _, mail := range []string{"priya.r@alderfinch.example.com", "nobody@example.com"} {
		spec.Variables["mail"] = mail
		w.fetch(t, spec)
		if sent := w.wire.take(); !slices.Equal(sent, []string{"GET /contacts"}) {
			t.Errorf("sent %v, want one request", sent)
		}
	}
}

func testFetchWithoutAMatch(t *testing.T, w world) {
	got := w.fetch(t, FindRecordByFetchXML{
		Entity: "contact", FetchXML: `<fetch><entity name="contact"><attribute name="fullname"/><filter><condition attribute="lastname" operator="eq" value="{{ name }}"/></filter></entity></fetch>`,
		Variables: map[string]any{"name": "Nobody", "x": "the customer before"}, Save: map[string]string{"x": "fullname", "n": "@count"},
	})
	if got.Outcome != NotMatched || got.Record != nil || *got.MatchCount != 0 {
		t.Errorf("%+v, want NOT_MATCHED", got)
	}
	if diff := cmp.Diff(map[string]any{"name": "Nobody", "x": nil, "n": 0.0}, got.Variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

func testFetchTranslatesByType(t *testing.T, w world) {
	variables := map[string]any{
		"how": "Email", "industries": []any{"Consulting", "consumer services", 8.0}, "company": map[string]any{"entity": "account", "id": accountID(3), "name": nil},
		"names": []any{"Vogt", "Boateng"}, "born": "1966-07-09", "revenue": "610000000.00", "part": "%", "long": "2000-01-01T00:00:00+02:00",
	}
	for _, c := range []struct{ entity, conditions, want string }{
		{"contact", `<condition attribute="preferredcontactmethodcode" operator="eq" value="{{ how }}"/><condition attribute="lastname" operator="eq" value="Quintero"/>`, "Marisol Quintero"},
		{"account", `<condition attribute="industrycode" operator="in" value="{{ industries }}"/>`, "*"},
		{"contact", `<condition attribute="parentcustomerid" operator="eq" value="{{ company }}"/><condition attribute="lastname" operator="in" value="{{ names }}"/><condition attribute="lastname" operator="ne" value="Boateng"/>`, "Anneliese Vogt"},
		{"contact", `<condition attribute="birthdate" operator="on" value="{{ born }}"/>`, "José Núñez Ibarra"},
		{"account", `<condition attribute="revenue" operator="eq" value="{{ revenue }}"/>`, "Emberlight Energy"},
		{"contact", `<condition attribute="lastname" operator="like" value="Vog{{ part }}"/>`, ""},
		{"contact", `<condition attribute="lastname" operator="like" value="Vog%"/>`, "Anneliese Vogt"},
		{"contact", `<condition attribute="createdon" operator="lt" value="{{ long }}"/>`, ""},
	} {
		got := w.fetch(t, FindRecordByFetchXML{
			Entity: c.entity, Variables: variables,
			FetchXML: fmt.Sprintf(`<fetch><entity name="%s"><filter>%s</filter></entity></fetch>`, c.entity, c.conditions),
		})
		switch {
		case c.want == "" && got.Outcome != NotMatched:
			t.Errorf("%s: found %v, want nothing", c.conditions, got.Record)
		case c.want != "" && (got.Outcome != Matched || c.want != "*" && got.Record.Name != c.want):
			t.Errorf("%s: %s %v, want %s", c.conditions, got.Outcome, got.Record, c.want)
		}
	}
}

// taskOf is a task regarding a contact.
func (w world) taskOf(t *testing.T, contact, subject string) {
	t.Helper()
	w.insert(t, "task", map[string]any{"subject": subject, "regardingobjectid": map[string]any{"entity": "contact", "id": contact}}, nil)
}

func TestRecordsAreCountedOnceHoweverManyRowsTheyHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 4 {
		w.taskOf(t, contactID(2), fmt.Sprintf("Task %d", 4-i))
	}
	w.taskOf(t, contactID(3), "Task 9")
	spec := FindRecordByFetchXML{
		Entity: "contact",
		FetchXML: `<fetch><entity name="contact"><attribute name="fullname"/><order attribute="contactid"/>
			<link-entity name="task" from="regardingobjectid" to="contactid" alias="t"><attribute name="subject"/>
			<filter><condition attribute="subject" operator="begins-with" value="{{ prefix }}"/></filter><order attribute="subject"/></link-entity></entity></fetch>`,
		Variables: map[string]any{"prefix": "Task"}, Save: map[string]string{"task": "t.subject", "n": "@count"},
	}
	got := w.fetch(t, spec)
	if got.Outcome != Matched || got.Record.ID != contactID(2) || *got.MatchCount != 2 || got.MoreMatches || got.Variables["task"] != "Task 1" || got.Variables["n"] != 2.0 {
		t.Errorf("%+v, want two records and the first task of the first", got)
	}
	spec.OnMultiple = TakeNone
	if got := w.fetch(t, spec); got.Outcome != Ambiguous || len(got.Candidates) != 2 {
		t.Errorf("%+v, want AMBIGUOUS with both", got)
	}
	spec.FetchXML = strings.Replace(spec.FetchXML, "<fetch>", `<fetch distinct="true">`, 1)
	if got := w.fetch(t, spec); got.Outcome != Ambiguous || *got.MatchCount != 2 {
		t.Errorf("distinct: %+v, want AMBIGUOUS with both", got)
	}
	spec.Variables = map[string]any{"prefix": "Task 9"}
	if got := w.fetch(t, spec); got.Outcome != Matched || got.Record.ID != contactID(3) {
		t.Errorf("%+v, want the one with Task 9", got)
	}
}

func TestAnotherRecordIsSeenBehindManyRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range rowsOfLinks + 1 {
		w.taskOf(t, contactID(2), fmt.Sprintf("Task %d", i))
	}
	w.taskOf(t, contactID(3), "Task")
	spec := FindRecordByFetchXML{
		Entity: "contact", OnMultiple: TakeNone,
		FetchXML: `<fetch><entity name="contact"><attribute name="fullname"/><order attribute="contactid"/>
			<link-entity name="task" from="regardingobjectid" to="contactid" alias="t"><filter><condition attribute="subject" operator="begins-with" value="Task"/></filter></link-entity></entity></fetch>`,
	}
	if got := w.fetch(t, spec); got.Outcome != Ambiguous || *got.MatchCount != 2 || got.MoreMatches {
		t.Errorf("%+v, want AMBIGUOUS with two records", got)
	}
	spec.ValidateOnly = true
	planned := w.fetch(t, spec).Requests
	if len(planned) != 2 || planned[0].Condition != "" || planned[1].Condition == "" || !strings.Contains(planned[1].URL, "top%3D%225000%22") {
		t.Errorf("planned %+v, want the second request too, with its condition", planned)
	}
}

func testFetchKeepsTheOrderOfTheAuthor(t *testing.T, w world) {
	got := w.fetch(t, FindRecordByFetchXML{
		Entity: "contact", MaxCandidates: 3,
		FetchXML: `<fetch top="1"><entity name="contact"><attribute name="fullname"/><order attribute="fullname" descending="true"/><filter><condition attribute="statecode" operator="eq" value="0"/></filter></entity></fetch>`,
	})
	if got.Record == nil || got.Record.Name != "Zoë Achterberg" || *got.MatchCount != 4 || !got.MoreMatches || len(got.Candidates) != 3 {
		t.Errorf("%+v, want the last by name and three candidates, whatever top says", got)
	}
	if len(got.Warnings) != 1 || got.Warnings[0].Code != PagingReplaced || got.Warnings[0].Field != "fetch_xml:1:13" {
		t.Errorf("warnings = %+v, want PAGING_REPLACED", got.Warnings)
	}
}

func testAggregateQueriesRunAsWritten(t *testing.T, w world) {
	spec := FindRecordByFetchXML{
		Entity: "account", Variables: map[string]any{"state": "Active"}, OnMultiple: TakeNone, MaxCandidates: 5,
		FetchXML: `<fetch aggregate="true"><entity name="account"><attribute name="accountid" aggregate="count" alias="n"/><attribute name="revenue" aggregate="max" alias="most"/><filter><condition attribute="statecode" operator="eq" value="{{ state }}"/></filter></entity></fetch>`,
		Save:     map[string]string{"n": "n", "most": "most"},
	}
	got := w.fetch(t, spec)
	if got.Outcome != Matched || got.Record != nil || got.MatchCount != nil || got.Candidates != nil || got.Variables["n"] != 11.0 || got.Variables["most"] != 610000000.0 {
		t.Errorf("%+v, want one row without a record", got)
	}
	spec.Save = map[string]string{"id": "@id"}
	if _, err := w.FindRecordByFetchXML(t.Context(), spec); len(input.FaultsOf(err)) != 1 || input.FaultsOf(err)[0].Reason != input.InvalidField {
		t.Errorf("@id of an aggregate query: %v, want INVALID_FIELD", err)
	}
}

func testFetchRequestFaults(t *testing.T, w world) {
	for _, c := range []struct {
		name, entity, text string
		save               string
		reason             input.Reason
		field, near        string
	}{
		{"another entity", "contact", `<fetch><entity name="account"/></fetch>`, "", input.EntityMismatch, "fetch_xml:1:22", ""},
		{"unknown link", "account", "<fetch><entity name='account'>\n<link-entity name='contacts' from='contactid' to='primarycontactid'/></entity></fetch>", "", input.UnknownEntity, "fetch_xml:2:20", "contact"},
		{"unknown field", "account", "<fetch><entity name='account'>\n<attribute name='nam'/></entity></fetch>", "", input.InvalidField, "fetch_xml:2:18", "name"},
		{"unknown field of a link", "account", "<fetch><entity name='account'><link-entity name='contact' from='contactid' to='primarycontactid'>\n<attribute name='fulname'/></link-entity></entity></fetch>", "", input.InvalidField, "fetch_xml:2:18", "fullname"},
		{"not selected", "account", `<fetch><entity name="account"><attribute name="name"/></entity></fetch>`, "telephone1", input.InvalidField, "save.x", ""},
		{"not the link's", "account", `<fetch><entity name="account"><attribute name="name"/></entity></fetch>`, "owner.fullname", input.InvalidField, "save.x", ""},
		{"no XML", "account", `<fetch>`, "", input.BadFetchXML, "", ""},
		{"structure by a variable", "account", `<fetch><entity name="account"><order attribute="{{ x }}"/></entity></fetch>`, "", input.BadTemplate, "fetch_xml:1:49", ""},
	} {
		save := map[string]string{}
		if c.save != "" {
			save["x"] = c.save
		}
		_, err := w.FindRecordByFetchXML(t.Context(), FindRecordByFetchXML{Entity: c.entity, FetchXML: c.text, Save: save})
		faults := input.FaultsOf(err)
		if len(faults) == 0 || faults[0].Reason != c.reason || c.field != "" && faults[0].Field != c.field {
			t.Errorf("%s: %v, want %s at %s", c.name, err, c.reason, c.field)
			continue
		}
		if c.near != "" && !slices.Contains(faults[0].Nearest, c.near) {
			t.Errorf("%s: nearest %v, want %s", c.name, faults[0].Nearest, c.near)
		}
	}
	var refused *input.Error
	_, err := w.FindRecordByFetchXML(t.Context(), FindRecordByFetchXML{
		Entity: "account", Save: map[string]string{"x": "nope"}, TimeZone: "nowhere",
		FetchXML: `<fetch><entity name="account"><filter><condition attribute="name" operator="eq" value="{{ a }}"/><condition attribute="name" operator="in"><value>{{ b }}</value></condition></filter></entity></fetch>`,
	})
	if !errors.As(err, &refused) || len(refused.Faults) != 4 {
		t.Errorf("%v, want four faults at once", err)
	}
}

func TestValidatedFetchIsListedAndNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := FindRecordByFetchXML{
		Entity: "contact", ValidateOnly: true, Variables: map[string]any{"name": "O'Brien & <Söhne> 100%+#"}, Save: map[string]string{"x": "fullname"},
		FetchXML: `<fetch><entity name="contact"><attribute name="fullname"/><filter><condition attribute="lastname" operator="like" value="{{ name }}%"/></filter></entity></fetch>`,
	}
	w.fetch(t, spec)
	w.wire.take()
	got := w.fetch(t, spec)
	if sent := w.wire.take(); len(sent) > 0 {
		t.Errorf("sent %v, want nothing", sent)
	}
	if got.Outcome != "" || len(got.Requests) != 1 || got.Requests[0].Method != http.MethodGet {
		t.Fatalf("%+v, want one planned request", got)
	}
	address, err := url.Parse(got.Requests[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	want := `<fetch top="2" useraworderby="true"><entity name="contact"><attribute name="fullname"/><attribute name="contactid"/>` +
		`<order attribute="statecode"/><order attribute="createdon"/><order attribute="contactid"/>` +
		`<filter><condition attribute="lastname" operator="like" value="O'Brien &amp; &lt;Söhne&gt; 100[%]+#%"/></filter></entity></fetch>`
	sent, err := fetchxml.Parse(address.Query().Get("fetchXml"))
	if err != nil {
		t.Fatalf("the planned query does not parse: %v", err)
	}
	if diff := cmp.Diff(actionstest.Canonical(t, want), sent.XML()); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
}

func testALongQueryIsPlannedAsWhatItIs(t *testing.T, w world) {
	var values strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&values, "<value>somebody whose name is long %d</value>", i)
	}
	got := w.fetch(t, FindRecordByFetchXML{
		Entity: "contact", ValidateOnly: true,
		FetchXML: `<fetch><entity name="contact"><attribute name="fullname"/><filter><condition attribute="lastname" operator="in">` + values.String()[:20000] + `</value></condition></filter></entity></fetch>`,
	})
	if len(got.Requests) != 1 || got.Requests[0].Method != http.MethodGet || !strings.Contains(got.Requests[0].URL, "/contacts?fetchXml=") {
		t.Errorf("requests = %.300v, want the query as it reads inside the $batch", got.Requests)
	}
}

func TestHostileValuesOfAQueryFindOnlyThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	values := []string{}
	rapid.Check(t, func(rt *rapid.T) {
		value := strings.TrimSpace(actionstest.Hostile().Draw(rt, "value"))
		if bad := input.CheckPrintable(value, "") != nil; !bad && !input.Blank(value) && len([]rune(value)) < 50 && len(values) < 15 {
			values = append(values, value)
		}
	})
	for _, value := range values {
		id := w.insert(t, "contact", map[string]any{"lastname": "{{ v }}"}, map[string]any{"v": value})
		for _, operand := range []string{`operator="eq" value="{{ v }}"`, `operator="like" value="{{ v }}"`, `operator="in" value="{{ list }}"`} {
			for _, contact := range []string{id, contactID(1)} {
				got := w.fetch(t, FindRecordByFetchXML{
					Entity: "contact", Variables: map[string]any{"v": value, "list": []any{value, "nobody else"}, "id": contact},
					FetchXML: `<fetch><entity name="contact"><filter><condition attribute="contactid" operator="eq" value="{{ id }}"/><condition attribute="lastname" ` + operand + `/></filter></entity></fetch>`,
				})
				if found := got.Outcome == Matched; found != (contact == id) {
					t.Errorf("%s with %q: %s for the contact %s", operand, value, got.Outcome, contact)
				}
			}
		}
	}
}

func TestFetchWithWhenSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := FindRecordByFetchXML{
		Entity: "contact", MaxCandidates: 2,
		FetchXML: `<fetch><entity name="contact"><attribute name="fullname"/><filter><condition attribute="lastname" operator="eq" value="Smith"/>` +
			`<condition attribute="firstname" operator="eq" value="{{ first }}" when-set="{{ first }}"/></filter></entity></fetch>`,
	}
	if got := w.fetch(t, spec); got.Outcome != Matched || *got.MatchCount < 2 {
		t.Errorf("%+v, want every Smith", got)
	}
	spec.Variables = map[string]any{"first": "Joanna"}
	if got := w.fetch(t, spec); got.Outcome != Matched || *got.MatchCount != 1 || got.Record.Name != "Joanna Smith" {
		t.Errorf("%+v, want Joanna alone", got)
	}
	for _, variables := range []map[string]any{nil, {"first": "Jo"}} {
		spec.Variables = variables
		requests := w.wantPlanned(t, func(validate bool) (Result, error) {
			spec.ValidateOnly = validate
			return w.FindRecordByFetchXML(t.Context(), spec)
		})
		if len(requests) != 1 || strings.Contains(requests[0].URL, "when-set") || strings.Contains(requests[0].URL, "firstname") != (variables != nil) {
			t.Errorf("%+v, want one request without when-set", requests)
		}
	}
}

// standard is the standard tables, without an environment.
type standard struct{}

func (standard) Name() string { return "standard" }

func (standard) Entity(_ context.Context, name string) (*schema.Entity, error) {
	return schema.Standard().Entity(name), nil
}

func (standard) Permit(string, ...dataverse.Verb) error { return nil }

func (s standard) RefreshEntity(ctx context.Context, name string) (*schema.Entity, error) {
	return s.Entity(ctx, name)
}

func TestSourcesOfAnAggregateQuery(t *testing.T) {
	t.Parallel()
	text := `<fetch aggregate="true"><entity name="account"><attribute name="accountid" aggregate="count" alias="n"/><attribute name="revenue" aggregate="sum" alias="total"/></entity></fetch>`
	account := schema.Standard().Entity("account")
	q, err := new(fetch.Queries).Read(t.Context(), standard{}, account, text)
	if err != nil {
		t.Fatal(err)
	}
	plan, faults, err := newSavePlan(account, saveOf(q, FindRecordByFetchXML{Save: map[string]string{"n": "n", "total": "total"}}), columnsOf(q))
	if err != nil || len(faults) > 0 {
		t.Fatalf("faults %v, error %v", faults, err)
	}
	row := rowOf(t, account, `{"n":3,"total":35200.0000}`)
	if got := plan.Fill(saved{Row: &row}); got["n"] != 3.0 || got["total"] != 35200.0 {
		t.Errorf("variables = %v, want 3 and 35200", got)
	}
	for _, source := range []string{"@id", "@url", "@record", "@count", "accountid", "revenue"} {
		_, faults, _ := newSavePlan(account, saveOf(q, FindRecordByFetchXML{Save: map[string]string{"x": source}}), columnsOf(q))
		if len(faults) != 1 || faults[0].Reason != input.InvalidField {
			t.Errorf("%s: faults %v, want INVALID_FIELD", source, faults)
		}
	}
}

// TestSearchByFetchXMLKeepsAllOthers: every member that the two searches share is the same, also one that is added.
func TestSearchByFetchXMLKeepsAllOthers(t *testing.T) {
	t.Parallel()
	spec := FindRecord{
		Environment: "e", Entity: "contact", Where: map[string]any{"lastname": "x"}, Conditions: []Condition{{Field: "x"}}, OrderBy: []string{"x"},
		Save: map[string]string{"a": "b"}, SaveDefaults: map[string]any{"a": 1.0}, Variables: map[string]any{"v": 2.0}, OnMultiple: TakeNone,
		MaxCandidates: 3, CountMatches: true, TimeZone: "z", Culture: "c", ValidateOnly: true,
	}
	from, to := reflect.ValueOf(spec), reflect.ValueOf(spec.ByFetchXML("<fetch/>"))
	for i := range to.NumField() {
		name := to.Type().Field(i).Name
		if name == "FetchXML" {
			continue
		}
		if want := from.FieldByName(name); want.IsZero() || !reflect.DeepEqual(to.Field(i).Interface(), want.Interface()) {
			t.Errorf("%s is %v, want %v", name, to.Field(i), want)
		}
	}
}
