package fetchxml

import (
	"math"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
)

const (
	maxDepth = 64   // of nested elements
	maxTop   = 5000 // records of one answer
	// maxSize is far beyond what Dataverse takes: a URL has 65,536 characters at most.
	maxSize = 256 << 10
)

// Parse reads a document: whether it is XML, whether its elements stand where they can, whether their attributes have values
// that can be. Whether the names in it exist is for Check. Comments, processing instructions and what editors add are
// taken and left out. Errors are *SyntaxError.
func Parse(text string) (*Fetch, error) {
	if strings.TrimSpace(text) == "" {
		return nil, fail(Pos{1, 1}, code.EmptyXML, "the document is empty; it must be <fetch>…</fetch>")
	}
	if len(text) > maxSize {
		return nil, fail(Pos{1, 1}, code.RequestLengthTooLarge, "the document has %d bytes; it can have %d", len(text), maxSize)
	}
	p := &parser{reader: newReader(text)}
	root, err := p.root()
	if err != nil {
		return nil, err
	}
	f, err := p.fetch(root)
	if err != nil {
		return nil, err
	}
	for {
		e, err := p.next()
		switch {
		case err != nil:
			return nil, err
		case e.kind == eventEnd:
			return f, nil
		case e.kind != eventText || strings.TrimSpace(e.text) != "":
			return nil, fail(e.pos, code.InvalidXML, "nothing can follow </fetch>")
		}
	}
}

type parser struct {
	*reader
	depth int
}

// root finds the element that the document is.
func (p *parser) root() (event, error) {
	for {
		e, err := p.next()
		switch {
		case err != nil:
			return event{}, err
		case e.kind == eventEnd:
			return event{}, fail(e.pos, code.QueryBuilderNoDocumentElement, "the document has no element; it must be <fetch>…</fetch>")
		case e.kind == eventText && strings.TrimSpace(e.text) != "":
			return event{}, fail(e.pos, code.InvalidXML, "the document must begin with <fetch>")
		case e.kind == eventOpen && e.name != "fetch":
			return event{}, fail(e.pos, code.InvalidFetchXML, "the document must be <fetch>…</fetch>, not <%s>", e.name)
		case e.kind == eventOpen:
			return e, nil
		}
	}
}

// children reads what stands in an element up to its end.
func (p *parser) children(parent event, child func(event) error) error {
	if p.depth++; p.depth > maxDepth {
		return fail(parent.pos, code.InvalidFetchXML, "more than %d elements within each other", maxDepth)
	}
	defer func() { p.depth-- }()
	for {
		e, err := p.next()
		if err != nil {
			return err
		}
		switch e.kind {
		case eventClose, eventEnd:
			return nil
		case eventOpen:
			if err := child(e); err != nil {
				return err
			}
		case eventText:
			if strings.TrimSpace(e.text) != "" {
				return fail(e.pos, code.InvalidXML, "text cannot stand in <%s>", parent.name)
			}
		}
	}
}

// leaf reads an element that has no children.
func (p *parser) leaf(e event) error {
	return p.children(e, func(child event) error { return misplaced(child, e.name) })
}

func misplaced(e event, parent string) error {
	return fail(e.pos, code.QueryBuilderInvalidNode, "<%s> cannot stand in <%s>", e.name, parent)
}

func (p *parser) fetch(e event) (f *Fetch, err error) {
	f = &Fetch{}
	var ignoredBool bool
	var mapping string
	f.Node, err = settings{
		"top":                    whole(&f.Top, maxTop),
		"count":                  whole(&f.Count, math.MaxInt32),
		"page":                   whole(&f.Page, math.MaxInt32),
		"aggregatelimit":         whole(&f.AggregateLimit, math.MaxInt32),
		"paging-cookie":          text(&f.PagingCookie),
		"distinct":               boolean(&f.Distinct, code.QueryBuilderInvalidDistinct),
		"aggregate":              boolean(&f.Aggregate, code.QueryBuilderInvalidAggregate),
		"returntotalrecordcount": boolean(&f.ReturnTotalRecordCount, code.QueryBuilderInvalidAttributeValue),
		"no-lock":                boolean(&f.NoLock, code.QueryBuilderInvalidNoLock),
		"latematerialize":        boolean(&f.LateMaterialize, code.QueryBuilderInvalidAttributeValue),
		"useraworderby":          boolean(&f.UseRawOrderBy, code.QueryBuilderInvalidUseRawOrderBy),
		"min-active-row-version": boolean(&ignoredBool, code.QueryBuilderInvalidMinActiveRowVersion),
		"mapping":                oneOf(&mapping, code.QueryBuilderInvalidMapping, "logical", "internal"),
		"datasource":             oneOf(&f.DataSource, code.QueryBuilderInvalidAttributeValue, "retained", "archive"),
		"options":                text(&f.Options),
		"utc-offset": func(a Attr) error {
			return fail(a.Pos, code.QueryBuilderInvalidUTCOffset, "'utc-offset' is not supported")
		},
	}.node(e)
	if err != nil {
		return nil, err
	}
	if err := f.checkPaging(); err != nil {
		return nil, err
	}
	err = p.children(e, func(child event) (err error) {
		if child.name != "entity" || f.Entity != nil {
			return misplacedInFetch(child)
		}
		f.Entity, err = p.entity(child)
		return err
	})
	if err == nil && f.Entity == nil {
		err = fail(e.pos, code.InvalidXML, "<fetch> needs an <entity>")
	}
	return f, err
}

