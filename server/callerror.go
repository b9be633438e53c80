package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/botverse/botverse/access"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// callError is an error as the caller sees it. It unwraps to its cause, which only the log sees.
type callError struct {
	code       codes.Code
	message    string
	detail     *botversev1.ErrorDetail
	retryAfter time.Duration // 0 says nothing
	cause      error         // nil where the request itself is all there is to say
}

func (e *callError) Error() string { return e.message }

func (e *callError) Unwrap() error { return e.cause }

// GRPCStatus makes gRPC send what the caller may see.
func (e *callError) GRPCStatus() *status.Status {
	details := []protoadapt.MessageV1{protoadapt.MessageV1Of(e.detail)}
	if faults := e.detail.GetFaults(); len(faults) > 0 {
		bad := &errdetails.BadRequest{}
		for _, f := range faults {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
				Field: f.GetField(), Description: f.GetMessage(), Reason: f.GetReason().String()})
		}
		details = append(details, bad)
	}
	if e.retryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(e.retryAfter)})
	}
	st, err := status.New(e.code, e.message).WithDetails(details...)
	if err != nil { // no message of ours fails to marshal
		return status.New(e.code, e.message)
	}
	return st
}

// failure is an error of a reason, with the reason's looks. cause may be nil; text is told where the reason has none.
func failure(why reason, text string, cause error) *callError {
	l := looks[why]
	if l.text != "" {
		text = l.text
	}
	return &callError{
		code:    l.code,
		message: text,
		detail:  &botversev1.ErrorDetail{Reason: why, Retryable: l.retryable, Say: l.say},
		cause:   cause,
	}
}

// refusal is a request that is at fault itself.
func refusal(why reason, faults ...*botversev1.ErrorDetail_Fault) *callError {
	texts := make([]string, 0, len(faults))
	for _, f := range faults {
		texts = append(texts, strings.TrimPrefix(f.GetField()+": "+f.GetMessage(), ": "))
	}
	e := failure(why, strings.Join(texts, "; "), nil)
	e.detail.Faults = faults
	return e
}

// fault is one fault of a request, with a message made as fmt.Sprintf does.
func fault(why reason, field, format string, args ...any) *botversev1.ErrorDetail_Fault {
	return &botversev1.ErrorDetail_Fault{Reason: why, Field: field, Message: fmt.Sprintf(format, args...)}
}

// asCallError says how an error of any of our packages looks to the caller of the call that ctx belongs to.
func asCallError(ctx context.Context, err error) *callError {
	var e *callError
	var refused *input.Error
	switch {
	case errors.As(err, &e):
		copied := *e
		e = &copied
	case errors.As(err, &refused):
		e = inputFailure(refused)
	default:
		e = failure(reasonOf(err), callerText(err), err)
		addDataverse(e, err)
		addRole(e, err)
	}
	addContext(e, err)
	e.detail.CallId = callID(ctx)
	return e
}

// inputFailure is a request that the runtime refuses, under the reason of its first fault.
func inputFailure(refused *input.Error) *callError {
	e := failure(botversev1.ErrorDetail_INVALID_REQUEST, refused.Error(), refused)
	for i, f := range refused.Faults {
		why := reason(botversev1.ErrorDetail_Reason_value[string(f.Reason)])
		if i == 0 && why != botversev1.ErrorDetail_REASON_UNSPECIFIED {
			e = failure(why, refused.Error(), refused)
		}
	}
	for _, f := range refused.Faults {
		e.detail.Faults = append(e.detail.Faults, &botversev1.ErrorDetail_Fault{
			Reason:  reason(botversev1.ErrorDetail_Reason_value[string(f.Reason)]),
			Field:   f.Field,
			Message: f.Message,
			Allowed: f.Allowed,
			Nearest: f.Nearest,
		})
	}
	return e
}

// callerText is an error's text without the name that package dataverse gives its request: the contract knows no
// ListRecords. The log has it.
func callerText(err error) string {
	var e *dataverse.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	own := e.Error()
	told := strings.TrimLeft(strings.TrimPrefix(own, e.Op), ": ")
	return strings.Replace(err.Error(), own, told, 1)
}

// addDataverse tells what a program can use of Dataverse's own answer.
func addDataverse(e *callError, err error) {
	var refused *dataverse.Error
	if errors.As(err, &refused) {
		e.retryAfter = refused.RetryAfter
		if refused.Code != 0 {
			e.detail.DataverseCode = refused.Code.String()
		}
	}
	var entity *dataverse.UnknownEntityError
	if errors.As(err, &entity) {
		f := fault(botversev1.ErrorDetail_UNKNOWN_ENTITY, "entity", "%v", entity)
		f.Nearest = entity.Nearest
		e.detail.Faults = append(e.detail.Faults, f)
	}
}

// addRole tells which role the caller lacks.
func addRole(e *callError, err error) {
	var forbidden *access.ForbiddenError
	if errors.As(err, &forbidden) {
		e.detail.Role = botversev1.Role(botversev1.Role_value[strings.ToUpper(forbidden.Needed.String())])
	}
}

// inContext is an error to which the handler adds what its method knows of it.
type inContext struct {
	error
	code   codes.Code // in place of the reason's own; OK for that
	cursor string     // where the subscriber goes on
}

func (e inContext) Unwrap() error { return e.error }

func addContext(e *callError, err error) {
	var c inContext
	if !errors.As(err, &c) {
		return
	}
	if c.code != codes.OK {
		e.code = c.code
	}
	e.detail.Cursor = c.cursor
}

// statusCode is the gRPC code of what a call ended in.
func statusCode(err error) codes.Code {
	var e *callError
	if errors.As(err, &e) {
		return e.code
	}
	return status.Code(err)
}
