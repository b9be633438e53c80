package saved

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/schema"
)

// Call is what comes with each call of a saved action.
type Call struct {
	Variables   map[string]any // the flow's; only read. Those that are no inputs are passed on
	Environment string         // in place of the definition's; "" for that
	TimeZone    string         // in place of the definition's; "" for that
	Culture     string         // in place of the definition's; "" for that
	RequestID   string         // the caller's key for a safe repeat; "" for none. Searches need none, and pass over it
	Namespace   string         // the caller's own space of request IDs
	// ValidateOnly lists what would be sent, and writes nothing.
	ValidateOnly bool
}

func (c Call) zone(b body) string { return cmp.Or(c.TimeZone, b.timeZone) }

func (c Call) culture(b body) string { return cmp.Or(c.Culture, b.culture) }

// Run runs the action. What the inputs declare is held against the call's variables first: the error is an
// *input.Error whose faults are in "variables", or any that the action itself has. The answer's variables are the
// call's, as they came, with those of save set. A sensitive input's value is in no error.
func (d *Definition) Run(ctx context.Context, runtime *actions.Runtime, call Call) (actions.Result, error) {
	variables, err := d.bind(call)
	if err != nil {
		return actions.Result{}, err
	}
	result, err := d.run(ctx, runtime, call, variables)
	if err != nil {
		return actions.Result{}, d.veil(err, variables)
	}
	d.restore(result.Variables, call.Variables)
	return result, nil
}

func (d *Definition) run(ctx context.Context, runtime *actions.Runtime, call Call, variables map[string]any) (actions.Result, error) {
	environment := cmp.Or(call.Environment, d.Environment)
	switch d.Kind {
	case CreateRecord:
		return runtime.CreateRecord(ctx, d.body.createRecord(call, environment, variables))
	case UpdateRecord:
		return runtime.UpdateRecord(ctx, d.body.updateRecord(call, environment, variables))
	case UpsertRecord:
		return runtime.UpsertRecord(ctx, d.body.upsertRecord(call, environment, variables))
	case FindRecord:
		return runtime.FindRecord(ctx, d.body.findRecord(call, environment, variables))
	case FindRecordByFetchXML:
		return runtime.FindRecordByFetchXML(ctx, d.body.findRecordByFetchXML(call, environment, variables))
	}
	return actions.Result{}, fmt.Errorf("the definition %s has no action", d.Name)
}

// bind holds variables against the inputs: given ones are converted, defaults fill in for those that are not set. The result
// is a map of its own.
func (d *Definition) bind(call Call) (map[string]any, error) {
	variables := call.Variables
	bound := make(map[string]any, len(variables)+len(d.Inputs))
	maps.Copy(bound, variables)
	var faults []input.Fault
	for i := range d.Inputs {
		in := &d.Inputs[i]
		value, given := variables[in.Name]
		switch {
		case !given && in.Default != nil:
			bound[in.Name] = in.Default
		case !given && in.Required:
			faults = append(faults, d.missing(in, variables))
		case !given:
		case in.Required && blank(value):
			faults = append(faults, fault(input.VariableUnset, in, "is required, and is %s", blankness(value)))
		case value == nil || in.foreign(value, call.culture(d.body)):
		default:
			converted, right := in.convert(value)
			if right != "" {
				faults = append(faults, fault(input.InvalidValue, in, "%s is no %s: it takes %s", in.shown(value), in.Type, right))
			}
			bound[in.Name] = converted
		}
	}
	if len(faults) > 0 {
		return nil, &input.Error{Faults: faults}
	}
	return bound, nil
}

func fault(reason input.Reason, in *Input, format string, args ...any) input.Fault {
	return input.Fault{Reason: reason, Field: "variables." + in.Name, Message: fmt.Sprintf(format, args...)}
}

// missing is the fault of a required input that is not set. A variable of a similar name that is no input is told.
func (d *Definition) missing(in *Input, variables map[string]any) input.Fault {
	f := fault(input.VariableUnset, in, "is required, and is not set")
	var others []string
	for name := range variables {
		if d.input(name) == nil {
			others = append(others, name)
		}
	}
	if f.Nearest = schema.Nearest(in.Name, others); len(f.Nearest) > 0 {
		f.Message += "; the variables that come nearest are " + list(f.Nearest)
	}
	if in.Description != "" {
		f.Message += " (" + in.Description + ")"
	}
	return f
}

// blank reports whether a value says nothing.
func blank(value any) bool {
	text, isText := value.(string)
	return value == nil || isText && strings.TrimSpace(text) == ""
}

func blankness(value any) string {
	if value == nil {
		return "null"
	}
	return "blank"
}

// maxShown bounds a value in a message, in characters.
const maxShown = 60

// shown is a value for messages.
func (in *Input) shown(value any) string {
	text, right := toText(value)
	switch value.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case bool:
		text, right = fmt.Sprint(value), ""
	}
	if in.Sensitive || right != "" {
		return "the value"
	}
	shown := []rune(text.(string))
	if len(shown) > maxShown {
		shown = append(shown[:maxShown:maxShown], '…')
	}
	return fmt.Sprintf("%q", string(shown))
}

// restore gives back the variables that inputs were converted from, or were not set: an answer changes what it saves, and
// nothing else.
func (d *Definition) restore(answered, given map[string]any) {
	for i := range d.Inputs {
		name := d.Inputs[i].Name
		if d.savesInto(name) {
			continue
		}
		if value, ok := given[name]; ok {
			answered[name] = value
		} else {
			delete(answered, name)
		}
	}
}

// savesInto reports whether the answer sets a variable, or something in it.
func (d *Definition) savesInto(name string) bool {
	for variable := range d.Save {
		if variable == name || strings.HasPrefix(variable, name+".") {
			return true
		}
	}
	return false
}

func list(names []string) string { return strings.Join(names, ", ") }

// veil takes the values of sensitive inputs out of an error.
func (d *Definition) veil(err error, variables map[string]any) error {
	var refused *input.Error
	if !errors.As(err, &refused) {
		return err // what Dataverse says is masked already
	}
	secrets := d.secrets(variables)
	if len(secrets) == 0 {
		return err
	}
	veiled := &input.Error{Err: refused.Err}
	for _, f := range refused.Faults {
		veiled.Faults = append(veiled.Faults, d.veilFault(f, secrets))
	}
	return veiled
}
