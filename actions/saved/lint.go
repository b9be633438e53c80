package saved

import (
	"cmp"
	"context"
	"errors"

	"github.com/botverse/botverse/actions"
)

// Lint holds the definition against the metadata of an environment; "" is the definition's own. What is wrong with the
// definition is an *Error; any other error says why the metadata could not be read.
func (d *Definition) Lint(ctx context.Context, runtime *actions.Runtime, environment string) error {
	err := d.lint(ctx, runtime, cmp.Or(environment, d.Environment))
	var input *actions.InputError
	if !errors.As(err, &input) {
		return err
	}
	found := &Error{File: d.file}
	for _, f := range input.Faults {
		found.Faults = append(found.Faults, d.locate(f))
	}
	return found
}

// lint asks the runtime what it would refuse.
func (d *Definition) lint(ctx context.Context, runtime *actions.Runtime, environment string) error {
	_, err := runtime.GetEntity(ctx, environment, d.Entity, 0)
	return err
}
