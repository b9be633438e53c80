package actions

import "github.com/botverse/botverse/dataverse/schema"

// required reports whether CreateRecord refuses a record that has no value for the field.
func required(e *schema.Entity, f *schema.Field) bool { return false }

// creatable reports whether CreateRecord takes a value for the field.
func creatable(e *schema.Entity, f *schema.Field) bool { return false }
