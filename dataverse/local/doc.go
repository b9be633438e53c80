// Package local is the local Dataverse: Dataverse's Web API (v9.2) served over HTTP from SQLite, for development and tests.
// It keeps records of the standard tables, answers OData queries and FetchXML, describes its entities, finds duplicates by the
// published rules, signs clients in, and delivers webhooks. What it answers is what Dataverse answers, error codes included;
// README.md says what it serves and where it differs or guesses.
package local
