package fetch

import (
	"slices"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/template"
	"github.com/botverse/botverse/dataverse/fetchxml"
)

// whenSetFaults finds what is wrong with the when-set attributes of a query. Each is one output: what names nothing, or is
// text around it, would always be set.
func (r *Queries) whenSetFaults(fetch *fetchxml.Fetch) []input.Fault {
	var faults []input.Fault
	check := func(n fetchxml.Node) {
		i := slices.IndexFunc(n.Attrs, func(a fetchxml.Attr) bool { return a.Name == whenSetAttribute })
		if i < 0 {
			return
		}
		t, err := r.templates.Parse(n.Attrs[i].Value)
		switch {
		case err != nil:
			faults = append(faults, *badOperand(n.Attrs[i].Pos, err))
		case isRaw(t):
			faults = append(faults, *input.NewFault(input.BadTemplate, place(n.Attrs[i].Pos), input.MisplacedRaw))
		case !t.IsOutput():
			faults = append(faults, *input.NewFault(input.BadTemplate, place(n.Attrs[i].Pos), `when-set takes one output and nothing else, as when-set="{{ visitor.email }}"`))
		}
	}
	for filter := range allFilters(&fetch.Entity.Contents) {
		check(filter.Node)
		for _, condition := range filter.Conditions {
			check(condition.Node)
		}
	}
	return faults
}

func isRaw(t *template.Template) bool {
	line, _ := t.Raw()
	return line > 0
}

const whenSetAttribute = "when-set"

// whenSet drops the conditions and filters of a query whose when-set names nothing: a variable that is unset, null or blank.
type whenSet struct {
	templates *input.Renderer
	values    Values
	dropped   map[*fetchxml.Condition]bool
	first     *fetchxml.Node // the first that was dropped; nil for none
	faults    []input.Fault
}

// apply drops what is to be dropped of a query, which it changes. A query that would search by nothing then is at fault: it
// would find whatever record comes first.
func (w *whenSet) apply(fetch *fetchxml.Fetch) {
	restricted := restricts(&fetch.Entity.Contents)
	w.contents(&fetch.Entity.Contents)
	if restricted && len(w.faults) == 0 && !restricts(&fetch.Entity.Contents) {
		w.faults = append(w.faults, *input.NewFault(input.VariableUnset, place(w.first.PosOf(whenSetAttribute)),
			"its variable is not set, null or blank, and without it the query has no condition left: it would find every record; a query that means that has a condition that always holds, as one with the operator \"not-null\""))
	}
}

func (w *whenSet) contents(c *fetchxml.Contents) {
	c.Filters = w.kept(c.Filters)
	for _, link := range c.Links {
		w.contents(&link.Contents)
	}
}

// kept is the filters without those that are dropped, and without those of which nothing is left.
func (w *whenSet) kept(filters []*fetchxml.Filter) []*fetchxml.Filter {
	return slices.DeleteFunc(filters, func(f *fetchxml.Filter) bool {
		if w.drops(f.WhenSet, &f.Node) {
			for condition := range scopedConditions(&fetchxml.Contents{Filters: []*fetchxml.Filter{f}}, "") {
				w.dropped[condition] = true
			}
			return true
		}
		if isEmpty(f) {
			return false // as its author wrote it
		}
		f.Conditions = slices.DeleteFunc(f.Conditions, func(c *fetchxml.Condition) bool {
			dropped := w.drops(c.WhenSet, &c.Node)
			if dropped {
				w.dropped[c] = true
			}
			return dropped
		})
		f.Filters = w.kept(f.Filters)
		for _, link := range f.Links {
			w.contents(&link.Contents)
		}
		return isEmpty(f)
	})
}

func isEmpty(f *fetchxml.Filter) bool {
	return len(f.Conditions) == 0 && len(f.Filters) == 0 && len(f.Links) == 0
}

// drops reports whether what has this when-set is to be dropped.
func (w *whenSet) drops(text string, n *fetchxml.Node) bool {
	if text == "" {
		return false
	}
	at := n.PosOf(whenSetAttribute)
	t, err := w.templates.Parse(text)
	if err != nil {
		w.faults = append(w.faults, *badOperand(at, err))
		return false
	}
	v, err := t.Render(w.values.Variables)
	if err != nil {
		w.faults = append(w.faults, *badOperand(at, err))
		return false
	}
	set := v.Kind == template.Set && !input.Blank(v.V)
	if !set && w.first == nil {
		w.first = n
	}
	return !set
}

// restricts reports whether a condition says which records of the root are found. Those of an outer link say only which of
// the linked records are shown.
func restricts(c *fetchxml.Contents) bool {
	for range scopedConditions(&fetchxml.Contents{Filters: c.Filters}, "") {
		return true
	}
	return slices.ContainsFunc(c.Links, func(l *fetchxml.Link) bool { return l.Type() != "outer" && restricts(&l.Contents) })
}
