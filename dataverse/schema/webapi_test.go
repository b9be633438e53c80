package schema_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/botverse/botverse/dataverse/schema"
)

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wire is what a server answers for an entity: its definition, all attributes without options, and then those of each type
// with them.
func wire(t *testing.T, e *schema.Entity) (definition []byte, attributes [][]byte) {
	t.Helper()
	o := schema.EncodeOptions{}
	d := schema.EncodeEntity(e, o)
	keys, one, many, both := []any{}, []any{}, []any{}, []any{}
	for _, k := range e.Keys {
		keys = append(keys, schema.EncodeKey(e, k, o))
	}
	for _, r := range e.AllManyToOne() {
		one = append(one, schema.EncodeManyToOne(e, r, o))
	}
	for _, r := range e.OneToMany {
		many = append(many, schema.EncodeOneToMany(e, r, o))
	}
	for _, r := range e.ManyToMany {
		both = append(both, schema.EncodeManyToMany(r, o))
	}
	d["Keys"], d["ManyToOneRelationships"], d["OneToManyRelationships"], d["ManyToManyRelationships"] = keys, one, many, both

	bare, casts := []any{}, map[string][]any{}
	for _, f := range e.Fields {
		m := schema.EncodeField(e, f, o)
		if m["OptionSet"] != nil {
			casts[schema.Cast(f.Type)] = append(casts[schema.Cast(f.Type)], schema.EncodeField(e, f, o))
			delete(m, "OptionSet")
			delete(m, "GlobalOptionSet")
		}
		bare = append(bare, m)
	}
	attributes = append(attributes, encode(t, map[string]any{"value": bare}))
	for _, c := range casts {
		attributes = append(attributes, encode(t, map[string]any{"value": c}))
	}
	return encode(t, d), attributes
}

