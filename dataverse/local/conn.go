package local

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/botverse/botverse/dataverse/local/query"
)

// maxPrepared bounds the statements that one connection keeps prepared.
const maxPrepared = 300

// conn is one connection to the records, with its statements kept prepared. One goroutine uses it at a time.
type conn struct {
	sql      *sql.Conn
	prepared map[string]*statement
}

// statement is a statement kept prepared.
type statement struct {
	*sql.Stmt
	slow bool // it has taken long once
	done bool // it has run before
}

// quickEnough is how long a statement may take that is not worth being interrupted.
const quickEnough = 5 * time.Millisecond

// timed returns the context to run the statement with, and what is to be called when its rows were read. A client that goes away
// interrupts what runs for it, which costs two goroutines for each statement: more than what most statements take. So those that
// have been quick so far are left to run to their end.
func (s *statement) timed(ctx context.Context) (context.Context, func()) {
	if s.done && !s.slow {
		ctx = context.WithoutCancel(ctx)
	}
	start := time.Now()
	return ctx, func() {
		s.done = true
		s.slow = s.slow || time.Since(start) > quickEnough
	}
}

// prepare returns the prepared statement of a text. When too many are kept it begins again: statements that are in use
// are prepared anew by their next call, which is cheaper than to note the use of each.
func (c *conn) prepare(ctx context.Context, text string) (*statement, error) {
	if stmt := c.prepared[text]; stmt != nil {
		return stmt, nil
	}
	if len(c.prepared) >= maxPrepared {
		if err := c.forget(); err != nil {
			return nil, err
		}
	}
	stmt, err := c.sql.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	kept := &statement{Stmt: stmt}
	c.prepared[text] = kept
	return kept, nil
}

func (c *conn) forget() error {
	var faults []error
	for _, stmt := range c.prepared {
		faults = append(faults, stmt.Close())
	}
	clear(c.prepared)
	return errors.Join(faults...)
}

func (c *conn) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	stmt, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// begin begins a transaction. A client that goes away interrupts what runs for it, and that may be the end of its own
// transaction: so one that is still open is ended first.
func (c *conn) begin(ctx context.Context, text string) error {
	_, err := c.exec(ctx, text)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if _, err := c.exec(ctx, "ROLLBACK"); err != nil {
		return err
	}
	_, err = c.exec(ctx, text)
	return err
}

// query calls each with every row, its values as the driver gives them. The slice is each's own; the connection is not.
func (c *conn) query(ctx context.Context, text string, args []any, each func(row []any) error) error {
	stmt, err := c.prepare(ctx, text)
	if err != nil {
		return err
	}
	ctx, ended := stmt.timed(ctx)
	defer ended()
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	cells, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := each(slices.Clone(cells)); err != nil {
			return err
		}
	}
	return rows.Err()
}

// row returns the first row; false where there is none.
func (c *conn) row(ctx context.Context, text string, args ...any) (first []any, found bool, err error) {
	err = c.query(ctx, text, args, func(row []any) error {
		if !found {
			first, found = row, true
		}
		return nil
	})
	return first, found, err
}

func (c *conn) close() error { return errors.Join(c.forget(), c.sql.Close()) }

// page runs a query and reads its rows.
func (c *conn) page(ctx context.Context, q *query.Query) (*query.Page, error) {
	text, args := q.SQL()
	stmt, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	ctx, ended := stmt.timed(ctx)
	defer ended()
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	return q.Read(rows)
}
