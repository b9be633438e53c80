package local

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// read answers a GET of records, of one record, or of what hangs below it.
func (s *Server) read(ctx context.Context, c *call, t *table) (answer reply, err error) {
	read := s.readFor
	if !c.resource.Segments[0].HasParens && !c.tracksChanges() {
		read = s.readOnceFor // a set is read by one statement
	}
	err = read(ctx, c, func(conn *conn) error {
		answer, err = s.readPath(ctx, c, conn, t)
		return err
	})
	return answer, err
}

func (s *Server) readPath(ctx context.Context, c *call, conn *conn, t *table) (reply, error) {
	segments := c.resource.Segments
	if !segments[0].HasParens {
		return s.readSet(ctx, c, conn, t, nil, segments[1:])
	}
	key, err := readKey(t, segments[0])
	if err != nil {
		return reply{}, err
	}
	id, found, err := s.resolve(ctx, conn, t, key)
	if err != nil {
		return reply{}, err
	}
	if !found {
		return reply{}, key.missing(t)
	}
	if len(segments) == 1 {
		return s.readRecord(ctx, c, conn, t, id)
	}
	return s.readBelow(ctx, c, conn, t, id, segments[1:])
}

// readSet answers with the records of a set that a condition holds for, or with their number.
func (s *Server) readSet(ctx context.Context, c *call, conn *conn, t *table, where odata.Expr, rest []odata.Segment) (reply, error) {
	if where == nil && c.tracksChanges() {
		return s.readChanges(ctx, c, conn, t, rest)
	}
	q := *c.query
	q.Filter = both(q.Filter, where)
	switch {
	case len(rest) == 1 && rest[0].Name == "$count":
		return s.readCount(ctx, c, conn, t, &q, where)
	case len(rest) == 1 && rest[0].Name == "$ref":
		return s.readReferences(ctx, c, conn, t, &q)
	case len(rest) > 0:
		return reply{}, noSuchSegment(rest[0].Name)
	case q.Other.Has("sql"): // of Microsoft's client for Python: without it everything would be read
		return reply{}, refuse(code.UnsupportedQuery, "The query option 'sql' is not supported. Ask with OData's options or with fetchXml.")
	case q.FetchXML != "":
		return s.fetch(ctx, c, conn, t, where)
	case q.SavedQuery != "" || q.UserQuery != "":
		return s.readView(ctx, c, conn, t, where)
	}
	compiled, err := query.FromOData(s.schema, t.Entity, &q, s.options(c))
	if err != nil {
		return reply{}, err
	}
	page, err := conn.page(ctx, compiled)
	if err != nil {
		return reply{}, err
	}
	return s.collection(c, t, compiled, page, byOptions), nil
}

// both joins two conditions, of which either may be nil.
func both(a, b odata.Expr) odata.Expr {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return &odata.Logical{Op: odata.And, Terms: []odata.Expr{b, a}}
}

func (s *Server) options(c *call) query.Options {
	settings := s.settings.Load()
	return query.Options{
		Now: time.Now(), UserID: c.by.userID, BusinessUnitID: c.by.businessUnitID,
		Fiscal: settings.fiscal, Hierarchy: settings.hierarchy,
		Labels: c.prefer.wants(formattedValue), PageSize: c.prefer.pageSize, Count: c.query.Count,
	}
}

func (s *Server) format() query.Format {
	return query.Format{CurrencySymbol: s.settings.Load().currencySymbol}
}

func (s *Server) rowWriter(c *call, columns []query.Column, omitNulls bool) *rowWriter {
	return &rowWriter{base: c.base, columns: columns, shape: shapeOf(columns), prefer: c.prefer.wanted(), format: s.format(), omitNulls: omitNulls}
}

// source is where the rows of a collection come from, which decides what is told beside them.
type source int

const (
	byOptions source = iota // the options of the request
	fetched                 // FetchXML in the request: its pages are asked for by cookies
	view                    // a saved view
)

