package local

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// The table botverse_deleted has the records that were deleted, for those who track changes.
const createDeleted = `CREATE TABLE IF NOT EXISTS botverse_deleted (version INTEGER PRIMARY KEY NOT NULL, entity TEXT NOT NULL, id TEXT NOT NULL, deletedon INTEGER NOT NULL) STRICT`

// trackedDays is for how many days changes are known where the organization's expirechangetrackingindays does not say it ("Use
// change tracking to synchronize data with external systems").
const trackedDays = 7

// isTracked reports whether changes of an entity's records can be asked for: they have versions. System jobs come and go by
// themselves, too many to note.
func isTracked(e *schema.Entity) bool {
	f := e.Field("versionnumber")
	return f != nil && query.IsStored(f) && e.LogicalName != "asyncoperation"
}

// noteDeleted notes that a record was deleted.
func (m *mutation) noteDeleted(ctx context.Context, t *table, id string) error {
	if !isTracked(t.Entity) {
		return nil
	}
	version, err := m.nextVersion(ctx)
	if err != nil {
		return err
	}
	_, err = m.conn.exec(ctx, "INSERT INTO botverse_deleted (version, entity, id, deletedon) VALUES (?, ?, ?, ?)", version, t.LogicalName, id, time.Now().Unix())
	return err
}

// trackedSince is the oldest time whose changes are known.
func trackedSince(ctx context.Context, c *conn) (time.Time, error) {
	row, found, err := c.row(ctx, "SELECT expirechangetrackingindays FROM organization LIMIT 1")
	if err != nil {
		return time.Time{}, err
	}
	days := int64(trackedDays)
	if found && row[0] != nil {
		days, _ = row[0].(int64)
	}
	return time.Now().Add(-time.Duration(days) * 24 * time.Hour), nil
}

// forgetDeleted forgets the deleted records that nobody can ask for any more.
func forgetDeleted(ctx context.Context, c *conn) error {
	oldest, err := trackedSince(ctx, c)
	if err != nil {
		return err
	}
	_, err = c.exec(ctx, "DELETE FROM botverse_deleted WHERE deletedon < ?", oldest.Unix())
	return err
}

// deltaTime is how a delta token has the time at which it was given.
const deltaTime = "01/02/2006 15:04:05"

// deltaToken is where changes begin: behind a version, at a time: "919042!08/22/2017 08:10:44".
type deltaToken struct {
	version int64
	at      time.Time
}

func (d deltaToken) String() string {
	return strconv.FormatInt(d.version, 10) + "!" + d.at.UTC().Format(deltaTime)
}

func readDeltaToken(text string) (deltaToken, error) {
	number, moment, _ := strings.Cut(text, "!")
	version, err := strconv.ParseInt(number, 10, 64)
	at, notTime := time.Parse(deltaTime, moment)
	if err != nil || notTime != nil {
		return deltaToken{}, refuse(code.UnsupportedQuery, "The $deltatoken is not one that this server has given.")
	}
	return deltaToken{version: version, at: at}, nil
}

// tracksChanges reports whether a call asks for changes: for a first set of records and a delta link, or for what came since.
func (c *call) tracksChanges() bool {
	if c.method != http.MethodGet || c.query.FetchXML != "" {
		return false
	}
	return c.prefer.trackChanges || c.query.DeltaToken != "" || query.ReadTracking(c.query.SkipToken) != ""
}

// changes are what is read for somebody who tracks changes.
type changes struct {
	since   *deltaToken // nil for the first request, which reads all there is
	next    deltaToken  // where the next changes begin
	deleted []string    // the IDs of records deleted since
}

// readChanges answers who tracks an entity's changes: at first with all records, then with those changed since and those deleted,
// and on the last page with the link to what comes after ("Use change tracking to synchronize data with external systems").
func (s *Server) readChanges(ctx context.Context, c *call, conn *conn, t *table, rest []odata.Segment) (reply, error) {
	if err := s.checkTracking(c, t); err != nil {
		return reply{}, err
	}
	q := *c.query
	found, err := findChanges(ctx, c, conn, t)
	if err != nil {
		return reply{}, err
	}
	if found.since != nil {
		version := odata.Path{"versionnumber"}
		q.Filter = &odata.Compare{Path: version, Op: odata.Gt, Value: odata.Number(strconv.FormatInt(found.since.version, 10))}
		q.OrderBy = []odata.Order{{Path: version}}
	}
	compiled, err := query.FromOData(s.schema, t.Entity, &q, s.options(c))
	if err != nil {
		return reply{}, err
	}
	if len(rest) > 0 {
		return countChanges(ctx, conn, compiled, found, rest[0].Name)
	}
	page, err := conn.page(ctx, compiled)
	if err != nil {
		return reply{}, err
	}
	return s.changed(c, t, compiled, page, found), nil
}

