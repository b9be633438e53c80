package local

import (
	"net/url"
	"strconv"

	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// attributeName tells beside an aliased value which field it is of.
const attributeName = "OData.Community.Display.V1.AttributeName"

// rowWriter writes the rows of a query's result as JSON objects.
type rowWriter struct {
	base      string // the service root
	columns   []query.Column
	shape     *shape
	prefer    annotations
	format    query.Format
	omitNulls bool // as FetchXML's answers do
}

// annotations are those that the client asked for, looked up once.
type annotations struct {
	formatted, lookup, navigation, attribute bool
}

func (p preferences) wanted() annotations {
	return annotations{
		formatted: p.wants(formattedValue), lookup: p.wants(lookupLogicalName),
		navigation: p.wants(navigationProperty), attribute: p.wants(attributeName),
	}
}

// shape is where the columns of a row stand in its JSON object, and in the objects nested in it.
type shape struct {
	name    string // the navigation property; "" for the row itself
	version int    // the column of the entity tag; -1 where there is none
	key     int    // the column of the record ID
	fields  []int
	nested  []*shape
}

func newShape(name string) *shape { return &shape{name: name, version: -1, key: -1} }

func shapeOf(columns []query.Column) *shape {
	root := newShape("")
	root.fields = make([]int, 0, len(columns))
	for i, c := range columns {
		at := root
		for _, name := range c.Path {
			at = at.at(name)
		}
		if c.Key {
			at.key = i
		}
		switch c.Role {
		case query.Shown:
			at.fields = append(at.fields, i)
		case query.Version:
			at.version = i
		}
	}
	return root
}

func (s *shape) at(name string) *shape {
	for _, n := range s.nested {
		if n.name == name {
			return n
		}
	}
	n := newShape(name)
	s.nested = append(s.nested, n)
	return n
}

func (w *rowWriter) appendRows(b []byte, rows [][]any) []byte {
	b = append(b, '[')
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(w.appendMembers(append(b, '{'), w.shape, row), '}')
	}
	return append(b, ']')
}

// appendMembers writes the members of a row's object, or of one nested in it.
func (w *rowWriter) appendMembers(b []byte, s *shape, row []any) []byte {
	if s.version >= 0 {
		if version, ok := row[s.version].(int64); ok {
			b = append(appendMember(b, "@odata.etag"), `"W/\"`...)
			b = append(strconv.AppendInt(b, version, 10), `\""`...)
		}
	}
	target := w.principalOf(s, row)
	if target != nil {
		b = appendString(appendMember(b, "@odata.type"), "#"+crmNamespace+target.LogicalName)
	}
	for _, i := range s.fields {
		if target == nil || i == s.key || w.columns[i].Entity == target {
			b = w.appendField(b, s, i, row)
		}
	}
	for _, n := range s.nested {
		b = appendMember(b, n.name)
		if n.key >= 0 && row[n.key] == nil {
			b = append(b, "null"...)
			continue
		}
		if n.key >= 0 && w.columns[n.key].Ref {
			id, _ := row[n.key].(string)
			b = append(appendString(appendMember(append(b, '{'), "@odata.id"), w.base+odata.RecordPath(w.columns[n.key].Entity.EntitySetName, id)), '}')
			continue
		}
		b = append(w.appendMembers(append(b, '{'), n, row), '}')
	}
	return b
}

// appendRest writes where the rest of a collection is. Dataverse writes it beside every collection that does not come in
// pages, also where there is no rest (Web API, "Join tables").
func (w *rowWriter) appendRest(b []byte, s *shape, c *query.Column, row []any, collection query.Collection) []byte {
	if !c.HasRest || s.key < 0 || collection.Paged && collection.Next == "" {
		return b
	}
	id, _ := row[s.key].(string)
	link := w.base + odata.RecordPath(w.columns[s.key].Entity.EntitySetName, id) + "/" + c.Property
	options := c.Options
	if collection.Next != "" {
		if options != "" {
			options += "&"
		}
		options += "$skiptoken=" + url.QueryEscape(collection.Next)
	}
	if options != "" {
		link += "?" + options
	}
	return appendString(appendMember(b, c.Property+"@odata.nextLink"), link)
}

// principalOf is the entity of a nested record where it may be of one of several, as an owner is: the one whose record ID
// is there. It is nil for all others.
func (w *rowWriter) principalOf(s *shape, row []any) *schema.Entity {
	if s.name == "" || s.key < 0 {
		return nil
	}
	var (
		found   *schema.Entity
		several bool
		first   = w.columns[s.fields[0]].Entity
	)
	for _, i := range s.fields {
		c := &w.columns[i]
		several = several || c.Entity != first
		if i != s.key && c.Field != nil && c.Field.LogicalName == c.Entity.PrimaryID && row[i] != nil {
			found = c.Entity
		}
	}
	if !several {
		return nil
	}
	return found
}

func (w *rowWriter) appendField(b []byte, s *shape, i int, row []any) []byte {
	c, value := &w.columns[i], row[i]
	if c.Rows != nil {
		collection, _ := value.(query.Collection)
		inner := rowWriter{base: w.base, columns: c.Rows, shape: shapeOf(c.Rows), prefer: w.prefer, format: w.format}
		b = inner.appendRows(appendMember(b, c.Property), collection.Rows)
		return w.appendRest(b, s, c, row, collection)
	}
	if value == nil || c.Field != nil && !c.Field.Readable { // as a webhook's key: it is written, never read
		if w.omitNulls {
			return b
		}
		return append(appendMember(b, c.Property), "null"...)
	}
	b = w.appendAnnotations(b, c, row, value)
	return appendValue(appendMember(b, c.Property), c.JSON(value))
}

func (w *rowWriter) appendAnnotations(b []byte, c *query.Column, row []any, value any) []byte {
	if w.prefer.attribute && c.Aliased && c.Field != nil {
		b = appendString(appendAnnotation(b, c.Property, attributeName), c.Field.LogicalName)
	}
	if c.Field == nil || !c.Field.IsLookup() {
		if w.prefer.formatted {
			if text := c.Text(value, w.format); text != "" {
				b = appendString(appendAnnotation(b, c.Property, formattedValue), text)
			}
		}
		return b
	}
	if w.prefer.formatted && c.NameAt >= 0 {
		if name, _ := row[c.NameAt].(string); name != "" {
			b = appendString(appendAnnotation(b, c.Property, formattedValue), name)
		}
	}
	target := targetOf(c, row)
	if navigation := c.Field.Navigation[target]; w.prefer.navigation && navigation != "" {
		b = appendString(appendAnnotation(b, c.Property, navigationProperty), navigation)
	}
	if w.prefer.lookup && target != "" {
		b = appendString(appendAnnotation(b, c.Property, lookupLogicalName), target)
	}
	return b
}

// targetOf is the entity that a lookup's value points at.
func targetOf(c *query.Column, row []any) string {
	if c.TargetAt >= 0 {
		target, _ := row[c.TargetAt].(string)
		return target
	}
	if len(c.Field.Targets) == 1 {
		return c.Field.Targets[0]
	}
	return ""
}

// appendAnnotation writes the name of an annotation of a property.
func appendAnnotation(b []byte, property, annotation string) []byte {
	b = appendMember(b, property)
	b = append(b[:len(b)-len(`":`)], '@') // in the name's last quote's place
	return append(append(b, annotation...), `":`...)
}
