package schema

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// standardFiles holds one JSON file for each standard table, as standard/README.md describes the format.
//
//go:embed standard/*.json
var standardFiles embed.FS

// Standard returns the schema of Dataverse's standard tables. It is parsed once and shared: read it only.
var Standard = sync.OnceValue(func() *Schema {
	s, err := loadStandard()
	if err != nil {
		panic(fmt.Sprintf("the embedded standard tables: %v", err)) // built in: a test loads them
	}
	return s
})

func loadStandard() (*Schema, error) {
	files, err := standardFiles.ReadDir("standard")
	if err != nil {
		return nil, err
	}
	var entities []*Entity
	for _, f := range files {
		if strings.HasPrefix(f.Name(), "_") {
			continue
		}
		var t tableFile
		if err := readStandard(f.Name(), &t); err != nil {
			return nil, err
		}
		entities = append(entities, t.entity())
	}
	s := New(entities...)

	var external struct {
		Tables map[string]struct {
			EntitySetName string `json:"entitySetName"`
		} `json:"tables"`
	}
	if err := readStandard("_external.json", &external); err != nil {
		return nil, err
	}
	for name, t := range external.Tables {
		s.sets[name] = t.EntitySetName
	}

	var statuses map[string]map[string]int
	if err := readStandard("_state-defaults.json", &statuses); err != nil {
		return nil, err
	}
	for name, byState := range statuses {
		e := s.Entity(name)
		if e == nil {
			continue
		}
		e.DefaultStatus = make(map[int]int, len(byState))
		for state, status := range byState {
			n, err := strconv.Atoi(state)
			if err != nil {
				return nil, fmt.Errorf("_state-defaults.json: state %q of %s is not a number", state, name)
			}
			e.DefaultStatus[n] = status
		}
	}
	return s, nil
}

func readStandard(name string, into any) error {
	b, err := standardFiles.ReadFile(path.Join("standard", name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// tableFile is the format of one file. Absent keys have the defaults that the methods below give them.
type tableFile struct {
	LogicalName                 string
	SchemaName                  string
	EntitySetName               string
	ObjectTypeCode              int
	DisplayName                 string
	DisplayCollectionName       string
	PrimaryIDAttribute          string `json:"primaryIdAttribute"`
	PrimaryNameAttribute        string
	OwnershipType               string
	IsActivity                  bool
	IsIntersect                 bool
	IsDuplicateDetectionEnabled bool
	Keys                        []struct {
		Name       string
		Attributes []string
	}
	Privileges []string // the rights; absent: those that its ownership gives it
	Attributes []attributeFile
	ManyToOne  []struct {
		SchemaName           string
		ReferencingAttribute string
		ReferencedEntity     string
		NavigationProperty   string
	}
	OneToMany []struct {
		SchemaName                   string
		ReferencingEntity            string
		ReferencingAttribute         string
		CollectionNavigationProperty string
	}
	ManyToMany []struct {
		SchemaName                string
		Entity1                   string
		Entity2                   string
		IntersectEntity           string
		Entity1IntersectAttribute string
		Entity2IntersectAttribute string
		Entity1NavigationProperty string
		Entity2NavigationProperty string
	}
}

type attributeFile struct {
	LogicalName          string
	SchemaName           string
	DisplayName          string
	Type                 Type
	RequiredLevel        RequiredLevel
	AttributeOf          string
	ValidForCreate       *bool
	ValidForUpdate       *bool
	ValidForRead         *bool
	MaxLength            int
	Format               string
	DateTimeBehavior     Behavior
	MinValue             *json.Number
	MaxValue             *json.Number
	Precision            *int
	TrueLabel            string
	FalseLabel           string
	Default              any
	GlobalChoice         string
	Targets              []string
	NavigationProperties map[string]string
	Options              []struct {
		Value int
		Label string
		State *int
	}
}

func (t tableFile) entity() *Entity {
	e := &Entity{
		LogicalName:           t.LogicalName,
		SchemaName:            t.SchemaName,
		EntitySetName:         t.EntitySetName,
		ObjectTypeCode:        t.ObjectTypeCode,
		DisplayName:           EnglishLabel(t.DisplayName),
		DisplayCollectionName: EnglishLabel(t.DisplayCollectionName),
		PrimaryID:             t.PrimaryIDAttribute,
		PrimaryName:           t.PrimaryNameAttribute,
		Ownership:             t.OwnershipType,
		IsActivity:            t.IsActivity,
		Intersect:             t.IsIntersect,
		DuplicateDetection:    t.IsDuplicateDetectionEnabled,
	}
	e.Privileges = standardPrivileges(e, t.Privileges)
	for _, a := range t.Attributes {
		e.Fields = append(e.Fields, a.field())
	}
	for _, k := range t.Keys {
		e.Keys = append(e.Keys, Key{Name: k.Name, Fields: k.Attributes})
	}
	for _, r := range t.ManyToOne {
		e.ManyToOne = append(e.ManyToOne, ManyToOne{
			SchemaName: r.SchemaName, Field: r.ReferencingAttribute, ReferencedEntity: r.ReferencedEntity, Navigation: r.NavigationProperty,
		})
	}
	for _, r := range t.OneToMany {
		e.OneToMany = append(e.OneToMany, OneToMany{
			SchemaName: r.SchemaName, ReferencingEntity: r.ReferencingEntity, ReferencingField: r.ReferencingAttribute, Navigation: r.CollectionNavigationProperty,
		})
	}
	for _, r := range t.ManyToMany {
		e.ManyToMany = append(e.ManyToMany, ManyToMany{
			SchemaName: r.SchemaName, Entity1: r.Entity1, Entity2: r.Entity2, IntersectEntity: r.IntersectEntity,
			Field1: r.Entity1IntersectAttribute, Field2: r.Entity2IntersectAttribute,
			Navigation1: r.Entity1NavigationProperty, Navigation2: r.Entity2NavigationProperty,
		})
	}
	return e
}

func (a attributeFile) field() *Field {
	f := &Field{
		LogicalName:   a.LogicalName,
		SchemaName:    a.SchemaName,
		DisplayName:   EnglishLabel(a.DisplayName),
		Type:          a.Type,
		RequiredLevel: a.RequiredLevel,
		AttributeOf:   a.AttributeOf,
		Creatable:     a.ValidForCreate == nil || *a.ValidForCreate,
		Updatable:     a.ValidForUpdate == nil || *a.ValidForUpdate,
		Readable:      a.ValidForRead == nil || *a.ValidForRead,
		MaxLength:     a.MaxLength,
		Format:        a.Format,
		Behavior:      a.DateTimeBehavior,
		MinValue:      digits(a.MinValue),
		MaxValue:      digits(a.MaxValue),
		Precision:     a.Precision,
		TrueLabel:     EnglishLabel(a.TrueLabel),
		FalseLabel:    EnglishLabel(a.FalseLabel),
		Default:       a.Default,
		GlobalChoice:  a.GlobalChoice,
		Targets:       slices.Clone(a.Targets),
		Navigation:    a.NavigationProperties,
	}
	if f.RequiredLevel == "" {
		f.RequiredLevel = NotRequired
	}
	if f.Type == DateTime && f.Behavior == "" {
		f.Behavior = UserLocal
	}
	if n, ok := f.Default.(float64); ok {
		f.Default = int(n)
	}
	for _, o := range a.Options {
		f.Options = append(f.Options, Option{Value: o.Value, Label: EnglishLabel(o.Label), State: o.State})
	}
	return f
}

func digits(n *json.Number) *string {
	if n == nil {
		return nil
	}
	s := n.String()
	return &s
}
