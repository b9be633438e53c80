package actions

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// entityOf is a standard entity.
func entityOf(t testing.TB, name string) *schema.Entity {
	t.Helper()
	e := schema.Standard().Entity(name)
	if e == nil {
		t.Fatalf("there is no standard entity %s", name)
	}
	return e
}

// rowOf is a record of an entity as Dataverse's JSON has it.
func rowOf(t testing.TB, e *schema.Entity, text string) dataverse.Record {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		t.Fatal(err)
	}
	return dataverse.NewRecord(e, members)
}

// planOf is the plan of a `save` without faults.
func planOf(t testing.TB, e *schema.Entity, req saveRequest) *savePlan {
	t.Helper()
	plan, faults, err := planSave(t.Context(), nil, e, req)
	if err != nil || len(faults) > 0 {
		t.Fatalf("planSave: faults %v, error %v", faults, err)
	}
	return plan
}

func TestSaveSetsEveryTargetOnEveryAnswer(t *testing.T) {
	t.Parallel()
	contact := entityOf(t, "contact")
	req := saveRequest{
		Save:      map[string]string{"name": "fullname", "mail": "emailaddress1", "id": "@id", "count": "@count"},
		Defaults:  map[string]any{"mail": "nobody@example.com"},
		Variables: map[string]any{"name": "the customer before", "kept": "yes"},
		Count:     true,
	}
	none := planOf(t, contact, req).Fill(saved{})
	want := map[string]any{"name": nil, "mail": "nobody@example.com", "id": nil, "count": nil, "kept": "yes"}
	if diff := cmp.Diff(want, none); diff != "" {
		t.Errorf("variables after nothing was found (-want +got):\n%s", diff)
	}
	row := rowOf(t, contact, `{"contactid":"1d000000-0000-4000-8000-000000000001","fullname":"Ada O'Neill","emailaddress1":null}`)
	one := 1
	found := planOf(t, contact, req).Fill(saved{Record: &Record{Entity: "contact", ID: string(row.ID())}, Row: &row, Count: &one})
	want = map[string]any{"name": "Ada O'Neill", "mail": "nobody@example.com", "id": "1d000000-0000-4000-8000-000000000001", "count": 1.0, "kept": "yes"}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("variables after a match (-want +got):\n%s", diff)
	}
}

func TestSaveLeavesTheCallersVariablesAlone(t *testing.T) {
	t.Parallel()
	variables := map[string]any{"visitor": map[string]any{"tags": []any{"a"}}}
	plan := planOf(t, entityOf(t, "contact"), saveRequest{Save: map[string]string{"visitor.id": "@id"}, Variables: variables})
	got := plan.Fill(saved{Record: &Record{ID: "7"}})
	want := map[string]any{"visitor": map[string]any{"tags": []any{"a"}, "id": "7"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	got["visitor"].(map[string]any)["tags"].([]any)[0] = "changed"
	got["new"] = true
	if diff := cmp.Diff(map[string]any{"visitor": map[string]any{"tags": []any{"a"}}}, variables); diff != "" {
		t.Errorf("the caller's variables after the answer's were changed (-want +got):\n%s", diff)
	}
}

func TestSaveSources(t *testing.T) {
	t.Parallel()
	contact := entityOf(t, "contact")
	row := rowOf(t, contact, `{
		"contactid":"1d000000-0000-4000-8000-000000000001","fullname":"Ada",
		"preferredcontactmethodcode":2,"preferredcontactmethodcode@OData.Community.Display.V1.FormattedValue":"Email",
		"donotphone":true,"donotphone@OData.Community.Display.V1.FormattedValue":"Do Not Allow",
		"creditlimit":12345678901234567.8900,"annualincome":50000.0000,"annualincome@OData.Community.Display.V1.FormattedValue":"$50,000.00",
		"numberofchildren":3,"versionnumber":81052965,"birthdate":"2031-05-17",
		"_parentcustomerid_value":"ac000000-0000-4000-8000-000000000001",
		"_parentcustomerid_value@OData.Community.Display.V1.FormattedValue":"Fabrikam",
		"accountid":null,"masterid":{"contactid":"1d000000-0000-4000-8000-000000000002","fullname":"Older Ada"}}`)
	record := &Record{Entity: "contact", ID: "1d000000-0000-4000-8000-000000000001", Name: "Ada", URL: "https://x/main.aspx"}
	for _, c := range []struct {
		source string
		want   any
	}{
		{"fullname", "Ada"},
		{"fullname@formatted", "Ada"},
		{"preferredcontactmethodcode", 2.0},
		{"preferredcontactmethodcode@formatted", "Email"},
		{"donotphone", true},
		{"donotphone@formatted", "Do Not Allow"},
		{"creditlimit", "12345678901234567.8900"},
		{"annualincome", 50000.0},
		{"annualincome@formatted", "$50,000.00"},
		{"numberofchildren", 3.0},
		{"versionnumber", "81052965"},
		{"birthdate", "2031-05-17"},
		{"parentcustomerid", "ac000000-0000-4000-8000-000000000001"},
		{"parentcustomerid@formatted", "Fabrikam"},
		{"@id", "1d000000-0000-4000-8000-000000000001"},
		{"@url", "https://x/main.aspx"},
		{"@record", map[string]any{"entity": "contact", "id": "1d000000-0000-4000-8000-000000000001", "name": "Ada"}},
	} {
		plan := planOf(t, contact, saveRequest{Save: map[string]string{"x": c.source}})
		got := plan.Fill(saved{Record: record, Row: &row})["x"]
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.source, diff)
		}
	}
}

