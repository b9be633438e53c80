package actions

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/botverse/botverse/actions/input"
)

// rankedContacts have one number each, from the oldest to the youngest: as their manager's, as their own in a spelling that is not
// usual, as their own in a usual one, and as the only one that has it in an unusual spelling, a usual one, and as the manager's.
var rankedContacts = []map[string]any{
	{"lastname": "Report", "managerphone": "+13175550125", "overriddencreatedon": "2020-01-01T00:00:00Z"},
	{"lastname": "Odd", "telephone1": "317 555 0125 (after five)", "overriddencreatedon": "2021-01-01T00:00:00Z"},
	{"lastname": "Usual", "telephone2": "317.555.0125", "overriddencreatedon": "2022-01-01T00:00:00Z"},
	{"lastname": "Also Usual", "mobilephone": "+13175550125", "overriddencreatedon": "2023-01-01T00:00:00Z"},
	{"lastname": "Only Odd", "telephone1": "c/o 415 555 0126", "overriddencreatedon": "2023-01-01T00:00:00Z"},
	{"lastname": "Only Usual", "telephone1": "(415) 555-0127", "overriddencreatedon": "2023-01-01T00:00:00Z"},
	{"lastname": "Only Report", "managerphone": "(415) 555-0128", "overriddencreatedon": "2023-01-01T00:00:00Z"},
	{"lastname": "One Of Two", "telephone1": "(415) 555-0129", "overriddencreatedon": "2023-01-01T00:00:00Z"},
	{"lastname": "Other Of Two", "telephone1": "415-555-01-29", "overriddencreatedon": "2022-01-01T00:00:00Z"},
	{"lastname": "Inactive", "telephone1": "(415) 555-0130", "overriddencreatedon": "2020-01-01T00:00:00Z", "statecode": 1, "statuscode": 2},
	{"lastname": "Active", "telephone1": "415 / 555 0130", "overriddencreatedon": "2022-01-01T00:00:00Z"},
}

