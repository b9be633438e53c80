package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/botverse/botverse/access"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/code"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

func TestEveryReasonHasLooks(t *testing.T) {
	t.Parallel()
	for number, name := range botversev1.ErrorDetail_Reason_name {
		l, ok := looks[reason(number)]
		if number == 0 {
			continue
		}
		if !ok || l.code == codes.OK || l.http < 400 || l.say == "" {
			t.Errorf("%s has the looks %+v", name, l)
		}
	}
}

func TestEveryReasonOfTheRuntimeIsInTheContract(t *testing.T) {
	t.Parallel()
	for _, why := range []input.Reason{input.InvalidRequest, input.UnknownEntity, input.InvalidField, input.InvalidValue,
		input.MissingRequired, input.LookupNotFound, input.LookupAmbiguous, input.BadTemplate, input.VariableUnset,
		input.BadFetchXML, input.EntityMismatch, input.NotCreatable} {
		e := asCallError(t.Context(), &input.Error{Faults: []input.Fault{{Reason: why, Field: "f", Message: "m"}}})
		if e.detail.GetReason().String() != string(why) || e.code != codes.InvalidArgument {
			t.Errorf("%s becomes %v %v", why, e.code, e.detail.GetReason())
		}
	}
}

// TestOurErrorsFromOutside holds the table to what the contract's comments promise.
func TestOurErrorsFromOutside(t *testing.T) {
	t.Parallel()
	of := func(err error) error { return &dataverse.Error{Op: "CreateRecord", Entity: "contact", Err: err} }
	for _, test := range []struct {
		err       error
		code      codes.Code
		reason    reason
		http      int
		retryable bool
	}{
		{fmt.Errorf("%w %q", dataverse.ErrUnknownEnvironment, "x"), codes.NotFound, botversev1.ErrorDetail_UNKNOWN_ENVIRONMENT, 404, false},
		{of(dataverse.ErrUnknownEntity), codes.InvalidArgument, botversev1.ErrorDetail_UNKNOWN_ENTITY, 400, false},
		{notFoundIfUnknown(of(dataverse.ErrUnknownEntity)), codes.NotFound, botversev1.ErrorDetail_UNKNOWN_ENTITY, 404, false},
		{of(dataverse.ErrNotFound), codes.NotFound, botversev1.ErrorDetail_RECORD_NOT_FOUND, 404, false},
		{of(dataverse.ErrThrottled), codes.ResourceExhausted, botversev1.ErrorDetail_DATAVERSE_THROTTLED, 429, true},
		{of(dataverse.ErrUnavailable), codes.Unavailable, botversev1.ErrorDetail_DATAVERSE_UNAVAILABLE, 503, true},
		{of(dataverse.ErrSignIn), codes.Unavailable, botversev1.ErrorDetail_DATAVERSE_SIGN_IN, 503, false},
		{of(dataverse.ErrForbidden), codes.PermissionDenied, botversev1.ErrorDetail_DATAVERSE_FORBIDDEN, 403, false},
		{of(dataverse.ErrRefused), codes.FailedPrecondition, botversev1.ErrorDetail_DATAVERSE_REFUSED, 400, false},
		{of(errors.Join(dataverse.ErrUnavailable, context.DeadlineExceeded)), codes.DeadlineExceeded, botversev1.ErrorDetail_DEADLINE, 504, true},
		{of(errors.Join(dataverse.ErrInDoubt, context.DeadlineExceeded)), codes.Unavailable, botversev1.ErrorDetail_DATAVERSE_UNAVAILABLE, 503, true},
		{context.Canceled, codes.Canceled, botversev1.ErrorDetail_CANCELLED, 499, true},
		{fmt.Errorf("%w: %w", presence.ErrUnavailable, context.DeadlineExceeded), codes.Unavailable, botversev1.ErrorDetail_JOURNAL_UNAVAILABLE, 503, true},
		{presence.ErrCursorExpired, codes.OutOfRange, botversev1.ErrorDetail_CURSOR_EXPIRED, 410, false},
		{presence.ErrTooSlow, codes.ResourceExhausted, botversev1.ErrorDetail_SUBSCRIBER_TOO_SLOW, 429, true},
		{presence.ErrClosed, codes.Unavailable, botversev1.ErrorDetail_SHUTTING_DOWN, 503, true},
		{presence.ErrPageToken, codes.InvalidArgument, botversev1.ErrorDetail_INVALID_REQUEST, 400, false},
		{access.ErrMissing, codes.Unauthenticated, botversev1.ErrorDetail_CALLER_UNAUTHENTICATED, 401, false},
		{access.ErrMalformed, codes.Unauthenticated, botversev1.ErrorDetail_TOKEN_MALFORMED, 401, false},
		{fmt.Errorf("%w: because", access.ErrRefused), codes.Unauthenticated, botversev1.ErrorDetail_TOKEN_REFUSED, 401, false},
		{access.ErrExpired, codes.Unauthenticated, botversev1.ErrorDetail_TOKEN_EXPIRED, 401, false},
		{access.ErrAudience, codes.Unauthenticated, botversev1.ErrorDetail_TOKEN_WRONG_AUDIENCE, 401, false},
		{access.ErrUnavailable, codes.Unavailable, botversev1.ErrorDetail_ISSUER_UNAVAILABLE, 503, true},
		{&access.ForbiddenError{Needed: access.RoleAdmin}, codes.PermissionDenied, botversev1.ErrorDetail_CALLER_FORBIDDEN, 403, false},
		{errShuttingDown, codes.Unavailable, botversev1.ErrorDetail_SHUTTING_DOWN, 503, true},
		{errors.New("surprise"), codes.Internal, botversev1.ErrorDetail_INTERNAL, 500, false},
	} {
		st := status.Convert(asCallError(t.Context(), test.err))
		d := detailIn(t, st.Proto().GetDetails())
		if st.Code() != test.code || d.GetReason() != test.reason || httpStatus(st) != test.http || d.GetRetryable() != test.retryable {
			t.Errorf("%v: got %v %v %d retryable %v, want %v %v %d %v", test.err,
				st.Code(), d.GetReason(), httpStatus(st), d.GetRetryable(), test.code, test.reason, test.http, test.retryable)
		}
	}
}

