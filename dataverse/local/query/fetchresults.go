package query

import (
	"slices"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// columns adds what a query that is no aggregate selects.
func (t *translation) columns(q *Query) error {
	out := &output{}
	root := &t.fetch.Entity.Contents
	everything := root.AllAttributes || (!root.NoAttributes && !t.selectsAnything(root))
	if everything {
		t.showAll(out, t.root, "")
	}
	if err := t.showAttributes(out, t.root, root.Attributes, everything); err != nil {
		return err
	}
	if !t.fetch.Distinct && !everything {
		t.showKey(out)
	}
	if !t.fetch.Distinct {
		out.version(t.root, nil)
	}
	if err := t.showLinks(out, root.Links); err != nil {
		return err
	}
	t.statement.distinct = t.fetch.Distinct
	q.Columns, t.statement.columns = out.columns, out.exprs
	return nil
}

// selectsAnything reports whether attributes of rows are selected anywhere: where none are, the root has all of its own.
func (t *translation) selectsAnything(c *fetchxml.Contents) bool {
	if len(c.Attributes) > 0 || c.AllAttributes {
		return true
	}
	return slices.ContainsFunc(c.Links, func(l *fetchxml.Link) bool { return !l.OnlyTests() && t.selectsAnything(&l.Contents) })
}

// showAll adds all readable fields of a table, under a link's alias if it has one.
func (t *translation) showAll(out *output, of *table, alias string) {
	for _, f := range readableFields(of.entity) {
		v := t.b.field(of, f)
		out.show(t.b, v, t.column(v, alias, ""))
	}
}

// column is the descriptor of a field: a root's goes by its property, a link's by "alias.field", either by its own alias.
func (t *translation) column(v value, link, alias string) Column {
	c := Column{Property: v.field.Property(), LinkAlias: link, Aliased: link != "" || alias != ""}
	c.Key = v.table == t.root && v.field.LogicalName == v.entity.PrimaryID && alias == ""
	if link != "" {
		c.Property = link + "." + v.field.LogicalName
	}
	if alias != "" {
		c.Property = alias
	}
	return c
}

func (t *translation) showAttributes(out *output, of *table, attributes []fetchxml.Attribute, everything bool) error {
	return t.showLinked(out, of, attributes, "", everything)
}

// showLinked adds the attributes of a table. What all-attributes has shown is shown again under an alias only.
func (t *translation) showLinked(out *output, of *table, attributes []fetchxml.Attribute, link string, everything bool) error {
	shown := map[string]bool{}
	for _, a := range attributes {
		v, err := t.field(of, a.Name)
		if err != nil {
			return err
		}
		c := t.column(v, link, a.Alias)
		if shown[c.Property] || (everything && a.Alias == "" && IsStored(v.field)) {
			continue
		}
		shown[c.Property] = true
		if a.RowAggregate != "" {
			if err := t.showChildren(out, of, v, a.Alias); err != nil {
				return err
			}
			continue
		}
		out.show(t.b, v, c)
		if extra := companion(of.entity, v.field); extra != nil && link == "" && a.Alias == "" && !t.fetch.Distinct {
			if x := t.b.field(of, extra); !shown[extra.Property()] && !selects(attributes, extra.LogicalName) {
				shown[extra.Property()] = true
				out.show(t.b, x, t.column(x, "", ""))
			}
		}
	}
	return nil
}

// showChildren adds the number of records right below each in its hierarchy (FetchXML, "Count child records").
func (t *translation) showChildren(out *output, of *table, v value, alias string) error {
	parent := HierarchyField(of.entity)
	if parent == "" || v.field.LogicalName != of.entity.PrimaryID {
		return refuse(code.MissingHierarchicalRelationshipForOperator, "'CountChildren' needs the record ID of an entity with a hierarchical relationship.")
	}
	child := t.b.table(of.entity)
	count := scalar{&statement{columns: []expr{literal("COUNT(*)")}, from: child, where: []expr{compared{"=", child.col(parent), of.key()}}}}
	out.add(Column{Property: alias, Aliased: true, Aggregate: "count", Entity: of.entity, Field: v.field}, count)
	return nil
}

func selects(attributes []fetchxml.Attribute, name string) bool {
	return slices.ContainsFunc(attributes, func(a fetchxml.Attribute) bool { return a.Name == name && a.Alias == "" })
}

// showKey adds the root's record ID where it is not selected.
func (t *translation) showKey(out *output) {
	if slices.ContainsFunc(out.columns, func(c Column) bool { return c.Key }) {
		return
	}
	v := t.b.field(t.root, t.root.entity.Field(t.root.entity.PrimaryID))
	out.show(t.b, v, t.column(v, "", ""))
}

func (t *translation) showLinks(out *output, links []*fetchxml.Link) error {
	for _, link := range links {
		of := t.tables[link]
		if of == nil || link.OnlyTests() {
			continue
		}
		first := len(out.columns)
		if link.AllAttributes {
			t.showAll(out, of, t.aliases[link])
		}
		if err := t.showLinked(out, of, link.Attributes, t.aliases[link], link.AllAttributes); err != nil {
			return err
		}
		if link.Type() == "matchfirstrowusingcrossapply" {
			schemaNames(out.columns[first:])
		}
		if err := t.showLinks(out, link.Links); err != nil {
			return err
		}
	}
	return nil
}

// schemaNames names columns as those of a cross apply are: by the fields' schema names, without the alias.
func schemaNames(columns []Column) {
	for i := range columns {
		if c := &columns[i]; c.Property == c.LinkAlias+"."+c.Field.LogicalName {
			c.Property = c.Field.SchemaName
		}
	}
}

// orders makes the total order: the root's, then the links', then the record IDs of the root and of those joined records
// of which a root record may have several.
func (t *translation) orders(q *Query) error {
	err := t.ordersOf(q, t.root, "", t.fetch.Entity.Orders)
	if err != nil {
		return err
	}
	if err := t.linkOrders(q, t.fetch.Entity.Links); err != nil {
		return err
	}
	if t.fetch.Distinct {
		q.noCookie = true
		return nil
	}
	if !t.byID {
		q.keys = append(q.keys, t.b.idKey(t.root, t.root.entity.PrimaryID))
	}
	for _, of := range t.hidden {
		q.keys = append(q.keys, t.b.idKey(of, of.alias+"."+of.entity.PrimaryID))
	}
	return nil
}

func (t *translation) linkOrders(q *Query, links []*fetchxml.Link) error {
	for _, link := range links {
		if of := t.tables[link]; of != nil && len(link.Orders) > 0 {
			if err := t.ordersOf(q, of, t.aliases[link], link.Orders); err != nil {
				return err
			}
		}
		if err := t.linkOrders(q, link.Links); err != nil {
			return err
		}
	}
	return nil
}

func (t *translation) ordersOf(q *Query, of *table, alias string, orders []fetchxml.Order) error {
	for _, o := range orders {
		from, prefix := of, alias
		if o.EntityName != "" {
			if from, prefix = t.named[o.EntityName], o.EntityName; from == nil {
				return refuse(code.QueryBuilderAliasDoesNotExist, "Link entity with name or alias %s is not found", o.EntityName)
			}
		}
		v, err := t.field(from, o.Attribute)
		if err != nil {
			return err
		}
		if v.kind == schema.MultiSelectPicklist {
			return unfitGroup(v)
		}
		name := o.Attribute
		if v.field.IsLookup() {
			name += "name"
		}
		if prefix != "" {
			name, q.noCookie = prefix+"."+name, true
		}
		q.keys = append(q.keys, keyOf(t.b.sortedBy(v, !t.fetch.UseRawOrderBy), name, o.Descending))
		t.byID = t.byID || v.isKeyOf(t.root)
	}
	return nil
}

// page finds the place of the page.
func (t *translation) page(q *Query) error {
	f := t.fetch
	q.PageSize = pageSize(t.b.opts.PageSize)
	if f.Count != nil {
		q.PageSize = pageSize(*f.Count)
	}
	if f.Page != nil && *f.Page > 0 {
		q.page = *f.Page
	}
	if f.Top != nil {
		q.PageSize, q.isTop = min(*f.Top, MaxPageSize), true
		return nil
	}
	if f.PagingCookie != "" && !q.noCookie {
		return t.continued(q)
	}
	q.skip = (q.page - 1) * q.PageSize
	if q.page > 1 && q.page*q.PageSize > maxSimplePaging {
		return refuse(code.OverRetrievalUpperLimitWithoutPagingCookie, "Over retrieval upper limit without paging cookie: at most %d rows can be reached by page number.", maxSimplePaging)
	}
	return nil
}

// continued begins behind the cookie's page; a page before it is reached by its number.
func (t *translation) continued(q *Query) error {
	page, last, err := readCookie(t.fetch.PagingCookie, q.keys)
	if err != nil {
		return err
	}
	if q.page <= page {
		q.skip = (q.page - 1) * q.PageSize
		return nil
	}
	q.after, q.skip = last, (q.page-page-1)*q.PageSize
	return nil
}
