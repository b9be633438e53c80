package actions

import (
	"slices"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// DuplicateRule is a published rule of Dataverse's, and how it stands to the record that is to be made.
type DuplicateRule struct {
	ID             string
	Name           string
	MatchingEntity string   // of the records that the new one is compared with
	Fields         []string // of the new record, that the rule reads
	// CanApply is false where the rule finds nothing whatever there is: a field that it reads has no value, and the rule takes
	// no two blanks for the same.
	CanApply     bool
	WithoutValue []string // those of Fields because of which it cannot apply
}

// DuplicateMatch is an existing record and what found it. Dataverse does not tell which rule did: the rules' conditions are held
// against the values that were sent and those of the record.
type DuplicateMatch struct {
	Record    Record
	Rules     []DuplicateRule // that find the record
	Undecided []DuplicateRule // of which it cannot be told
	MatchOn   []string        // the request's own match fields, where they found it
	Key       []string        // the fields of the alternate key that the record has in common
}

// explainedRules are the rules in force, where they are asked.
func (c *creation) explainedRules() []DuplicateRule { return c.describeRules(c.rules.Rules) }

func (c *creation) describeRules(rules []dataverse.DuplicateRule) []DuplicateRule {
	var described []DuplicateRule
	for _, rule := range rules {
		described = append(described, c.describeRule(rule))
	}
	return described
}

func (c *creation) describeRule(rule dataverse.DuplicateRule) DuplicateRule {
	d := DuplicateRule{ID: string(rule.ID), Name: rule.Name, MatchingEntity: rule.MatchingEntity, CanApply: true}
	for _, condition := range rule.Conditions {
		if !slices.Contains(d.Fields, condition.BaseField) {
			d.Fields = append(d.Fields, condition.BaseField)
		}
		value, known := c.knownValue(condition.BaseField)
		if condition.IgnoreBlank && known && isBlank(value) {
			d.CanApply = false
			if !slices.Contains(d.WithoutValue, condition.BaseField) {
				d.WithoutValue = append(d.WithoutValue, condition.BaseField)
			}
		}
	}
	return d
}

// knownValue is the value that the new record has in a field, as recordValues has it; not known where the request has none and
// Dataverse may give one.
func (c *creation) knownValue(field string) (value any, known bool) {
	if value, given := c.values.values[field]; given {
		return value, true
	}
	f := c.entity.Field(field)
	return nil, f != nil && f.Creatable && f.Default == nil && !givenByDataverse(f)
}

// givenByDataverse reports whether Dataverse gives a new record a value in a field that is left out.
func givenByDataverse(f *schema.Field) bool {
	switch f.Type {
	case schema.Owner, schema.State, schema.Status, schema.Uniqueidentifier, schema.Boolean:
		return true
	}
	return f.LogicalName == currencyField
}
