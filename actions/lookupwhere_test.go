package actions

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
)

// TestLookupsByWhere holds what can be looked at side by side in one environment.
func TestLookupsByWhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	AllAtOnce(t, w, map[string]func(*testing.T, world){
		"BindTheOneThatMatches": testLookupsByWhereBind,
		"Faults":                testFaultsOfLookupsByWhere,
		"ThatSayNothing":        testLookupsByWhereThatSayNothing,
		"InASearch":             testLookupsByWhereInASearch,
		"OfAnUpsert":            testLookupsByWhereOfAnUpsert,
	})
}

// behind is a lookup of an account, or of another entity that it names, by where.
func behind(where any, members ...string) map[string]any {
	lookup := map[string]any{"entity": "account", "where": where}
	for i := 0; i < len(members); i += 2 {
		lookup[members[i]] = members[i+1]
	}
	return lookup
}

func testLookupsByWhereBind(t *testing.T, w world) {
	holding := w.insert(t, "account", map[string]any{"name": "Nest Holding", "accountnumber": "N'1"}, nil)
	closed := w.insert(t, "account", map[string]any{"name": "Nest Closed", "statuscode": "Inactive", "parentaccountid": holding}, nil)
	contact := w.insert(t, "contact", map[string]any{"lastname": "Nest", "emailaddress1": "nest@example.com", "parentcustomerid": map[string]any{"entity": "account", "id": closed}}, nil)
	variables := map[string]any{"visitor": map[string]any{"mail": "NEST@example.com"}, "number": "N'1"}
	for name, c := range map[string]struct {
		lookup map[string]any
		want   string
	}{
		"a text":                        {behind(map[string]any{"accountnumber": "{{ number }}"}), holding},
		"inactive and a lookup":         {behind(map[string]any{"statecode": "Inactive", "parentaccountid": holding}), closed},
		"a literal null is no value":    {behind(map[string]any{"name": "Nest Holding", "parentaccountid": nil}), holding},
		"another target":                {behind(map[string]any{"emailaddress1": "{{visitor.mail}}"}, "entity", "contact"), contact},
		"a lookup by where inside":      {behind(map[string]any{"name": "Nest Closed", "parentaccountid": behind(map[string]any{"accountnumber": "{{number}}"})}), closed},
		"one that may be missing is so": {behind(map[string]any{"name": "Nest Holding"}, "missing", "OMIT"), holding},
	} {
		made, err := w.CreateRecord(t.Context(), CreateRecord{
			Entity: "contact", Fields: map[string]any{"lastname": "Bound", "parentcustomerid": c.lookup}, Variables: variables, OnDuplicate: CreateDuplicate,
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if value, _ := w.read(t, made.Record).Value("_parentcustomerid_value"); value != c.want {
			t.Errorf("%s: bound to %v, want %s", name, value, c.want)
		}
	}
}

func testFaultsOfLookupsByWhere(t *testing.T, w world) {
	for range 2 {
		w.insert(t, "account", map[string]any{"name": "Egg Ltd"}, nil)
	}
	deep := behind(map[string]any{"name": "x"})
	for range deepestLookup {
		deep = behind(map[string]any{"parentaccountid": deep})
	}
	variables := map[string]any{"null": nil, "blank": " ", "search": behind(map[string]any{"name": "Egg Ltd"})}
	for name, c := range map[string]struct {
		lookup any
		reason input.Reason
		at     string // behind the field
	}{
		"none":                       {behind(map[string]any{"name": "Nobody's Egg"}), input.LookupNotFound, ""},
		"several":                    {behind(map[string]any{"name": "Egg Ltd"}), input.LookupAmbiguous, ""},
		"several that may be none":   {behind(map[string]any{"name": "Egg Ltd"}, "missing", "OMIT"), input.LookupAmbiguous, ""},
		"unknown field":              {behind(map[string]any{"nam": "x"}), input.InvalidField, ".where.nam"},
		"wrong label":                {behind(map[string]any{"industrycode": "Nesting"}), input.InvalidValue, ".where.industrycode"},
		"null of a variable":         {behind(map[string]any{"name": "{{ null }}"}), input.VariableUnset, ".where.name"},
		"blank":                      {behind(map[string]any{"name": "{{ blank }}"}), input.VariableUnset, ".where.name"},
		"bad template":               {behind(map[string]any{"name": "{{ blank"}), input.BadTemplate, ".where.name"},
		"nothing to compare":         {behind(map[string]any{}), input.InvalidRequest, ".where"},
		"no object":                  {behind("name eq 'x'"), input.InvalidValue, ".where"},
		"no target":                  {behind(map[string]any{"name": "x"}, "entity", "task"), input.InvalidValue, ""},
		"no entity":                  {map[string]any{"where": map[string]any{"name": "x"}}, input.InvalidValue, ""},
		"a name too":                 {behind(map[string]any{"accountnumber": "x"}, "name", "Egg Ltd"), input.InvalidValue, ""},
		"misspelt member":            {behind(map[string]any{"name": "x"}, "mising", "OMIT"), input.InvalidValue, ""},
		"a search out of a variable": {"{{ search }}", input.InvalidValue, ""},
		"too deep":                   {deep, input.InvalidValue, strings.Repeat(".where.parentaccountid", deepestLookup) + ".where"},
	} {
		_, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Egg", "parentcustomerid": c.lookup}, Variables: variables})
		if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Reason != c.reason || faults[0].Field != "fields.parentcustomerid"+c.at {
			t.Errorf("%s: %v, want %s at %q", name, err, c.reason, c.at)
		}
	}
	_, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "{{ x", "parentcustomerid": behind(map[string]any{"nam": 1.0, "revenue": "much"})}})
	if faults := input.FaultsOf(err); len(faults) != 3 {
		t.Errorf("%v, want three faults at once", err)
	}
	_, err = w.CreateRecord(t.Context(), CreateRecord{Entity: "incident", Fields: map[string]any{"title": "x", "customerid": behind(map[string]any{"nam": 1.0})}})
	if faults := input.FaultsOf(err); len(faults) != 1 {
		t.Errorf("%v, want the fault inside the lookup and not a missing field beside it", err)
	}
	if n := w.count(t, "contact", "lastname", "Egg"); n != 0 {
		t.Errorf("%d records were made", n)
	}
}