func TestSaveOfAMultiSelectChoiceIsAList(t *testing.T) {
	t.Parallel()
	if got := variableValue(schema.MultiSelectPicklist, "1,9"); !cmp.Equal(got, any([]any{1.0, 9.0})) {
		t.Errorf("value of \"1,9\" = %v, want the list of 1 and 9", got)
	}
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	for digits, want := range map[string]any{
		"0": 0.0, "45000.0000": 45000.0, "0.1": 0.1, "-12.50": -12.5, "9007199254740992": 9007199254740992.0,
		"9007199254740993": "9007199254740993", "922337203685477.5807": "922337203685477.5807", "1e5": 100000.0,
	} {
		if got := exactNumber(digits, false); got != want {
			t.Errorf("exactNumber(%s) = %v (%T), want %v (%T)", digits, got, got, want, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`-?[1-9][0-9]{0,18}(\.[0-9]{1,10})?`).Draw(t, "digits")
		f, isNumber := exactNumber(digits, false).(float64)
		if !isNumber {
			return
		}
		shortest, _ := json.Marshal(f)
		written, _ := new(big.Rat).SetString(digits)
		sent, _ := new(big.Rat).SetString(string(shortest))
		if written.Cmp(sent) != 0 {
			t.Fatalf("%s travels as %s", digits, shortest)
		}
	})
}

func TestSaveSelectsWhatItNeeds(t *testing.T) {
	t.Parallel()
	contact := entityOf(t, "contact")
	plan := planOf(t, contact, saveRequest{Count: true, Save: map[string]string{
		"a": "parentcustomerid@formatted", "b": "parentcustomerid", "c": "emailaddress1", "d": "@url", "e": "contactid", "f": "@count",
	}})
	want := []string{"contactid", "_parentcustomerid_value", "emailaddress1", "fullname"}
	if diff := cmp.Diff(want, plan.Select()); diff != "" {
		t.Errorf("Select (-want +got):\n%s", diff)
	}
	if got := plan.Expand(); got != nil {
		t.Errorf("Expand = %v, want none", got)
	}
	if !plan.NeedsRow() {
		t.Error("NeedsRow = false where fields are saved")
	}
	if planOf(t, contact, saveRequest{Save: map[string]string{"a": "@id"}}).NeedsRow() {
		t.Error("NeedsRow = true where only the ID is saved")
	}
}

func TestSaveThroughALookup(t *testing.T) {
	t.Parallel()
	contact := entityOf(t, "contact")
	find := func(name, path string) (column, *input.Fault, error) {
		_, field, _ := strings.Cut(name, ".")
		return column{Navigation: "masterid", Property: field, Field: contact.Field(field)}, nil, nil
	}
	plan, faults, err := newSavePlan(contact, saveRequest{Save: map[string]string{"a": "masterid.fullname", "b": "masterid.emailaddress1"}}, find)
	if err != nil || len(faults) > 0 {
		t.Fatalf("newSavePlan: faults %v, error %v", faults, err)
	}
	want := []odata.Expand{{Navigation: "masterid", Select: []string{"emailaddress1", "fullname"}}}
	if diff := cmp.Diff(want, plan.Expand()); diff != "" {
		t.Errorf("Expand (-want +got):\n%s", diff)
	}
	row := rowOf(t, contact, `{"contactid":"1d000000-0000-4000-8000-000000000001","masterid":{"fullname":"Older Ada"}}`)
	if got := plan.Fill(saved{Row: &row}); got["a"] != "Older Ada" || got["b"] != nil {
		t.Errorf("variables = %v, want the master's name and no address", got)
	}
	row = rowOf(t, contact, `{"contactid":"1d000000-0000-4000-8000-000000000001","masterid":null}`)
	if got := plan.Fill(saved{Row: &row}); got["a"] != nil {
		t.Errorf("variables behind an empty lookup = %v, want null", got)
	}
}

