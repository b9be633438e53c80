package server

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/botverse/botverse/dataverse/schema"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

const (
	malformed = botversev1.ErrorDetail_MALFORMED_REQUEST
	// bodyTime is how long a body may take to arrive.
	bodyTime = 30 * time.Second
)

// admit checks what stands around a request of the contract before the gateway reads it: content type, size, query. The
// gateway would ignore unknown query parameters and take any content type for JSON.
func (d *door) admit(w http.ResponseWriter, r *http.Request, x *exchange) error {
	if x.route.input == nil {
		return nil
	}
	faults := queryFaults(x.route, r.URL)
	if given := r.Header.Get("Grpc-Timeout"); given != "" && !isTimeout(given) {
		faults = append(faults, fault(malformed, "Grpc-Timeout", "is not a number of at most eight digits and a unit of H, M, S, m, u, n, as 10S"))
	}
	if len(faults) > 0 {
		return refusal(malformed, faults...)
	}
	if !x.route.body {
		r.Body = http.NoBody // a GET has no body that means anything
		return nil
	}
	if err := checkContentType(r.Header); err != nil {
		return err
	}
	body, err := readBody(w, r, d.maxBody)
	x.body = body
	return err
}

// checkContentType lets only JSON pass. A web page can send any other type to this machine without asking (CORS calls
// such requests simple), JSON it cannot.
func checkContentType(h http.Header) error {
	given := h.Get("Content-Type")
	media, parameters, err := mime.ParseMediaType(given)
	charset := strings.ToLower(parameters["charset"])
	encoding := h.Get("Content-Encoding")
	if err == nil && media == "application/json" && (charset == "" || charset == "utf-8") && encoding == "" {
		return nil
	}
	if len(given) > 128 {
		given = given[:128] + "…"
	}
	what := strconv.Quote(given)
	if given == "" {
		what = "no type"
	}
	if encoding != "" {
		what += " encoded"
	}
	return refusal(botversev1.ErrorDetail_UNSUPPORTED_MEDIA_TYPE, fault(botversev1.ErrorDetail_UNSUPPORTED_MEDIA_TYPE,
		"Content-Type", "the body has %s: it must be application/json in UTF-8, not compressed", what))
}

// readBody takes a request's body off the wire, whole and within bounds, and leaves it there to be read again.
func readBody(w http.ResponseWriter, r *http.Request, limit int) ([]byte, error) {
	controller := http.NewResponseController(w)
	_ = controller.SetReadDeadline(time.Now().Add(bodyTime)) // a writer without deadlines has no connection to hold
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(limit)))
	_ = controller.SetReadDeadline(time.Time{})
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, refusal(botversev1.ErrorDetail_REQUEST_TOO_LARGE, fault(botversev1.ErrorDetail_REQUEST_TOO_LARGE,
			"", "the body has more than %d bytes", limit))
	case err != nil:
		return nil, failure(botversev1.ErrorDetail_CANCELLED, "", err)
	}
	r.Body = io.NopCloser(newBody(body))
	return body, nil
}

// queryFaults finds the query parameters that are no field of the request, are given twice, or have no value of their type.
func queryFaults(route *route, u *url.URL) []*botversev1.ErrorDetail_Fault {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return []*botversev1.ErrorDetail_Fault{fault(malformed, "", "the query is not well-formed: a parameter is name=value, percent-encoded, separated by &")}
	}
	allowed := map[string]protoreflect.FieldDescriptor{}
	for i := range route.input.Fields().Len() {
		if f := route.input.Fields().Get(i); !route.body && !route.hasParameter(f.Name()) {
			allowed[f.JSONName()], allowed[f.TextName()] = f, f
		}
	}
	seen := map[protoreflect.Name]bool{}
	var faults []*botversev1.ErrorDetail_Fault
	for _, name := range sortedKeys(query) {
		field, known := allowed[name]
		switch {
		case !known:
			faults = append(faults, unknownName(name, "query parameter", jsonNames(allowed)))
		case field.Kind() == protoreflect.EnumKind:
			for _, value := range query[name] {
				if field.Enum().Values().ByName(protoreflect.Name(value)) == nil {
					faults = append(faults, unknownValue(name, value, field.Enum()))
				}
			}
		case field.IsList():
		case len(query[name]) > 1 || seen[field.Name()]:
			faults = append(faults, fault(malformed, name, "is given more than once"))
		case field.Kind() == protoreflect.Int32Kind && !isInt32(query.Get(name)):
			faults = append(faults, fault(malformed, name, "is not a whole number"))
		case field.Kind() == protoreflect.BoolKind && query.Get(name) != "true" && query.Get(name) != "false":
			faults = append(faults, fault(malformed, name, "is neither true nor false"))
		}
		if known {
			seen[field.Name()] = true
		}
	}
	return faults
}

// unknownName is the fault of a name that is none of those known.
func unknownName(path, what string, known []string) *botversev1.ErrorDetail_Fault {
	f := fault(malformed, path, "there is no such %s", what)
	name := path[strings.LastIndexByte(path, '.')+1:]
	f.Nearest = schema.Nearest(name, known)
	if len(f.Nearest) > 0 {
		f.Message += "; did you mean " + f.Nearest[0] + "?"
	}
	return f
}

// unknownValue is the fault of a value that is none of an enum's.
func unknownValue(name, value string, enum protoreflect.EnumDescriptor) *botversev1.ErrorDetail_Fault {
	known := valuesOf(enum)
	f := fault(malformed, name, "%.60q is none of its values: %s", value, strings.Join(known, ", "))
	f.Allowed, f.Nearest = known, schema.Nearest(value, known)
	return f
}

// valuesOf are the names of an enum's values that say something.
func valuesOf(enum protoreflect.EnumDescriptor) []string {
	var known []string
	for i := range enum.Values().Len() {
		if v := enum.Values().Get(i); v.Number() != 0 {
			known = append(known, string(v.Name()))
		}
	}
	return known
}

func jsonNames(fields map[string]protoreflect.FieldDescriptor) []string {
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		names = append(names, f.JSONName())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func isInt32(text string) bool {
	_, err := strconv.ParseInt(text, 10, 32)
	return err == nil
}

// isTimeout reports whether a text is a TimeoutValue and TimeoutUnit (gRPC over HTTP/2, "Timeout").
func isTimeout(text string) bool {
	digits := strings.TrimRight(text, "HMSmun")
	_, err := strconv.ParseUint(digits, 10, 64)
	return err == nil && len(digits) <= 8 && len(text) == len(digits)+1
}
