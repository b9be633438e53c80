package server

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/botverse/botverse/actions/saved"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// ListActions implements botversev1.ActionServiceServer.
func (s actionService) ListActions(_ context.Context, req *botversev1.ListActionsRequest) (*botversev1.ListActionsResponse, error) {
	page, next, err := pageOf(s.saved.Actions(), func(a saved.Action) string { return a.Name }, req)
	if err != nil {
		return nil, err
	}
	resp := &botversev1.ListActionsResponse{NextPageToken: next}
	for _, a := range page {
		action, err := savedActionOf(a)
		if err != nil {
			return nil, err
		}
		resp.Actions = append(resp.Actions, action)
	}
	return resp, nil
}

// GetAction implements botversev1.ActionServiceServer.
func (s actionService) GetAction(_ context.Context, req *botversev1.GetActionRequest) (*botversev1.GetActionResponse, error) {
	a, err := s.saved.Action(req.GetName())
	if err != nil {
		return nil, savedFailure(err)
	}
	action, err := savedActionOf(a)
	if err != nil {
		return nil, err
	}
	resp := &botversev1.GetActionResponse{Action: action}
	if a.Definition != nil {
		resp.Definition = a.Definition.Text
	}
	return resp, nil
}

// RunAction implements botversev1.ActionServiceServer.
func (s actionService) RunAction(ctx context.Context, req *botversev1.RunActionRequest) (*botversev1.RunActionResponse, error) {
	if s.saved.Has(req.GetName()) {
		trace.SpanFromContext(ctx).SetAttributes(attribute.String("botverse.action", req.GetName()))
	}
	result, err := s.saved.RunAction(ctx, req.GetName(), saved.Call{
		Variables:    req.GetVariables().AsMap(),
		Environment:  req.GetEnvironment(),
		TimeZone:     req.GetTimeZone(),
		Culture:      req.GetCulture(),
		RequestID:    req.GetRequestId(),
		Namespace:    callerOf(ctx).Name,
		ValidateOnly: req.GetValidateOnly(),
	})
	if err != nil {
		return nil, savedFailure(err)
	}
	return runActionResponse(result)
}

// savedFailure tells an error of the library's with its faults; any other error is itself.
func savedFailure(err error) error {
	var unknown *saved.UnknownError
	var broken *saved.BrokenError
	switch {
	case errors.As(err, &unknown):
		f := fault(botversev1.ErrorDetail_UNKNOWN_ACTION, "name", "%v", unknown)
		f.Nearest = unknown.Nearest
		return refusal(botversev1.ErrorDetail_UNKNOWN_ACTION, f)
	case errors.As(err, &broken):
		return refusal(botversev1.ErrorDetail_BROKEN_ACTION, fault(botversev1.ErrorDetail_BROKEN_ACTION, "name", "%v", broken))
	}
	return err
}

var savedKinds = map[saved.Kind]botversev1.SavedAction_Kind{
	saved.CreateRecord:         botversev1.SavedAction_CREATE_RECORD,
	saved.UpdateRecord:         botversev1.SavedAction_UPDATE_RECORD,
	saved.UpsertRecord:         botversev1.SavedAction_UPSERT_RECORD,
	saved.FindRecord:           botversev1.SavedAction_FIND_RECORD,
	saved.FindRecordByFetchXML: botversev1.SavedAction_FIND_RECORD_BY_FETCHXML,
}

func savedActionOf(a saved.Action) (*botversev1.SavedAction, error) {
	availability, err := enumOf[botversev1.SavedAction_Availability](botversev1.SavedAction_Availability_value, a.Availability)
	if err != nil {
		return nil, err
	}
	out := &botversev1.SavedAction{
		Name: a.Name, Availability: availability, AvailabilityReason: a.Reason, BuiltIn: a.Preset, Faults: definitionFaultsOf(a.Fault),
	}
	d := a.Definition
	if d == nil {
		return out, nil
	}
	out.Description, out.Environment, out.Kind, out.Entity = d.Description, d.Environment, savedKinds[d.Kind], d.Entity
	if out.Inputs, err = inputsOf(d.Inputs); err != nil {
		return nil, err
	}
	out.Outputs, err = outputsOf(d)
	return out, err
}

func inputsOf(inputs []saved.Input) ([]*botversev1.SavedAction_Input, error) {
	var out []*botversev1.SavedAction_Input
	for _, in := range inputs {
		kind, err := enumOf[botversev1.SavedAction_Input_Type](botversev1.SavedAction_Input_Type_value, strings.ToUpper(string(in.Type)))
		if err != nil {
			return nil, err
		}
		input := &botversev1.SavedAction_Input{
			Name: in.Name, Type: kind, Required: in.Required, Description: in.Description, Sensitive: in.Sensitive}
		if in.Default != nil {
			if input.DefaultValue, err = valueFrom(in.Default); err != nil {
				return nil, err
			}
		}
		out = append(out, input)
	}
	return out, nil
}

func outputsOf(d *saved.Definition) ([]*botversev1.SavedAction_Output, error) {
	var out []*botversev1.SavedAction_Output
	for _, variable := range slices.Sorted(maps.Keys(d.Save)) {
		output := &botversev1.SavedAction_Output{Variable: variable, Source: d.Save[variable]}
		if value := d.SaveDefaults[variable]; value != nil {
			var err error
			if output.DefaultValue, err = valueFrom(value); err != nil {
				return nil, err
			}
		}
		out = append(out, output)
	}
	return out, nil
}

func definitionFaultsOf(e *saved.Error) []*botversev1.DefinitionFault {
	if e == nil {
		return nil
	}
	var out []*botversev1.DefinitionFault
	for _, f := range e.Faults {
		out = append(out, &botversev1.DefinitionFault{
			Line: int32(f.Line), Column: int32(f.Column), Field: f.Field, Message: f.Message, Allowed: f.Allowed, Nearest: f.Nearest})
	}
	return out
}
