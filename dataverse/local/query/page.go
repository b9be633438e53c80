package query

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// Page is a page of a query's result.
type Page struct {
	Rows [][]any // each with a value for each of the query's Columns, as the database has it
	More bool    // whether rows follow
	// Next leads to the next page: the value of $skiptoken and of the annotation fetchxmlpagingcookie. It is "" on the last
	// page, and where the next page can be asked for by its number only.
	Next string
	// Number of the page, from 1.
	Number int
	// Total is the number of rows on all pages, at most MaxCount; -1 where it was not asked for, and on an empty page
	// behind the last, where CountSQL tells it.
	Total int
	// TotalExceeded says that there are more than Total.
	TotalExceeded bool
}

// Read reads the rows that the query's statement gave and closes them.
func (q *Query) Read(rows *sql.Rows) (*Page, error) {
	defer rows.Close()
	width := len(q.Columns) + len(q.keys) + flag(q.counts) + flag(q.maxInput > 0)
	page := &Page{Number: q.page, Total: -1}
	var all [][]any
	into := make([]any, width)
	for rows.Next() {
		row := make([]any, width)
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if err := q.finish(page, all); err != nil {
		return nil, err
	}
	return page, nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// finish cuts the rows to the page and reads what the last columns tell of it.
func (q *Query) finish(page *Page, all [][]any) error {
	if q.counts && (len(all) > 0 || q.page == 1) {
		page.Total = 0
	}
	if len(all) > 0 {
		rest := all[0][len(q.Columns)+len(q.keys):]
		if q.counts {
			page.Total, page.TotalExceeded = capped(rest[0])
			rest = rest[1:]
		}
		if n, ok := lastOf(rest); ok && n > int64(q.maxInput) {
			return refuse(code.AggregateQueryRecordLimitExceeded, "AggregateQueryRecordLimit exceeded. Cannot perform this operation.")
		}
	}
	page.More = len(all) > q.PageSize && !q.isTop
	all = all[:min(len(all), q.PageSize)]
	if page.More && !q.noCookie && len(q.keys) > 0 && len(all) > 0 {
		keys := func(row []any) []any { return row[len(q.Columns) : len(q.Columns)+len(q.keys)] }
		page.Next = annotation(q.page+1, writeCookie(q.page, q.keys, keys(all[0]), keys(all[len(all)-1])))
	}
	for i, row := range all {
		all[i] = row[:len(q.Columns):len(q.Columns)]
	}
	page.Rows = all
	return expandCollections(q.Columns, all)
}

func capped(value any) (total int, exceeded bool) {
	n, _ := value.(int64)
	return int(min(n, MaxCount)), n > MaxCount
}

func lastOf(rest []any) (int64, bool) {
	if len(rest) == 0 {
		return 0, false
	}
	n, ok := rest[len(rest)-1].(int64)
	return n, ok
}

// expandCollections reads the collections that stand in rows as JSON.
func expandCollections(columns []Column, rows [][]any) error {
	for i, c := range columns {
		if c.Rows == nil {
			continue
		}
		for _, row := range rows {
			text, _ := row[i].(string)
			collection, err := c.readCollection(text)
			if err != nil {
				return fmt.Errorf("read the records of %s: %w", c.Property, err)
			}
			row[i] = collection
		}
	}
	return nil
}

// Collection is the records of a collection that $expand asked for.
type Collection struct {
	Rows [][]any // each with a value for each of the column's Rows
	// Next leads to the page of records that follows, as a $skiptoken; "" where none does, and for collections that do not
	// come in pages.
	Next string
	// Paged says that the collection comes in pages.
	Paged bool
}

func (c Column) readCollection(text string) (Collection, error) {
	collection := Collection{Rows: [][]any{}, Paged: c.keys != nil}
	if text == "" {
		return collection, nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&collection.Rows); err != nil {
		return collection, err
	}
	for _, row := range collection.Rows {
		for i := range row {
			n, ok := row[i].(json.Number)
			switch {
			case ok && i < len(c.Rows):
				row[i] = number(c.Rows[i], n)
			case ok:
				row[i] = c.keys[i-len(c.Rows)].number(n)
			}
		}
	}
	c.cut(&collection)
	return collection, expandCollections(c.Rows, collection.Rows)
}

// cut cuts a collection to its first page.
func (c Column) cut(collection *Collection) {
	rows := collection.Rows
	if collection.Paged && len(rows) > c.pageSize {
		rows = rows[:c.pageSize]
		keys := func(row []any) []any { return row[len(c.Rows):] }
		collection.Next = annotation(2, writeCookie(1, c.keys, keys(rows[0]), keys(rows[len(rows)-1])))
	}
	for i, row := range rows {
		rows[i] = row[:len(c.Rows):len(c.Rows)]
	}
	collection.Rows = rows
}

// number is a JSON number as the database would have given the key.
func (k orderKey) number(n json.Number) any {
	if k.kind != schema.Double {
		if i, err := n.Int64(); err == nil {
			return i
		}
	}
	f, _ := n.Float64()
	return f
}

// number is a JSON number as the database would have given the column.
func number(c Column, n json.Number) any {
	if c.Field == nil || c.Field.Type != schema.Double {
		if i, err := n.Int64(); err == nil {
			return i
		}
	}
	f, _ := n.Float64()
	return f
}

// JSON makes a value of the reply of a value of the column: nil, bool, string or json.Number.
func (c Column) JSON(value any) any {
	switch {
	case value == nil:
		return nil
	case c.Field == nil || c.isCount() || c.DateGrouping != "":
		n, _ := value.(int64)
		return json.Number(fmt.Sprint(n))
	}
	if n, ok := value.(int64); ok && c.longMoney {
		return json.Number(moneyText(n, moneyDigits) + "00000")
	}
	return Decode(c.Field, value)
}

// Text is the formatted value of a value of the column; "" where there is none. A lookup's is in its column of role Name.
func (c Column) Text(value any, format Format) string {
	if n, ok := value.(int64); ok && (c.Field == nil || c.isCount() || c.DateGrouping != "") {
		switch c.DateGrouping {
		case "year":
			return fmt.Sprint(n)
		case fiscalYear:
			return c.calendar().yearLabel(n)
		case fiscalPeriod:
			return c.calendar().label(n/100, n%100)
		}
		return grouped(fmt.Sprint(n))
	}
	if c.Field == nil {
		return ""
	}
	return Formatted(c.Field, value, format)
}

func (c Column) isCount() bool { return c.Aggregate == "count" || c.Aggregate == "countcolumn" }

// calendar is the fiscal calendar of a DateGrouping.
func (c Column) calendar() Fiscal {
	if c.fiscal == nil {
		return Fiscal{}
	}
	return *c.fiscal
}
