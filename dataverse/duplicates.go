package dataverse

import (
	"context"

	"github.com/botverse/botverse/dataverse/schema"
)

// Rules are the duplicate rules that Dataverse checks a new record of an entity by.
type Rules struct {
	InForce bool            // whether anything is checked at all
	Why     string          // where nothing is: the reason, a sentence for people
	Rules   []DuplicateRule // the published rules; empty where none is in force
}

// DuplicateRule is a published rule: a record is a duplicate of a matching one where all conditions hold.
type DuplicateRule struct {
	ID              ID
	Name            string
	BaseEntity      string // of the record that is created
	MatchingEntity  string // of the records it is compared with
	CaseSensitive   bool
	ExcludeInactive bool // only active records are compared with
	Conditions      []DuplicateCondition
}

// DuplicateCondition is one condition of a rule.
type DuplicateCondition struct {
	BaseField     string
	MatchingField string
	Operator      int  // operatorcode: 0 exact, 1 same first characters, 2 same last characters, 3 same date, 4 same date and time, 5 and 6 same choice
	Characters    int  // of operators 1 and 2
	IgnoreBlank   bool // whether a blank value makes the condition fail, instead of being equal to a blank one
}

// DuplicateRules are the rules in force for new records of an entity. They are remembered for a minute. Rules that may
// not be read are no error: InForce is false then, and Why says it.
func (c *Client) DuplicateRules(ctx context.Context, baseEntity string) (Rules, error) {
	return Rules{}, errUnimplemented
}

// RetrieveDuplicates finds the records of matching that the published rules hold for duplicates of a record of base with the
// given values, of which only the rules' base fields are needed. At most 50 are returned, of those that the application
// user may read.
func (c *Client) RetrieveDuplicates(ctx context.Context, base *schema.Entity, values Fields, matching *schema.Entity) ([]Record, error) {
	return nil, errUnimplemented
}
