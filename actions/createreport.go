package actions

import (
	"context"
	"slices"
	"strings"
)

// createReporting creates the record whatever exists, and tells what the duplicate rules would have found.
func (c *creation) createReporting(ctx context.Context) (Result, error) {
	c.lookForReport(ctx)
	result, err := c.sendUntilKnown(ctx)
	if err == nil && result.Outcome == Created {
		c.report(&result)
	}
	return result, err
}

// lookForReport finds the duplicates that exist before the record is created. That they cannot be found keeps nothing from being
// created: it is told.
func (c *creation) lookForReport(ctx context.Context) {
	if !c.rules.InForce {
		return // of which a warning tells already
	}
	found, err := c.matches(ctx)
	if err != nil {
		c.warn(DuplicatesNotReadable, "", "duplicates of the record were to be told, and could not be read")
	}
	for i, record := range found.records {
		if record.ID != string(c.id) { // a repeat meets the record of the first call
			c.reported.join(found.at(i))
		}
	}
}

// report adds the duplicates that exist to the answer of a creation.
func (c *creation) report(result *Result) {
	if len(c.reported.records) == 0 {
		return
	}
	result.Existing, result.Matches = c.reported.records, c.reported.matches()
	var names []string
	for _, match := range result.Matches {
		for _, rule := range slices.Concat(match.Rules, match.Undecided) {
			if name := `"` + rule.Name + `"`; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	result.Warnings = append(result.Warnings, Warning{
		Code: DuplicateCreated, Message: "the record is created though others exist that it duplicates, by the rules " + strings.Join(names, ", "),
	})
}
