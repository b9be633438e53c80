package translate

import "github.com/botverse/botverse/dataverse/schema"

// Translatable reports whether Value knows the field's type.
func Translatable(f *schema.Field) bool {
	switch f.Type {
	case schema.PartyList, schema.File, schema.EntityName, schema.Virtual, schema.ManagedProperty, schema.CalendarRules:
		return false
	}
	return true
}

// Searchable reports whether FindRecord compares the field.
func Searchable(f *schema.Field) bool {
	if f.AttributeOf != "" || !f.Readable {
		return false
	}
	switch f.Type {
	case schema.PartyList, schema.Image, schema.File, schema.EntityName, schema.Virtual, schema.ManagedProperty, schema.CalendarRules:
		return false
	}
	return true
}

// Savable reports whether a field can be read and a variable can hold it.
func Savable(f *schema.Field) bool {
	switch f.Type {
	case schema.PartyList, schema.Image, schema.File, schema.Virtual, schema.ManagedProperty, schema.CalendarRules:
		return false
	}
	return f.Readable
}
