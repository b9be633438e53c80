package saved

import (
	"cmp"
	"context"
	"errors"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/actions/input"
)

// Lint holds the definition against the metadata of an environment; "" is the definition's own. What is wrong with the
// definition is an *Error; any other error says why the metadata could not be read.
func (d *Definition) Lint(ctx context.Context, runtime *actions.Runtime, environment string) error {
	err := d.lint(ctx, runtime, cmp.Or(environment, d.Environment))
	var refused *input.Error
	if !errors.As(err, &refused) {
		return err
	}
	found := &Error{File: d.file}
	for _, f := range refused.Faults {
		found.Faults = append(found.Faults, d.locate(f))
	}
	return found
}

// lint asks the runtime what it would refuse whatever the variables are.
func (d *Definition) lint(ctx context.Context, runtime *actions.Runtime, environment string) error {
	switch d.Kind {
	case CreateRecord:
		return runtime.LintCreateRecord(ctx, d.body.createRecord(Call{}, environment, nil))
	case UpdateRecord:
		return runtime.LintUpdateRecord(ctx, d.body.updateRecord(Call{}, environment, nil))
	case UpsertRecord:
		return runtime.LintUpsertRecord(ctx, d.body.upsertRecord(Call{}, environment, nil))
	case FindRecord:
		return runtime.LintFindRecord(ctx, d.body.findRecord(Call{}, environment, nil))
	}
	return runtime.LintFindRecordByFetchXML(ctx, d.body.findRecordByFetchXML(Call{}, environment, nil))
}