func testLookupsByWhereThatSayNothing(t *testing.T, w world) {
	create := func(lookup map[string]any, onUnset OnUnset) (Result, error) {
		return w.CreateRecord(t.Context(), CreateRecord{
			Entity: "contact", Fields: map[string]any{"lastname": "Say", "parentcustomerid": lookup}, Variables: map[string]any{"blank": ""},
			OnDuplicate: CreateDuplicate, OnUnset: onUnset,
		})
	}
	unset := behind(map[string]any{"name": "Egg", "accountnumber": "{{ nobody }}"})
	if got, err := create(unset, Omit); err != nil || !slices.Equal(got.Omitted, []string{"parentcustomerid"}) {
		t.Errorf("unset: %+v, %v, want the field left out", got, err)
	}
	if _, err := create(unset, Refuse); len(input.FaultsOf(err)) != 1 || input.FaultsOf(err)[0].Reason != input.VariableUnset {
		t.Errorf("unset: %v, want it refused", err)
	}
	for name, lookup := range map[string]map[string]any{
		"nothing found": behind(map[string]any{"name": "Nobody's Egg"}, "missing", "OMIT"),
		"blank":         behind(map[string]any{"name": "{{ blank }}"}, "missing", "OMIT"),
	} {
		got, err := create(lookup, Omit)
		if err != nil || got.Outcome != Created || !slices.Contains(warningCodes(got), LookupOmitted) {
			t.Errorf("%s: %+v, %v, want the field left out", name, got, err)
		}
	}
}

