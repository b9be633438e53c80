package schema

// EncodeOptions says how definitions are written.
type EncodeOptions struct {
	// MetadataID makes the MetadataId of a thing from its name ("contact", "contact.firstname", a relationship's schema
	// name); nil leaves it out.
	MetadataID func(name string) string
}

// EncodeEntity writes an entity as EntityDefinitions has it, without its fields, keys and relationships.
func EncodeEntity(e *Entity, o EncodeOptions) map[string]any { return nil }

// EncodeField writes a field as an entity's Attributes have it, with its type and, for choices, its options.
func EncodeField(e *Entity, f *Field, o EncodeOptions) map[string]any { return nil }

// EncodeKey writes an alternate key.
func EncodeKey(e *Entity, k Key, o EncodeOptions) map[string]any { return nil }

// EncodeManyToOne writes a relationship of the entity that holds the lookup.
func EncodeManyToOne(e *Entity, r ManyToOne, o EncodeOptions) map[string]any { return nil }

// EncodeOneToMany writes a relationship of the entity that is pointed at.
func EncodeOneToMany(e *Entity, r OneToMany, o EncodeOptions) map[string]any { return nil }

// EncodeManyToMany writes a relationship through an intersect entity.
func EncodeManyToMany(r ManyToMany, o EncodeOptions) map[string]any { return nil }

// Cast is the name of the metadata type of a field, as "PicklistAttributeMetadata".
func Cast(t Type) string { return "" }
