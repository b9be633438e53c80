package actions

import (
	"strings"
	"testing"

	"github.com/botverse/botverse/actions/input"
)

// TestLookupsByAlternateKey: a lookup may name its record by the fields of an alternate key.
func TestLookupsByAlternateKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const field = "azureactivedirectoryobjectid"
	const directory = "aad00000-0000-4000-8000-00000000000b"
	keyed := func(value any) map[string]any {
		return map[string]any{"entity": "systemuser", "key": map[string]any{field: value}}
	}
	user, err := w.FindRecord(t.Context(), FindRecord{Entity: "systemuser", Where: map[string]any{field: directory}})
	if err != nil || user.Outcome != Matched {
		t.Fatalf("%+v, %v", user, err)
	}
	got, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "account", Fields: map[string]any{"name": "Daughter", "preferredsystemuserid": keyed("{{ n }}")},
		Variables: map[string]any{"n": directory}, OnDuplicate: CreateDuplicate,
	})
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := w.read(t, got.Record).Value("_preferredsystemuserid_value"); id != user.Record.ID {
		t.Errorf("the user is %v, want %s", id, user.Record.ID)
	}
	found, err := w.FindRecord(t.Context(), FindRecord{Entity: "account", Where: map[string]any{"preferredsystemuserid": keyed(directory)}})
	if err != nil || found.Outcome != Matched || found.Record.ID != got.Record.ID {
		t.Errorf("found by the key of its parent: %+v, %v", found, err)
	}
	for _, test := range []struct {
		lookup map[string]any
		path   string
		reason input.Reason
		part   string
	}{
		{keyed(someID), "fields.preferredsystemuserid", input.LookupNotFound, "matches the lookup's key"},
		{map[string]any{"entity": "systemuser", "key": map[string]any{"fullname": "Ada"}}, "fields.preferredsystemuserid.key", input.InvalidField, "its keys are"},
		{keyed(nil), "fields.preferredsystemuserid.key." + field, input.InvalidValue, "is null"},
		{keyed("{{ blank }}"), "fields.preferredsystemuserid.key." + field, input.VariableUnset, "blank"},
		{map[string]any{"entity": "systemuser", "key": directory}, "fields.preferredsystemuserid.key", input.InvalidValue, "takes an object"},
		{map[string]any{"key": map[string]any{field: directory}, "where": map[string]any{"fullname": "x"}}, "fields.preferredsystemuserid", input.InvalidValue, "the lookup has key and where"},
		{map[string]any{"key": map[string]any{field: directory}, "id": someID}, "fields.preferredsystemuserid", input.InvalidValue, "the lookup has id and key"},
	} {
		_, err := w.CreateRecord(t.Context(), CreateRecord{
			Entity: "account", Fields: map[string]any{"name": "X", "preferredsystemuserid": test.lookup}, Variables: map[string]any{"blank": " "}, OnDuplicate: CreateDuplicate,
		})
		faults := input.FaultsOf(err)
		if len(faults) != 1 || faults[0].Field != test.path || faults[0].Reason != test.reason || !strings.Contains(faults[0].Message, test.part) {
			t.Errorf("%v: %v, want %s %s: …%s…", test.lookup, err, test.path, test.reason, test.part)
		}
	}
	_, err = w.CreateRecord(t.Context(), CreateRecord{
		Entity: "account", Fields: map[string]any{"name": "X", "preferredsystemuserid": "{{ v }}"}, Variables: map[string]any{"v": keyed(directory)},
	})
	if faults := input.FaultsOf(err); len(faults) != 1 || !strings.Contains(faults[0].Message, "not taken from a variable") {
		t.Errorf("a key in a variable: %v", err)
	}
	omitted, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "account", OnDuplicate: CreateDuplicate,
		Fields: map[string]any{"name": "X", "preferredsystemuserid": map[string]any{"entity": "systemuser", "key": map[string]any{field: someID}, "missing": "OMIT"}},
	})
	if err != nil || omitted.Outcome != Created {
		t.Errorf("a key that finds nothing and may be missing: %+v, %v", omitted, err)
	}
}
