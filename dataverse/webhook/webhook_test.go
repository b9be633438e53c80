package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// golden is a hand-written body, spaces outside strings removed.
func golden(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return compact.Bytes()
}

// asyncCreate is what async_create.json says.
func asyncCreate() *Context {
	const row = "4a000000-0000-4000-8000-000000000004"
	start := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
	agent := EntityReference{LogicalName: "systemuser", ID: "a9000000-0000-4000-8000-000000000005"}
	named := agent
	named.Name = "Dana Ruiz"
	return &Context{
		BusinessUnitID:                       "b0000000-0000-4000-8000-000000000001",
		CorrelationID:                        "c0000000-0000-4000-8000-000000000002",
		Depth:                                1,
		InitiatingUserAzureActiveDirectoryID: zeroID,
		InitiatingUserID:                     "5e000000-0000-4000-8000-000000000003",
		InputParameters: []Parameter{{Key: "Target", Value: Entity{
			LogicalName: "msdyn_agentstatushistory", ID: row, RowVersion: "1234",
			Attributes: []Attribute{
				{"msdyn_agentstatushistoryid", row},
				{"msdyn_agentid", agent},
				{"msdyn_presenceid", EntityReference{LogicalName: "msdyn_presence", ID: "f523f628-c07a-e811-8162-000d3aa11f50"}},
				{"msdyn_starttime", start},
				{"msdyn_isagentloggedin", true},
				{"msdyn_availablecapacity", json.Number("100")},
				{"msdyn_name", "A/B\nC \"d\" é 😀"},
				{"exchangerate", json.Number("1.0000000000")},
				{"revenue", Money("100.50")},
				{"choices", []OptionSetValue{1, 9}},
				{"parties", []Entity{{LogicalName: "activityparty", ID: "ac000000-0000-4000-8000-000000000009"}}},
				{"cleared", nil},
				{"birthdate", time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC)},
				{"statecode", OptionSetValue(0)},
			},
			Formatted: []Pair{{"msdyn_isagentloggedin", "Yes"}},
		}}},
		IsolationMode:      1,
		MessageName:        "Create",
		Mode:               Asynchronous,
		OperationCreatedOn: start.Add(time.Second),
		OperationID:        "0b000000-0000-4000-8000-000000000006",
		OrganizationID:     "07000000-0000-4000-8000-000000000007",
		OrganizationName:   "unq07000000",
		OutputParameters:   []Parameter{{"id", row}},
		OwningExtension:    EntityReference{LogicalName: "sdkmessageprocessingstep", ID: "57000000-0000-4000-8000-000000000008"},
		PostEntityImages: []Image{
			{PrimaryNameImage, Entity{LogicalName: "msdyn_agentstatushistory", ID: row, Attributes: []Attribute{{"msdyn_agentstatushistoryid", row}}}},
			{"presence_post", Entity{
				LogicalName: "msdyn_agentstatushistory", ID: row,
				Attributes: []Attribute{{"msdyn_agentid", named}, {"msdyn_starttime", start}},
				Formatted:  []Pair{{"msdyn_agentid", "Dana Ruiz"}, {"msdyn_presenceid", "Available"}},
			}},
		},
		PrimaryEntityID:     row,
		PrimaryEntityName:   "msdyn_agentstatushistory",
		RequestID:           "4e000000-0000-4000-8000-000000000009",
		SecondaryEntityName: "none",
		SharedVariables: []Parameter{
			{"IsAutoTransact", true},
			{"ChangedEntityTypes", []Pair{{"msdyn_agentstatushistory", "Create"}}},
		},
		Stage:                      40,
		UserAzureActiveDirectoryID: zeroID,
		UserID:                     "5e000000-0000-4000-8000-000000000003",
	}
}

// syncDelete is what sync_delete.json says.
func syncDelete() *Context {
	c := &Context{
		BusinessUnitID:                       "b0000000-0000-4000-8000-000000000001",
		CorrelationID:                        "c0000000-0000-4000-8000-000000000002",
		Depth:                                2,
		InitiatingUserAgent:                  "agent",
		InitiatingUserAzureActiveDirectoryID: "aad00000-0000-4000-8000-000000000001",
		InitiatingUserID:                     "5e000000-0000-4000-8000-000000000003",
		InputParameters: []Parameter{{"Target", EntityReference{
			LogicalName: "account", ID: "4a000000-0000-4000-8000-000000000004",
		}}},
		IsInTransaction:    true,
		IsolationMode:      1,
		MessageName:        "Delete",
		OperationCreatedOn: time.Date(2026, 1, 1, 10, 0, 1, 234e6, time.UTC),
		OperationID:        "4e000000-0000-4000-8000-000000000009",
		OrganizationID:     "07000000-0000-4000-8000-000000000007",
		OrganizationName:   "unq07000000",
		OwningExtension: EntityReference{
			LogicalName: "sdkmessageprocessingstep", ID: "57000000-0000-4000-8000-000000000008", Name: "hook: Delete of account",
		},
		PrimaryEntityID:            "4a000000-0000-4000-8000-000000000004",
		PrimaryEntityName:          "account",
		RequestID:                  "4e000000-0000-4000-8000-000000000009",
		SecondaryEntityName:        "none",
		Stage:                      40,
		UserAzureActiveDirectoryID: zeroID,
		UserID:                     "5e000000-0000-4000-8000-000000000003",
	}
	parent := *c
	parent.Depth, parent.Stage, parent.RequestID, parent.InitiatingUserAgent = 1, 30, "", ""
	parent.InitiatingUserAzureActiveDirectoryID = zeroID
	parent.InputParameters, parent.OwningExtension.Name = nil, ""
	parent.OperationCreatedOn = time.Date(2026, 1, 1, 10, 0, 1, 230e6, time.UTC)
	c.ParentContext = &parent
	return c
}