// Who is found by a number, in which order, how much is said of it and how often Dataverse is asked, for each way to ask.
func TestPhoneSearchTellsWhatItKnows(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, map[string][]map[string]any{"contacts": rankedContacts})
	const four, odd, usual, report, two, states, nobody = "+13175550125", "+14155550126", "+14155550127", "+14155550128", "+14155550129", "+14155550130", "+14155550131"
	w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"lastname": "nobody"}}) // the metadata is read
	for _, c := range []struct {
		name       string
		number     string
		spec       FindRecord
		outcome    Outcome
		first      string
		count      int
		more       bool
		candidates string
		sent       int
	}{
		{"the first", four, FindRecord{}, Matched, "Usual", 2, true, "", 1},
		{"the first and others", four, FindRecord{MaxCandidates: 5}, Matched, "Usual", 2, true, "Usual, Also Usual", 1},
		{"the first and one", four, FindRecord{MaxCandidates: 1}, Matched, "Usual", 2, true, "Usual", 1},
		{"the author's order", four, FindRecord{OrderBy: []string{"createdon desc"}}, Matched, "Also Usual", 2, true, "", 1},
		{"counted", four, FindRecord{CountMatches: true}, Matched, "Usual", 4, false, "", 2},
		{"counted with others", four, FindRecord{CountMatches: true, MaxCandidates: 5}, Matched, "Usual", 4, false, "Usual, Also Usual, Odd, Report", 2},
		{"counted in the author's order", four, FindRecord{CountMatches: true, MaxCandidates: 3, OrderBy: []string{"createdon desc"}}, Matched, "Also Usual", 4, false, "Also Usual, Usual, Odd", 2},
		{"one only", four, FindRecord{OnMultiple: TakeNone}, Ambiguous, "", 4, false, "Usual, Also Usual, Odd", 2},
		{"one only, with one candidate", four, FindRecord{OnMultiple: TakeNone, MaxCandidates: 1}, Ambiguous, "", 2, true, "Usual", 1},
		{"one only, counted", four, FindRecord{OnMultiple: TakeNone, MaxCandidates: 1, CountMatches: true}, Ambiguous, "", 4, false, "Usual", 2},
		{"odd, the first", odd, FindRecord{}, Matched, "Only Odd", 1, false, "", 2},
		{"odd, one only", odd, FindRecord{OnMultiple: TakeNone}, Matched, "Only Odd", 1, false, "", 2},
		{"usual, the first", usual, FindRecord{MaxCandidates: 3}, Matched, "Only Usual", 1, true, "", 1},
		{"usual, one only", usual, FindRecord{OnMultiple: TakeNone}, Matched, "Only Usual", 1, false, "", 2},
		{"usual, counted", usual, FindRecord{CountMatches: true}, Matched, "Only Usual", 1, false, "", 2},
		{"the manager's, the first", report, FindRecord{}, Matched, "Only Report", 1, false, "", 2},
		{"one of two spellings, the first", two, FindRecord{MaxCandidates: 3}, Matched, "One Of Two", 1, true, "", 1},
		{"one of two spellings, one only", two, FindRecord{OnMultiple: TakeNone}, Ambiguous, "", 2, false, "One Of Two, Other Of Two", 2},
		{"one of two spellings, counted", two, FindRecord{CountMatches: true, MaxCandidates: 3}, Matched, "One Of Two", 2, false, "One Of Two, Other Of Two", 2},
		{"an inactive one, the first", states, FindRecord{}, Matched, "Inactive", 1, true, "", 1},
		{"an inactive one, counted", states, FindRecord{CountMatches: true}, Matched, "Inactive", 2, false, "", 2},
		{"an inactive one, left out", states, FindRecord{Conditions: []Condition{{Field: "statecode", Operator: "eq", Value: "Active"}}}, Matched, "Active", 1, false, "", 2},
		{"nobody", nobody, FindRecord{}, NotMatched, "", 0, false, "", 2},
		{"nobody, one only", nobody, FindRecord{OnMultiple: TakeNone, MaxCandidates: 3}, NotMatched, "", 0, false, "", 2},
		{"nobody, counted", nobody, FindRecord{CountMatches: true}, NotMatched, "", 0, false, "", 2},
	} {
		c.spec.Entity, c.spec.Where = "contact", map[string]any{"@phone": c.number}
		w.wire.take()
		got := w.find(t, c.spec)
		sent := w.wire.take()
		first := ""
		if got.Record != nil {
			first = got.Record.Name
		}
		var names []string
		for _, candidate := range got.Candidates {
			names = append(names, candidate.Record.Name)
		}
		if candidates := strings.Join(names, ", "); got.Outcome != c.outcome || first != c.first || *got.MatchCount != c.count || got.MoreMatches != c.more || candidates != c.candidates || len(sent) != c.sent {
			t.Errorf("%s: %s %q, %d matches, more %t, candidates %q, sent %v; want %s %q, %d, %t, %q, %d", c.name,
				got.Outcome, first, *got.MatchCount, got.MoreMatches, candidates, sent, c.outcome, c.first, c.count, c.more, c.candidates, c.sent)
		}
		if len(got.OrderedBy) < 2 || got.OrderedBy[0] != "@phone" {
			t.Errorf("%s: ordered by %v, want @phone first", c.name, got.OrderedBy)
		}
	}
}

// A record in another spelling keeps a change, and a lookup, from being made as though the usual one were the only one.
func TestPhoneOfTwoChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, map[string][]map[string]any{"contacts": rankedContacts})
	where, fields := map[string]any{"@phone": map[string]any{"number": "+14155550129", "fields": []any{"telephone1"}}}, map[string]any{"jobtitle": "caller"}
	got, err := w.UpdateRecord(t.Context(), UpdateRecord{Entity: "contact", Where: where, Fields: fields})
	if err != nil || got.Outcome != Ambiguous || *got.MatchCount != 2 || got.MoreMatches || !slices.Contains(got.OrderedBy, "@phone") {
		t.Errorf("%+v, %v, want AMBIGUOUS of two", got, err)
	}
	got, err = w.UpsertRecord(t.Context(), UpsertRecord{UpdateRecord: UpdateRecord{Entity: "contact", Where: where, Fields: fields}})
	if err != nil || got.Outcome != Ambiguous || *got.MatchCount != 2 {
		t.Errorf("%+v, %v, want AMBIGUOUS of two", got, err)
	}
	_, err = w.CreateRecord(t.Context(), CreateRecord{Entity: "incident", Fields: map[string]any{"title": "x", "customerid": map[string]any{"entity": "contact", "where": where}}})
	if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Reason != input.LookupAmbiguous {
		t.Errorf("%v, want the lookup refused", err)
	}
	if n := w.count(t, "contact", "jobtitle", "caller"); n != 0 {
		t.Errorf("%d contacts were changed, want none", n)
	}
	got, err = w.UpdateRecord(t.Context(), UpdateRecord{Entity: "contact", Where: where, Fields: fields, UseFirst: true})
	if err != nil || got.Outcome != Updated || got.Record.Name != "One Of Two" {
		t.Errorf("%+v, %v, want the first changed, as asked", got, err)
	}
}

