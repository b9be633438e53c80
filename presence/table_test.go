package presence

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// tables are a Dataverse as a Reader sees it: the history of agents' presence and their present states, by organisation.
type tables struct {
	mu       sync.Mutex
	rows     map[string][]tableRow
	statuses map[string][]Record
	queries  []CreatedQuery
	fail     func(CreatedQuery) error // asked before each page; nil fails never
	asked    chan CreatedQuery        // gets each query, when not nil
}

// tableRow is a row of the history.
type tableRow struct {
	change
	created time.Time
	end     any // as the Web API tells it; nil while it is in force
}

func newTables() *tables {
	return &tables{rows: map[string][]tableRow{}, statuses: map[string][]Record{}}
}

const otherOrganization = "07000000-0000-4000-8000-000000000008"

// add writes a change into the history.
func (d *tables) add(organizationID string, created time.Time, c change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rows[organizationID] = append(d.rows[organizationID], tableRow{change: c, created: created.UTC().Truncate(time.Second)})
}

// end gives a row its end, so many minutes after start.
func (d *tables) end(organizationID string, row, minute int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n, r := range d.rows[organizationID] {
		if r.row == row {
			d.rows[organizationID][n].end = start.Add(time.Duration(minute) * time.Minute).Format(time.RFC3339)
		}
	}
}

func (d *tables) setStatuses(organizationID string, statuses ...Record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.statuses[organizationID] = statuses
}

func (d *tables) failWith(fail func(CreatedQuery) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

func (r tableRow) key() string { return r.created.Format(time.RFC3339) + " " + rowID(r.row) }

func (r tableRow) record(organizationID string) Record {
	return Record{
		ID: strings.ToUpper(rowID(r.row)), OrganizationID: organizationID,
		Values: map[string]any{
			"msdyn_agentid": agentID(r.agent), "msdyn_presenceid": r.presence, "msdyn_starttime": start.Add(time.Duration(r.minute) * time.Minute).Format(time.RFC3339),
			"msdyn_availablecapacity": json.Number(fmt.Sprint(r.capacity)), "msdyn_isagentloggedin": true, createdField: r.created.Format(time.RFC3339),
			endField: r.end,
		},
		Formatted: map[string]string{"msdyn_agentid": fmt.Sprintf("Agent %d", r.agent), "msdyn_presenceid": "Présence"},
	}
}

// ListCreated implements Reader, as the Web API does: by creation and ID, each page from behind the last record of the one before.
func (d *tables) ListCreated(_ context.Context, q CreatedQuery) (CreatedPage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queries = append(d.queries, q)
	if d.asked != nil {
		d.asked <- q
	}
	if d.fail != nil {
		if err := d.fail(q); err != nil {
			return CreatedPage{}, err
		}
	}
	if q.Entity != "msdyn_agentstatushistory" {
		return CreatedPage{}, ErrNoHistory
	}
	all := slices.Clone(d.rows[q.OrganizationID])
	slices.SortFunc(all, func(a, b tableRow) int { return cmp.Compare(a.key(), b.key()) })
	all = slices.DeleteFunc(all, func(r tableRow) bool { return r.created.Before(q.Since) || r.key() <= q.Next })
	page := CreatedPage{}
	for _, r := range all[:min(len(all), q.Size)] {
		page.Records = append(page.Records, r.record(q.OrganizationID))
	}
	if len(all) > q.Size {
		page.Next = all[q.Size-1].key()
	}
	return page, nil
}

func (d *tables) ListRecords(_ context.Context, organizationID, entity string, _ []string) ([]Record, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch entity {
	case presenceEntity:
		return presenceTable(), nil
	case statusEntity:
		return d.statuses[organizationID], nil
	}
	return nil, ErrNoHistory
}

func (d *tables) GetRecord(context.Context, string, string, string, []string) (Record, error) {
	return Record{}, ErrNoHistory
}

func (d *tables) Environments() []string { return []string{"one", "two"} }

func (d *tables) Organization(_ context.Context, environment string) (Organization, error) {
	switch environment {
	case "one":
		return Organization{ID: organization, Name: "unq07"}, nil
	case "two":
		return Organization{ID: strings.ToUpper(otherOrganization), Name: "unq08"}, nil
	}
	return Organization{}, fmt.Errorf("unknown environment %q", environment)
}

// asOf is the status row of an agent, in a presence since a time.
func asOf(agent int, presence string, since time.Time, capacity int) Record {
	r := statusRow(agent, presence, since.UTC().Format(time.RFC3339))
	r.Values[statusCapacity] = json.Number(fmt.Sprint(capacity))
	return r
}

// onlyWhenAsked are settings by which nothing is read but at the start and on demand.
func onlyWhenAsked() Config {
	c := settings()
	c.Backfill.Interval, c.Backfill.PageSize = 0, 3
	return c
}

// backfill reads what is missing and wants it to succeed; it returns what was read of an environment's presence.
func (r *rig) backfill(request BackfillRequest) Backfilled {
	r.t.Helper()
	request.Environment = cmp.Or(request.Environment, "one")
	results, err := r.Backfill(context.Background(), request)
	if err != nil || len(results) != 1 || results[0].Err != nil {
		r.t.Fatalf("Backfill = %+v, %v", results, err)
	}
	return results[0]
}

// deliverTo delivers a change of an organisation.
func (r *rig) deliverTo(organizationID string, c change) Receipt {
	r.t.Helper()
	delivery := c.context()
	delivery.OrganizationID = organizationID
	receipt, err := r.Receive(context.Background(), AgentStatus, body(r.t, delivery), nil)
	if err != nil || receipt.DeadLettered != "" {
		r.t.Fatalf("Receive(%+v) = %+v, %v", c, receipt, err)
	}
	return receipt
}

// started runs presence until it has read what there was at the start.
func started(t testing.TB, dir string, config Config, reader Reader) *rig {
	t.Helper()
	r := startRig(t, dir, config, reader)
	r.backfill(BackfillRequest{}) // the reader does one after the other
	return r
}

// logged are the entries of the log, in its order.
func (r *rig) logged() []entry {
	r.t.Helper()
	info, err := r.store.log.Info(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	var entries []entry
	for sequence := max(info.State.FirstSeq, 1); sequence <= info.State.LastSeq; sequence++ {
		msg, err := r.store.log.GetMsg(context.Background(), sequence)
		if err != nil {
			r.t.Fatal(err)
		}
		e, err := parseEntry(msg.Header.Get(entryHeader))
		if err != nil {
			r.t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

// loggedRows are the rows that the log has of an organisation, in its order.
func (r *rig) loggedRows(organizationID string) []string {
	r.t.Helper()
	var ids []string
	for _, e := range r.logged() {
		if e.OrganizationID == organizationID && e.RecordID != "" {
			ids = append(ids, e.RecordID)
		}
	}
	return ids
}
