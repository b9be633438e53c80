package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// DecodeDefinition reads an entity from the answers of the Web API: definition is EntityDefinitions(LogicalName='…') with
// Keys and relationships expanded, each of attributes an answer of …/Attributes, or of its cast to one metadata type, where
// choices have their options. The answers may repeat a field: what is told of it is put together. The entity is indexed.
func DecodeDefinition(definition []byte, attributes [][]byte) (*Entity, error) {
	var d entityJSON
	if err := unwrap(definition, &d); err != nil {
		return nil, fmt.Errorf("the entity's definition: %w", err)
	}
	if d.LogicalName == "" {
		return nil, errors.New("the entity's definition has no LogicalName")
	}
	e := d.entity()
	var all attributesJSON
	for _, answer := range attributes {
		if err := all.add(answer); err != nil {
			return nil, fmt.Errorf("the attributes of %s: %w", d.LogicalName, err)
		}
	}
	for _, name := range all.names {
		f, err := all.byName[name].field(e)
		if err != nil {
			return nil, fmt.Errorf("the attribute %s of %s: %w", name, d.LogicalName, err)
		}
		f.Navigation = e.navigation(f)
		e.Fields = append(e.Fields, f)
	}
	e.Index()
	return e, nil
}

// DecodeEntities reads the entities of an answer of EntityDefinitions, without their fields.
func DecodeEntities(definitions []byte) ([]*Entity, error) {
	var answer struct {
		Value []entityJSON `json:"value"`
	}
	if err := json.Unmarshal(definitions, &answer); err != nil {
		return nil, fmt.Errorf("the entities' definitions: %w", err)
	}
	entities := make([]*Entity, 0, len(answer.Value))
	for _, d := range answer.Value {
		e := d.entity()
		e.Index()
		entities = append(entities, e)
	}
	return entities, nil
}

