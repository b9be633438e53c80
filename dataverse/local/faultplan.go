package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// maxPlan bounds the text of a fault plan.
const maxPlan = 1 << 20

// readFaults reads the fault plan that the configuration names.
func (c Config) readFaults() ([]Fault, error) {
	if c.Faults == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.Faults)
	if err != nil {
		return nil, fmt.Errorf("read the fault plan: %w", err)
	}
	faults, err := parseFaults(text)
	if err != nil {
		return nil, fmt.Errorf("the fault plan %s: %w", c.Faults, err)
	}
	return faults, nil
}

// wireFault is a fault as JSON and YAML have it. What was counted may stand in a plan, and is not read: so that what is shown can be
// sent back.
type wireFault struct {
	bareFault
	Delay  period `json:"delay,omitempty"`
	Stale  period `json:"stale,omitempty"`
	Met    int    `json:"met"`
	Struck int    `json:"struck"`
}

type bareFault Fault

// period is a duration as people write it, as "1.5s".
type period time.Duration

func (s period) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

func (s *period) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		return fmt.Errorf("%s is no duration: write it as \"1.5s\"", b)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is no duration: write it as \"1.5s\"", text)
	}
	*s = period(d)
	return nil
}

func (w wireFault) fault() Fault {
	f := Fault(w.bareFault)
	f.Delay, f.Stale = time.Duration(w.Delay), time.Duration(w.Stale)
	f.Method = strings.ToUpper(f.Method)
	return f
}

// encodeFaults is a fault plan in JSON, with what was counted.
func encodeFaults(counts []FaultCount) ([]byte, error) {
	plan := make([]wireFault, len(counts))
	for i, c := range counts {
		plan[i] = wireFault{bareFault: bareFault(c.Fault), Delay: period(c.Delay), Stale: period(c.Stale), Met: c.Met, Struck: c.Struck}
	}
	return json.MarshalIndent(plan, "", " ")
}

// parseFaults reads a fault plan: a list of faults in JSON or YAML.
func parseFaults(text []byte) ([]Fault, error) {
	var list []map[string]any
	if err := decodePlan(text, &list); err != nil {
		return nil, err
	}
	var (
		faults []Fault
		wrong  []error
	)
	for i, members := range list {
		f, err := parseFault(members)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("fault %d: %w", i+1, err))
		}
		faults = append(faults, f)
	}
	if wrong != nil {
		return nil, errors.Join(wrong...)
	}
	return faults, nil
}

var errNoPlan = errors.New(`a fault plan is a list of faults, as [{"path": "/contacts", "status": 503}]`)

// decodePlan reads JSON, or else YAML: JSON may have tabs, which YAML does not take.
func decodePlan(text []byte, list *[]map[string]any) error {
	var (
		err   error
		shape *yaml.TypeError
	)
	if json.Valid(text) {
		if json.Unmarshal(text, list) != nil {
			return errNoPlan
		}
	} else if err = yaml.Unmarshal(text, list); errors.As(err, &shape) {
		return errNoPlan
	} else if err != nil {
		return fmt.Errorf("it is neither JSON nor YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if *list == nil {
		return errNoPlan
	}
	return nil
}

func parseFault(members map[string]any) (Fault, error) {
	known := wireNames(reflect.TypeFor[wireFault]())
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(known, name) {
			hint := "; there are " + strings.Join(known, ", ")
			if nearest := schema.Nearest(name, known); len(nearest) > 0 {
				hint = fmt.Sprintf("; did you mean %q?", nearest[0])
			}
			return Fault{}, fmt.Errorf("%q is unknown%s", name, hint)
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return Fault{}, errors.New("it has values that JSON cannot have")
	}
	var w wireFault
	if err := json.Unmarshal(text, &w); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return Fault{}, fmt.Errorf("%s cannot be a %s", kind.Field[strings.LastIndexByte(kind.Field, '.')+1:], kind.Value)
		}
		return Fault{}, err
	}
	f := w.fault()
	return f, f.validate()
}

// wireNames are the members that a struct has in JSON.
func wireNames(t reflect.Type) (names []string) {
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// validate names all that is wrong with a fault.
func (f Fault) validate() error {
	var wrong []error
	refuse := func(when bool, format string, args ...any) {
		if when {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	refuse(f.Skip < 0 || f.Times < 0 || f.RetryAfter < 0 || f.Delay < 0 || f.Stale < 0, "skip, times, retryAfter, delay and stale cannot be below zero")
	refuse(!(f.Share >= 0 && f.Share <= 1), "share is %v: give a number from 0 to 1", f.Share)
	refuse(f.Status != 0 && (f.Status < 300 || f.Status > 599), "status is %d: give one from 300 to 599", f.Status)
	refuse(f.Status == 0 && (f.RetryAfter != 0 || f.Code != "" || f.Message != ""), "retryAfter, code and message need a status")
	refuse(f.Method != "" && !slices.Contains(faultMethods, f.Method), "method %q is none of %s", f.Method, strings.Join(faultMethods, ", "))
	_, isCode := code.Parse(f.Code)
	f.validateWebhook(refuse)
	refuse(!isCode, `code %q is no error code, as "0x80040217"`, f.Code)
	switch effects := f.effects(); {
	case effects == 0 && f.Delay == 0:
		wrong = append(wrong, errors.New("it does nothing: give status, delay, dropBefore, dropAfterCommit, expiredToken, stale or webhook"))
	case effects > 1:
		wrong = append(wrong, errors.New("it can have only one of status, dropBefore, dropAfterCommit, expiredToken, stale and webhook"))
	}
	return errors.Join(wrong...)
}

// effects counts what the fault does beside waiting.
func (f Fault) effects() (n int) {
	for _, set := range []bool{f.Status != 0, f.DropBefore, f.DropAfterCommit, f.ExpiredToken, f.Stale > 0, f.Webhook != ""} {
		if set {
			n++
		}
	}
	return n
}

// faultMethods are those that the Web API and the token endpoint know.
var faultMethods = []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete}
