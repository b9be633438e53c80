package schema

import (
	"encoding/json"
	"slices"
	"strings"
)

// EncodeOptions says how definitions are written.
type EncodeOptions struct {
	// MetadataID makes the MetadataId of a thing from its name ("contact", "contact.firstname", a relationship's schema
	// name); nil leaves it out.
	MetadataID func(name string) string
}

// definition begins the JSON of a thing.
func (o EncodeOptions) definition(name string) map[string]any {
	m := map[string]any{}
	if o.MetadataID != nil {
		m["MetadataId"] = o.MetadataID(name)
	}
	return m
}

// EncodeEntity writes an entity as EntityDefinitions has it, without its fields, keys and relationships.
func EncodeEntity(e *Entity, o EncodeOptions) map[string]any {
	m := o.definition(e.LogicalName)
	m["LogicalName"] = e.LogicalName
	m["SchemaName"] = e.SchemaName
	m["EntitySetName"] = e.EntitySetName
	m["LogicalCollectionName"] = e.EntitySetName
	m["ObjectTypeCode"] = e.ObjectTypeCode
	m["DisplayName"] = encodeLabel(e.DisplayName)
	m["DisplayCollectionName"] = encodeLabel(e.DisplayCollectionName)
	m["PrimaryIdAttribute"] = e.PrimaryID
	m["PrimaryNameAttribute"] = orNull(e.PrimaryName)
	m["OwnershipType"] = e.Ownership
	m["IsActivity"] = e.IsActivity
	m["IsIntersect"] = e.Intersect
	m["IsDuplicateDetectionEnabled"] = managed(e.DuplicateDetection, "canmodifyduplicatedetectionsettings")
	m["IsOptimisticConcurrencyEnabled"] = true
	m["TableType"] = "Standard"
	m["Privileges"] = encodePrivileges(e, o)
	return m
}

// EncodeField writes a field as an entity's Attributes have it, with its type and, for choices, its options.
func EncodeField(e *Entity, f *Field, o EncodeOptions) map[string]any {
	m := o.definition(e.LogicalName + "." + f.LogicalName)
	m["@odata.type"] = "#Microsoft.Dynamics.CRM." + Cast(f.Type)
	m["LogicalName"] = f.LogicalName
	m["SchemaName"] = f.SchemaName
	m["EntityLogicalName"] = e.LogicalName
	m["AttributeType"] = typeCode(f.Type)
	m["AttributeTypeName"] = map[string]any{"Value": string(f.Type) + "Type"}
	m["DisplayName"] = encodeLabel(f.DisplayName)
	m["RequiredLevel"] = managed(string(f.RequiredLevel), "canmodifyrequirementlevelsettings")
	m["AttributeOf"] = orNull(f.AttributeOf)
	m["IsValidForCreate"] = f.Creatable
	m["IsValidForUpdate"] = f.Updatable
	m["IsValidForRead"] = f.Readable
	m["IsSecured"] = f.Secured
	m["IsPrimaryId"] = f.LogicalName == e.PrimaryID
	m["IsPrimaryName"] = f.LogicalName == e.PrimaryName && e.PrimaryName != ""
	encodeKind(m, e, f)
	return m
}

// encodeKind adds what only fields of this type have.
func encodeKind(m map[string]any, e *Entity, f *Field) {
	switch f.Type {
	case String, Memo:
		m["MaxLength"] = f.MaxLength
		m["FormatName"] = map[string]any{"Value": orText(f.Format)}
	case Integer, BigInt, Decimal, Double, Money:
		encodeNumber(m, f)
	case DateTime:
		m["Format"] = f.Format
		m["DateTimeBehavior"] = map[string]any{"Value": string(f.Behavior)}
	case Lookup, Customer, Owner, PartyList:
		m["Targets"] = slices.Concat([]string{}, f.Targets)
	case Picklist, MultiSelectPicklist, State, Status:
		encodeChoice(m, e, f)
	case Boolean:
		m["DefaultValue"] = f.Default
		m["OptionSet"] = optionSet(e, f, map[string]any{
			"TrueOption":  encodeOption(Option{Value: 1, Label: f.TrueLabel}),
			"FalseOption": encodeOption(Option{Value: 0, Label: f.FalseLabel}),
		})
		m["GlobalOptionSet"] = nil
	}
}

func encodeNumber(m map[string]any, f *Field) {
	m["MinValue"] = encodeDigits(f.MinValue)
	m["MaxValue"] = encodeDigits(f.MaxValue)
	switch {
	case f.Type == Integer:
		m["Format"] = f.Format
	case f.Type != BigInt && f.Precision != nil:
		m["Precision"] = *f.Precision
	}
}

func encodeDigits(digits *string) any {
	if digits == nil {
		return nil
	}
	return json.Number(*digits)
}

func encodeChoice(m map[string]any, e *Entity, f *Field) {
	m["DefaultFormValue"] = f.Default
	options := make([]any, 0, len(f.Options))
	for _, o := range f.Options {
		j := encodeOption(o)
		switch f.Type {
		case State:
			j["InvariantName"] = o.Label.String()
			if status, ok := e.DefaultStatus[o.Value]; ok {
				j["DefaultStatus"] = status
			}
		case Status:
			j["TransitionData"] = nil
		}
		options = append(options, j)
	}
	set := optionSet(e, f, map[string]any{"Options": options})
	m["OptionSet"] = set
	m["GlobalOptionSet"] = nil
	if f.GlobalChoice != "" {
		m["GlobalOptionSet"] = set // whether OptionSet has the options then too is told differently: have both
	}
}

