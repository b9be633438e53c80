// Package schema is the metadata model of Dataverse: entities, their fields, options, relationships and keys. The client
// fills it from EntityDefinitions, the local Dataverse serves it from the standard tables embedded here, and the
// languages of the wire check names against it.
//
// A Schema and all it holds is built once and then only read, by any number of goroutines.
package schema

import (
	"maps"
	"slices"
	"strings"
)

// Type is the kind of value a field holds, by Dataverse's name of it (AttributeTypeName without its "Type" suffix).
type Type string

// The types of fields. Virtual, ManagedProperty and CalendarRules hold nothing that an action could use.
const (
	String              Type = "String"
	Memo                Type = "Memo"
	Integer             Type = "Integer"
	BigInt              Type = "BigInt"
	Decimal             Type = "Decimal"
	Double              Type = "Double"
	Money               Type = "Money"
	Boolean             Type = "Boolean"
	DateTime            Type = "DateTime"
	Picklist            Type = "Picklist"
	MultiSelectPicklist Type = "MultiSelectPicklist"
	State               Type = "State"
	Status              Type = "Status"
	Uniqueidentifier    Type = "Uniqueidentifier"
	Lookup              Type = "Lookup"
	Customer            Type = "Customer"
	Owner               Type = "Owner"
	PartyList           Type = "PartyList"
	Image               Type = "Image"
	File                Type = "File"
	EntityName          Type = "EntityName"
	Virtual             Type = "Virtual"
	ManagedProperty     Type = "ManagedProperty"
	CalendarRules       Type = "CalendarRules"
)

// RequiredLevel says how much a field is required. Dataverse enforces SystemRequired only, and that not everywhere.
type RequiredLevel string

// The required levels.
const (
	NotRequired         RequiredLevel = "None"
	Recommended         RequiredLevel = "Recommended"
	ApplicationRequired RequiredLevel = "ApplicationRequired"
	SystemRequired      RequiredLevel = "SystemRequired"
)

// Behavior says how a DateTime field treats time zones.
type Behavior string

// The behaviours of DateTime fields.
const (
	UserLocal           Behavior = "UserLocal"
	DateOnly            Behavior = "DateOnly"
	TimeZoneIndependent Behavior = "TimeZoneIndependent"
)

// English is the language of labels that have no other, as a Windows locale ID.
const English = 1033

// Label is a text in the languages that are installed, the user's own first.
type Label []LocalizedLabel

// LocalizedLabel is a text in one language, a Windows locale ID as 1033.
type LocalizedLabel struct {
	Language int
	Text     string
}

// EnglishLabel is the label of a text known in English only; the zero Label for "".
func EnglishLabel(text string) Label {
	if text == "" {
		return nil
	}
	return Label{{Language: English, Text: text}}
}

// In returns the text in a language, else in the user's own; "" where there is none.
func (l Label) In(language int) string {
	for _, t := range l {
		if t.Language == language {
			return t.Text
		}
	}
	return l.String()
}

// String returns the text in the user's own language.
func (l Label) String() string {
	if len(l) == 0 {
		return ""
	}
	return l[0].Text
}

// Is reports whether text is the label in any language, without regard to case and outer blanks.
func (l Label) Is(text string) bool {
	text = strings.TrimSpace(text)
	return slices.ContainsFunc(l, func(t LocalizedLabel) bool { return strings.EqualFold(strings.TrimSpace(t.Text), text) })
}

// Entity is a kind of record.
type Entity struct {
	LogicalName           string // "contact"
	SchemaName            string // "Contact"
	EntitySetName         string // "contacts", in URLs
	ObjectTypeCode        int    // 2; custom entities have 10000 and more
	DisplayName           Label
	DisplayCollectionName Label
	PrimaryID             string // the field with the record ID
	PrimaryName           string // the field with the record's name; "" where it has none
	Ownership             string // "UserOwned", "OrganizationOwned", "BusinessOwned", "None"
	IsActivity            bool
	Intersect             bool // whether its records only tell which records of two others belong together
	DuplicateDetection    bool // whether duplicates of it may be detected at all
	Fields                []*Field
	Keys                  []Key
	ManyToOne             []ManyToOne
	OneToMany             []OneToMany
	ManyToMany            []ManyToMany
	Privileges            []Privilege // none of an entity that is a part of others
	// DefaultStatus is the status a record gets when only its state is written, by state.
	DefaultStatus map[int]int

	byName       map[string]*Field
	byNavigation map[string]*Field
	byLabel      map[string][]*Field // by labelKey
}

// Field is one value of an entity's records.
type Field struct {
	LogicalName   string // "emailaddress1"
	SchemaName    string // "EMailAddress1"
	DisplayName   Label
	Type          Type
	RequiredLevel RequiredLevel
	// AttributeOf names the field that this one only shadows, as contact.owneridtype shadows ownerid; "" for most. Such a
	// field cannot be selected or written through the Web API.
	AttributeOf  string
	Creatable    bool // valid for create
	Updatable    bool // valid for update
	Readable     bool // valid for read
	Secured      bool // under column security: its value is sensitive
	MaxLength    int  // of a text, in UTF-16 units; 0 where unknown
	Format       string
	Behavior     Behavior // of a DateTime
	MinValue     *string  // a number's digits, as written; nil where unknown
	MaxValue     *string
	Precision    *int // digits after the point
	Options      []Option
	TrueLabel    Label
	FalseLabel   Label
	Default      any // bool or int; nil for none
	Targets      []string
	Navigation   map[string]string // target -> navigation property, for @odata.bind and $expand
	GlobalChoice string            // the global choice's name; "" for a choice of its own
}