func TestEncodeWritesWhatDataversePosts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*Context{"async_create.json": asyncCreate(), "sync_delete.json": syncDelete()} {
		body, err := Encode(c)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(string(golden(t, name)), string(body)); diff != "" {
			t.Errorf("%s: body differs (-want +got):\n%s", name, diff)
		}
	}
}

func TestDecodeReadsWhatDataversePosts(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]*Context{
		"async_create.json": asyncCreate(),
		"sync_delete.json":  syncDelete(),
		"other_shapes.json": asyncCreate(), // both casings, other dates, plain slashes, no markers, unknown and absent members
	} {
		body := golden(t, name)
		for _, variant := range [][]byte{body, append([]byte("\xef\xbb\xbf "), body...)} {
			got, err := Decode(variant)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: context differs (-want +got):\n%s", name, diff)
			}
		}
	}
}

func TestDecodeOverlooksMembersOfAnotherType(t *testing.T) {
	t.Parallel()
	got, err := Decode([]byte(`{"Depth":"one","PostEntityImages":{"a":1},"InputParameters":[1,{"key":"Target","value":{"__type":"Entity:x","Attributes":7,"LogicalName":"contact"}}],
		"ParentContext":[],"OperationCreatedOn":5,"MessageName":"Create","OrganizationName":12,"Mode":null}`))
	if err != nil {
		t.Fatal(err)
	}
	target, ok := got.Target()
	if got.MessageName != "Create" || got.OrganizationName != "12" || !ok || target.LogicalName != "contact" {
		t.Errorf("context = %+v, target %v; want the message, the name as text and the target", got, ok)
	}
}

func TestDecodeTellsWhatIsNoContext(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		"":                       ErrNotJSON,
		" \n":                    ErrNotJSON,
		"\xef\xbb\xbf":           ErrNotJSON,
		"{":                      ErrNotJSON,
		"<xml/>":                 ErrNotJSON,
		`{"MessageName":"C"} {}`: ErrNotJSON,
		"[]":                     ErrNotContext,
		"null":                   ErrNotContext,
		`"Create"`:               ErrNotContext,
		`{"a":1}`:                ErrNotContext,
	} {
		if _, err := Decode([]byte(body)); !errors.Is(err, want) {
			t.Errorf("Decode(%q) = %v, want %v", body, err, want)
		}
	}
}

func TestDecodeEndsOnDeepNesting(t *testing.T) {
	t.Parallel()
	const levels = 500
	body := `{"MessageName":"Create","SharedVariables":[{"key":"x","value":` + strings.Repeat(`[`, levels) + strings.Repeat(`]`, levels) + `}]}`
	if _, err := Decode([]byte(body)); err != nil {
		t.Error(err)
	}
}

func TestReducedContextHasNoPayload(t *testing.T) {
	t.Parallel()
	c := asyncCreate()
	c.Reduced = true
	body, err := Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ParentContext", "InputParameters", "PreEntityImages", "PostEntityImages"} {
		if _, ok := members[name]; ok {
			t.Errorf("a reduced body has %s", name)
		}
	}
	back, err := Decode(body)
	if err != nil || !back.Reduced || back.PrimaryEntityID != c.PrimaryEntityID {
		t.Errorf("Decode(reduced) = %+v, %v; want Reduced and the record ID kept", back, err)
	}
	if full, _ := Decode(golden(t, "async_create.json")); full.Reduced {
		t.Error("a whole context is told to be reduced")
	}
}

func TestEncodeRefusesWhatABodyCannotCarry(t *testing.T) {
	t.Parallel()
	for _, v := range []any{make(chan int), Money("many"), json.Number("true"), json.Number(""), struct{}{}} {
		_, err := Encode(&Context{SharedVariables: []Parameter{{"odd", v}}})
		if err == nil || !strings.Contains(err.Error(), "odd") {
			t.Errorf("Encode with a %T %v = %v, want an error that names the key", v, v, err)
		}
	}
}

func TestPostImagePrefersTheAliasElseTheOnlyOne(t *testing.T) {
	t.Parallel()
	image := func(alias string) Image { return Image{alias, Entity{ID: alias}} }
	for _, test := range []struct {
		images []Image
		want   string
	}{
		{nil, ""},
		{[]Image{image(PrimaryNameImage)}, ""},
		{[]Image{image(PrimaryNameImage), image("mine")}, "mine"},
		{[]Image{image(PrimaryNameImage), image("other")}, "other"},
		{[]Image{image("other"), image("mine")}, "mine"},
		{[]Image{image("other"), image("third")}, ""},
	} {
		got, ok := (&Context{PostEntityImages: test.images}).PostImage("mine")
		if got.ID != test.want || ok != (test.want != "") {
			t.Errorf("PostImage among %v = %q, %v; want %q", test.images, got.ID, ok, test.want)
		}
	}
}

func TestEntityTimeTakesBothShapes(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
	e := Entity{Attributes: []Attribute{{"a", want}, {"b", "2026-01-01T12:00:00+02:00"}, {"c", "soon"}, {"d", nil}}}
	for field, ok := range map[string]bool{"a": true, "b": true, "c": false, "d": false, "none": false} {
		if got, told := e.Time(field); told != ok || ok && !got.Equal(want) {
			t.Errorf("Time(%s) = %v, %v; want %v", field, got, told, ok)
		}
	}
}
