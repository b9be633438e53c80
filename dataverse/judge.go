package dataverse

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/code"
)

// because is an error of a kind with its cause.
func because(kind, cause error) error {
	if errors.Is(cause, kind) {
		return cause
	}
	return fmt.Errorf("%w: %w", kind, cause)
}

// notSignedIn is the error of a call that had no token to be sent with.
func notSignedIn(q call, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Op: q.op, Entity: q.entity, Message: "while waiting for the sign-in", Err: err}
	}
	own := *e // the error is shared by all who waited
	own.Op, own.Entity = q.op, q.entity
	if !errors.Is(e, ErrSignIn) {
		own.Message = strings.TrimSuffix("sign-in: "+e.Message, ": ")
	}
	return &own
}

// lost is the error of a call that got no answer, or only a part of one.
func lost(ctx context.Context, q call, requestID string, err error, sent bool) *Error {
	e := &Error{Op: q.op, Entity: q.entity, RequestID: requestID}
	cause := hideDeadline(withoutURL(err))
	if ctx.Err() != nil {
		cause = ended(ctx)
	}
	switch {
	case !q.read && sent:
		e.Err = because(ErrInDoubt, cause)
	case ctx.Err() != nil:
		e.Err = cause
	default:
		e.Err = because(ErrUnavailable, cause)
	}
	return e
}

// ended is why a context is over, always with the context's own error; but where the time of a fetch for several callers has
// ended, that is an outage to each of them.
func ended(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, ErrUnavailable) {
		return cause
	}
	return because(ctx.Err(), cause)
}

// hideDeadline keeps the end of one try from looking like the end of the caller's time.
func hideDeadline(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	return err
}

// judged turns a refusal into an error, and a $batch into its parts.
func (a answer) judged(q call, requestID string) (answer, *Error) {
	if mediaType(a.header) == "multipart/mixed" {
		return a.judgedParts(q, requestID)
	}
	if a.status >= 200 && a.status < 300 {
		return a, nil
	}
	return a, a.refusal(q, requestID)
}

// refusal is the error that an answer is.
func (a answer) refusal(q call, requestID string) *Error {
	e := &Error{
		Op: q.op, Entity: q.entity, Status: a.status,
		RequestID:  cmp.Or(a.header.Get("x-ms-service-request-id"), a.header.Get("REQ_ID"), requestID),
		RetryAfter: retryAfter(a.header, time.Now()),
	}
	known := e.read(a.body, q)
	if !known && a.status/100 == 3 {
		e.Message = "the answer is a redirect; is the environment's url right?"
	} else if !known && a.status == http.StatusUnauthorized {
		e.Message = "the token is not taken; is it one for this environment?" // Dataverse says it in a line of text
	} else if !known {
		e.Message = "the answer is not Dataverse's; is the environment's url right?"
	}
	e.Err = kind(e.Code, e.Status, q.read, known)
	return e
}

// read takes code and message from an error body; it reports false where the body is no error of the Web API. The
// message is all the detail that many errors have (Web API, "Parse errors from the response").
func (e *Error) read(body []byte, q call) bool {
	var reply struct {
		Error *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &reply) != nil || reply.Error == nil {
		return false
	}
	e.Code, _ = code.Parse(reply.Error.Code)
	e.Message = mask(reply.Error.Message, sentValues(q.meant().body, q.meant().query))
	return true
}

// kind classes a refusal by its code first, for some codes come with several statuses; known says whether the body was an
// error of the Web API.
func kind(c code.Code, status int, read, known bool) error {
	switch c {
	case code.ThrottlingTimeExceeded, code.ThrottlingBurstRequestLimitExceeded, code.ThrottlingConcurrencyLimitExceeded:
		return ErrThrottled
	case code.DuplicateRecordsFound, code.IsvUnExpected: // as 500: the rules, or a plug-in, refused
		return ErrRefused
	case code.ObjectDoesNotExist, code.RecordNotFoundByEntityKey:
		return ErrNotFound
	case code.UserNotAssignedRoles, code.UserNotMemberOfOrg, code.PrivilegeDenied, code.AccessDenied, code.UserNotEnabled:
		return ErrForbidden
	case code.OrganizationDisabled, code.SQLError, code.SQLTimeout:
		return ErrUnavailable
	}
	switch status {
	case http.StatusUnauthorized:
		return ErrSignIn
	case http.StatusTooManyRequests:
		return ErrThrottled
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound:
		return notFound(c, known)
	case http.StatusNotImplemented:
		return ErrRefused
	case http.StatusServiceUnavailable:
		return ErrUnavailable
	}
	return kindOfStatus(status, read, known)
}

func kindOfStatus(status int, read, known bool) error {
	switch {
	case status < 400: // a redirect, to a page where people sign in
		return ErrUnavailable
	case status < 500:
		return ErrRefused
	case read:
		return ErrUnavailable
	case !known, status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return ErrInDoubt // a proxy that lost the answer, or a server that broke on the way to it
	}
	return ErrUnavailable // Dataverse has told of its failure, and undone the write
}

// notFound: what is no answer of the Web API, as a proxy's page, must not look like a record that is not there; nor must an entity
// set that is not there.
func notFound(c code.Code, known bool) error {
	switch {
	case !known:
		return ErrUnavailable
	case c == code.CrmHTTPError:
		return ErrRefused
	}
	return ErrNotFound
}

// mediaType is the type of a body, without parameters, in lower case.
func mediaType(h http.Header) string {
	text, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(text))
}
