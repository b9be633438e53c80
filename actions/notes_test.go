package actions

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/schema"
)

func TestNotes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	AllAtOnce(t, w, map[string]func(*testing.T, world){
		"AboutAnyRecord":      testNotesAboutAnyRecord,
		"WithAFile":           testNoteWithAFile,
		"BindEveryEntity":     testNotesBindEveryEntity,
		"FaultsShowNoContent": testNoteFaultsShowNoContent,
	})
}

func testNotesAboutAnyRecord(t *testing.T, w world) {
	contact := w.contact(t, "NoteAda")
	customer := map[string]any{"entity": "contact", "id": contact["id"]}
	for entity, fields := range map[string]map[string]any{
		"contact": {"lastname": "Noted"}, "account": {"name": "Noted"}, "lead": {"lastname": "Noted", "subject": "Noted"},
		"incident": {"title": "Noted", "customerid": customer}, "opportunity": {"name": "Noted", "customerid": customer},
		"phonecall": {"subject": "Noted"}, "task": {"subject": "Noted"}, "email": {"subject": "Noted"},
	} {
		about, err := w.CreateRecord(t.Context(), CreateRecord{Entity: entity, Fields: fields, OnDuplicate: CreateDuplicate, Save: map[string]string{"about": "@record"}})
		if err != nil {
			t.Errorf("%s: %v", entity, err)
			continue
		}
		got, err := w.CreateRecord(t.Context(), CreateRecord{
			Entity: "annotation", Fields: map[string]any{"subject": "N", "notetext": "said so", "objectid": "{{ about }}"}, Variables: about.Variables,
		})
		if err != nil || got.Outcome != Created {
			t.Errorf("a note about %s: %+v, %v", entity, got, err)
			continue
		}
		row := w.read(t, got.Record)
		if id, _ := row.Value("_objectid_value"); id != about.Record.ID || row.LookupEntity("_objectid_value") != entity {
			t.Errorf("the note is about %v of %s, want %v of %s", id, row.LookupEntity("_objectid_value"), about.Record.ID, entity)
		}
	}
}

func testNoteWithAFile(t *testing.T, w world) {
	content := "a,b\n1,2\n"
	got, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "annotation", Fields: map[string]any{
			"subject": "Transcript", "objectid": "{{ about }}", "filename": "talk.csv", "mimetype": "text/csv", "documentbody": "{{ file }}",
		},
		Variables: map[string]any{"about": w.contact(t, "FileAda"), "file": base64.StdEncoding.EncodeToString([]byte(content))},
	})
	if err != nil || got.Outcome != Created {
		t.Fatalf("%+v, %v", got, err)
	}
	row := w.read(t, got.Record)
	for property, want := range map[string]string{
		"filename": "talk.csv", "mimetype": "text/csv", "documentbody": base64.StdEncoding.EncodeToString([]byte(content)), "isdocument": "true", "filesize": fmt.Sprint(len(content)),
	} {
		if value, _ := row.Value(property); fmt.Sprint(value) != want {
			t.Errorf("%s = %v, want %s", property, value, want)
		}
	}
	if _, err = w.UpdateRecord(t.Context(), UpdateRecord{Entity: "annotation", RecordID: got.Record.ID, Fields: map[string]any{"documentbody": nil}}); err != nil {
		t.Fatal(err)
	}
	if row = w.read(t, got.Record); fmt.Sprint(row.Value("isdocument")) != "false true" {
		t.Error("a note whose file was cleared still has one")
	}
}

// testNotesBindEveryEntity has every entity that can have notes be bound by the property that the metadata names.
func testNotesBindEveryEntity(t *testing.T, w world) {
	object := schema.Standard().Entity("annotation").Field("objectid")
	if len(object.Targets) < 10 {
		t.Fatalf("notes are about %v only", object.Targets)
	}
	for _, target := range object.Targets {
		got, err := w.CreateRecord(t.Context(), CreateRecord{
			Entity: "annotation", Fields: map[string]any{"subject": "N", "objectid": "{{ about }}"},
			Variables: map[string]any{"about": map[string]any{"entity": target, "id": someID, "name": "x", "url": "https://x"}}, ValidateOnly: true,
		})
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		if bound, _ := got.Requests[0].Body[object.Navigation[target]+"@odata.bind"].(string); !strings.HasSuffix(bound, "("+someID+")") {
			t.Errorf("%s is bound by %v", target, got.Requests[0].Body)
		}
	}
}

func testNoteFaultsShowNoContent(t *testing.T, w world) {
	for _, body := range []any{"secret words!", []any{"secret words!"}, 5.0} {
		_, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "annotation", Fields: map[string]any{"subject": "N", "documentbody": body}, CutLongText: true})
		faults := input.FaultsOf(err)
		if len(faults) != 1 || faults[0].Field != "fields.documentbody" || !strings.Contains(faults[0].Message, "base64") || strings.Contains(faults[0].Message, "secret") {
			t.Errorf("%v: %v, want base64 asked for and nothing of the content", body, err)
		}
	}
}
