package presence

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// TestEachRowIsThereOnceHoweverItCame lets rows be created, delivered, delivered again, read from the table, partly and wholly, and
// the process end and begin, in whatever order: in the end the log has each row once, and each agent's state is that of
// its newest row.
func TestEachRowIsThereOnceHoweverItCame(t *testing.T) {
	t.Parallel()
	dir, table := t.TempDir(), newTables()
	var r *rig
	reader := &anyOrganization{tables: table}
	begin := func() { r = startRig(t, dir, onlyWhenAsked(), reader) }
	reader.become(uuid.NewString())
	begin()
	defer func() { r.stop() }()
	rapid.Check(t, func(rt *rapid.T) {
		organizationID := uuid.NewString() // of a run's own, for all runs share a journal
		reader.become(organizationID)
		if _, err := r.Backfill(t.Context(), BackfillRequest{}); err != nil { // its mark is set
			rt.Fatal(err)
		}
		var created []change
		for step := range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"create", "create", "create", "deliver", "deliver", "fail", "read", "read", "read", "end"}).Draw(rt, "what") {
			case "create":
				c := change{row: step, agent: step % 2, presence: rapid.SampledFrom([]string{available, busy, away}).Draw(rt, "presence"), minute: rapid.IntRange(0, 50).Draw(rt, "minute")*30 + step}
				table.add(organizationID, time.Now(), c)
				created = append(created, c)
			case "deliver":
				if len(created) > 0 {
					r.deliverTo(organizationID, rapid.SampledFrom(created).Draw(rt, "row"))
				}
			case "fail": // behind the first page, and for no longer than this reading
				table.failWith(func(q CreatedQuery) error {
					if q.Next != "" {
						return ErrNoHistory
					}
					return nil
				})
				if _, err := r.Backfill(t.Context(), BackfillRequest{}); err != nil {
					rt.Fatal(err)
				}
				table.failWith(nil)
			case "read":
				if _, err := r.Backfill(t.Context(), BackfillRequest{}); err != nil {
					rt.Fatal(err)
				}
			case "end":
				if rapid.IntRange(0, 3).Draw(rt, "whether") == 3 { // it takes a while
					r.stop() // wherever it is
					begin()
				}
			}
		}
		if _, err := r.Backfill(t.Context(), BackfillRequest{}); err != nil {
			rt.Fatal(err)
		}
		checkRows(rt, r, organizationID, created)
	})
}

// checkRows wants each row once, and the state of each agent to be that of its newest row.
func checkRows(t *rapid.T, r *rig, organizationID string, created []change) {
	var want []string
	newest := map[int]change{}
	for _, c := range created {
		want = append(want, rowID(c.row))
		if there, ok := newest[c.agent]; !ok || c.minute > there.minute {
			newest[c.agent] = c
		}
	}
	got := r.loggedRows(organizationID)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("the log has %v, want each of %v once", got, want)
	}
	if err := r.Presence.applied(r.t.Context()); err != nil {
		t.Fatal(err)
	}
	for agent, c := range newest {
		a := r.hub.agent(agentKey(organizationID, agentID(agent)))
		if a == nil || a.State.Presence.ID != c.presence || !a.Order.Equal(start.Add(time.Duration(c.minute)*time.Minute)) {
			t.Fatalf("agent %d is %+v, want change %+v", agent, a, c)
		}
	}
}

// anyOrganization is tables whose one environment is the organisation of the moment.
type anyOrganization struct {
	*tables
	id atomic.Value
}

func (d *anyOrganization) become(organizationID string) { d.id.Store(organizationID) }

func (d *anyOrganization) Environments() []string { return []string{"one"} }

func (d *anyOrganization) Organization(context.Context, string) (Organization, error) {
	return Organization{ID: d.id.Load().(string)}, nil
}