func TestStandardEntitiesSurviveTheWire(t *testing.T) {
	t.Parallel()
	for _, name := range schema.Standard().Names() {
		want := schema.Standard().Entity(name)
		got, err := schema.DecodeDefinition(wire(t, want))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		onTheWire := *want
		onTheWire.ManyToOne = want.AllManyToOne() // what only the lookups knew
		if diff := cmp.Diff(&onTheWire, got, cmpopts.IgnoreUnexported(schema.Entity{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-standard +decoded)\n%s", name, diff)
		}
		if got.Field(want.PrimaryID) == nil {
			t.Errorf("%s is not indexed", name)
		}
	}
}

func TestDecodeTheReferencesExample(t *testing.T) {
	t.Parallel()
	read := func(name string) []byte {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	e, err := schema.DecodeDefinition(read("definition.json"), [][]byte{read("attributes.json"), read("picklists.json"), read("states.json"), read("booleans.json"), read("lookups.json")})
	if err != nil {
		t.Fatal(err)
	}
	zero, minimum, precision := 0, "-1000000000", 2
	label := func(text, german string) schema.Label {
		return schema.Label{{Language: 1031, Text: german}, {Language: 1033, Text: text}}
	}
	want := &schema.Entity{
		LogicalName: "new_ticket", SchemaName: "new_Ticket", EntitySetName: "new_tickets", ObjectTypeCode: 10042,
		DisplayName: label("Ticket", "Vorgang"), DisplayCollectionName: schema.EnglishLabel("Tickets"),
		PrimaryID: "new_ticketid", PrimaryName: "new_name", Ownership: "UserOwned", DuplicateDetection: true,
		Keys:          []schema.Key{{Name: "new_Number", Fields: []string{"new_number"}}},
		ManyToOne:     []schema.ManyToOne{{SchemaName: "new_contact_ticket", Field: "new_contactid", ReferencedEntity: "contact", Navigation: "new_ContactId"}, {SchemaName: "owner_new_ticket", Field: "ownerid", ReferencedEntity: "owner", Navigation: "ownerid"}},
		OneToMany:     []schema.OneToMany{{SchemaName: "new_ticket_tasks", ReferencingEntity: "task", ReferencingField: "regardingobjectid", Navigation: "new_ticket_Tasks"}},
		ManyToMany:    []schema.ManyToMany{{SchemaName: "new_ticket_team", Entity1: "new_ticket", Entity2: "team", IntersectEntity: "new_ticket_team", Field1: "new_ticketid", Field2: "teamid", Navigation1: "new_ticket_team", Navigation2: "new_ticket_team"}},
		Privileges:    []schema.Privilege{{Right: "Create", Name: "prvCreatenew_Ticket"}, {Right: "Read", Name: "prvReadnew_Ticket"}},
		DefaultStatus: map[int]int{0: 1, 1: 2},
		Fields: []*schema.Field{
			{LogicalName: "new_name", SchemaName: "new_Name", DisplayName: label("Name", "Name"), Type: schema.String, RequiredLevel: schema.ApplicationRequired, Creatable: true, Updatable: true, Readable: true, MaxLength: 100},
			{LogicalName: "new_email", SchemaName: "new_Email", Type: schema.String, RequiredLevel: schema.NotRequired, Creatable: true, Updatable: true, Readable: true, Secured: true, MaxLength: 200, Format: "Email"},
			{LogicalName: "new_amount", SchemaName: "new_Amount", Type: schema.Money, RequiredLevel: schema.NotRequired, Creatable: true, Updatable: true, Readable: true, MinValue: &minimum, Precision: &precision},
			{LogicalName: "new_due", SchemaName: "new_Due", Type: schema.DateTime, RequiredLevel: schema.NotRequired, Creatable: true, Updatable: true, Readable: true, Format: "DateOnly", Behavior: schema.DateOnly},
			{LogicalName: "new_channels", SchemaName: "new_Channels", Type: schema.MultiSelectPicklist, RequiredLevel: schema.NotRequired, Creatable: true, Updatable: true, Readable: true, GlobalChoice: "new_channel", Options: []schema.Option{{Value: 1, Label: schema.EnglishLabel("Web")}, {Value: 9, Label: schema.EnglishLabel("Phone")}}},
			{LogicalName: "new_kind", SchemaName: "new_Kind", Type: schema.Picklist, RequiredLevel: schema.Recommended, Creatable: true, Updatable: true, Readable: true, Options: []schema.Option{{Value: 1, Label: label("Question", "Frage")}}},
			{LogicalName: "new_vip", SchemaName: "new_Vip", Type: schema.Boolean, RequiredLevel: schema.NotRequired, Creatable: true, Updatable: true, Readable: true, Default: false, TrueLabel: schema.EnglishLabel("Yes"), FalseLabel: schema.EnglishLabel("No")},
			{LogicalName: "new_contactid", SchemaName: "new_ContactId", Type: schema.Lookup, RequiredLevel: schema.NotRequired, Creatable: true, Updatable: true, Readable: true, Targets: []string{"contact"}, Navigation: map[string]string{"contact": "new_ContactId"}},
			{LogicalName: "new_contactidname", SchemaName: "new_ContactIdName", Type: schema.String, RequiredLevel: schema.NotRequired, AttributeOf: "new_contactid", Readable: true, MaxLength: 160},
			{LogicalName: "ownerid", SchemaName: "OwnerId", Type: schema.Owner, RequiredLevel: schema.SystemRequired, Creatable: true, Updatable: true, Readable: true, Targets: []string{"systemuser", "team"}, Navigation: map[string]string{"systemuser": "ownerid", "team": "ownerid"}},
			{LogicalName: "statecode", SchemaName: "statecode", Type: schema.State, RequiredLevel: schema.SystemRequired, Updatable: true, Readable: true, Options: []schema.Option{{Value: 0, Label: schema.EnglishLabel("Active")}, {Value: 1, Label: schema.EnglishLabel("Inactive")}}},
			{LogicalName: "statuscode", SchemaName: "statuscode", Type: schema.Status, RequiredLevel: schema.NotRequired, Creatable: true, Updatable: true, Readable: true, Options: []schema.Option{{Value: 1, Label: schema.EnglishLabel("Open"), State: &zero}}},
			{LogicalName: "new_file", SchemaName: "new_File", Type: schema.File, RequiredLevel: schema.NotRequired, Creatable: true, Updatable: true, Readable: true},
		},
	}
	if diff := cmp.Diff(want, e, cmpopts.IgnoreUnexported(schema.Entity{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDecodeSingleDefinitionInAList(t *testing.T) {
	t.Parallel()
	e, err := schema.DecodeDefinition([]byte(`{"value":[{"LogicalName":"contact","PrimaryNameAttribute":null}]}`), nil)
	if err != nil || e.LogicalName != "contact" {
		t.Errorf("got %v, %v", e, err)
	}
}

func TestDecodeEntities(t *testing.T) {
	t.Parallel()
	s := schema.Standard()
	list := []any{schema.EncodeEntity(s.Entity("contact"), schema.EncodeOptions{}), schema.EncodeEntity(s.Entity("task"), schema.EncodeOptions{})}
	got, err := schema.DecodeEntities(encode(t, map[string]any{"value": list}))
	if err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	if got[0].LogicalName != "contact" || got[0].EntitySetName != "contacts" || got[0].PrimaryName != "fullname" || !got[1].IsActivity {
		t.Errorf("got %+v and %+v", got[0], got[1])
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good := []byte(`{"LogicalName":"a"}`)
	tests := []struct {
		name       string
		definition []byte
		attributes []byte
	}{
		{"no JSON", []byte("<html>"), nil},
		{"no name", []byte("{}"), nil},
		{"wrong type", []byte(`{"LogicalName":5}`), nil},
		{"attributes no JSON", good, []byte("oops")},
		{"attribute without name", good, []byte(`{"value":[{}]}`)},
		{"attribute of wrong type", good, []byte(`{"value":[{"LogicalName":"b","MaxLength":"x"}]}`)},
		{"options of wrong type", good, []byte(`{"value":[{"LogicalName":"b","OptionSet":5}]}`)},
	}
	for _, test := range tests {
		var attributes [][]byte
		if test.attributes != nil {
			attributes = append(attributes, test.attributes)
		}
		if e, err := schema.DecodeDefinition(test.definition, attributes); err == nil {
			t.Errorf("%s: got %+v, want an error", test.name, e)
		}
	}
}

func TestEncodeFieldAsTheReferenceHasIt(t *testing.T) {
	t.Parallel()
	contact := schema.Standard().Entity("contact")
	id := schema.EncodeOptions{MetadataID: func(name string) string { return "id of " + name }}
	tests := []struct {
		field string
		want  map[string]any
	}{
		{"emailaddress1", map[string]any{
			"@odata.type": "#Microsoft.Dynamics.CRM.StringAttributeMetadata", "MetadataId": "id of contact.emailaddress1", "AttributeType": "String",
			"AttributeTypeName": map[string]any{"Value": "StringType"}, "FormatName": map[string]any{"Value": "Email"}, "MaxLength": 100.0,
			"RequiredLevel": map[string]any{"Value": "None", "CanBeChanged": true, "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings"},
			"IsPrimaryId":   false, "AttributeOf": nil, "EntityLogicalName": "contact",
		}},
		{"parentcustomerid", map[string]any{"@odata.type": "#Microsoft.Dynamics.CRM.LookupAttributeMetadata", "AttributeType": "Customer", "AttributeTypeName": map[string]any{"Value": "CustomerType"}, "Targets": []any{"account", "contact"}}},
		{"contactid", map[string]any{"@odata.type": "#Microsoft.Dynamics.CRM.UniqueIdentifierAttributeMetadata", "AttributeTypeName": map[string]any{"Value": "UniqueidentifierType"}, "IsPrimaryId": true}},
		{"entityimage", map[string]any{"@odata.type": "#Microsoft.Dynamics.CRM.ImageAttributeMetadata", "AttributeType": "Virtual", "AttributeTypeName": map[string]any{"Value": "ImageType"}, "AttributeOf": "entityimageid"}},
		{"fullname", map[string]any{"IsPrimaryName": true}},
		{"birthdate", map[string]any{"@odata.type": "#Microsoft.Dynamics.CRM.DateTimeAttributeMetadata", "Format": "DateOnly", "DateTimeBehavior": map[string]any{"Value": "DateOnly"}}},
		{"statecode", map[string]any{"AttributeType": "State", "DefaultFormValue": 0.0}},
	}
	for _, test := range tests {
		var got map[string]any
		if err := json.Unmarshal(encode(t, schema.EncodeField(contact, contact.Field(test.field), id)), &got); err != nil {
			t.Fatal(err)
		}
		for name, want := range test.want {
			value, ok := got[name]
			if diff := cmp.Diff(want, value); !ok || diff != "" {
				t.Errorf("%s.%s (-want +got)\n%s", test.field, name, diff)
			}
		}
	}
}

func TestStateOptionsTellDefaultStatus(t *testing.T) {
	t.Parallel()
	contact := schema.Standard().Entity("contact")
	b := string(encode(t, schema.EncodeField(contact, contact.Field("statecode"), schema.EncodeOptions{})))
	if !strings.Contains(b, `"DefaultStatus":2`) || !strings.Contains(b, `"OptionSetType":"State"`) {
		t.Errorf("no default status of the inactive state in %s", b)
	}
}
