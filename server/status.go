package server

import (
	"context"
	"errors"
	"net/http"

	"google.golang.org/grpc/codes"

	"github.com/botverse/botverse/access"
	"github.com/botverse/botverse/dataverse"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

// reason is why a call failed, as the contract names it.
type reason = botversev1.ErrorDetail_Reason

// look is how errors of one reason look from outside.
type look struct {
	code      codes.Code
	http      int
	retryable bool
	say       string // what the visitor may be told
	text      string // what the caller is told; "" for the error's own text
}

// What a bot may say to its visitor.
const (
	sayAgain   = "Sorry, that did not work just now. Please try again in a moment."
	sayCheck   = "Sorry, one of the details does not fit. Please check it and try again."
	sayNothing = "Sorry, I cannot do that at the moment."
)

// looks says how each reason looks from outside; nothing else does.
var looks = map[reason]look{
	botversev1.ErrorDetail_INVALID_REQUEST:        {codes.InvalidArgument, http.StatusBadRequest, false, sayNothing, ""},
	botversev1.ErrorDetail_MALFORMED_REQUEST:      {codes.InvalidArgument, http.StatusBadRequest, false, sayNothing, ""},
	botversev1.ErrorDetail_UNKNOWN_ROUTE:          {codes.NotFound, http.StatusNotFound, false, sayNothing, ""},
	botversev1.ErrorDetail_METHOD_NOT_ALLOWED:     {codes.Unimplemented, http.StatusMethodNotAllowed, false, sayNothing, ""},
	botversev1.ErrorDetail_UNSUPPORTED_MEDIA_TYPE: {codes.InvalidArgument, http.StatusUnsupportedMediaType, false, sayNothing, ""},
	botversev1.ErrorDetail_REQUEST_TOO_LARGE:      {codes.ResourceExhausted, http.StatusRequestEntityTooLarge, false, sayNothing, ""},
	botversev1.ErrorDetail_UNKNOWN_HOST:           {codes.PermissionDenied, http.StatusForbidden, false, sayNothing, ""},

	botversev1.ErrorDetail_UNKNOWN_ENVIRONMENT: {codes.NotFound, http.StatusNotFound, false, sayNothing, ""},
	botversev1.ErrorDetail_UNKNOWN_ENTITY:      {codes.InvalidArgument, http.StatusBadRequest, false, sayNothing, ""},
	botversev1.ErrorDetail_INVALID_FIELD:       {codes.InvalidArgument, http.StatusBadRequest, false, sayNothing, ""},
	botversev1.ErrorDetail_INVALID_VALUE:       {codes.InvalidArgument, http.StatusBadRequest, false, sayCheck, ""},
	botversev1.ErrorDetail_MISSING_REQUIRED:    {codes.InvalidArgument, http.StatusBadRequest, false, sayCheck, ""},
	botversev1.ErrorDetail_LOOKUP_NOT_FOUND:    {codes.InvalidArgument, http.StatusBadRequest, false, sayCheck, ""},
	botversev1.ErrorDetail_LOOKUP_AMBIGUOUS:    {codes.InvalidArgument, http.StatusBadRequest, false, sayCheck, ""},
	botversev1.ErrorDetail_BAD_TEMPLATE:        {codes.InvalidArgument, http.StatusBadRequest, false, sayNothing, ""},
	botversev1.ErrorDetail_VARIABLE_UNSET:      {codes.InvalidArgument, http.StatusBadRequest, false, sayCheck, ""},
	botversev1.ErrorDetail_BAD_FETCHXML:        {codes.InvalidArgument, http.StatusBadRequest, false, sayNothing, ""},
	botversev1.ErrorDetail_ENTITY_MISMATCH:     {codes.InvalidArgument, http.StatusBadRequest, false, sayNothing, ""},
	botversev1.ErrorDetail_KEY_REUSED:          {codes.FailedPrecondition, http.StatusBadRequest, false, sayNothing, ""},
	botversev1.ErrorDetail_UNKNOWN_ACTION:      {codes.NotFound, http.StatusNotFound, false, sayNothing, ""},
	botversev1.ErrorDetail_NOT_CREATABLE:       {codes.InvalidArgument, http.StatusBadRequest, false, sayNothing, ""},
	botversev1.ErrorDetail_NOT_ALLOWED:         {codes.PermissionDenied, http.StatusForbidden, false, sayNothing, ""},
	botversev1.ErrorDetail_BROKEN_ACTION:       {codes.FailedPrecondition, http.StatusBadRequest, false, sayNothing, ""},

	botversev1.ErrorDetail_CALLER_UNAUTHENTICATED: {codes.Unauthenticated, http.StatusUnauthorized, false, sayNothing, ""},
	botversev1.ErrorDetail_TOKEN_MALFORMED:        {codes.Unauthenticated, http.StatusUnauthorized, false, sayNothing, ""},
	botversev1.ErrorDetail_TOKEN_REFUSED: {codes.Unauthenticated, http.StatusUnauthorized, false, sayNothing,
		"the token is none that this server accepts; its log says why, under the call ID"},
	botversev1.ErrorDetail_TOKEN_EXPIRED: {codes.Unauthenticated, http.StatusUnauthorized, false, sayNothing,
		"the token has expired: call again with a new one; a stream goes on after its last cursor"},
	botversev1.ErrorDetail_TOKEN_WRONG_AUDIENCE: {codes.Unauthenticated, http.StatusUnauthorized, false, sayNothing,
		"the token is for another audience: its issuer must name this server's, as the setting auth.oidc.audience has it"},
	botversev1.ErrorDetail_ISSUER_UNAVAILABLE: {codes.Unavailable, http.StatusServiceUnavailable, true, sayAgain,
		"the issuer of tokens does not answer, so that this one cannot be checked: call again"},
	botversev1.ErrorDetail_CALLER_FORBIDDEN: {codes.PermissionDenied, http.StatusForbidden, false, sayNothing, ""},

	botversev1.ErrorDetail_DATAVERSE_SIGN_IN: {codes.Unavailable, http.StatusServiceUnavailable, false, sayAgain,
		"Dataverse refuses the credentials of this environment; the server's log says why"},
	botversev1.ErrorDetail_DATAVERSE_FORBIDDEN:   {codes.PermissionDenied, http.StatusForbidden, false, sayNothing, ""},
	botversev1.ErrorDetail_RECORD_NOT_FOUND:      {codes.NotFound, http.StatusNotFound, false, sayNothing, ""},
	botversev1.ErrorDetail_DATAVERSE_THROTTLED:   {codes.ResourceExhausted, http.StatusTooManyRequests, true, sayAgain, ""},
	botversev1.ErrorDetail_DATAVERSE_UNAVAILABLE: {codes.Unavailable, http.StatusServiceUnavailable, true, sayAgain, ""},
	botversev1.ErrorDetail_DATAVERSE_REFUSED:     {codes.FailedPrecondition, http.StatusBadRequest, false, sayNothing, ""},
	botversev1.ErrorDetail_DEADLINE: {codes.DeadlineExceeded, http.StatusGatewayTimeout, true, sayAgain,
		"time ran out before the call was done; nothing was written"},

	botversev1.ErrorDetail_CURSOR_EXPIRED: {codes.OutOfRange, http.StatusGone, false, sayNothing,
		"the cursor is not one of this log, or older than what the log keeps: subscribe without it, from a snapshot of now"},
	botversev1.ErrorDetail_SUBSCRIBER_TOO_SLOW: {codes.ResourceExhausted, http.StatusTooManyRequests, true, sayAgain,
		"the subscriber reads too slowly: subscribe again after the last cursor"},
	botversev1.ErrorDetail_SHUTTING_DOWN: {codes.Unavailable, http.StatusServiceUnavailable, true, sayAgain,
		"the server is stopping: call again; a stream goes on after its last cursor"},
	botversev1.ErrorDetail_JOURNAL_UNAVAILABLE: {codes.Unavailable, http.StatusServiceUnavailable, true, sayAgain,
		"the journal does not answer at the moment: call again; a stream goes on after its last cursor"},

	botversev1.ErrorDetail_TEAM_CHANGED: {codes.OutOfRange, http.StatusGone, true, sayAgain,
		"the members of a team that the filter names have changed: subscribe again without a cursor, from a snapshot of now"},

	botversev1.ErrorDetail_CANCELLED: {codes.Canceled, statusClientClosedRequest, true, sayAgain, "the caller went away"},
	botversev1.ErrorDetail_INTERNAL: {codes.Internal, http.StatusInternalServerError, false, sayNothing,
		"a fault of this server; its log has it under the call ID"},
}

// statusClientClosedRequest is what proxies log for a caller that left before the answer; nobody sees it.
const statusClientClosedRequest = 499

// causes gives our packages' errors their reason. The first that an error is decides: what Dataverse said of a call comes
// before the time that ran out meanwhile, and that before what looks like an outage because of it.
var causes = []struct {
	err    error
	reason reason
}{
	{errShuttingDown, botversev1.ErrorDetail_SHUTTING_DOWN},
	{access.ErrMissing, botversev1.ErrorDetail_CALLER_UNAUTHENTICATED},
	{access.ErrMalformed, botversev1.ErrorDetail_TOKEN_MALFORMED},
	{access.ErrExpired, botversev1.ErrorDetail_TOKEN_EXPIRED},
	{access.ErrAudience, botversev1.ErrorDetail_TOKEN_WRONG_AUDIENCE},
	{access.ErrUnavailable, botversev1.ErrorDetail_ISSUER_UNAVAILABLE},
	{access.ErrRefused, botversev1.ErrorDetail_TOKEN_REFUSED},
	{access.ErrForbidden, botversev1.ErrorDetail_CALLER_FORBIDDEN},
	{dataverse.ErrUnknownEnvironment, botversev1.ErrorDetail_UNKNOWN_ENVIRONMENT},
	{dataverse.ErrUnknownEntity, botversev1.ErrorDetail_UNKNOWN_ENTITY},
	{dataverse.ErrNotAllowed, botversev1.ErrorDetail_NOT_ALLOWED},
	{dataverse.ErrNotFound, botversev1.ErrorDetail_RECORD_NOT_FOUND},
	{dataverse.ErrThrottled, botversev1.ErrorDetail_DATAVERSE_THROTTLED},
	{dataverse.ErrForbidden, botversev1.ErrorDetail_DATAVERSE_FORBIDDEN},
	{dataverse.ErrRefused, botversev1.ErrorDetail_DATAVERSE_REFUSED},
	{presence.ErrPageToken, botversev1.ErrorDetail_INVALID_REQUEST},
	{presence.ErrFilter, botversev1.ErrorDetail_INVALID_REQUEST},
	{presence.ErrTeamChanged, botversev1.ErrorDetail_TEAM_CHANGED},
	{presence.ErrCursorExpired, botversev1.ErrorDetail_CURSOR_EXPIRED},
	{presence.ErrTooSlow, botversev1.ErrorDetail_SUBSCRIBER_TOO_SLOW},
	{presence.ErrClosed, botversev1.ErrorDetail_SHUTTING_DOWN},
	{presence.ErrUnavailable, botversev1.ErrorDetail_JOURNAL_UNAVAILABLE},
	{dataverse.ErrInDoubt, botversev1.ErrorDetail_DATAVERSE_UNAVAILABLE}, // not DEADLINE, which says that nothing was written
	{context.DeadlineExceeded, botversev1.ErrorDetail_DEADLINE},
	{context.Canceled, botversev1.ErrorDetail_CANCELLED},
	{dataverse.ErrSignIn, botversev1.ErrorDetail_DATAVERSE_SIGN_IN},
	{dataverse.ErrUnavailable, botversev1.ErrorDetail_DATAVERSE_UNAVAILABLE},
}

// reasonOf is the reason of one of our packages' errors; INTERNAL for one that nobody foresaw.
func reasonOf(err error) reason {
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return c.reason
		}
	}
	return botversev1.ErrorDetail_INTERNAL
}