func TestEachMappedErrorUnwrapsToItsCause(t *testing.T) {
	t.Parallel()
	cause := &dataverse.Error{Op: "GetRecord", Err: dataverse.ErrForbidden}
	if err := (statuses{}).outward(t.Context(), "/botverse.v1.X/Y", cause); !errors.Is(err, dataverse.ErrForbidden) {
		t.Errorf("%v has lost its cause", err)
	}
}

func TestDataverseTellsCodeAndWhenToComeBack(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{create: func(context.Context, *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error) {
		return nil, &dataverse.Error{Op: "CreateRecord", Status: 429, Code: code.DuplicateRecord, RetryAfter: 1500 * time.Millisecond, Err: dataverse.ErrThrottled}
	}})
	got := post(t, r.base+"/v1/actions/create-record", createContact)
	if got.status != 429 || got.header.Get("Retry-After") != "2" || got.detail(t).GetDataverseCode() != "0x80040237" {
		t.Errorf("HTTP: got %d, Retry-After %q, %v", got.status, got.header.Get("Retry-After"), got.detail(t))
	}
	_, err := r.actions().CreateRecord(t.Context(), aContact())
	for _, d := range status.Convert(err).Details() {
		if retry, ok := d.(*errdetails.RetryInfo); ok && retry.GetRetryDelay().AsDuration() == 1500*time.Millisecond {
			return
		}
	}
	t.Errorf("gRPC: no RetryInfo in %v", err)
}

func TestCallerSeesNoNamesOfOurRequests(t *testing.T) {
	t.Parallel()
	refused := &dataverse.Error{Op: "ListRecords", Entity: "contact", Status: 403, Message: "no right", Err: dataverse.ErrForbidden}
	for err, want := range map[error]string{
		refused: "contact: the application user may not do this: no right (status 403)",
		fmt.Errorf("look up a record by name: %w", refused):         "look up a record by name: contact: the application user may not do this: no right (status 403)",
		&dataverse.Error{Op: "WhoAmI", Err: dataverse.ErrForbidden}: "the application user may not do this",
		&dataverse.Error{Op: "WhoAmI", Err: dataverse.ErrInDoubt}:   dataverse.ErrInDoubt.Error(),
	} {
		e := asCallError(t.Context(), err)
		if e.Error() != want || !strings.Contains(errors.Unwrap(e).Error(), "ListRecords") && !strings.Contains(errors.Unwrap(e).Error(), "WhoAmI") {
			t.Errorf("the caller is told %q and the log %q, want %q", e.Error(), errors.Unwrap(e), want)
		}
	}
}

func TestFaultsAreViolationsToo(t *testing.T) {
	t.Parallel()
	refused := &input.Error{Faults: []input.Fault{
		{Reason: input.InvalidField, Field: "fields.frstname", Message: "contact has no such field", Nearest: []string{"firstname"}},
		{Reason: input.InvalidValue, Field: "fields.gendercode", Message: "no such label", Allowed: []string{"Female", "Male"}},
	}}
	st := status.Convert(asCallError(t.Context(), refused))
	d := detailIn(t, st.Proto().GetDetails())
	if len(d.GetFaults()) != 2 || d.GetReason() != botversev1.ErrorDetail_INVALID_FIELD ||
		d.GetFaults()[0].GetNearest()[0] != "firstname" || d.GetFaults()[1].GetAllowed()[1] != "Male" {
		t.Errorf("detail is %v", d)
	}
	for _, any := range st.Details() {
		if bad, ok := any.(*errdetails.BadRequest); ok {
			v := bad.GetFieldViolations()
			if len(v) == 2 && v[1].GetField() == "fields.gendercode" && v[1].GetReason() == "INVALID_VALUE" {
				return
			}
		}
	}
	t.Errorf("no violations in %v", st)
}
