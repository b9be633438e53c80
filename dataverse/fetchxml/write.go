package fetchxml

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// XML writes the query in its one canonical form, escaped, without white space between elements; Parse reads it back to the
// same tree but for positions. What changes nothing is left out, and so is what is not FetchXML: when-set. Signs that
// XML cannot hold are written as U+FFFD: ask ValidText before putting a text into a query.
func (f *Fetch) XML() string {
	w := &writer{}
	w.begin("fetch")
	w.number("top", f.Top)
	w.number("count", f.Count)
	w.number("page", f.Page)
	w.attr("paging-cookie", f.PagingCookie)
	w.flag("distinct", f.Distinct)
	w.flag("aggregate", f.Aggregate)
	w.number("aggregatelimit", f.AggregateLimit)
	w.flag("returntotalrecordcount", f.ReturnTotalRecordCount)
	w.flag("no-lock", f.NoLock)
	w.flag("latematerialize", f.LateMaterialize)
	w.flag("useraworderby", f.UseRawOrderBy)
	w.attr("datasource", f.DataSource)
	w.attr("options", f.Options)
	w.extra(f.Node)
	if f.Entity == nil {
		w.end("fetch", false)
		return w.String()
	}
	w.open()
	w.begin("entity")
	w.attr("name", f.Entity.Name)
	w.extra(f.Entity.Node)
	w.contents("entity", &f.Entity.Contents)
	w.end("fetch", true)
	return w.String()
}

// ValidText reports whether XML can hold a text: it must be UTF-8 without control characters but tab and line breaks.
func ValidText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return false
		}
	}
	return true
}

type writer struct{ strings.Builder }

func (w *writer) begin(element string) { w.WriteString("<" + element) }

// open ends a start tag whose element has children.
func (w *writer) open() { w.WriteByte('>') }

// end ends an element.
func (w *writer) end(element string, hasChildren bool) {
	if hasChildren {
		w.WriteString("</" + element + ">")
		return
	}
	w.WriteString("/>")
}

// attr writes an attribute that is left out where it is empty.
func (w *writer) attr(name, value string) {
	if value != "" {
		w.value(name, value)
	}
}

func (w *writer) value(name, value string) {
	w.WriteString(" " + name + `="`)
	w.escape(value, true)
	w.WriteByte('"')
}

func (w *writer) flag(name string, value bool) {
	if value {
		w.value(name, "true")
	}
}

func (w *writer) number(name string, value *int) {
	if value != nil {
		w.value(name, strconv.Itoa(*value))
	}
}

func (w *writer) extra(n Node) {
	for _, a := range n.Extra {
		w.value(a.Name, a.Value)
	}
}

// escape writes a text. White space in an attribute must be a reference, else a reader takes it for a space.
func (w *writer) escape(s string, attribute bool) {
	for _, r := range s {
		switch {
		case r == '&':
			w.WriteString("&amp;")
		case r == '<':
			w.WriteString("&lt;")
		case r == '>':
			w.WriteString("&gt;")
		case r == '"' && attribute:
			w.WriteString("&quot;")
		case r == '\r' || attribute && (r == '\t' || r == '\n'):
			w.WriteString("&#" + strconv.Itoa(int(r)) + ";")
		case !ValidText(string(r)):
			w.WriteRune(utf8.RuneError)
		default:
			w.WriteRune(r)
		}
	}
}

// contents ends the start tag of an entity or link, writes its children and ends it.
func (w *writer) contents(element string, c *Contents) {
	empty := len(c.Attributes) == 0 && !c.AllAttributes && !c.NoAttributes && len(c.Orders) == 0 && len(c.Filters) == 0 && len(c.Links) == 0
	if empty {
		w.end(element, false)
		return
	}
	w.open()
	if c.AllAttributes {
		w.WriteString("<all-attributes/>")
	}
	if c.NoAttributes {
		w.WriteString("<no-attrs/>")
	}
	for _, a := range c.Attributes {
		w.attribute(a)
	}
	for _, o := range c.Orders {
		w.order(o)
	}
	for _, f := range c.Filters {
		w.filter(f)
	}
	for _, l := range c.Links {
		w.link(l)
	}
	w.end(element, true)
}

func (w *writer) attribute(a Attribute) {
	w.begin("attribute")
	w.attr("name", a.Name)
	w.attr("alias", a.Alias)
	w.attr("aggregate", a.Aggregate)
	w.flag("groupby", a.GroupBy)
	w.flag("distinct", a.Distinct)
	w.attr("dategrouping", a.DateGrouping)
	if a.UserTimeZone != nil {
		w.value("usertimezone", strconv.FormatBool(*a.UserTimeZone))
	}
	w.attr("rowaggregate", a.RowAggregate)
	w.extra(a.Node)
	w.end("attribute", false)
}

func (w *writer) order(o Order) {
	w.begin("order")
	w.attr("entityname", o.EntityName)
	w.attr("attribute", o.Attribute)
	w.attr("alias", o.Alias)
	w.flag("descending", o.Descending)
	w.extra(o.Node)
	w.end("order", false)
}

func (w *writer) link(l *Link) {
	w.begin("link-entity")
	w.attr("name", l.Name)
	w.attr("from", l.From)
	w.attr("to", l.To)
	w.attr("link-type", l.LinkType)
	w.attr("alias", l.Alias)
	w.flag("intersect", l.Intersect)
	w.flag("visible", l.Visible)
	w.extra(l.Node)
	w.contents("link-entity", &l.Contents)
}

func (w *writer) filter(f *Filter) {
	w.begin("filter")
	if f.Type != "and" {
		w.attr("type", f.Type)
	}
	w.attr("hint", f.Hint)
	w.flag("isquickfindfields", f.IsQuickFindFields)
	w.flag("overridequickfindrecordlimitenabled", f.QuickFindLimitOn)
	w.flag("overridequickfindrecordlimitdisabled", f.QuickFindLimitOff)
	w.extra(f.Node)
	if len(f.Conditions) == 0 && len(f.Filters) == 0 && len(f.Links) == 0 {
		w.end("filter", false)
		return
	}
	w.open()
	for _, c := range f.Conditions {
		w.condition(c)
	}
	for _, inner := range f.Filters {
		w.filter(inner)
	}
	for _, l := range f.Links {
		w.link(l)
	}
	w.end("filter", true)
}

func (w *writer) condition(c *Condition) {
	w.begin("condition")
	w.attr("entityname", c.EntityName)
	w.attr("attribute", c.Attribute)
	w.attr("operator", c.Operator)
	if c.HasValue {
		w.value("value", c.Value)
	}
	w.attr("valueof", c.ValueOf)
	w.extra(c.Node)
	if len(c.Values) == 0 {
		w.end("condition", false)
		return
	}
	w.open()
	for _, v := range c.Values {
		w.WriteString("<value>")
		w.escape(v.Text, false)
		w.WriteString("</value>")
	}
	w.end("condition", true)
}