func testLookupsByWhereInASearch(t *testing.T, w world) {
	account := w.insert(t, "account", map[string]any{"name": "Search Ltd", "accountnumber": "S1"}, nil)
	w.insert(t, "contact", map[string]any{"lastname": "Searched", "parentcustomerid": map[string]any{"entity": "account", "id": account}}, nil)
	got := w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"parentcustomerid": behind(map[string]any{"accountnumber": "{{ n }}", "parentaccountid": nil})}, Variables: map[string]any{"n": "s1"}})
	if got.Outcome != Matched || got.Record.Name != "Searched" {
		t.Errorf("%+v, want the contact of the account", got)
	}
	dana := map[string]any{"entity": "systemuser", "where": map[string]any{"isdisabled": false, "fullname": "Dana Ruiz-Okafor"}}
	if got := w.find(t, FindRecord{Entity: "account", Where: map[string]any{"name": "Castellan Robotics", "ownerid": dana}}); got.Outcome != Matched {
		t.Errorf("%+v, want the account that the user owns", got)
	}
	for name, c := range map[string]struct {
		lookup any
		reason input.Reason
		at     string
	}{
		"none":           {behind(map[string]any{"name": "Nobody's Egg"}), input.LookupNotFound, ""},
		"may be missing": {behind(map[string]any{"name": "Search Ltd"}, "missing", "OMIT"), input.InvalidValue, ""},
		"unset":          {behind(map[string]any{"name": "{{ nobody }}"}), input.VariableUnset, ".where.name"},
		"unset entity":   {behind(map[string]any{"name": "x"}, "entity", "{{ nobody }}"), input.VariableUnset, ""},
	} {
		_, err := w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: map[string]any{"parentcustomerid": c.lookup}})
		if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Reason != c.reason || faults[0].Field != "where.parentcustomerid"+c.at {
			t.Errorf("%s: %v, want %s at %q", name, err, c.reason, c.at)
		}
	}
}

func testLookupsByWhereOfAnUpsert(t *testing.T, w world) {
	account := w.insert(t, "account", map[string]any{"name": "Upsert Ltd"}, nil)
	spec := UpsertRecord{UpdateRecord: UpdateRecord{
		Entity: "contact", Where: map[string]any{"lastname": "Upserted", "parentcustomerid": behind(map[string]any{"name": "Upsert Ltd"})}, Fields: map[string]any{"jobtitle": "Clerk"},
	}}
	made, err := w.UpsertRecord(t.Context(), spec)
	if err != nil || made.Outcome != Created {
		t.Fatalf("%+v, %v", made, err)
	}
	if value, _ := w.read(t, made.Record).Value("_parentcustomerid_value"); value != account {
		t.Errorf("bound to %v, want %s", value, account)
	}
	if again, err := w.UpsertRecord(t.Context(), spec); err != nil || again.Outcome != Unchanged {
		t.Errorf("%+v, %v, want the record found", again, err)
	}
}

// TestLookupsByWhereAreNotRemembered: what matched is gone or another by then.
func TestLookupsByWhereAreNotRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		account := w.insert(t, "account", map[string]any{"name": "Brief Ltd"}, nil)
		contact := w.insert(t, "contact", map[string]any{"lastname": "X", "parentcustomerid": behind(map[string]any{"name": "Brief Ltd"})}, nil)
		if value, _ := w.read(t, &Record{Entity: "contact", ID: contact}).Value("_parentcustomerid_value"); value != account {
			t.Errorf("bound to %v, want %s", value, account)
		}
		e, err := w.client(t).Entity(t.Context(), "account")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.client(t).DeleteRecord(t.Context(), e, dataverse.ID(account)); err != nil {
			t.Fatal(err)
		}
	}
}

// wantPlanned compares the requests that a call lists without condition with those that it then sends.
func (w world) wantPlanned(t *testing.T, call func(validateOnly bool) (Result, error)) []PlannedRequest {
	t.Helper()
	listed, err := call(true)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(slices.Clone(listed.Requests), func(r PlannedRequest) bool { return r.Condition != "" })
	seen := &recorded{next: w.wire.next}
	w.wire.next = seen
	defer func() { w.wire.next = seen.next }()
	if _, err := call(false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, seen.sent); diff != "" {
		t.Errorf("requests (-planned +sent):\n%s", diff)
	}
	return want
}

func TestPlannedLookupsByWhereAreSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lookup := behind(map[string]any{"name": demoAccount, "statecode": "Active"})
	w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"parentcustomerid": lookup}}) // reads the metadata
	requests := w.wantPlanned(t, func(validate bool) (Result, error) {
		return w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: map[string]any{"parentcustomerid": lookup}, ValidateOnly: validate})
	})
	if len(requests) != 2 {
		t.Errorf("%d requests, want the lookup's and the search's: %+v", len(requests), requests)
	}
}