func misplacedInFetch(e event) error {
	if e.name == "entity" {
		return fail(e.pos, code.QueryBuilderInvalidNode, "<fetch> can have one <entity> only; others are joined with <link-entity>")
	}
	return misplaced(e, "fetch")
}

// checkPaging refuses top beside what asks for pages.
func (f *Fetch) checkPaging() error {
	if f.Top == nil {
		return nil
	}
	for _, with := range []struct {
		name  string
		there bool
	}{
		{"page", f.Page != nil}, {"count", f.Count != nil},
		{"paging-cookie", f.PagingCookie != ""}, {"returntotalrecordcount", f.ReturnTotalRecordCount},
	} {
		if with.there {
			return fail(f.PosOf("top"), code.InvalidArgument, "The top attribute can't be specified with paging attribute %s", with.name)
		}
	}
	return nil
}

func (p *parser) entity(e event) (*Entity, error) {
	n := &Entity{}
	var err error
	if n.Node, err = (settings{"name": text(&n.Name)}).node(e); err != nil {
		return nil, err
	}
	if err := require(e, "name"); err != nil {
		return nil, err
	}
	return n, p.children(e, func(child event) error { return p.content(&n.Contents, child, e.name) })
}

// content reads a child of an entity or a link.
func (p *parser) content(c *Contents, e event, parent string) error {
	switch e.name {
	case "attribute":
		a, err := p.attribute(e)
		c.Attributes = append(c.Attributes, a)
		return err
	case "order":
		o, err := p.order(e)
		c.Orders = append(c.Orders, o)
		return err
	case "filter":
		f, err := p.filter(e)
		c.Filters = append(c.Filters, f)
		return err
	case "link-entity":
		l, err := p.link(e, joinTypes())
		c.Links = append(c.Links, l)
		return err
	case "all-attributes":
		c.AllAttributes = true
		return p.leaf(e)
	case "no-attrs":
		c.NoAttributes = true
		return p.leaf(e)
	}
	return misplaced(e, parent)
}

func joinTypes() []string {
	return []string{"inner", "outer", "natural", "exists", "in", "matchfirstrowusingcrossapply"}
}

func filterTypes() []string { return []string{"any", "not any", "all", "not all"} }

func (p *parser) attribute(e event) (a Attribute, err error) {
	var zone bool
	a.Node, err = settings{
		"name":         text(&a.Name),
		"alias":        text(&a.Alias),
		"aggregate":    oneOf(&a.Aggregate, code.QueryBuilderInvalidAggregate, "count", "countcolumn", "sum", "avg", "min", "max"),
		"groupby":      boolean(&a.GroupBy, code.QueryBuilderInvalidGroupBy),
		"distinct":     boolean(&a.Distinct, code.QueryBuilderInvalidAttributeValue),
		"dategrouping": oneOf(&a.DateGrouping, code.QueryBuilderInvalidDateGrouping, "day", "week", "month", "quarter", "year", "fiscal-period", "fiscal-year"),
		"usertimezone": func(v Attr) error {
			a.UserTimeZone = &zone
			return boolean(&zone, code.QueryBuilderInvalidAttributeValue)(v)
		},
		"rowaggregate": oneOf(&a.RowAggregate, code.QueryBuilderInvalidAttributeValue, "CountChildren"),
	}.node(e)
	if err != nil {
		return a, err
	}
	if err := require(e, "name"); err != nil {
		return a, err
	}
	return a, p.leaf(e)
}

func (p *parser) order(e event) (o Order, err error) {
	o.Node, err = settings{
		"attribute":  text(&o.Attribute),
		"alias":      text(&o.Alias),
		"entityname": text(&o.EntityName),
		"descending": boolean(&o.Descending, code.QueryBuilderInvalidDescending),
	}.node(e)
	if err != nil {
		return o, err
	}
	return o, p.leaf(e)
}

