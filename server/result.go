package server

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/botverse/botverse/actions"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// runActionResponse is a result as the answer that can hold what any action answers.
func runActionResponse(r actions.Result) (*botversev1.RunActionResponse, error) {
	outcome, err := enumOf[botversev1.RunActionResponse_Outcome](botversev1.RunActionResponse_Outcome_value, r.Outcome)
	if err != nil {
		return nil, err
	}
	variables, err := structFrom(r.Variables)
	if err != nil {
		return nil, err
	}
	candidates, err := candidatesOf(r.Candidates)
	if err != nil {
		return nil, err
	}
	warnings, err := warningsOf(r.Warnings)
	if err != nil {
		return nil, err
	}
	requests, err := requestsOf(r.Requests)
	return &botversev1.RunActionResponse{
		Outcome:     outcome,
		PhoneSearch: phoneSearchOf(r.PhoneSearch),
		PhoneMatch:  phoneMatchOf(r.PhoneMatch),
		Record:      recordOf(r.Record),
		Variables:   variables,
		Omitted:     r.Omitted,
		Existing:    recordsOf(r.Existing),
		MatchCount:  int32Of(r.MatchCount),
		MoreMatches: r.MoreMatches,
		OrderedBy:   r.OrderedBy,
		Candidates:  candidates,
		Warnings:    warnings,
		Requests:    requests,
		Matches:     matchesOf(r.Matches),
		Explanation: explanationOf(r.Explanation),
	}, err
}

// answer is what an action's handler returns: the response, with what became of the action, or the error, to which the chain
// gives a status. The fields of a response are some of RunActionResponse's, by the same names; its outcomes too.
func answer[M proto.Message](response M, r actions.Result, err error) (M, error) {
	var none M
	if err != nil {
		return none, err
	}
	all, err := runActionResponse(r)
	if err != nil {
		return none, err
	}
	into := response.ProtoReflect()
	fields := into.Descriptor().Fields()
	all.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		target := fields.ByName(f.Name())
		switch {
		case target == nil: // not of this action
		case target.Kind() == protoreflect.EnumKind:
			outcome := target.Enum().Values().ByName(f.Enum().Values().ByNumber(value.Enum()).Name())
			if outcome == nil {
				err = fmt.Errorf("%s has no outcome %s", into.Descriptor().Name(), r.Outcome)
				return false
			}
			into.Set(target, protoreflect.ValueOfEnum(outcome.Number()))
		default:
			into.Set(target, value)
		}
		return true
	})
	if err != nil {
		return none, err
	}
	return response, nil
}

// enumOf is the contract's value of a name of the runtime's. The zero name is the zero value.
func enumOf[E ~int32, S ~string](values map[string]int32, name S) (E, error) {
	if name == "" {
		return 0, nil
	}
	value, known := values[string(name)]
	if !known {
		return 0, fmt.Errorf("the contract has no %T %q", E(0), name)
	}
	return E(value), nil
}
