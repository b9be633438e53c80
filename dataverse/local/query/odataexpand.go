package query

import (
	"slices"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// maxExpands is the most $expand items of a query, nested ones included (Web API, "Expand").
const maxExpands = 15

// expand adds the columns of the records that $expand asks for: those of a lookup over a join, those of a collection as
// JSON in one column.
func (o *output) expand(t *table, path []string, expands []odata.Expand) error {
	for _, e := range expands {
		if o.expands++; o.expands > maxExpands {
			return refuse(code.UnsupportedQuery, "The query has more than %d $expand items.", maxExpands)
		}
		inner := append(slices.Clone(path), e.Navigation)
		to, ok := o.scope.b.navigation(t.entity, e.Navigation)
		if ok {
			if err := o.expandLookup(t, inner, to, e); err != nil {
				return err
			}
			continue
		}
		c, ok := o.scope.b.collection(t.entity, e.Navigation)
		if !ok {
			return noProperty(t.entity, e.Navigation)
		}
		if err := o.expandCollection(t, path, c, e); err != nil {
			return err
		}
	}
	return nil
}

// expandLookup joins the record that a lookup points at.
func (o *output) expandLookup(t *table, path []string, to leadsTo, e odata.Expand) error {
	switch {
	case len(e.OrderBy) > 0 || e.Top != nil || e.Count:
		return refuse(code.UnsupportedQuery, onlySelect)
	case e.Filter != nil:
		return refuse(code.UnsupportedQuery, "Only $select and $expand can be used in $expand of the single-valued navigation property '%s'.", e.Navigation)
	}
	first := len(o.columns)
	if err := o.expandTargets(t, path, to, e); err != nil {
		return err
	}
	for i := first; i < len(o.columns); i++ {
		o.columns[i].Ref = e.Ref
	}
	return nil
}

// expandTargets adds the record that a lookup points at. An owner may be a user or a team, behind one navigation
// property: then there are the fields of both, and the record ID and version are those of the one that there is.
func (o *output) expandTargets(t *table, path []string, to leadsTo, e odata.Expand) error {
	several := len(to.targets) > 1
	known := false
	var keys, versions []expr
	for _, target := range to.targets {
		names, some := ownNames(target, e.Select, several)
		if known = known || some; e.Ref {
			names = []string{target.PrimaryID}
		}
		joined := o.scope.follow(t, path, to, target)
		if err := o.selected(joined, path, names, !several); err != nil {
			return err
		}
		if err := o.expand(joined, path, e.Expand); err != nil {
			return err
		}
		keys, versions = append(keys, joined.key()), append(versions, joined.col(versionField))
	}
	if !known {
		return noProperty(to.targets[0], e.Select[0])
	}
	if several {
		target := to.targets[0]
		o.add(Column{Property: to.field.LogicalName, Path: path, Key: true, Entity: target, Field: target.Field(target.PrimaryID)}, call{name: "COALESCE", args: keys})
		o.add(Column{Role: Version, Property: versionField, Path: path, Entity: target, Field: target.Field(versionField)}, call{name: "COALESCE", args: versions})
	}
	return nil
}

// ownNames are the selected names that an entity has, where another target may have the others. It reports whether it
// has one at all.
func ownNames(e *schema.Entity, names []string, several bool) ([]string, bool) {
	if !several || len(names) == 0 {
		return names, true
	}
	own := []string{e.PrimaryID}
	for _, name := range names {
		if property(e, name) != nil {
			own = append(own, name)
		}
	}
	return own, len(own) > 1
}

// onlySelect is how Dataverse words what it refuses in $expand.
const onlySelect = "Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested one-to-many relationship."

// isNested reports whether a $expand stands in another.
func isNested(expands []odata.Expand) bool {
	return slices.ContainsFunc(expands, func(e odata.Expand) bool { return len(e.Expand) > 0 })
}

// checkCollection refuses what Dataverse cannot do with a collection (Web API, "Join tables").
func (o *output) checkCollection(level int, c collection, e odata.Expand) error {
	switch {
	case e.Ref:
		return refuse(code.UnsupportedQuery, "$ref is not supported in $expand of the collection-valued navigation property '%s'.", e.Navigation)
	case e.Count:
		return refuse(code.UnsupportedQuery, "$count is not supported in $expand.")
	case level > 1 && (len(e.OrderBy) > 0 || e.Top != nil):
		return refuse(code.UnsupportedQuery, onlySelect)
	case c.intersect != nil && o.nested:
		return refuse(code.UnsupportedQuery, "The many-to-many relationship '%s' cannot be expanded together with a nested $expand.", e.Navigation)
	}
	return nil
}

// expandCollection reads a collection's records in the same statement, as one JSON array of arrays.
func (o *output) expandCollection(t *table, path []string, c collection, e odata.Expand) error {
	level := o.level + len(path) + 1
	if err := o.checkCollection(level, c, e); err != nil {
		return err
	}
	inner := o.scope.b.related(c, t)
	if e.Filter != nil {
		where, err := inner.filter(e.Filter)
		if err != nil {
			return err
		}
		inner.statement.where = append(inner.statement.where, where)
	}
	out := &output{scope: inner, expands: o.expands, level: level, nested: o.nested}
	names := e.Select
	if len(names) > 0 && c.field != "" { // the lookup that leads back comes along
		names = append(slices.Clone(names), c.entity.Field(c.field).Property())
	}
	if err := out.selected(inner.root, nil, names, true); err != nil {
		return err
	}
	if err := out.expand(inner.root, nil, e.Expand); err != nil {
		return err
	}
	o.expands = out.expands
	keys, err := inner.orderKeys(e.OrderBy)
	if err != nil {
		return err
	}
	o.addCollection(path, c, e, inner, out, keys)
	return nil
}

// addCollection adds the column of a collection. Without nesting it has as many records as Dataverse gives at once; with
// nesting it has pages, which need the keys of the order to go on from.
func (o *output) addCollection(path []string, c collection, e odata.Expand, inner *scope, out *output, keys []orderKey) {
	rest := odata.Query{Select: e.Select, Filter: e.Filter, OrderBy: e.OrderBy, Expand: e.Expand}
	column := Column{Property: e.Navigation, Path: path, Entity: c.entity, Rows: out.columns, Options: rest.Encode(), HasRest: e.Top == nil}
	exprs, most := out.exprs, MaxPageSize
	switch {
	case e.Top != nil:
		most = min(max(*e.Top, 0), MaxPageSize)
	case o.nested:
		column.keys, column.pageSize = keys, pageSize(inner.b.opts.PageSize)
		most = column.pageSize + 1
		for _, k := range keys {
			exprs = append(exprs, k.x)
		}
	}
	o.add(column, inner.array(exprs, keys, most))
}

// array is the scope's rows as a JSON array of arrays.
func (s *scope) array(columns []expr, keys []orderKey, most int) expr {
	rows := s.statement
	rows.columns, rows.named, rows.limit = columns, true, param{int64(most)}
	for _, k := range keys {
		rows.orders = append(rows.orders, sorted{k.x, k.desc})
	}
	names := make([]expr, len(columns))
	for i := range columns {
		names[i] = outerName(i)
	}
	whole := call{name: "json_group_array", args: []expr{call{name: "json_array", args: names}}}
	return scalar{&statement{columns: []expr{whole}, rows: rows}}
}