// link reads a link-entity of one of the given types, which depend on where it stands.
func (p *parser) link(e event, types []string) (l *Link, err error) {
	l = &Link{}
	l.Node, err = settings{
		"name":      text(&l.Name),
		"from":      text(&l.From),
		"to":        text(&l.To),
		"alias":     text(&l.Alias),
		"link-type": oneOf(&l.LinkType, code.QueryBuilderInvalidLinkType, types...),
		"intersect": boolean(&l.Intersect, code.QueryBuilderInvalidAttributeValue),
		"visible":   boolean(&l.Visible, code.QueryBuilderInvalidAttributeValue),
	}.node(e)
	if err != nil {
		return nil, err
	}
	if err := require(e, "name"); err != nil {
		return nil, err
	}
	return l, p.children(e, func(child event) error { return p.content(&l.Contents, child, e.name) })
}

func (p *parser) filter(e event) (f *Filter, err error) {
	f = &Filter{Type: "and"}
	f.Node, err = settings{
		"type":                                 oneOf(&f.Type, code.QueryBuilderInvalidFilterType, "and", "or"),
		"hint":                                 oneOf(&f.Hint, code.QueryBuilderInvalidAttributeValue, "union"),
		"isquickfindfields":                    boolean(&f.IsQuickFindFields, code.QueryBuilderInvalidIsQuickFindFilter),
		"overridequickfindrecordlimitenabled":  boolean(&f.QuickFindLimitOn, code.QueryBuilderInvalidAttributeValue),
		"overridequickfindrecordlimitdisabled": boolean(&f.QuickFindLimitOff, code.QueryBuilderInvalidAttributeValue),
		"when-set":                             text(&f.WhenSet),
	}.node(e)
	if err != nil {
		return nil, err
	}
	return f, p.children(e, func(child event) error { return p.filtered(f, child) })
}

// filtered reads a child of a filter.
func (p *parser) filtered(f *Filter, e event) error {
	switch e.name {
	case "condition":
		c, err := p.condition(e)
		f.Conditions = append(f.Conditions, c)
		return err
	case "filter":
		inner, err := p.filter(e)
		f.Filters = append(f.Filters, inner)
		return err
	case "link-entity":
		l, err := p.filterLink(e)
		f.Links = append(f.Links, l)
		return err
	}
	return misplaced(e, "filter")
}

// filterLink reads a link that asks whether there are related records; it selects nothing of them.
func (p *parser) filterLink(e event) (*Link, error) {
	if err := require(e, "link-type"); err != nil {
		return nil, fail(e.pos, code.QueryBuilderInvalidLinkType, "a <link-entity> in a filter needs a link-type: %s", strings.Join(filterTypes(), ", "))
	}
	l, err := p.link(e, filterTypes())
	if err != nil {
		return nil, err
	}
	if len(l.Attributes) > 0 {
		return nil, fail(l.Attributes[0].Pos, code.QueryBuilderInvalidNode, "<attribute> cannot stand in a <link-entity> of a filter, which returns nothing")
	}
	if l.AllAttributes {
		return nil, fail(l.Pos, code.QueryBuilderInvalidNode, "<all-attributes> cannot stand in a <link-entity> of a filter, which returns nothing")
	}
	return l, nil
}

func (p *parser) condition(e event) (c *Condition, err error) {
	c = &Condition{}
	c.Node, err = settings{
		"entityname": text(&c.EntityName),
		"attribute":  text(&c.Attribute),
		"operator":   text(&c.Operator),
		"value": func(a Attr) error {
			c.Value, c.HasValue, c.ValuePos = a.Value, true, a.Pos
			return nil
		},
		"valueof":      text(&c.ValueOf),
		"when-set":     text(&c.WhenSet),
		"alias":        nothing,
		"aggregate":    nothing,
		"rowaggregate": nothing,
	}.node(e)
	if err != nil {
		return nil, err
	}
	if err := require(e, "attribute", "operator"); err != nil {
		return nil, err
	}
	return c, p.children(e, func(child event) error {
		if child.name != "value" {
			return misplaced(child, "condition")
		}
		v, err := p.value(child)
		c.Values = append(c.Values, v)
		return err
	})
}

// value reads a value element. Its white space is part of its text.
func (p *parser) value(e event) (Text, error) {
	v := Text{Pos: e.pos}
	for {
		next, err := p.next()
		if err != nil {
			return Text{}, err
		}
		switch next.kind {
		case eventOpen:
			return Text{}, misplaced(next, "value")
		case eventText:
			if v.Text == "" {
				v.Pos = next.pos
			}
			v.Text += next.text
		default:
			return v, nil
		}
	}
}
