package local

import (
	"context"
	"maps"
	"strconv"
	"time"

	"github.com/botverse/botverse/dataverse/schema"
)

// mutation is one transaction that writes: a request, or a change set of a batch. All of it is done or nothing.
type mutation struct {
	s       *Server
	conn    *conn
	by      caller
	trusted bool // the records come with the program: fields may be set that no client can set
	closing bool // a case may be closed: its own action does it
	// references has the records made by earlier parts of a change set, by their Content-ID: "$1" → "accounts(…)".
	references map[string]string
	touched    map[string]bool // the entities written to
	removing   map[string]bool // the records whose delete has begun, by ID: relationships may run in circles
	events     []event         // what registered steps are to be told after the commit
}

// record is a row: its values as they are stored, by column.
type record map[string]any

// mutate runs f in a transaction, then lets everybody know: the settings that it changed are in force, and the webhooks on
// their way, before the next writer begins.
func (s *Server) mutate(ctx context.Context, by caller, f func(*mutation) error) error {
	var (
		m      = &mutation{s: s, by: by, references: map[string]string{}, touched: map[string]bool{}, removing: map[string]bool{}}
		next   *settings
		before counters
	)
	return s.store.write(ctx, func(c *conn) (err error) {
		before, m.conn = s.counters, c
		defer func() {
			if err != nil {
				s.counters = before
			}
		}()
		if err := f(m); err != nil {
			return err
		}
		if m.changesSettings() {
			next, err = loadSettings(context.WithoutCancel(ctx), c)
		}
		return err
	}, func() {
		if next != nil {
			s.settings.Store(next)
		}
		s.hooks.enqueue(m.events)
	})
}

// changesSettings reports whether something was written that steers the server itself.
func (m *mutation) changesSettings() bool {
	for _, name := range settingsEntities {
		if m.touched[name] {
			return true
		}
	}
	return false
}

// load reads a record with all its columns; nil where there is none of that ID.
func (s *Server) load(ctx context.Context, c *conn, t *table, id string) (record, error) {
	row, found, err := c.row(ctx, t.selectRow, id)
	if err != nil || !found {
		return nil, err
	}
	r := make(record, len(t.columns))
	for i, column := range t.columns {
		if row[i] != nil {
			r[column.Name] = row[i]
		}
	}
	return r, nil
}

func (m *mutation) load(ctx context.Context, t *table, id string) (record, error) {
	return m.s.load(ctx, m.conn, t, id)
}

func (s *Server) exists(ctx context.Context, c *conn, t *table, id string) (bool, error) {
	_, found, err := c.row(ctx, "SELECT 1 FROM "+quote(t.LogicalName)+" WHERE "+quote(t.PrimaryID)+" = ?", id)
	return found, err
}

// set lets a lookup point at a record; entity is the kind of record it points at.
func (r record) set(f *schema.Field, entity, id string) {
	r[f.LogicalName] = id
	if column := targetColumn(f); column != "" {
		r[column] = entity
	}
}

// clear empties a lookup.
func (r record) clear(f *schema.Field) {
	r[f.LogicalName] = nil
	if column := targetColumn(f); column != "" {
		r[column] = nil
	}
}

// text, number and truth read a value that may be absent.
func (r record) text(name string) string  { s, _ := r[name].(string); return s }
func (r record) number(name string) int64 { n, _ := r[name].(int64); return n }
func (r record) truth(name string) bool   { return r.number(name) != 0 }

// with is r with a change in it; r stays as it is, and may be nil.
func (r record) with(change record) record {
	both := make(record, len(r)+len(change))
	maps.Copy(both, r)
	maps.Copy(both, change)
	return both
}

// counters are the numbers that only grow: row versions, case numbers, time. The writing transaction owns them.
type counters struct {
	version, versionLimit int64 // versions up to the limit are reserved in the file
	ticket, ticketLimit   int64
	clock                 int64 // the last time given out, in microseconds
}

// reserved is how many numbers are taken from the file at once, so that few writes have to store them. A restart skips
// what is left, as Dataverse's numbers have gaps too.
const reserved = 1000

func (m *mutation) nextVersion(ctx context.Context) (int64, error) {
	c := &m.s.counters
	return m.next(ctx, "version", &c.version, &c.versionLimit)
}

func (m *mutation) nextTicket(ctx context.Context) (int64, error) {
	c := &m.s.counters
	return m.next(ctx, "ticket", &c.ticket, &c.ticketLimit)
}

func (m *mutation) next(ctx context.Context, name string, last, limit *int64) (int64, error) {
	if *last >= *limit {
		*limit += reserved
		if err := m.conn.setMeta(ctx, name, strconv.FormatInt(*limit, 10)); err != nil {
			return 0, err
		}
	}
	*last++
	return *last, nil
}

// now is the time in microseconds, later than any that was given out before: what is created later is later.
func (m *mutation) now() int64 {
	c := &m.s.counters
	c.clock = max(time.Now().UnixMicro(), c.clock+1)
	return c.clock
}