func TestSaveFaults(t *testing.T) {
	t.Parallel()
	contact := entityOf(t, "contact")
	for _, c := range []struct {
		name    string
		req     saveRequest
		reason  input.Reason
		field   string
		nearest string
	}{
		{"misspelt field", saveRequest{Save: map[string]string{"x": "fulname"}}, input.InvalidField, "save.x", "fullname"},
		{"misspelt suffix", saveRequest{Save: map[string]string{"x": "fullname@format"}}, input.InvalidField, "save.x", "fullname@formatted"},
		{"unknown source", saveRequest{Save: map[string]string{"x": "@idd"}}, input.InvalidField, "save.x", "@id"},
		{"count where nothing is counted", saveRequest{Save: map[string]string{"x": "@count"}}, input.InvalidField, "save.x", ""},
		{"lookup field where links are not allowed", saveRequest{Save: map[string]string{"x": "masterid.fullname"}}, input.InvalidField, "save.x", ""},
		{"several targets", saveRequest{Links: true, Save: map[string]string{"x": "parentcustomerid.name"}}, input.InvalidField, "save.x", ""},
		{"shadow", saveRequest{Save: map[string]string{"x": "parentcustomeridname"}}, input.InvalidField, "save.x", "parentcustomerid@formatted"},
		{"image", saveRequest{Save: map[string]string{"x": "entityimage"}}, input.InvalidField, "save.x", ""},
		{"image's address", saveRequest{Save: map[string]string{"x": "entityimage_url"}}, input.InvalidField, "save.x", ""},
		{"default of nothing", saveRequest{Save: map[string]string{"name": "fullname"}, Defaults: map[string]any{"nam": 1}}, input.InvalidRequest, "save_defaults.nam", "name"},
		{"empty part", saveRequest{Save: map[string]string{"a..b": "fullname"}}, input.InvalidRequest, "save.a..b", ""},
		{"inside another target", saveRequest{Save: map[string]string{"a": "fullname", "a.b": "fullname"}}, input.InvalidRequest, "save.a.b", ""},
		{"inside a text", saveRequest{Save: map[string]string{"a.b": "fullname"}, Variables: map[string]any{"a": "text"}}, input.InvalidRequest, "save.a.b", ""},
	} {
		_, faults, err := planSave(t.Context(), nil, contact, c.req)
		if err != nil || len(faults) != 1 {
			t.Errorf("%s: faults %v, error %v, want one fault", c.name, faults, err)
			continue
		}
		if strings.HasPrefix(c.name, "image") && strings.Contains(faults[0].Message, "shadow") {
			t.Errorf("an image is called a shadow: %s", faults[0].Message)
		}
		if faults[0].Reason != c.reason || faults[0].Field != c.field {
			t.Errorf("%s: %s at %s, want %s at %s", c.name, faults[0].Reason, faults[0].Field, c.reason, c.field)
		}
		if c.nearest != "" && (len(faults[0].Nearest) == 0 || faults[0].Nearest[0] != c.nearest) {
			t.Errorf("%s: nearest %v, want %s first", c.name, faults[0].Nearest, c.nearest)
		}
	}
}

func TestSaveIntoAVariableWithADotInItsName(t *testing.T) {
	t.Parallel()
	contact := entityOf(t, "contact")
	flat := planOf(t, contact, saveRequest{Save: map[string]string{"a.b": "@id"}, Variables: map[string]any{"a.b": "old", "a": "text"}})
	if got := flat.Fill(saved{Record: &Record{ID: "7"}}); got["a.b"] != "7" || got["a"] != "text" {
		t.Errorf("variables = %v, want the variable of just that name set", got)
	}
	nested := planOf(t, contact, saveRequest{Save: map[string]string{"a.b.c": "@id"}, Variables: map[string]any{"a": nil}})
	want := map[string]any{"a": map[string]any{"b": map[string]any{"c": "7"}}}
	if diff := cmp.Diff(want, nested.Fill(saved{Record: &Record{ID: "7"}})); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}
