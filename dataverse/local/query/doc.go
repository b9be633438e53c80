// Package query is what the local Dataverse asks of its database: how records lie in tables, how values are written
// there, and one query model that OData and FetchXML both become, with one compiler from it to SQL.
//
// A query is exactly one SQL statement. Every value is a bind parameter, a list of values is one, and no name that a
// caller made up is in the text. The text follows from the shape of the question, so that a database may keep statements
// by their text; of values it tells no more than whether a pattern begins with plain text, whether a time has whole
// seconds, and where the last row of a page had no value.
//
// Where this is not SQL Server: record IDs are ordered as text, and text by its letters' base forms rather than by an
// English dictionary.
package query