// collection is the answer with a page of rows.
func (s *Server) collection(c *call, t *table, q *query.Query, page *query.Page, from source) reply {
	isFetch := from == fetched
	b := append(make([]byte, 0, 512+512*len(page.Rows)), '{')
	b = appendString(appendMember(b, "@odata.context"), c.base+"$metadata#"+t.EntitySetName+selected(c.query.Select, c.query.Expand))
	if (c.query.Count || isFetch) && page.Total >= 0 {
		b = strconv.AppendInt(appendMember(b, "@odata.count"), int64(page.Total), 10)
	}
	if c.prefer.wants(totalRecordCount) {
		b = strconv.AppendInt(appendMember(b, "@"+totalRecordCount), int64(page.Total), 10)
	}
	if c.prefer.wants(totalLimitExceeded) {
		b = strconv.AppendBool(appendMember(b, "@"+totalLimitExceeded), page.TotalExceeded)
	}
	if c.prefer.wants(metadataVersion) {
		b = appendString(appendMember(b, "@"+metadataVersion), strconv.Itoa(formatVersion))
	}
	if isFetch && page.More {
		if page.Next != "" && c.prefer.wants(fetchPagingCookie) {
			b = appendString(appendMember(b, "@"+fetchPagingCookie), page.Next)
		}
		if c.prefer.wants(fetchMoreRecords) {
			b = append(appendMember(b, "@"+fetchMoreRecords), "true"...)
		}
	}
	b = s.rowWriter(c, q.Columns, from != byOptions || c.query.Apply != nil).appendRows(appendMember(b, "value"), page.Rows)
	if next := page.Next; !isFetch && page.More && (next != "" || from == view) {
		if next == "" {
			next = query.NumberToken(page.Number + 1)
		}
		b = appendString(appendMember(b, "@odata.nextLink"), c.nextLink(next))
	}
	answer := newReply(http.StatusOK)
	answer.json(append(b, '}'))
	c.prefer.tell(answer.header)
	return answer
}

// nextLink is the address of the next page: the call's own, with a token of where it begins.
func (c *call) nextLink(token string) string {
	options := append(c.optionsBut("$skiptoken"), "$skiptoken="+url.QueryEscape(token))
	return c.base + c.path + "?" + strings.Join(options, "&")
}

// optionsBut are the options of the call as they were written, but for those names.
func (c *call) optionsBut(names ...string) []string {
	var options []string
	for option := range strings.SplitSeq(c.rawQuery, "&") {
		name, err := url.QueryUnescape(strings.SplitN(option, "=", 2)[0])
		if option != "" && (err != nil || !slices.Contains(names, name)) {
			options = append(options, option)
		}
	}
	return options
}

// selected is what @odata.context says about $select and $expand: "(name,primarycontactid(fullname))".
func selected(names []string, expands []odata.Expand) string {
	parts := append([]string(nil), names...)
	for _, e := range expands {
		parts = append(parts, e.Navigation+selectedOf(e))
	}
	if len(parts) == 0 {
		return ""
	}
	return "(" + strings.Join(parts, ",") + ")"
}

func selectedOf(e odata.Expand) string {
	if text := selected(e.Select, e.Expand); text != "" {
		return text
	}
	return "()"
}

// readCount answers with a number alone, as Dataverse does: behind a byte order mark.
func (s *Server) readCount(ctx context.Context, c *call, conn *conn, t *table, q *odata.Query, where odata.Expr) (reply, error) {
	compiled, err := s.compileCount(ctx, c, conn, t, q, where)
	if err != nil {
		return reply{}, err
	}
	text, args := compiled.CountSQL()
	row, _, err := conn.row(ctx, text, args...)
	if err != nil {
		return reply{}, err
	}
	n, _ := row[0].(int64)
	return countOf(n), nil
}

// countOf is the answer to $count, which ends where counts end.
func countOf(n int64) reply {
	answer := newReply(http.StatusOK)
	answer.text("\ufeff" + strconv.FormatInt(min(n, query.MaxCount), 10))
	return answer
}