func optionSet(e *Entity, f *Field, m map[string]any) map[string]any {
	m["Name"] = e.LogicalName + "_" + f.LogicalName
	if f.GlobalChoice != "" {
		m["Name"] = f.GlobalChoice
	}
	m["IsGlobal"] = f.GlobalChoice != ""
	m["DisplayName"] = encodeLabel(f.DisplayName)
	m["OptionSetType"] = "Picklist"
	if f.Type == State || f.Type == Status || f.Type == Boolean {
		m["OptionSetType"] = string(f.Type)
	}
	return m
}

func encodeOption(o Option) map[string]any {
	m := map[string]any{"Value": o.Value, "Label": encodeLabel(o.Label), "Description": encodeLabel(nil), "Color": nil, "ExternalValue": nil, "IsManaged": true, "MetadataId": nil}
	if o.State != nil {
		m["State"] = *o.State
	}
	return m
}

// EncodeKey writes an alternate key.
func EncodeKey(e *Entity, k Key, o EncodeOptions) map[string]any {
	m := o.definition(e.LogicalName + "." + k.Name)
	m["LogicalName"] = strings.ToLower(k.Name)
	m["SchemaName"] = k.Name
	m["EntityLogicalName"] = e.LogicalName
	m["KeyAttributes"] = k.Fields
	m["EntityKeyIndexStatus"] = "Active"
	m["DisplayName"] = encodeLabel(EnglishLabel(k.Name))
	return m
}

// EncodeManyToOne writes a relationship of the entity that holds the lookup. An answer has those of AllManyToOne.
func EncodeManyToOne(e *Entity, r ManyToOne, o EncodeOptions) map[string]any {
	m := o.definition(r.SchemaName)
	m["SchemaName"] = r.SchemaName
	m["RelationshipType"] = "OneToManyRelationship"
	m["ReferencingEntity"] = e.LogicalName
	m["ReferencingAttribute"] = r.Field
	m["ReferencingEntityNavigationPropertyName"] = r.Navigation
	m["ReferencedEntity"] = r.ReferencedEntity
	return m
}

// EncodeOneToMany writes a relationship of the entity that is pointed at.
func EncodeOneToMany(e *Entity, r OneToMany, o EncodeOptions) map[string]any {
	m := o.definition(r.SchemaName)
	m["SchemaName"] = r.SchemaName
	m["RelationshipType"] = "OneToManyRelationship"
	m["ReferencingEntity"] = r.ReferencingEntity
	m["ReferencingAttribute"] = r.ReferencingField
	m["ReferencedEntity"] = e.LogicalName
	m["ReferencedAttribute"] = e.PrimaryID
	m["ReferencedEntityNavigationPropertyName"] = r.Navigation
	return m
}

// EncodeManyToMany writes a relationship through an intersect entity.
func EncodeManyToMany(r ManyToMany, o EncodeOptions) map[string]any {
	m := o.definition(r.SchemaName)
	m["SchemaName"] = r.SchemaName
	m["RelationshipType"] = "ManyToManyRelationship"
	m["IntersectEntityName"] = r.IntersectEntity
	m["Entity1LogicalName"] = r.Entity1
	m["Entity1IntersectAttribute"] = r.Field1
	m["Entity1NavigationPropertyName"] = r.Navigation1
	m["Entity2LogicalName"] = r.Entity2
	m["Entity2IntersectAttribute"] = r.Field2
	m["Entity2NavigationPropertyName"] = r.Navigation2
	return m
}

// AllManyToOne is the entity's ManyToOne and what its lookups say of entities that no relationship is described for: a
// client learns the navigation properties of lookups from relationships alone.
func (e *Entity) AllManyToOne() []ManyToOne {
	type end struct{ field, target string }
	described := map[end]bool{}
	for _, r := range e.ManyToOne {
		described[end{r.Field, r.ReferencedEntity}] = true
	}
	all := slices.Clone(e.ManyToOne)
	for _, f := range e.Fields {
		for _, target := range f.Targets {
			property, ok := f.Navigation[target]
			if f.Type == Owner {
				target = abstractOwner
			}
			if !ok || described[end{f.LogicalName, target}] {
				continue
			}
			described[end{f.LogicalName, target}] = true
			all = append(all, ManyToOne{
				SchemaName: strings.Join([]string{e.LogicalName, f.LogicalName, target}, "_"),
				Field:      f.LogicalName, ReferencedEntity: target, Navigation: property,
			})
		}
	}
	return all
}

// abstractOwner is the entity that relationships of owner fields refer to, whatever may own.
const abstractOwner = "owner"

// Cast is the name of the metadata type of a field, as "PicklistAttributeMetadata".
func Cast(t Type) string {
	switch t {
	case Customer, Owner, PartyList:
		t = Lookup
	case Uniqueidentifier:
		t = "UniqueIdentifier"
	case Virtual, CalendarRules:
		return "AttributeMetadata"
	}
	return string(t) + "AttributeMetadata"
}

// typeCode is a field's AttributeType, which is older than some of the types.
func typeCode(t Type) string {
	switch t {
	case Image, File, MultiSelectPicklist:
		return string(Virtual)
	}
	return string(t)
}

// managed writes a property that a solution can lock.
func managed(value any, name string) map[string]any {
	return map[string]any{"Value": value, "CanBeChanged": true, "ManagedPropertyLogicalName": name}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// plainText is the format of texts that have no other.
const plainText = "Text"

func orText(format string) string {
	if format == "" {
		return plainText
	}
	return format
}

func encodeLabel(l Label) map[string]any {
	labels := make([]any, 0, len(l))
	for _, t := range l {
		labels = append(labels, map[string]any{"Label": t.Text, "LanguageCode": t.Language, "IsManaged": true, "HasChanged": nil})
	}
	m := map[string]any{"LocalizedLabels": labels, "UserLocalizedLabel": nil}
	if len(labels) > 0 {
		m["UserLocalizedLabel"] = labels[0]
	}
	return m
}
