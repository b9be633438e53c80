package dataverse

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Verb is something that can be done with records.
type Verb string

// The verbs.
const (
	Find   Verb = "find"   // read, search, look up, link to in a query
	Create Verb = "create" // and learn which records are like the one to be made
	Update Verb = "update"
)

// verbs are all of them, in their order.
var verbs = []Verb{Find, Create, Update}

// verbsOf are what requests do with the records of their entity; one of them must be allowed. A record is read by its ID by
// whoever made it or is to change it, too. Requests that are not here do nothing with records.
var verbsOf = map[string][]Verb{
	"GetRecord": verbs, "ListRecords": {Find}, "FetchRecords": {Find}, "NextPage": {Find},
	"CreateRecord": {Create}, "CreateAndGetRecord": {Create},
	"UpdateRecord": {Update}, "UpdateAndGetRecord": {Update}, "ReplaceCollection": {Update}, "DeleteRecord": {Update},
}

// Allow is what may be done with the records of each entity, by its logical name: with those of an entity that it has not,
// nothing but pointing at them. nil allows everything.
type Allow map[string][]Verb

// Of are the verbs that are allowed with an entity.
func (a Allow) Of(entity string) []Verb {
	if a == nil {
		return slices.Clone(verbs)
	}
	return a[entity]
}

// validate names all that is wrong.
func (a Allow) validate() (errs []error) {
	for _, entity := range slices.Sorted(maps.Keys(a)) {
		if entity != strings.ToLower(entity) {
			errs = append(errs, fmt.Errorf("allow.%s: logical names are in small letters: %s", entity, strings.ToLower(entity)))
		}
		for _, verb := range a[entity] {
			if !slices.Contains(verbs, verb) {
				errs = append(errs, fmt.Errorf("allow.%s has %q; it takes find, create and update", entity, verb))
			}
		}
	}
	return errs
}

// ErrNotAllowed is a request that an environment's Config does not allow, though the application user might have the right to it.
var ErrNotAllowed = errors.New("the configuration does not allow it")

// NotAllowedError says what is not allowed. It wraps ErrNotAllowed.
type NotAllowedError struct {
	Environment string
	Entity      string
	Verb        Verb
	Allowed     []Verb // what is, with the records of that entity
}

// Error implements error.
func (e *NotAllowedError) Error() string {
	allowed := "nothing"
	if len(e.Allowed) > 0 {
		texts := make([]string, len(e.Allowed))
		for i, verb := range e.Allowed {
			texts[i] = string(verb)
		}
		allowed = strings.Join(texts, ", ")
	}
	return fmt.Sprintf("actions may not %s records of %s in the environment %s; its setting `allow` has %s for them", e.Verb, e.Entity, e.Environment, allowed)
}

// Unwrap makes errors.Is(err, ErrNotAllowed) true.
func (e *NotAllowedError) Unwrap() error { return ErrNotAllowed }

// Limited is the client as actions have it: what Config.Allow does not allow is refused with a *NotAllowedError, and not sent.
func (c *Client) Limited() *Client {
	limited := *c
	limited.limited = true
	return &limited
}

// Allowed are the verbs that may be done with the records of an entity: all of them, unless the client is Limited.
func (c *Client) Allowed(entity string) []Verb {
	if !c.limited {
		return slices.Clone(verbs)
	}
	return c.allow.Of(entity)
}

// Permit is a *NotAllowedError unless all of these verbs may be done with the records of an entity.
func (c *Client) Permit(entity string, needed ...Verb) error {
	allowed := c.Allowed(entity)
	for _, verb := range needed {
		if !slices.Contains(allowed, verb) {
			return &NotAllowedError{Environment: c.name, Entity: entity, Verb: verb, Allowed: allowed}
		}
	}
	return nil
}

// permits holds a request to what is allowed.
func (c *Client) permits(q call) (err error) {
	for _, verb := range verbsOf[q.op] {
		if err = c.Permit(q.entity, verb); err == nil {
			return nil
		}
	}
	return err
}
