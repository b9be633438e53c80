package query

import (
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse/schema"
)

// statement is a SELECT.
type statement struct {
	distinct bool
	columns  []expr
	named    bool // columns are called c0, c1, … for the statement around
	from     *table
	rows     *statement // FROM a statement, in place of a table
	joins    []joined
	where    []expr // all of them
	groupBy  []expr
	orders   []sorted
	limit    expr
	offset   expr
}

// table is an entity's table under a name of its own in the statement.
type table struct {
	entity *schema.Entity
	alias  string
	cols   [8]column // the first that were asked for, so that each needs no memory of its own
	used   int
}

// col is a column of the table.
func (t *table) col(name string) expr {
	if t.used == len(t.cols) {
		return &column{table: t, name: name}
	}
	c := &t.cols[t.used]
	t.used++
	c.table, c.name = t, name
	return c
}

// key is the column with the record's ID.
func (t *table) key() expr { return t.col(t.entity.PrimaryID) }

// joined is a table joined to those before it.
type joined struct {
	table *table
	outer bool
	on    expr
}

// sorted is a term of ORDER BY.
type sorted struct {
	x    expr
	desc bool
}

// clone copies the statement so that the copy's lists can be replaced and appended to.
func (s *statement) clone() *statement { return s.cloneFor(0, 0) }

// cloneFor is a clone with room for more columns and orders.
func (s *statement) cloneFor(columns, orders int) *statement {
	c := *s
	c.columns = append(make([]expr, 0, len(s.columns)+columns), s.columns...)
	c.joins = append([]joined(nil), s.joins...)
	c.where = append([]expr(nil), s.where...)
	c.orders = append(make([]sorted, 0, len(s.orders)+orders), s.orders...)
	return &c
}

// writer writes a statement's text and gathers its parameters in the order of their marks.
type writer struct {
	strings.Builder
	args []any
}

func (w *writer) statement(s *statement) {
	w.WriteString("SELECT ")
	if s.distinct {
		w.WriteString("DISTINCT ")
	}
	for i, c := range s.columns {
		w.comma(i)
		c.write(w)
		if s.named {
			w.WriteString(" AS c" + strconv.Itoa(i))
		}
	}
	w.WriteString(" FROM ")
	if s.rows != nil {
		w.WriteByte('(')
		w.statement(s.rows)
		w.WriteByte(')')
	} else {
		w.table(s.from)
	}
	w.tail(s)
}

// tail writes what follows FROM.
func (w *writer) tail(s *statement) {
	for _, j := range s.joins {
		if j.outer {
			w.WriteString(" LEFT")
		}
		w.WriteString(" JOIN ")
		w.table(j.table)
		w.WriteString(" ON ")
		j.on.write(w)
	}
	if len(s.where) > 0 {
		w.WriteString(" WHERE ")
		and(s.where...).write(w)
	}
	for i, g := range s.groupBy {
		w.clause(i, " GROUP BY ")
		g.write(w)
	}
	for i, o := range s.orders {
		w.clause(i, " ORDER BY ")
		o.x.write(w)
		if o.desc {
			w.WriteString(" DESC")
		}
	}
	if s.limit != nil {
		w.WriteString(" LIMIT ")
		s.limit.write(w)
	}
	if s.offset != nil {
		w.WriteString(" OFFSET ")
		s.offset.write(w)
	}
}

func (w *writer) comma(i int) { w.clause(i, "") }

// clause writes the keyword before the first of a list and a comma before the others.
func (w *writer) clause(i int, keyword string) {
	if i > 0 {
		keyword = ", "
	}
	w.WriteString(keyword)
}

func (w *writer) table(t *table) {
	w.WriteString(quote(t.entity.LogicalName) + " AS " + t.alias)
}

// operator writes l op r in brackets.
func (w *writer) operator(l expr, op string, r expr) {
	w.WriteByte('(')
	l.write(w)
	w.WriteString(" " + op + " ")
	r.write(w)
	w.WriteByte(')')
}

func (c column) write(w *writer) {
	w.WriteString(c.table.alias)
	if strings.Contains(c.name, `"`) {
		w.WriteString("." + quote(c.name))
		return
	}
	w.WriteString(`."`)
	w.WriteString(c.name)
	w.WriteByte('"')
}

func (p param) write(w *writer) {
	w.WriteByte('?')
	w.args = append(w.args, p.value)
}

func (l literal) write(w *writer) { w.WriteString(string(l)) }

func (c compared) write(w *writer) { w.operator(c.l, c.op, c.r) }

func (c comparedRows) write(w *writer) {
	w.WriteByte('(')
	for i, k := range c.keys {
		w.clause(i, "(")
		k.x.write(w)
	}
	w.WriteString(") " + c.op + " ")
	for i, value := range c.with {
		w.clause(i, "(")
		param{value}.write(w)
	}
	w.WriteString("))")
}

// write halves the terms again and again: SQLite allows a depth of 1,000, and a chain is as deep as it is long.
func (j junction) write(w *writer) {
	if len(j.terms) == 1 {
		j.terms[0].write(w)
		return
	}
	half := len(j.terms) / 2
	w.operator(junction{j.op, j.terms[:half]}, j.op, junction{j.op, j.terms[half:]})
}

func (n negation) write(w *writer) {
	w.WriteString("(NOT ")
	n.term.write(w)
	w.WriteByte(')')
}

func (n isNull) write(w *writer) {
	w.WriteByte('(')
	n.x.write(w)
	if n.negated {
		w.WriteString(" IS NOT NULL)")
	} else {
		w.WriteString(" IS NULL)")
	}
}

func (n isNotTrue) write(w *writer) {
	w.WriteByte('(')
	n.x.write(w)
	w.WriteString(" IS NOT TRUE)")
}

func (n in) write(w *writer) {
	w.WriteByte('(')
	n.x.write(w)
	if n.negated {
		w.WriteString(" NOT")
	}
	w.WriteString(" IN (SELECT value FROM json_each(")
	n.list.write(w)
	w.WriteString(")))")
}

func (n inRows) write(w *writer) {
	w.WriteByte('(')
	n.x.write(w)
	w.WriteString(" IN (")
	w.statement(n.rows)
	w.WriteString("))")
}

func (c call) write(w *writer) {
	w.WriteString(c.name + "(")
	if c.distinct {
		w.WriteString("DISTINCT ")
	}
	for i, a := range c.args {
		w.comma(i)
		a.write(w)
	}
	w.WriteByte(')')
}

func (c cast) write(w *writer) {
	w.WriteString("CAST(")
	c.x.write(w)
	w.WriteString(" AS " + c.to + ")")
}

func (c caseOf) write(w *writer) {
	if len(c.arms) == 0 {
		w.WriteString("NULL")
		return
	}
	w.WriteString("CASE ")
	c.x.write(w)
	for _, a := range c.arms {
		w.WriteString(" WHEN ")
		a.when.write(w)
		w.WriteString(" THEN ")
		a.then.write(w)
	}
	w.WriteString(" END")
}

func (e exists) write(w *writer) {
	if e.negated {
		w.WriteString("NOT ")
	}
	w.WriteString("EXISTS (")
	w.statement(e.rows)
	w.WriteByte(')')
}

func (s scalar) write(w *writer) {
	w.WriteByte('(')
	w.statement(s.rows)
	w.WriteByte(')')
}

func (c collated) write(w *writer) {
	w.WriteByte('(')
	c.x.write(w)
	w.WriteString(" COLLATE " + textCollation + ")")
}

// outerName is a named column of the statement that another is around.
type outerName int

func (n outerName) write(w *writer) { w.WriteString("c" + strconv.Itoa(int(n))) }