// Option is one choice of a choice field.
type Option struct {
	Value int
	Label Label
	State *int // of a status: the state it belongs to
}

// Key is an alternate key.
type Key struct {
	Name   string
	Fields []string
}

// ManyToOne is a relationship seen from the entity that holds the lookup.
type ManyToOne struct {
	SchemaName       string
	Field            string // the lookup
	ReferencedEntity string // what it points at; "owner" for owners
	Navigation       string // the lookup's navigation property
}

// OneToMany is a relationship seen from the entity that is pointed at.
type OneToMany struct {
	SchemaName        string
	ReferencingEntity string
	ReferencingField  string
	Navigation        string // the collection's navigation property
}

// ManyToMany is a relationship through an intersect entity, the same from both sides.
type ManyToMany struct {
	SchemaName       string
	Entity1, Entity2 string
	IntersectEntity  string
	Field1, Field2   string // the intersect entity's fields for either side
	Navigation1      string // on Entity1
	Navigation2      string // on Entity2
}

// Field returns the field of that logical name, nil where there is none.
func (e *Entity) Field(name string) *Field { return e.byName[name] }

// FieldOfNavigation returns the lookup that a single-valued navigation property belongs to, nil where there is none.
func (e *Entity) FieldOfNavigation(property string) *Field { return e.byNavigation[property] }

// FieldsLabelled returns the fields that have the label, in any language, without regard to case and to how blanks are written;
// those that only show what another holds are left out.
func (e *Entity) FieldsLabelled(label string) []*Field { return e.byLabel[labelKey(label)] }

// HasState reports whether records of the entity can be inactive.
func (e *Entity) HasState() bool { return e.Field("statecode") != nil }

// FieldNames returns the logical names of the fields that stand for themselves, sorted.
func (e *Entity) FieldNames() []string {
	var names []string
	for _, f := range e.Fields {
		if f.AttributeOf == "" {
			names = append(names, f.LogicalName)
		}
	}
	slices.Sort(names)
	return names
}

// Index makes the entity's lookups by name work. Whoever builds an Entity by hand calls it once, when all fields are in.
func (e *Entity) Index() {
	e.byName = make(map[string]*Field, len(e.Fields))
	e.byNavigation = make(map[string]*Field)
	e.byLabel = make(map[string][]*Field, len(e.Fields))
	for _, f := range e.Fields {
		e.byName[f.LogicalName] = f
		for _, property := range f.Navigation {
			e.byNavigation[property] = f
		}
		e.indexLabels(f)
	}
}

func (e *Entity) indexLabels(f *Field) {
	if f.AttributeOf != "" && f.Type != Image { // an image has a shadow's mark, and is none
		return
	}
	for _, label := range f.DisplayName {
		key := labelKey(label.Text)
		if key != "" && !slices.Contains(e.byLabel[key], f) {
			e.byLabel[key] = append(e.byLabel[key], f)
		}
	}
}

// labelKey is a label in the one form that all ways of writing it have in common.
func labelKey(label string) string { return strings.ToLower(strings.Join(strings.Fields(label), " ")) }

// IsLookup reports whether the field points at a record.
func (f *Field) IsLookup() bool { return f.Type == Lookup || f.Type == Customer || f.Type == Owner }

// IsChoice reports whether the field holds an option's number.
func (f *Field) IsChoice() bool { return f.Type == Picklist || f.Type == State || f.Type == Status }

// IsText reports whether the field holds text.
func (f *Field) IsText() bool { return f.Type == String || f.Type == Memo }

// Property is the name of the field's value in JSON and in queries: "_ownerid_value" for lookups, else its own name.
func (f *Field) Property() string {
	if f.IsLookup() {
		return "_" + f.LogicalName + "_value"
	}
	return f.LogicalName
}

// Option returns the option of that number, nil where there is none.
func (f *Field) Option(value int) *Option {
	for i := range f.Options {
		if f.Options[i].Value == value {
			return &f.Options[i]
		}
	}
	return nil
}

// Schema is all entities of an environment.
type Schema struct {
	byName map[string]*Entity
	bySet  map[string]*Entity
	// sets has the entity set names of entities that lookups may point at but that are not described here.
	sets map[string]string
}

// New is the schema of the given entities, which it indexes.
func New(entities ...*Entity) *Schema {
	s := &Schema{byName: map[string]*Entity{}, bySet: map[string]*Entity{}, sets: map[string]string{}}
	for _, e := range entities {
		e.Index()
		s.byName[e.LogicalName] = e
		s.bySet[e.EntitySetName] = e
	}
	return s
}

// Entity returns the entity of that logical name, nil where there is none.
func (s *Schema) Entity(name string) *Entity { return s.byName[name] }

// EntityOfSet returns the entity of that entity set name, nil where there is none.
func (s *Schema) EntityOfSet(set string) *Entity { return s.bySet[set] }

// EntitySetName returns the entity set name of an entity, also of one that is only pointed at; "" where unknown.
func (s *Schema) EntitySetName(entity string) string {
	if e := s.byName[entity]; e != nil {
		return e.EntitySetName
	}
	return s.sets[entity]
}

// Names returns the logical names of all entities, sorted.
func (s *Schema) Names() []string { return slices.Sorted(maps.Keys(s.byName)) }
