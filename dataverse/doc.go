// Package dataverse is a client of the Dataverse Web API: it signs in, reads and writes records, knows the entities of an
// environment, and says what went wrong in words that keep Dataverse's own code and message.
//
// Environments resolves a name to a *Client. A Client is safe for use by any number of goroutines; what it returns belongs to
// the caller, except a *schema.Entity, which is shared and only to be read. Maps that a caller passes in are never changed.
//
// Every error that comes from a call is an *Error. A request is repeated only where that is harmless: any request after
// 429, which refuses before anything is done, and reads after 502 to 504, after a lost connection, and once after another
// failure of the server; a bounded number of times, and never past the deadline of the context.
package dataverse
