package local

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
)

// maxBody bounds a request's body.
const maxBody = 16 << 20

// The longest addresses that Dataverse takes (Web API, "Query data", URL length; a batch's parts may be longer).
const (
	maxURL      = 32768
	maxBatchURL = 65536
)

func tooLong(url string, most int) error {
	if len(url) <= most {
		return nil
	}
	return &fault{status: http.StatusRequestURITooLong, code: code.RequestLengthTooLarge, message: fmt.Sprintf("The request's URL has %d characters, more than the %d that are allowed. Send it in a $batch.", len(url), most)}
}

// apiRoot is where the Web API begins: every version of 9 answers alike.
var apiRoot = regexp.MustCompile(`^/api/data/(v9\.[0-2])/?`)

// call is a request to the Web API: one of its own, or a part of a batch.
type call struct {
	method   string
	path     string // below the service root, percent-encoded
	rawQuery string
	header   http.Header
	body     []byte
	base     string // the service root, as "http://127.0.0.1:8090/api/data/v9.2/"
	by       caller
	prefer   preferences
	resource *odata.ResourcePath
	query    *odata.Query
	mutation *mutation // the change set that the call is part of; nil for none
}

// serveAPI answers a request to the Web API.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	answer, err := s.serve(r.Context(), w, r)
	if err != nil {
		answer = s.refusal(r.Context(), r.Header, err)
	}
	answer.writeTo(w)
}

// refusal is the answer to a request with that header that failed. Only what nobody foresaw is logged: it is ours to put right.
func (s *Server) refusal(ctx context.Context, header http.Header, err error) reply {
	var unknown *challenge
	if errors.As(err, &unknown) {
		return unknown.reply()
	}
	f, foreseen := faultOf(err)
	if !foreseen && ctx.Err() == nil {
		s.log.Error("a request failed for a reason that is not the client's", "error", err)
	}
	return f.annotated(readPreferences(header))
}

func (s *Server) serve(ctx context.Context, w http.ResponseWriter, r *http.Request) (_ reply, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	escaped := r.URL.EscapedPath()
	root := apiRoot.FindStringSubmatch(escaped)
	if root == nil {
		return reply{}, noSuchSegment(strings.TrimPrefix(r.URL.Path, "/api/data/"))
	}
	if err := tooLong(r.RequestURI, maxURL); err != nil {
		return reply{}, err
	}
	by, err := s.callerFrom(ctx, r)
	if err != nil {
		return reply{}, err
	}
	text, err := readAll(w, r)
	if err != nil {
		return reply{}, err
	}
	c := &call{
		method: readMethod(r.Method), path: escaped[len(root[0]):], rawQuery: r.URL.RawQuery, header: r.Header, body: text,
		base: origin(r) + "/api/data/" + root[1] + "/", by: by,
	}
	switch {
	case c.method == http.MethodOptions:
		answer := newReply(http.StatusOK)
		answer.header.Set("Allow", "OPTIONS,GET,HEAD,POST")
		return answer, nil
	case c.path == "$batch":
		return s.batch(ctx, c)
	}
	return s.answer(ctx, c)
}

// readAll reads a request's body; most requests have none.
func readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 || r.Body == http.NoBody {
		return nil, nil
	}
	content := io.Reader(http.MaxBytesReader(w, r.Body, maxBody))
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip":
		unzipped, err := gzip.NewReader(content)
		if err != nil {
			return nil, refuse(code.InvalidPayload, "The request's body is not compressed as its Content-Encoding says.")
		}
		content = io.LimitReader(unzipped, maxBody+1) // what is small may be large when it is unpacked
	default:
		return nil, &fault{status: http.StatusUnsupportedMediaType, code: code.InvalidPayload, message: "The Content-Encoding '" + encoding + "' is not supported."}
	}
	text, err := io.ReadAll(content)
	if err != nil || len(text) > maxBody {
		return nil, refuse(code.RequestLengthTooLarge, "The request is too long, or was broken off.")
	}
	return text, nil
}

// readMethod takes HEAD for GET: net/http leaves the body out.
func readMethod(method string) string {
	if method == http.MethodHead {
		return http.MethodGet
	}
	return method
}

// answer does what a call asks for.
func (s *Server) answer(ctx context.Context, c *call) (reply, error) {
	c.prefer = readPreferences(c.header)
	var err error
	if c.query, err = odata.ParseQuery(c.rawQuery); err != nil {
		return reply{}, err
	}
	if c.resource, err = odata.ParsePath(c.path); err != nil {
		return reply{}, err
	}
	if len(c.resource.Segments) == 0 {
		return only(http.MethodGet, func(context.Context, *call) (reply, error) { return s.serviceDocument(c) })(ctx, c)
	}
	first := c.resource.Segments[0]
	if handle := s.unbound(first.Name); handle != nil {
		return handle(ctx, c)
	}
	t, err := s.tableOfSet(first.Name)
	if err != nil {
		return reply{}, err
	}
	return s.answerOf(ctx, c, t)
}

// answerOf does what a call asks of an entity's records.
func (s *Server) answerOf(ctx context.Context, c *call, t *table) (reply, error) {
	switch last := c.resource.Segments[len(c.resource.Segments)-1].Name; {
	case last == "$ref" && c.method != http.MethodGet:
		return s.writeReference(ctx, c, t)
	case strings.HasPrefix(last, "Microsoft.Dynamics.CRM."):
		return s.bound(ctx, c, t, strings.TrimPrefix(last, "Microsoft.Dynamics.CRM."))
	}
	switch c.method {
	case http.MethodGet:
		return s.read(ctx, c, t)
	case http.MethodPost:
		return s.post(ctx, c, t)
	case http.MethodPatch:
		return s.patch(ctx, c, t)
	case http.MethodPut:
		return s.put(ctx, c, t)
	case http.MethodDelete:
		return s.delete(ctx, c, t)
	}
	return reply{}, &fault{status: http.StatusMethodNotAllowed, code: code.InvalidOperation, message: "The method " + c.method + " is not supported."}
}

// mutateFor runs f in the call's change set, or in a transaction of its own.
func (s *Server) mutateFor(ctx context.Context, c *call, f func(*mutation) error) error {
	if c.mutation != nil {
		return f(c.mutation)
	}
	return s.mutate(ctx, c.by, f)
}

// readFor runs f on the connection of the call's change set, or on one that only reads.
func (s *Server) readFor(ctx context.Context, c *call, f func(*conn) error) error {
	if c.mutation != nil {
		return f(c.mutation.conn)
	}
	return s.store.read(ctx, f)
}

// readOnceFor is readFor for what one statement reads.
func (s *Server) readOnceFor(ctx context.Context, c *call, f func(*conn) error) error {
	if c.mutation != nil {
		return f(c.mutation.conn)
	}
	return s.store.readOnce(ctx, f)
}

// serviceDocument lists the entity sets.
func (s *Server) serviceDocument(c *call) (reply, error) {
	answer := newReply(http.StatusOK)
	b := []byte(`{"@odata.context":`)
	b = appendString(b, c.base+"$metadata")
	b = append(b, `,"value":[`...)
	for i, name := range s.schema.Names() {
		if i > 0 {
			b = append(b, ',')
		}
		set := s.schema.EntitySetName(name)
		b = append(b, `{"name":`...)
		b = appendString(b, set)
		b = append(b, `,"kind":"EntitySet","url":`...)
		b = append(appendString(b, set), '}')
	}
	answer.json(append(b, "]}"...))
	return answer, nil
}
