package query

// SQL returns the query as one SQL statement and its parameters. Two queries of the same shape have the same text.
func (q *Query) SQL() (string, []any) {
	s := q.statement.cloneFor(len(q.keys)+2, len(q.keys))
	for _, k := range q.keys {
		s.columns = append(s.columns, k.x)
		s.orders = append(s.orders, sorted{k.x, k.desc})
	}
	if q.counts {
		s.columns = append(s.columns, scalar{counting(q.statement, MaxCount+1)})
	}
	if q.maxInput > 0 {
		s.columns = append(s.columns, scalar{counting(q.input(), q.maxInput+1)})
	}
	s.limit = param{int64(q.limit())}
	if q.skip > 0 {
		s.offset = param{int64(q.skip)}
	}
	var w writer
	w.Grow(64 * (len(s.columns) + 8))
	if q.after == nil {
		w.statement(s)
	} else {
		w.ranges(s, afterKeys(q.statement.from, q.keys, q.after))
	}
	return w.String(), w.args
}

// ranges writes a statement over ranges of rows that follow each other: the second is not read where the first has rows enough.
func (w *writer) ranges(s *statement, ranges []expr) {
	if len(ranges) == 1 {
		s.where = append(s.where, ranges[0])
		w.statement(s)
		return
	}
	for i, condition := range ranges {
		if i > 0 {
			w.WriteString(" UNION ALL ")
		}
		part := s.clone()
		part.where = append(part.where, condition)
		w.WriteString("SELECT * FROM (")
		w.statement(part)
		w.WriteByte(')')
	}
	w.WriteString(" LIMIT ")
	s.limit.write(w)
}

// limit is one row more than the page, which tells whether another follows.
func (q *Query) limit() int {
	switch {
	case q.isTop && q.counts:
		return max(q.PageSize, 1) // the total stands in a row
	case q.isTop:
		return q.PageSize
	}
	return q.PageSize + 1
}

// CountSQL returns a statement whose one value is the number of rows of the query, of all pages, and at most one more
// than MaxCount.
func (q *Query) CountSQL() (string, []any) {
	var w writer
	w.statement(counting(q.statement, MaxCount+1))
	return w.String(), w.args
}

// input is what an aggregate reads.
func (q *Query) input() *statement {
	s := q.statement.clone()
	s.groupBy = nil
	return s
}

// counting counts a statement's rows, up to a limit.
func counting(s *statement, limit int) *statement {
	rows := s.clone()
	if !rows.distinct && len(rows.groupBy) == 0 {
		rows.columns = []expr{sqlTrue}
	}
	rows.orders, rows.named = nil, false
	rows.limit = param{int64(limit)}
	return &statement{columns: []expr{literal("COUNT(*)")}, rows: rows}
}