// compileCount is the query whose records are counted: a saved view's, or the options'.
func (s *Server) compileCount(ctx context.Context, c *call, conn *conn, t *table, q *odata.Query, where odata.Expr) (*query.Query, error) {
	if _, id := viewNamed(q); id != "" {
		return s.compileView(ctx, c, conn, t, where)
	}
	return query.FromOData(s.schema, t.Entity, q, s.options(c))
}

// fetch answers a FetchXML query of the records of a set that a condition holds for; nil holds for all.
func (s *Server) fetch(ctx context.Context, c *call, conn *conn, t *table, where odata.Expr) (reply, error) {
	f, err := s.parseFetch(c.query.FetchXML, t)
	if err != nil {
		return reply{}, err
	}
	opts := s.options(c)
	opts.Where = where
	compiled, err := query.FromFetchXML(s.schema, f, opts)
	if err != nil {
		return reply{}, err
	}
	page, err := conn.page(ctx, compiled)
	if err != nil {
		return reply{}, err
	}
	return s.collection(c, t, compiled, page, fetched), nil
}

// parseFetch reads a document for an entity's records.
func (s *Server) parseFetch(text string, t *table) (*fetchxml.Fetch, error) {
	f, err := fetchxml.Parse(text)
	if err != nil {
		var fault *fetchxml.SyntaxError
		if errors.As(err, &fault) && fault.Code != code.InvalidXML && !isWellFormed(text) {
			return nil, refuse(code.InvalidXML, "Invalid XML.")
		}
		return nil, err
	}
	if s.schema.Entity(f.Entity.Name) == nil {
		return nil, noSuchEntity(f.Entity.Name)
	}
	if f.Entity.Name != t.LogicalName {
		return nil, refuse(code.QueryBuilderEntitiesDontMatch, "The entity name specified in fetchxml does not match the entity name specified in the Entity Set or Navigation property. Expected: %s, Actual: %s", t.LogicalName, f.Entity.Name)
	}
	return f, nil
}

// isWellFormed reports whether a text is XML: that comes before all else that may be wrong with FetchXML.
func isWellFormed(text string) bool {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// readRecord answers with one record.
func (s *Server) readRecord(ctx context.Context, c *call, conn *conn, t *table, id string) (reply, error) {
	b, tag, err := s.represent(ctx, c, conn, t, id)
	if err != nil {
		return reply{}, err
	}
	answer := newReply(http.StatusOK)
	if tag != "" {
		answer.header.Set("ETag", tag)
		plain := len(c.query.Expand) == 0 && len(c.prefer.annotations) == 0 // what may change without the version is always sent
		if plain && c.header.Get("If-None-Match") == tag {
			answer.status = http.StatusNotModified
			return answer, nil
		}
	}
	answer.json(b)
	c.prefer.tell(answer.header)
	return answer, nil
}

// represent is a record as JSON, and its entity tag.
func (s *Server) represent(ctx context.Context, c *call, conn *conn, t *table, id string) (text []byte, tag string, err error) {
	q := odata.Query{Select: c.query.Select, Expand: c.query.Expand}
	q.Filter = isRecord(t.Entity, id)
	compiled, err := query.FromOData(s.schema, t.Entity, &q, s.options(c))
	if err != nil {
		return nil, "", err
	}
	page, err := conn.page(ctx, compiled)
	if err != nil {
		return nil, "", err
	}
	if len(page.Rows) == 0 {
		return nil, "", noSuchRecord(t.LogicalName, id)
	}
	w, row := s.rowWriter(c, compiled.Columns, false), page.Rows[0]
	b := appendString(appendMember([]byte{'{'}, "@odata.context"), c.base+"$metadata#"+t.EntitySetName+selected(q.Select, q.Expand)+"/$entity")
	b = append(w.appendMembers(b, w.shape, row), '}')
	if w.shape.version >= 0 {
		if version, ok := row[w.shape.version].(int64); ok {
			tag = entityTag(version)
		}
	}
	return b, tag, nil
}

func isRecord(e *schema.Entity, id string) odata.Expr {
	return &odata.Compare{Path: odata.Path{e.PrimaryID}, Op: odata.Eq, Value: odata.GUID(id)}
}
