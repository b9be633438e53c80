package server

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// validation holds requests to the rules that stand in the contract.
type validation struct {
	validator protovalidate.Validator
}

// newValidation compiles the rules of all requests, so that no call pays for it.
func newValidation() (validation, error) {
	validator, err := protovalidate.New(protovalidate.WithMessages(
		&botversev1.CreateRecordRequest{}, &botversev1.UpdateRecordRequest{}, &botversev1.UpsertRecordRequest{},
		&botversev1.FindRecordRequest{}, &botversev1.FindRecordByFetchXMLRequest{},
		&botversev1.ListActionsRequest{}, &botversev1.GetActionRequest{}, &botversev1.RunActionRequest{},
		&botversev1.ListEntitiesRequest{}, &botversev1.GetEntityRequest{},
		&botversev1.ListPresenceRequest{}, &botversev1.WatchPresenceRequest{},
		&botversev1.ListDeadLettersRequest{}, &botversev1.GetDeadLetterRequest{}, &botversev1.ReplayDeadLetterRequest{},
		&botversev1.BackfillPresenceRequest{},
	))
	return validation{validator}, err
}

func (v validation) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if err := v.check(req); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

func (v validation) stream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return handler(srv, validatedStream{ss, v})
}

// validatedStream checks each message as it comes.
type validatedStream struct {
	grpc.ServerStream
	validation validation
}

func (s validatedStream) RecvMsg(m any) error {
	d := &decoding{into: m}
	if err := s.ServerStream.RecvMsg(d); err != nil {
		return err
	}
	if d.err != nil {
		return d.err
	}
	return s.validation.check(m)
}

// check returns all violations of a message as one error.
func (v validation) check(m any) error {
	if d, ok := m.(*decoding); ok {
		return d.err
	}
	message, ok := m.(proto.Message)
	if !ok {
		return fmt.Errorf("a request of type %T is no protobuf message", m)
	}
	err := v.validator.Validate(message)
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	faults := make([]*botversev1.ErrorDetail_Fault, 0, len(invalid.Violations))
	for _, violation := range invalid.Violations {
		faults = append(faults, violationFault(violation))
	}
	return refusal(botversev1.ErrorDetail_INVALID_REQUEST, faults...)
}

// shapes say in words what the contract's patterns ask of a field, by its name: few people read regular expressions.
var shapes = map[string]string{
	"entity": `an entity's logical name has letters, digits and _, and begins with a letter, as "contact"`,
	"save":   "a variable's name has letters, digits, _, . and -, and begins with a letter or _",
}

// violationFault tells a violation. A value of ours that is a name, as an entity's, is quoted: it is no visitor's.
func violationFault(v *protovalidate.Violation) *botversev1.ErrorDetail_Fault {
	field, message := protovalidate.FieldPathString(v.Proto.GetField()), v.Proto.GetMessage()
	if shape := shapes[outermost(v)]; shape != "" && v.Proto.GetRuleId() == "string.pattern" {
		message = shape
	}
	switch v.Proto.GetRuleId() {
	case "required", "string.min_len":
		message = "is missing: it must have a value"
	case "enum.defined_only":
		message = "is none of its values: " + strings.Join(valuesOf(v.FieldDescriptor.Enum()), ", ")
	}
	if given, isText := textOf(v); isText {
		if given == "" {
			return fault(botversev1.ErrorDetail_INVALID_REQUEST, field, "is missing: it must have a value")
		}
		if len(given) <= 128 {
			message = fmt.Sprintf("%q is not valid: %s", given, message)
		}
	}
	return fault(botversev1.ErrorDetail_INVALID_REQUEST, field, "%s", message)
}

// outermost is the name of the request's field that a violation is in.
func outermost(v *protovalidate.Violation) string {
	if path := v.Proto.GetField().GetElements(); len(path) > 0 {
		return path[0].GetFieldName()
	}
	return ""
}

func textOf(v *protovalidate.Violation) (string, bool) {
	if v.FieldDescriptor == nil || v.FieldDescriptor.Kind() != protoreflect.StringKind || !v.FieldValue.IsValid() {
		return "", false
	}
	text, ok := v.FieldValue.Interface().(string)
	return text, ok
}
