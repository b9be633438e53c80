package actions

import (
	"context"
	"errors"
)

// EntitySummary is an entity in a list.
type EntitySummary struct {
	Entity      string // logical name
	Label       string
	PluralLabel string
	EntitySet   string
	Activity    bool
}

// EntityDescription says what an entity's records hold and what actions can do with them.
type EntityDescription struct {
	EntitySummary
	PrimaryID          string
	PrimaryName        string // "" where it has none
	DuplicateDetection bool
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
	Default    any                 // what Dataverse gives where a creation leaves it out: bool or int; nil for none
	Format     string              // what a text is meant for, as Dataverse names it: "Email", "Phone"
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
	return nil, errors.New("not implemented")
}

// GetEntity describes an entity with all its fields. An unknown one is an *InputError with the nearest names.
func (r *Runtime) GetEntity(ctx context.Context, environment, entity string, language int) (EntityDescription, error) {
	return EntityDescription{}, errors.New("not implemented")
}