// checkTracking refuses what cannot be asked for together with changes, in Dataverse's words.
func (s *Server) checkTracking(c *call, t *table) error {
	if !isTracked(t.Entity) {
		return refuse(code.UnsupportedQuery, "Change tracking is not enabled for the entity '%s'.", t.LogicalName)
	}
	q := c.query
	for _, option := range []struct {
		name  string
		given bool
	}{
		{"filter", q.Filter != nil}, {"orderby", len(q.OrderBy) > 0}, {"expand", len(q.Expand) > 0}, {"top", q.Top != nil}, {"apply", q.Apply != nil},
		{"savedQuery", q.SavedQuery != ""}, {"userQuery", q.UserQuery != ""},
	} {
		if option.given {
			return refuse(code.UnsupportedQuery, `The "%s" query parameter isn't supported when Change Tracking is enabled.`, option.name)
		}
	}
	return nil
}

// findChanges finds between which versions a call's changes lie, and what was deleted between them.
func findChanges(ctx context.Context, c *call, conn *conn, t *table) (changes, error) {
	var (
		found changes
		err   error
	)
	if text := query.ReadTracking(c.query.SkipToken); text != "" { // a page that follows: what comes after the first is what counts
		found.next, err = readDeltaToken(text)
	} else {
		found.next, err = newest(ctx, conn, t)
	}
	if err != nil || c.query.DeltaToken == "" {
		return found, err
	}
	since, err := readDeltaToken(c.query.DeltaToken)
	if err != nil {
		return found, err
	}
	found.since = &since
	oldest, err := trackedSince(ctx, conn)
	if err != nil {
		return found, err
	}
	if since.at.Before(oldest) {
		return found, refuse(code.ExpiredVersionStamp, "Version stamp associated with the client has expired. Please perform a full sync.")
	}
	err = conn.query(ctx, `SELECT id, max(version) FROM botverse_deleted WHERE entity = ? AND version > ? AND version <= ?
		AND NOT EXISTS (SELECT 1 FROM `+quote(t.LogicalName)+` WHERE `+quote(t.PrimaryID)+` = id) GROUP BY id ORDER BY 2`,
		[]any{t.LogicalName, since.version, found.next.version}, func(row []any) error {
			id, _ := row[0].(string)
			found.deleted = append(found.deleted, id)
			return nil
		})
	return found, err
}

// newest is where an entity's changes begin that nobody has seen yet. Versions are given out by one writer after the other, so that
// none below it can still come.
func newest(ctx context.Context, conn *conn, t *table) (deltaToken, error) {
	row, _, err := conn.row(ctx, `SELECT max(coalesce((SELECT max(versionnumber) FROM `+quote(t.LogicalName)+`), 0),
		coalesce((SELECT max(version) FROM botverse_deleted WHERE entity = ?), 0))`, t.LogicalName)
	if err != nil {
		return deltaToken{}, err
	}
	version, _ := row[0].(int64)
	return deltaToken{version: version, at: time.Now()}, nil
}

func countChanges(ctx context.Context, conn *conn, compiled *query.Query, found changes, segment string) (reply, error) {
	if segment != "$count" {
		return reply{}, noSuchSegment(segment)
	}
	text, args := compiled.CountSQL()
	row, _, err := conn.row(ctx, text, args...)
	if err != nil {
		return reply{}, err
	}
	n, _ := row[0].(int64)
	return countOf(n + int64(len(found.deleted))), nil
}

// changed is the answer with a page of changes. Deleted records come after all others.
func (s *Server) changed(c *call, t *table, q *query.Query, page *query.Page, found changes) reply {
	root := c.base + "$metadata#" + t.EntitySetName
	context := root + selected(c.query.Select, nil)
	if found.since != nil {
		context += "/$delta"
	}
	b := appendString(appendMember([]byte{'{'}, "@odata.context"), context)
	if page.Total >= 0 {
		b = strconv.AppendInt(appendMember(b, "@odata.count"), int64(page.Total), 10)
	}
	if !page.More {
		b = appendString(appendMember(b, "@odata.deltaLink"), c.deltaLink(found.next))
	}
	b = s.rowWriter(c, q.Columns, false).appendRows(appendMember(b, "value"), page.Rows)
	if page.More {
		b = appendString(appendMember(b, "@odata.nextLink"), c.nextLink(query.TrackingToken(page.Next, found.next.String())))
	} else if len(found.deleted) > 0 {
		b = appendDeleted(b[:len(b)-1], len(page.Rows) > 0, root+"/$deletedEntity", found.deleted)
	}
	answer := newReply(http.StatusOK)
	answer.json(append(b, '}'))
	c.prefer.tell(answer.header)
	return answer
}

// appendDeleted writes deleted records to the end of an array that is still open, and closes it.
func appendDeleted(b []byte, more bool, context string, ids []string) []byte {
	for _, id := range ids {
		if more {
			b = append(b, ',')
		}
		more = true
		b = appendString(appendMember(append(b, '{'), "@odata.context"), context)
		b = appendString(appendMember(b, "id"), id)
		b = append(appendString(appendMember(b, "reason"), "deleted"), '}')
	}
	return append(b, ']')
}

// deltaLink is where the changes are that come after this answer.
func (c *call) deltaLink(next deltaToken) string {
	return c.base + c.path + "?" + strings.Join(append(c.optionsBut("$skiptoken", "$deltatoken"), "$deltatoken="+strings.ReplaceAll(url.QueryEscape(next.String()), "+", "%20")), "&")
}
