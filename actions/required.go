package actions

import (
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse/schema"
)

// currencyField is the lookup of an amount's currency: Dataverse fills it with the user's or the organisation's.
const currencyField = "transactioncurrencyid"

// required reports whether CreateRecord refuses a record that has no value for the field.
//
// Dataverse itself enforces little of it: ApplicationRequired is a matter of its forms (Web API, "Create a table row"), and
// what is SystemRequired it mostly fills itself, a customer excepted.
func required(e *schema.Entity, f *schema.Field) bool {
	switch f.RequiredLevel {
	case schema.ApplicationRequired:
	case schema.SystemRequired:
		if f.Type != schema.Customer {
			return false
		}
	default:
		return false
	}
	switch f.Type {
	case schema.Owner, schema.EntityName, schema.Uniqueidentifier, schema.State, schema.Status, schema.PartyList:
		return false
	}
	return f.Default == nil && f.LogicalName != currencyField && creatable(e, f)
}

// creatable reports whether CreateRecord takes a value for the field. The record's ID is not the caller's to choose: it
// follows from the request ID.
func creatable(e *schema.Entity, f *schema.Field) bool {
	return f.Creatable && f.LogicalName != e.PrimaryID && standsForItself(f) && (translate.Translatable(f) || takesParties(e, f))
}

// standsForItself reports whether a field is more than the shadow of another. An image has a shadow's mark, and is none.
func standsForItself(f *schema.Field) bool { return f.AttributeOf == "" || f.Type == schema.Image }
