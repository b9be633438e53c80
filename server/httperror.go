package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// writeError answers with an error's HTTP status and its one body, {"code", "message", "details"}.
func writeError(w http.ResponseWriter, st *status.Status) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	for _, detail := range st.Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			h.Set("Retry-After", strconv.Itoa(int(math.Ceil(retry.GetRetryDelay().AsDuration().Seconds()))))
		}
	}
	if challenge := challengeOf(detailOf(st)); challenge != "" {
		h.Set("WWW-Authenticate", challenge)
	}
	limitWrite(w)
	w.WriteHeader(httpStatus(st))
	_, _ = w.Write(errorBody(st)) // the caller may be gone; there is nobody else to tell
}

// challengeOf is what the header WWW-Authenticate tells of a caller who was not let in (RFC 6750, 3); "" for other errors. Who
// showed no token is told of none.
func challengeOf(detail *botversev1.ErrorDetail) string {
	const challenge = `Bearer realm="botverse"`
	switch why := detail.GetReason(); {
	case why == botversev1.ErrorDetail_CALLER_UNAUTHENTICATED:
		return challenge
	case why == botversev1.ErrorDetail_CALLER_FORBIDDEN:
		return fmt.Sprintf(`%s, error="insufficient_scope", scope=%q`, challenge, strings.ToLower(detail.GetRole().String()))
	case looks[why].code == codes.Unauthenticated:
		return fmt.Sprintf(`%s, error="invalid_token", error_description=%q`, challenge, why)
	}
	return ""
}

// errorBody is an error as JSON.
func errorBody(st *status.Status) []byte {
	body, err := compactJSON(st.Proto())
	if err != nil { // a detail that came from elsewhere and that we do not know
		return []byte(`{"code":13,"message":"a fault of this server; its log has it under the call ID"}`)
	}
	return body
}

// compactJSON is a message as JSON without the spaces that protojson puts in at random.
func compactJSON(m proto.Message) ([]byte, error) {
	loose, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	err = json.Compact(&body, loose)
	return body.Bytes(), err
}

// httpStatus is the HTTP status of an error: its reason's, unless its code is not the reason's own.
func httpStatus(st *status.Status) int {
	if l, known := looks[detailOf(st).GetReason()]; known && l.code == st.Code() {
		return l.http
	}
	return runtime.HTTPStatusFromCode(st.Code())
}

// detailOf is the ErrorDetail of a status; nil where it has none.
func detailOf(st *status.Status) *botversev1.ErrorDetail {
	for _, detail := range st.Details() {
		if d, ok := detail.(*botversev1.ErrorDetail); ok {
			return d
		}
	}
	return nil
}
