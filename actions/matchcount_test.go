package actions

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/actionstest"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/fetchxml"
)

// scripted is a transport that answers the first reads of a collection with these answers; "" lets the request through.
type scripted struct {
	next    http.RoundTripper
	answers []string
	sent    []*url.URL
}

// RoundTrip implements http.RoundTripper.
func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/contacts") {
		return s.next.RoundTrip(r)
	}
	s.sent = append(s.sent, r.URL)
	if len(s.answers) < len(s.sent) || s.answers[len(s.sent)-1] == "" {
		return s.next.RoundTrip(r)
	}
	answer, status := s.answers[len(s.sent)-1], http.StatusOK
	if strings.HasPrefix(answer, `{"error"`) {
		status = http.StatusBadRequest
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)), ContentLength: int64(len(answer)), Request: r}, nil
}

// script has the next reads of contacts answered so.
func (w world) script(t *testing.T, answers ...string) *scripted {
	t.Helper()
	s := &scripted{next: w.wire.next, answers: answers}
	w.wire.next = s
	return s
}

// family makes seven contacts of a last name, each with a task or two, and returns the name.
func family(t *testing.T, w world) string {
	t.Helper()
	for i := range 7 {
		id := w.insert(t, "contact", map[string]any{"lastname": "Count", "firstname": fmt.Sprint(i)}, nil)
		for range 1 + i%2 {
			w.taskOf(t, id, "Counted")
		}
	}
	return "Count"
}

const (
	twoContacts = `"value":[{"contactid":"c0000000-0000-4000-8000-000000000001"},{"contactid":"c0000000-0000-4000-8000-000000000002"}]`
	tooMany50   = `{"error":{"code":"0x8004E023","message":"AggregateQueryRecordLimit exceeded. Cannot perform this operation."}}`
)

func TestMatchesAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := family(t, w)
	spec := FindRecord{Entity: "contact", Where: map[string]any{"lastname": name}, CountMatches: true, Save: map[string]string{"n": "@count"}}
	s := w.script(t)
	if got := w.find(t, spec); got.Outcome != Matched || *got.MatchCount != 7 || got.MoreMatches || got.Variables["n"] != 7.0 || len(s.sent) != 1 {
		t.Errorf("%+v by %d requests, want seven by one", got, len(s.sent))
	}
	spec.OnMultiple, spec.MaxCandidates = TakeNone, 3
	if got := w.find(t, spec); got.Outcome != Ambiguous || *got.MatchCount != 7 || got.MoreMatches || len(got.Candidates) != 3 || got.Variables["n"] != 7.0 {
		t.Errorf("%+v, want AMBIGUOUS of seven", got)
	}
	spec.Where = map[string]any{"lastname": "Nobody At All"}
	if got := w.find(t, spec); got.Outcome != NotMatched || *got.MatchCount != 0 || got.MoreMatches {
		t.Errorf("%+v, want none", got)
	}
	spec = FindRecord{Entity: "contact", Where: map[string]any{"lastname": name, "createdon": "2001-01-01"}, CountMatches: true}
	if got := w.find(t, spec); *got.MatchCount != 0 {
		t.Errorf("%+v, want none of that day", got)
	}
}

func TestMoreThanACountCanTellAreAggregated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := FindRecord{Entity: "contact", Where: map[string]any{"lastname": family(t, w)}, CountMatches: true}
	s := w.script(t, `{"@odata.count":5000,`+twoContacts+`}`, `{"value":[{"botverse_count":43210}]}`)
	if got := w.find(t, spec); got.Outcome != Matched || *got.MatchCount != 43210 || got.MoreMatches || len(got.Warnings) > 0 {
		t.Errorf("%+v, want the number of the second answer", got)
	}
	if query := s.sent[1].Query().Get("$apply"); query != "filter(lastname eq 'Count')/aggregate($count as botverse_count)" {
		t.Errorf("$apply = %s", query)
	}
	w.script(t, `{"@odata.count":5000,`+twoContacts+`}`) // and the second is the server's own
	if got := w.find(t, spec); *got.MatchCount != 7 {
		t.Errorf("%+v, want seven by the server's own $apply", got)
	}
	for answer, want := range map[string]int{tooMany50: 50_000, `{"error":{"code":"0x80060888","message":"not here"}}`: 5000} {
		w.script(t, `{"@odata.count":5000,`+twoContacts+`}`, answer)
		got := w.find(t, spec)
		if got.Outcome != Matched || *got.MatchCount != want || !got.MoreMatches || len(got.Warnings) != 1 || got.Warnings[0].Code != CountCapped {
			t.Errorf("%+v, want at least %d and COUNT_CAPPED", got, want)
		}
	}
	for _, answer := range []string{`{"value":[]}`, `{"value":[{"botverse_count":"many"}]}`} {
		w.script(t, `{"@odata.count":5000,`+twoContacts+`}`, answer)
		if got, err := w.FindRecord(t.Context(), spec); err == nil {
			t.Errorf("%s: %+v, want an error", answer, got)
		}
	}
}

func TestMatchesOfAQueryAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	family(t, w)
	spec := FindRecordByFetchXML{
		Entity: "contact", CountMatches: true, Save: map[string]string{"n": "@count", "task": "t.subject"}, Variables: map[string]any{"subject": "Counted"},
		FetchXML: `<fetch distinct="true"><entity name="contact"><attribute name="fullname"/><filter><condition attribute="lastname" operator="eq" value="Count"/></filter>
			<link-entity name="task" from="regardingobjectid" to="contactid" alias="t"><attribute name="subject"/><order attribute="subject"/>
			<filter><condition attribute="subject" operator="eq" value="{{ subject }}"/></filter></link-entity></entity></fetch>`,
	}
	if got := w.fetch(t, spec); got.Outcome != Matched || *got.MatchCount != 7 || got.MoreMatches {
		t.Errorf("%+v, want seven of one answer", got)
	}
	plain := FindRecordByFetchXML{
		Entity: "contact", CountMatches: true, Save: map[string]string{"n": "@count"},
		FetchXML: `<fetch><entity name="contact"><all-attributes/><order attribute="createdon"/><filter><condition attribute="lastname" operator="eq" value="Count"/></filter></entity></fetch>`,
	}
	s := w.script(t)
	if got := w.fetch(t, plain); got.Outcome != Matched || *got.MatchCount != 7 || got.MoreMatches || got.Variables["n"] != 7.0 {
		t.Errorf("%+v, want seven", got)
	}
	want := `<fetch aggregate="true"><entity name="contact"><attribute name="contactid" alias="botverse_count" aggregate="countcolumn" distinct="true"/>` +
		`<filter><condition attribute="lastname" operator="eq" value="Count"/></filter></entity></fetch>`
	sent, err := fetchxml.Parse(s.sent[1].Query().Get("fetchXml"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(actionstest.Canonical(t, want), sent.XML()); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	w.script(t, "", tooMany50)
	if got := w.fetch(t, plain); *got.MatchCount != 50_000 || !got.MoreMatches || len(got.Warnings) != 1 || got.Warnings[0].Code != CountCapped {
		t.Errorf("%+v, want at least 50,000 and COUNT_CAPPED", got)
	}
	plain.FetchXML = `<fetch aggregate="true"><entity name="contact"><attribute name="contactid" aggregate="count" alias="n"/></entity></fetch>`
	plain.Save = nil
	if _, err := w.FindRecordByFetchXML(t.Context(), plain); len(input.FaultsOf(err)) != 1 || input.FaultsOf(err)[0].Field != "count_matches" {
		t.Errorf("%v, want count_matches refused of an aggregate query", err)
	}
}

// TestRecordsOfManyRowsAreCountedOnce: the rows of the first answer are too few to tell.
func TestRecordsOfManyRowsAreCountedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range rowsOfLinks + 1 {
		w.taskOf(t, contactID(2+i%3), "Counted")
	}
	spec := FindRecordByFetchXML{
		Entity: "contact", CountMatches: true,
		FetchXML: `<fetch><entity name="contact"><attribute name="fullname"/><link-entity name="task" from="regardingobjectid" to="contactid" alias="t"><attribute name="subject"/>
			<filter><condition attribute="subject" operator="eq" value="Counted"/></filter></link-entity></entity></fetch>`,
	}
	if got := w.fetch(t, spec); *got.MatchCount != 3 || got.MoreMatches {
		t.Errorf("%+v, want three", got)
	}
	w.script(t, "", tooMany50)
	if got := w.fetch(t, spec); *got.MatchCount != 3 || !got.MoreMatches {
		t.Errorf("%+v, want at least the three that were seen: rows are no records", got)
	}
}

func TestPlannedCountsAreSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := family(t, w)
	find := FindRecord{Entity: "contact", Where: map[string]any{"lastname": name}, CountMatches: true}
	fetch := FindRecordByFetchXML{
		Entity: "contact", CountMatches: true,
		FetchXML: `<fetch><entity name="contact"><filter><condition attribute="lastname" operator="eq" value="Count"/></filter></entity></fetch>`,
	}
	for kind, call := range map[string]func(bool) (Result, error){
		"FindRecord": func(validate bool) (Result, error) {
			find.ValidateOnly = validate
			return w.FindRecord(t.Context(), find)
		},
		"FindRecordByFetchXML": func(validate bool) (Result, error) {
			fetch.ValidateOnly = validate
			return w.FindRecordByFetchXML(t.Context(), fetch)
		},
	} {
		listed, err := call(true)
		if err != nil || len(listed.Requests) != 2 || listed.Requests[0].Condition != "" || listed.Requests[1].Condition == "" {
			t.Errorf("%s: %+v, %v, want the search, and the count with its condition", kind, listed, err)
			continue
		}
		s := w.script(t, map[string]string{"FindRecord": `{"@odata.count":5000,` + twoContacts + `}`}[kind])
		if _, err := call(false); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		for i, sent := range s.sent {
			if sent.String() != listed.Requests[i].URL {
				t.Errorf("%s: sent %s, planned %s", kind, sent, listed.Requests[i].URL)
			}
		}
		if len(s.sent) != 2 {
			t.Errorf("%s: %d requests, want two", kind, len(s.sent))
		}
	}
}
