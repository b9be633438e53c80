package local

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/odata"
)

// retrieveDuplicates answers with the records that the published rules call duplicates of one that is there or to be.
func (s *Server) retrieveDuplicates(ctx context.Context, c *call) (answer reply, err error) {
	parameters, err := c.parameters()
	if err != nil {
		return reply{}, err
	}
	matching := s.tables[textOf(parameters["MatchingEntityName"])]
	if matching == nil {
		return reply{}, refuse(code.InvalidArgument, "MatchingEntityName must name an entity.")
	}
	given, err := objectOf("BusinessEntity", parameters["BusinessEntity"])
	if err != nil {
		return reply{}, err
	}
	err = s.readFor(ctx, c, func(conn *conn) error {
		t, r, err := s.businessEntity(ctx, conn, given)
		if err != nil {
			return err
		}
		switch {
		case !s.settings.Load().duplicatesEnabled:
			return refuse(code.DuplicateCheckNotEnabled, "Duplicate detection is not enabled for this organization.")
		case !t.DuplicateDetection:
			return refuse(code.DuplicateCheckNotSupportedOnEntity, "Duplicate detection is not supported on entity '%s'.", t.LogicalName)
		}
		ids, err := s.findDuplicates(ctx, conn, t, r, matching.LogicalName)
		if err != nil {
			return err
		}
		answer, err = s.duplicatesPage(ctx, c, conn, matching, pageOf(parameters["PagingInfo"], ids))
		return err
	})
	return answer, err
}

// parameters are the values of a function's call, aliases resolved.
func (c *call) parameters() (map[string]odata.Value, error) {
	values := map[string]odata.Value{}
	for _, k := range c.resource.Segments[len(c.resource.Segments)-1].Keys {
		values[k.Name] = k.Value
		if alias, ok := k.Value.(odata.Alias); ok {
			value, err := parseValue(c.query.Aliases[string(alias)])
			if err != nil {
				return nil, err
			}
			values[k.Name] = value
		}
	}
	return values, nil
}

// parseValue reads the value of a parameter alias: a literal as a function's parameter may be.
func parseValue(text string) (odata.Value, error) {
	if text == "" {
		return odata.Null{}, nil
	}
	path, err := odata.ParsePath("Function(Value=" + url.PathEscape(text) + ")")
	if err != nil || len(path.Segments) != 1 || len(path.Segments[0].Keys) != 1 {
		return nil, refuse(code.InvalidArgument, "The value of a parameter alias cannot be read.")
	}
	return path.Segments[0].Keys[0].Value, nil
}

func textOf(v odata.Value) string {
	text, _ := jsonValue(v).(string)
	return text
}

// businessEntity reads a record that may be there already: by "@odata.id" or its ID. What is given besides comes before
// what is stored.
func (s *Server) businessEntity(ctx context.Context, conn *conn, b body) (*table, record, error) {
	m := &mutation{s: s, conn: conn, trusted: true}
	var (
		t    *table
		id   string
		err  error
		name = strings.TrimPrefix(stringOf(b["@odata.type"]), "#")
	)
	if uri := stringOf(b["@odata.id"]); uri != "" {
		if t, id, err = m.find(ctx, uri); err != nil {
			return nil, nil, err
		}
	} else if t = s.tables[strings.TrimPrefix(name, "Microsoft.Dynamics.CRM.")]; t == nil {
		return nil, nil, refuse(code.InvalidArgument, "BusinessEntity needs an @odata.type that names an entity, as Microsoft.Dynamics.CRM.contact.")
	}
	r, err := m.overlay(ctx, t, b, id)
	return t, r, err
}

// overlay is a record as a body has it, over what is stored of it: under id, or under the ID in the body.
func (m *mutation) overlay(ctx context.Context, t *table, b body, id string) (record, error) {
	in, err := m.parse(ctx, t, b, true)
	if err != nil {
		return nil, err
	}
	if in.id != "" {
		id = in.id
	}
	stored, err := m.load(ctx, t, id)
	if err != nil {
		return nil, err
	}
	r := stored.with(in.values)
	if id != "" {
		r[t.PrimaryID] = id
	}
	setNames(m.s.settings.Load(), t, r, r)
	return r, nil
}

func stringOf(v any) string { s, _ := v.(string); return s }

// doubleQuoted makes JSON of the form with single quotes that Microsoft's samples use; JSON stays as it is.
func doubleQuoted(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"': // a text of JSON: copied as it is
			end := i + 1
			for end < len(text) && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(text))
			b.WriteString(text[i:end])
			i = end - 1
		case '\'':
			value, end := singleQuoted(text, i)
			b.Write(appendString(nil, value))
			i = end
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// singleQuoted reads the text that begins with the quote at start; end is the place of the quote that ends it. A doubled
// quote stands for one, and so does one behind a backslash.
func singleQuoted(text string, start int) (value string, end int) {
	var b strings.Builder
	for i := start + 1; i < len(text); i++ {
		switch {
		case text[i] == '\'' && i+1 < len(text) && text[i+1] == '\'', text[i] == '\\' && i+1 < len(text) && strings.IndexByte(`'"\`, text[i+1]) >= 0:
			i++
			b.WriteByte(text[i])
		case text[i] == '\'':
			return b.String(), i
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String(), len(text)
}

// pageOf cuts IDs to the page that was asked for.
func pageOf(info odata.Value, ids []string) []string {
	var paging struct{ PageNumber, Count int }
	if text, ok := info.(odata.JSON); ok {
		if json.Unmarshal([]byte(doubleQuoted(string(text))), &paging) != nil {
			paging.PageNumber, paging.Count = 1, 0
		}
	}
	if paging.Count <= 0 || paging.Count > maxPageSize {
		paging.Count = maxPageSize
	}
	start := len(ids)
	if before := max(paging.PageNumber, 1) - 1; before <= len(ids)/paging.Count {
		start = before * paging.Count
	}
	return ids[start:min(start+paging.Count, len(ids))]
}

// duplicatesPage answers with whole records.
func (s *Server) duplicatesPage(ctx context.Context, c *call, conn *conn, t *table, ids []string) (reply, error) {
	list := make(odata.Array, len(ids))
	for i, id := range ids {
		list[i] = odata.String(id)
	}
	q := &odata.Query{Select: c.query.Select}
	if len(ids) > 0 {
		q.Filter = &odata.QueryFunction{Name: "In", Params: []odata.Param{
			{Name: "PropertyName", Value: odata.String(t.PrimaryID)}, {Name: "PropertyValues", Value: list},
		}}
	} else {
		q.Filter = &odata.Compare{Path: odata.Path{t.PrimaryID}, Op: odata.Eq, Value: odata.Null{}}
	}
	compiled, err := query.FromOData(s.schema, t.Entity, q, s.options(c))
	if err != nil {
		return reply{}, err
	}
	page, err := conn.page(ctx, compiled)
	if err != nil {
		return reply{}, err
	}
	return s.collection(c, t, compiled, page, byOptions), nil
}