// unwrap reads a single definition. One of the documentation's samples has it as the only element of "value".
func unwrap(answer []byte, into *entityJSON) error {
	var wrapped struct {
		Value []json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(answer, &wrapped); err != nil {
		return err
	}
	if len(wrapped.Value) == 1 {
		answer = wrapped.Value[0]
	}
	return json.Unmarshal(answer, into)
}

// navigation is a lookup's navigation property for each of its targets. The relationships of owner fields refer to the
// abstract owner, for users and teams alike.
func (e *Entity) navigation(f *Field) map[string]string {
	if !f.IsLookup() {
		return nil
	}
	properties := map[string]string{}
	for _, r := range e.ManyToOne {
		switch {
		case r.Field != f.LogicalName:
		case r.ReferencedEntity != abstractOwner:
			properties[r.ReferencedEntity] = r.Navigation
		default:
			for _, target := range f.Targets {
				if _, ok := properties[target]; !ok {
					properties[target] = r.Navigation
				}
			}
		}
	}
	if len(properties) == 0 {
		return nil
	}
	return properties
}

type entityJSON struct {
	LogicalName                 string
	SchemaName                  string
	EntitySetName               string
	ObjectTypeCode              int
	DisplayName                 labelJSON
	DisplayCollectionName       labelJSON
	PrimaryIDAttribute          string `json:"PrimaryIdAttribute"`
	PrimaryNameAttribute        string
	OwnershipType               string
	IsActivity                  bool
	IsIntersect                 bool
	IsDuplicateDetectionEnabled struct{ Value bool }
	Keys                        []struct {
		SchemaName           string
		KeyAttributes        []string
		EntityKeyIndexStatus string
	}
	Privileges []struct {
		Name          string
		PrivilegeType string
	}
	ManyToOneRelationships  []relationshipJSON
	OneToManyRelationships  []relationshipJSON
	ManyToManyRelationships []struct {
		SchemaName                    string
		Entity1LogicalName            string
		Entity2LogicalName            string
		IntersectEntityName           string
		Entity1IntersectAttribute     string
		Entity2IntersectAttribute     string
		Entity1NavigationPropertyName string
		Entity2NavigationPropertyName string
	}
}

// relationshipJSON is a one-to-many relationship, seen from either side.
type relationshipJSON struct {
	SchemaName                              string
	ReferencedEntity                        string
	ReferencedEntityNavigationPropertyName  string
	ReferencingEntity                       string
	ReferencingAttribute                    string
	ReferencingEntityNavigationPropertyName string
}

func (d entityJSON) entity() *Entity {
	e := &Entity{
		LogicalName:           d.LogicalName,
		SchemaName:            d.SchemaName,
		EntitySetName:         d.EntitySetName,
		ObjectTypeCode:        d.ObjectTypeCode,
		DisplayName:           d.DisplayName.label(),
		DisplayCollectionName: d.DisplayCollectionName.label(),
		PrimaryID:             d.PrimaryIDAttribute,
		PrimaryName:           d.PrimaryNameAttribute,
		Ownership:             d.OwnershipType,
		IsActivity:            d.IsActivity,
		Intersect:             d.IsIntersect,
		DuplicateDetection:    d.IsDuplicateDetectionEnabled.Value,
	}
	for _, k := range d.Keys {
		// A key whose index is not made yet cannot be used.
		if k.EntityKeyIndexStatus == "" || k.EntityKeyIndexStatus == "Active" {
			e.Keys = append(e.Keys, Key{Name: k.SchemaName, Fields: k.KeyAttributes})
		}
	}
	for _, p := range d.Privileges {
		e.Privileges = append(e.Privileges, Privilege{Right: p.PrivilegeType, Name: p.Name})
	}
	for _, r := range d.ManyToOneRelationships {
		e.ManyToOne = append(e.ManyToOne, ManyToOne{
			SchemaName: r.SchemaName, Field: r.ReferencingAttribute, ReferencedEntity: r.ReferencedEntity,
			Navigation: r.ReferencingEntityNavigationPropertyName,
		})
	}
	for _, r := range d.OneToManyRelationships {
		e.OneToMany = append(e.OneToMany, OneToMany{
			SchemaName: r.SchemaName, ReferencingEntity: r.ReferencingEntity, ReferencingField: r.ReferencingAttribute,
			Navigation: r.ReferencedEntityNavigationPropertyName,
		})
	}
	for _, r := range d.ManyToManyRelationships {
		e.ManyToMany = append(e.ManyToMany, ManyToMany{
			SchemaName: r.SchemaName, Entity1: r.Entity1LogicalName, Entity2: r.Entity2LogicalName,
			IntersectEntity: r.IntersectEntityName,
			Field1:          r.Entity1IntersectAttribute, Field2: r.Entity2IntersectAttribute,
			Navigation1: r.Entity1NavigationPropertyName, Navigation2: r.Entity2NavigationPropertyName,
		})
	}
	return e
}

type labelJSON struct {
	LocalizedLabels    []localizedJSON
	UserLocalizedLabel *localizedJSON
}

type localizedJSON struct {
	Label        string
	LanguageCode int
}

// label puts the user's own language first.
func (l labelJSON) label() Label {
	var label Label
	if u := l.UserLocalizedLabel; u != nil && u.Label != "" {
		label = Label{{Language: u.LanguageCode, Text: u.Label}}
	}
	for _, t := range l.LocalizedLabels {
		known := slices.ContainsFunc(label, func(k LocalizedLabel) bool { return k.Language == t.LanguageCode })
		if !known && t.Label != "" {
			label = append(label, LocalizedLabel{Language: t.LanguageCode, Text: t.Label})
		}
	}
	return label
}

// attributesJSON gathers the fields of several answers, in the order in which they were first told.
type attributesJSON struct {
	names  []string
	byName map[string]*attributeJSON
}

func (all *attributesJSON) add(answer []byte) error {
	var list struct {
		Value []json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		return err
	}
	for _, raw := range list.Value {
		var named struct{ LogicalName string }
		if err := json.Unmarshal(raw, &named); err != nil {
			return err
		}
		if named.LogicalName == "" {
			return errors.New("an attribute without LogicalName")
		}
		if all.byName == nil {
			all.byName = map[string]*attributeJSON{}
		}
		a := all.byName[named.LogicalName]
		if a == nil {
			a = &attributeJSON{}
			all.byName[named.LogicalName] = a
			all.names = append(all.names, named.LogicalName)
		}
		// What this answer does not tell stays as the one before told it.
		if err := json.Unmarshal(raw, a); err != nil {
			return fmt.Errorf("%s: %w", named.LogicalName, err)
		}
	}
	return nil
}

// typeOf is a field's type by the name of its type, which knows more types than AttributeType does.
func (a *attributeJSON) typeOf() Type {
	if name := strings.TrimSuffix(a.AttributeTypeName.Value, "Type"); name != "" {
		return Type(name)
	}
	if a.AttributeType != "" {
		return Type(a.AttributeType)
	}
	return Virtual
}
