package actions

import (
	"context"
	"slices"
	"strings"

	"github.com/botverse/botverse/actions/order"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// EntitySummary is an entity in a list.
type EntitySummary struct {
	Entity      string // logical name
	Label       string
	PluralLabel string
	EntitySet   string
	Activity    bool
	Creatable   bool             // CreateRecord makes records of it
	Allowed     []dataverse.Verb // what actions may do with its records
}

// EntityDescription says what an entity's records hold and what actions can do with them.
type EntityDescription struct {
	EntitySummary
	PrimaryID          string
	PrimaryName        string // "" where it has none
	DuplicateDetection bool
	Keys               []schema.Key       // alternate keys, in use
	Fields             []FieldDescription // those required for a creation first, then by logical name
}

// FieldType is the kind of value a field holds. The names are those of the contract's Field.Type.
type FieldType string

// The kinds of values. The zero FieldType is a kind that actions cannot handle.
const (
	TextType        FieldType = "TEXT"
	MemoType        FieldType = "MEMO"
	IntegerType     FieldType = "INTEGER"
	BigIntegerType  FieldType = "BIG_INTEGER"
	DecimalType     FieldType = "DECIMAL"
	DoubleType      FieldType = "DOUBLE"
	MoneyType       FieldType = "MONEY"
	BooleanType     FieldType = "BOOLEAN"
	DateType        FieldType = "DATE"
	DateTimeType    FieldType = "DATE_TIME"
	ChoiceType      FieldType = "CHOICE"
	MultiChoiceType FieldType = "MULTI_CHOICE"
	StateType       FieldType = "STATE"
	StatusType      FieldType = "STATUS"
	GUIDType        FieldType = "GUID"
	LookupType      FieldType = "LOOKUP"
	CustomerType    FieldType = "CUSTOMER"
	OwnerType       FieldType = "OWNER"
	PartyListType   FieldType = "PARTY_LIST"
	ImageType       FieldType = "IMAGE"
	FileType        FieldType = "FILE"
)

// FieldDescription is one field of an entity.
type FieldDescription struct {
	Field      string // logical name
	Label      string
	Type       FieldType
	Required   bool // CreateRecord refuses a record without it
	Creatable  bool // CreateRecord takes it
	Updatable  bool // it can be changed later
	Searchable bool // FindRecord compares it
	MaxLength  *int // of a text
	MinValue   string
	MaxValue   string
	Precision  *int                // digits after the point
	Options    []OptionDescription // of a choice, in their order
	Targets    []string            // entities that a lookup may point at
	Entities   []EntitySummary     // the same with their labels; those that the environment has
	Default    any                 // what Dataverse gives where a creation leaves it out: bool or int; nil for none
	Format     string              // what a text is meant for, as Dataverse names it: "Email", "Phone"
	Behavior   schema.Behavior     // of a date or a point in time; "" else

	Recommended bool     // the form marks it as one that should be filled
	Sensitive   bool     // under column security: its value is in no error, log or explanation
	Operators   []string // of a condition that compares it; none where it is not searchable
	Sortable    bool     // a search can order by it
	Phone       bool     // a search by a phone number looks into it
	Addresses   bool     // of parties: e-mail addresses that no record is known for may be among them
	Savable     bool     // a source of `save`
	Formatted   bool     // likewise with "@formatted", which says more than the value itself
	Linked      bool     // of a lookup: FindRecord can save the fields behind it, as "lookup.field"
}

// OptionDescription is one option of a choice.
type OptionDescription struct {
	Value int
	Label string
	State *int // of a status: the state it belongs to
}

// ListEntities lists an environment's entities by logical name. Language is that of the labels, as a Windows locale ID;
// 0 is the application user's.
func (r *Runtime) ListEntities(ctx context.Context, environment string, language int) ([]EntitySummary, error) {
	client, err := r.client(ctx, environment)
	if err != nil {
		return nil, err
	}
	entities, err := client.Entities(ctx)
	if err != nil {
		return nil, err
	}
	summaries := make([]EntitySummary, len(entities))
	for i, e := range entities {
		summaries[i] = summarize(e, language).limitedTo(client)
	}
	slices.SortFunc(summaries, func(a, b EntitySummary) int { return strings.Compare(a.Entity, b.Entity) })
	return summaries, nil
}

// GetEntity describes an entity with all its fields. An unknown one is an *input.Error with the nearest names.
func (r *Runtime) GetEntity(ctx context.Context, environment, entity string, language int) (EntityDescription, error) {
	client, e, err := r.describe(ctx, environment, entity)
	if err != nil {
		return EntityDescription{}, err
	}
	all, err := client.Entities(ctx)
	if err != nil {
		return EntityDescription{}, err
	}
	d := describeEntity(e, language)
	d.EntitySummary = d.limitedTo(client)
	d.nameTargets(client, all, language)
	return d, nil
}

// nameTargets adds to lookups what the entities that they point at are called.
func (d *EntityDescription) nameTargets(client *dataverse.Client, all []*schema.Entity, language int) {
	byName := make(map[string]*schema.Entity, len(all))
	for _, e := range all {
		byName[e.LogicalName] = e
	}
	for i := range d.Fields {
		f := &d.Fields[i]
		for _, target := range f.Targets {
			if e := byName[target]; e != nil {
				f.Entities = append(f.Entities, summarize(e, language).limitedTo(client))
			}
		}
		f.Linked = f.Linked && len(f.Entities) == 1 && slices.Contains(f.Entities[0].Allowed, dataverse.Find) // nothing is known of fields behind one that is not listed
	}
}

func summarize(e *schema.Entity, language int) EntitySummary {
	return EntitySummary{
		Entity: e.LogicalName, Label: e.DisplayName.In(language), PluralLabel: e.DisplayCollectionName.In(language),
		EntitySet: e.EntitySetName, Activity: e.IsActivity, Creatable: e.Creatable(),
	}
}

// limitedTo is the summary with what actions may do.
func (s EntitySummary) limitedTo(client *dataverse.Client) EntitySummary {
	s.Allowed = client.Allowed(s.Entity)
	s.Creatable = s.Creatable && slices.Contains(s.Allowed, dataverse.Create)
	return s
}

func describeEntity(e *schema.Entity, language int) EntityDescription {
	d := EntityDescription{
		EntitySummary: summarize(e, language), PrimaryID: e.PrimaryID, PrimaryName: e.PrimaryName, DuplicateDetection: e.DuplicateDetection,
		Keys: e.Keys,
	}
	for _, f := range e.Fields {
		// A field that only shadows another is no property of the Web API: nothing could be done with it.
		if standsForItself(f) {
			d.Fields = append(d.Fields, describeField(e, f, language))
		}
	}
	slices.SortFunc(d.Fields, func(a, b FieldDescription) int {
		if a.Required != b.Required {
			if a.Required {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Field, b.Field)
	})
	return d
}

func describeField(e *schema.Entity, f *schema.Field, language int) FieldDescription {
	d := FieldDescription{
		Field: f.LogicalName, Label: f.DisplayName.In(language), Type: fieldType(f),
		Required: required(e, f), Creatable: creatable(e, f), Updatable: updatable(e, f), Searchable: translate.Searchable(f),
		Precision: f.Precision, Options: describeOptions(f, language), Targets: slices.Clone(f.Targets),
		Default: f.Default, Format: f.Format, Behavior: f.Behavior,
		Recommended: f.RequiredLevel == schema.Recommended, Sensitive: f.Secured,
		Sortable: order.Sortable(f), Phone: isPhoneField(f), Addresses: takesParties(e, f) && takesAddresses(e, f),
		Savable: standsForItself(f) && translate.Savable(f), Linked: linkedEntity(f) != "",
	}
	d.Formatted = d.Savable && hasFormatted(f)
	if d.Searchable {
		d.Operators = operatorsFor(f)
	}
	if f.MaxLength > 0 {
		length := f.MaxLength
		d.MaxLength = &length
	}
	if f.MinValue != nil {
		d.MinValue = *f.MinValue
	}
	if f.MaxValue != nil {
		d.MaxValue = *f.MaxValue
	}
	return d
}

// updatable reports whether an existing record's field can be changed.
func updatable(e *schema.Entity, f *schema.Field) bool {
	return f.Updatable && f.LogicalName != e.PrimaryID && standsForItself(f) && fieldType(f) != "" &&
		(f.Type != schema.PartyList || takesParties(e, f))
}

// describeOptions is a choice's options in their order; those of yes and no are 1 and 0.
func describeOptions(f *schema.Field, language int) []OptionDescription {
	if f.Type == schema.Boolean {
		return []OptionDescription{{Value: 1, Label: f.TrueLabel.In(language)}, {Value: 0, Label: f.FalseLabel.In(language)}}
	}
	var options []OptionDescription
	for _, o := range f.Options {
		options = append(options, OptionDescription{Value: o.Value, Label: o.Label.In(language), State: o.State})
	}
	return options
}

// fieldTypes is the contract's name of each type. DateTime is two: see fieldType.
var fieldTypes = map[schema.Type]FieldType{
	schema.String: TextType, schema.Memo: MemoType,
	schema.Integer: IntegerType, schema.BigInt: BigIntegerType, schema.Decimal: DecimalType, schema.Double: DoubleType, schema.Money: MoneyType,
	schema.Boolean: BooleanType, schema.DateTime: DateTimeType,
	schema.Picklist: ChoiceType, schema.MultiSelectPicklist: MultiChoiceType, schema.State: StateType, schema.Status: StatusType,
	schema.Uniqueidentifier: GUIDType, schema.Lookup: LookupType, schema.Customer: CustomerType, schema.Owner: OwnerType,
	schema.PartyList: PartyListType, schema.Image: ImageType, schema.File: FileType,
}

// fieldType is the field's kind by the contract's name; "" for kinds that actions cannot handle.
func fieldType(f *schema.Field) FieldType {
	if f.Type == schema.DateTime && f.Behavior == schema.DateOnly {
		return DateType
	}
	return fieldTypes[f.Type]
}
