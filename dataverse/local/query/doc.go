// Package query is what the local Dataverse asks of its database: how records lie in tables, how values are written
// there, and one query model that OData and FetchXML both become, with one compiler from it to SQL.
//
// A query is exactly one SQL statement. Its text depends on the shape of what was asked alone, never on a value: every
// value is a bind parameter, and lists of values are one parameter, so that a database may keep statements by their text.
package query