// More records have the number in a usual spelling than are asked for at first, and before all those others have it: each is
// counted once, and the usual ones come first.
func TestPhoneSharedByManyIsInOrder(t *testing.T) {
	t.Parallel()
	var contacts []map[string]any
	for i := range 2 * phoneRows {
		contacts = append(contacts,
			map[string]any{"lastname": fmt.Sprintf("Report %d", i), "company": "+13175550125", "overriddencreatedon": "2020-01-01T00:00:00Z"},
			map[string]any{"lastname": fmt.Sprintf("Usual %d", i), "telephone1": "+13175550125", "overriddencreatedon": "2022-01-01T00:00:00Z"})
	}
	contacts = append(contacts, map[string]any{"lastname": "Odd", "telephone1": "x317x555x0125", "overriddencreatedon": "2021-01-01T00:00:00Z"},
		map[string]any{"lastname": "Own", "telephone1": "4155550126 (mine)", "overriddencreatedon": "2021-01-01T00:00:00Z"})
	for i := range phoneRows {
		contacts = append(contacts, map[string]any{"lastname": fmt.Sprintf("Colleague %d", i), "company": "+14155550126", "overriddencreatedon": "2020-01-01T00:00:00Z"})
	}
	w := newWorldWith(t, map[string][]map[string]any{"contacts": contacts})
	got := w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"@phone": "+13175550125"}, CountMatches: true, MaxCandidates: 50})
	if *got.MatchCount != 4*phoneRows || got.MoreMatches || !strings.HasPrefix(got.Record.Name, "Usual") || !strings.HasPrefix(got.Candidates[49].Record.Name, "Usual") {
		t.Errorf("%d matches, more %t, first %q", *got.MatchCount, got.MoreMatches, got.Record.Name)
	}
	got = w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"@phone": "+14155550126"}})
	if got.Record.Name != "Own" || *got.MatchCount != phoneRows+1 || got.MoreMatches {
		t.Errorf("%q of %d, want the one whose own number it is before those whose company's it is", got.Record.Name, *got.MatchCount)
	}
	got = w.find(t, FindRecord{Entity: "contact", Where: byPhone("+14155550126", "fields", []any{"company"}), OnMultiple: TakeNone})
	if got.Outcome != Ambiguous || !got.MoreMatches || !strings.HasPrefix(got.Candidates[0].Record.Name, "Colleague") {
		t.Errorf("%s %+v, want those whose company's it is, as asked", got.Outcome, got.Candidates)
	}
}

// However the records are stored, the first is the same, whether the others are looked at or not.
func TestTheFirstByPhoneIsTheSameInShuffledStorage(t *testing.T) {
	t.Parallel()
	const numbers = 25
	var contacts []map[string]any
	for n := range numbers {
		local := fmt.Sprintf("555%04d", n)
		for i, fields := range []map[string]any{
			{"telephone1": "+1317" + local}, {"telephone1": "317-" + local[:3] + "-" + local[3:]}, {"mobilephone": "call 317" + local}, {"managerphone": "+1317" + local},
		} {
			fields["contactid"] = fmt.Sprintf("%08x-0000-4000-8000-%012x", rand.New(rand.NewPCG(uint64(n), uint64(i))).Uint32(), n)
			fields["lastname"], fields["overriddencreatedon"] = fmt.Sprintf("%d %d", n, i), "2026-01-02T03:04:05Z"
			contacts = append(contacts, fields)
		}
	}
	rand.New(rand.NewPCG(4, 2)).Shuffle(len(contacts), func(i, j int) { contacts[i], contacts[j] = contacts[j], contacts[i] })
	w := newWorldWith(t, map[string][]map[string]any{"contacts": contacts})
	for n := range numbers {
		want := ""
		for _, c := range contacts {
			if name := c["lastname"].(string); name == fmt.Sprintf("%d 0", n) || name == fmt.Sprintf("%d 1", n) {
				if id := c["contactid"].(string); want == "" || id < want {
					want = id
				}
			}
		}
		for _, spec := range []FindRecord{{}, {CountMatches: true}, {MaxCandidates: 2}} {
			spec.Entity, spec.Where = "contact", map[string]any{"@phone": fmt.Sprintf("+1317555%04d", n)}
			if got := w.find(t, spec); got.Record == nil || got.Record.ID != want {
				t.Fatalf("number %d finds %+v, want %s", n, got.Record, want)
			}
		}
	}
}
