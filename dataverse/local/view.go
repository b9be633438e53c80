package local

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// viewNamed is the saved view that a query names, a system's or a user's: its entity and its ID; "" for none.
func viewNamed(q *odata.Query) (entity, id string) {
	switch {
	case q.SavedQuery != "":
		return "savedquery", q.SavedQuery
	case q.UserQuery != "":
		return "userquery", q.UserQuery
	}
	return "", ""
}

// readView answers with the records of a set that a saved view shows ("Retrieve and execute predefined queries"). It is the view's
// FetchXML, but in pages that nextLinks lead through, as the client has no document to write the next page into.
func (s *Server) readView(ctx context.Context, c *call, conn *conn, t *table, where odata.Expr) (reply, error) {
	compiled, err := s.compileView(ctx, c, conn, t, where)
	if err != nil {
		return reply{}, err
	}
	page, err := conn.page(ctx, compiled)
	if err != nil {
		return reply{}, err
	}
	return s.collection(c, t, compiled, page, view), nil
}

func (s *Server) compileView(ctx context.Context, c *call, conn *conn, t *table, where odata.Expr) (*query.Query, error) {
	entity, id := viewNamed(c.query)
	if err := refuseBeside(c.query, entity); err != nil {
		return nil, err
	}
	text, err := s.viewText(ctx, conn, entity, id)
	if err != nil {
		return nil, err
	}
	f, err := s.parseFetch(text, t)
	if err != nil {
		return nil, err
	}
	if err := turnTo(f, c.query.SkipToken); err != nil {
		return nil, err
	}
	opts := s.options(c)
	opts.Where = both(c.query.Filter, where)
	if c.prefer.pageSize > 0 && f.Top == nil {
		f.Count = &c.prefer.pageSize
	}
	return query.FromFetchXML(s.schema, f, opts)
}

// refuseBeside refuses the options that say again what a view says.
func refuseBeside(q *odata.Query, entity string) error {
	for _, option := range []struct {
		name  string
		given bool
	}{
		{"$select", len(q.Select) > 0}, {"$orderby", len(q.OrderBy) > 0}, {"$expand", len(q.Expand) > 0}, {"$top", q.Top != nil}, {"$apply", q.Apply != nil},
	} {
		if option.given {
			return refuse(code.UnsupportedQuery, "The query option '%s' cannot be used with a %s: the view says it.", option.name, entity)
		}
	}
	return nil
}

// viewText is the FetchXML of a view.
func (s *Server) viewText(ctx context.Context, conn *conn, entity, id string) (string, error) {
	t := s.tables[entity]
	given, err := query.Encode(t.Entity, t.Field(t.PrimaryID), id)
	if err != nil {
		return "", err
	}
	id, _ = given.(string)
	row, found, err := conn.row(ctx, "SELECT fetchxml FROM "+quote(entity)+" WHERE "+quote(t.PrimaryID)+" = ?", id)
	if err != nil {
		return "", err
	}
	if !found {
		return "", noSuchRecord(entity, id)
	}
	text, _ := row[0].(string)
	return text, nil
}

// turnTo turns a document to the page that a $skiptoken leads to.
func turnTo(f *fetchxml.Fetch, token string) error {
	if token == "" {
		return nil
	}
	cookie, page, ok := query.ReadToken(token)
	if !ok {
		return refuse(code.UnsupportedQuery, "The $skiptoken is not one that this server has given.")
	}
	f.Page, f.PagingCookie = &page, cookie
	return nil
}

// The IDs that system views have in every organization, where they are known; the others follow from the entity's name.
var viewIDs = map[string]string{
	"account":     "00000000-0000-0000-00aa-000010001002", // Active Accounts
	"opportunity": "00000000-0000-0000-00aa-000010003001", // Open Opportunities
}

// seedViews makes the system view of each entity that has a state and a name: its records of the first state, as "Active Contacts"
// and "Open Leads". It does so once for a file, so that views that were deleted stay away.
func (s *Server) seedViews(ctx context.Context, c *conn) error {
	const done = "views"
	if text, err := c.meta(ctx, done); err != nil || text != "" {
		return err
	}
	m := &mutation{s: s, conn: c, trusted: true, touched: map[string]bool{}}
	for _, name := range s.schema.Names() {
		if e := s.schema.Entity(name); isViewed(e) {
			if _, err := m.create(ctx, s.tables["savedquery"], viewOf(e), false); err != nil {
				return err
			}
		}
	}
	return c.setMeta(ctx, done, "1")
}

func isViewed(e *schema.Entity) bool {
	state := e.Field("statecode")
	return state != nil && state.Type == schema.State && len(state.Options) > 0 && e.Field(e.PrimaryName) != nil && e.LogicalName != "savedquery"
}

// viewOf is the view of an entity's records in its first state.
func viewOf(e *schema.Entity) body {
	first := e.Field("statecode").Options[0]
	id := viewIDs[e.LogicalName]
	if id == "" {
		id = uuid.NewSHA1(uuid.NameSpaceURL, []byte("view of "+e.LogicalName)).String()
	}
	columns := []string{e.PrimaryName, "createdon", e.PrimaryID}
	var attributes, cells strings.Builder
	for _, column := range columns {
		if e.Field(column) != nil {
			fmt.Fprintf(&attributes, `<attribute name="%s"/>`, column)
		}
	}
	fmt.Fprintf(&cells, `<cell name="%s" width="300"/>`, e.PrimaryName)
	return body{
		"savedqueryid": id, "name": first.Label.String() + " " + e.DisplayCollectionName.String(), "returnedtypecode": e.LogicalName,
		"querytype": "0", "isdefault": true, "ismanaged": true, "isquickfindquery": false,
		"fetchxml": fmt.Sprintf(`<fetch version="1.0" output-format="xml-platform" mapping="logical"><entity name="%s">%s<order attribute="%s"/>`+
			`<filter type="and"><condition attribute="statecode" operator="eq" value="%d"/></filter></entity></fetch>`, e.LogicalName, &attributes, e.PrimaryName, first.Value),
		"layoutxml": fmt.Sprintf(`<grid name="resultset" object="%d" jump="%s" select="1" icon="1" preview="1"><row name="result" id="%s">%s</row></grid>`,
			e.ObjectTypeCode, e.PrimaryName, e.PrimaryID, &cells),
	}
}
