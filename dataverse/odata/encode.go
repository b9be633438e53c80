package odata

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Encode writes the options as the part of a URL behind the question mark, percent-encoded, always in the same order.
func (q *Query) Encode() string {
	w := &writer{encode: true}
	w.options("&", q.Select, q.Expand, q.Filter, q.OrderBy, q.Top, q.Count)
	if q.Apply != nil {
		w.option("&", "$apply")
		w.apply(q.Apply)
	}
	for _, o := range []option{{"$skiptoken", q.SkipToken}, {"fetchXml", q.FetchXML}, {"savedQuery", q.SavedQuery}, {"userQuery", q.UserQuery}} {
		if o.value != "" {
			w.custom(o)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(q.Aliases)) {
		w.custom(option{name, q.Aliases[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(q.Other)) {
		for _, v := range q.Other[name] {
			w.custom(option{name, v})
		}
	}
	return w.String()
}

// option begins an option, with a separator before all but the first.
func (w *writer) option(separator, name string) {
	if w.Len() > 0 {
		w.WriteString(separator)
	}
	w.put(name, "$@")
	w.WriteByte('=')
}

func (w *writer) custom(o option) {
	w.option("&", o.name)
	w.data(o.value)
}

// options writes what a query and an expansion have in common.
func (w *writer) options(separator string, fields []string, expand []Expand, filter Expr, orderBy []Order, top *int, count bool) {
	if len(fields) > 0 {
		w.option(separator, "$select")
		w.raw(strings.Join(fields, ","))
	}
	if len(expand) > 0 {
		w.option(separator, "$expand")
		w.expand(expand)
	}
	if filter != nil {
		w.option(separator, "$filter")
		w.expr(filter)
	}
	if len(orderBy) > 0 {
		w.option(separator, "$orderby")
		w.orderBy(orderBy)
	}
	if top != nil {
		w.option(separator, "$top")
		w.raw(strconv.Itoa(*top))
	}
	if count {
		w.option(separator, "$count")
		w.raw("true")
	}
}

func (w *writer) expand(list []Expand) {
	for i, e := range list {
		if i > 0 {
			w.raw(",")
		}
		w.raw(e.Navigation)
		if e.Ref {
			w.raw("/$ref")
		}
		inside := &writer{encode: w.encode}
		inside.options(";", e.Select, e.Expand, e.Filter, e.OrderBy, e.Top, e.Count)
		if inside.Len() > 0 {
			w.WriteString("(" + inside.String() + ")")
		}
	}
}

func (w *writer) orderBy(orders []Order) {
	for i, o := range orders {
		if i > 0 {
			w.raw(",")
		}
		w.path(o.Path)
		if o.Desc {
			w.raw(" desc")
		}
	}
}

func (w *writer) apply(a *Apply) {
	if a.Filter != nil {
		w.raw("filter(")
		w.expr(a.Filter)
		w.raw(")/")
	}
	if a.GroupBy == nil {
		w.aggregates(a.Aggregates)
		return
	}
	w.raw("groupby((")
	for i, p := range a.GroupBy {
		if i > 0 {
			w.raw(",")
		}
		w.path(p)
	}
	w.raw(")")
	if len(a.Aggregates) > 0 {
		w.raw(",")
		w.aggregates(a.Aggregates)
	}
	w.raw(")")
}

func (w *writer) aggregates(list []Aggregate) {
	w.raw("aggregate(")
	for i, g := range list {
		if i > 0 {
			w.raw(",")
		}
		if g.Method == "count" {
			w.raw("$count")
		} else {
			w.path(g.Path)
			w.raw(" with " + g.Method)
		}
		w.raw(" as " + g.As)
	}
	w.raw(")")
}
