package presence

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestRankOfARow(t *testing.T) {
	t.Parallel()
	second := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	for name, c := range map[string]struct {
		begin, end, read time.Time
		want             rank
	}{
		"it ended at once":                 {second(0), second(0), second(90), passed},
		"it ended before it began":         {second(5), second(0), second(90), passed},
		"it ended later":                   {second(0), second(1), second(2), stayed},
		"it is in force":                   {second(0), time.Time{}, second(90), stayed},
		"its end may yet be written":       {second(0), time.Time{}, second(2), unranked},
		"nobody knows when it began":       {time.Time{}, second(1), second(90), unranked},
		"it ended within, by a finer time": {second(0).Add(time.Millisecond), second(0).Add(800 * time.Millisecond), second(90), passed},
	} {
		if got := rankOf(c.begin, c.end, c.read); got != c.want {
			t.Errorf("%s: rank %d, want %d", name, got, c.want)
		}
	}
}

func TestRanksDecideWithinASecond(t *testing.T) {
	t.Parallel()
	ranked := func(minute int, presence string, r rank) entry {
		e := at(minute, presence, 10)
		e.Rank = r
		return e
	}
	for name, c := range map[string]struct {
		entries []entry
		want    string
	}{
		"what was over comes after":          {[]entry{ranked(5, busy, unranked), ranked(5, away, passed)}, busy},
		"what was over comes before":         {[]entry{ranked(5, away, passed), ranked(5, busy, unranked)}, busy},
		"what stayed comes before":           {[]entry{ranked(5, busy, stayed), ranked(5, away, unranked)}, busy},
		"what stayed comes after":            {[]entry{ranked(5, away, unranked), ranked(5, busy, stayed)}, busy},
		"a later second is later":            {[]entry{ranked(5, away, stayed), ranked(6, busy, passed)}, busy},
		"among equals the later entry":       {[]entry{ranked(5, away, passed), ranked(5, busy, passed)}, busy},
		"the table of present states decide": {[]entry{ranked(5, away, stayed), {AgentID: agentID(1), Presence: Status{ID: busy}, StartTime: at(5, busy, 0).StartTime, Seeded: true}}, busy},
	} {
		if _, a := fold(c.entries...); a.State.Presence.ID != c.want {
			t.Errorf("%s: state %+v, want %s", name, a.State, c.want)
		}
	}
}

// Agents change several times within a second, which is all that Dataverse's times tell; of the changes some come by webhook,
// late and in another order, and the others from the table. In the end each agent is in the last presence.
func TestLastOfASecondIsTheState(t *testing.T) {
	t.Parallel()
	table := newTables()
	reader := &anyOrganization{tables: table}
	reader.become(uuid.NewString())
	r := startRig(t, t.TempDir(), onlyWhenAsked(), reader)
	rapid.Check(t, func(rt *rapid.T) {
		organizationID := uuid.NewString()
		reader.become(organizationID)
		read(rt, r)
		var chain []change
		minute := 0
		rows := rapid.Permutation([]int{1, 2, 3, 4, 5, 6}).Draw(rt, "IDs") // by which the table gives them out
		for _, row := range rows {
			minute += rapid.SampledFrom([]int{0, 0, 1}).Draw(rt, "minutes later")
			c := change{row: row, agent: 1, presence: rapid.SampledFrom([]string{available, busy, away}).Draw(rt, "presence"), minute: minute}
			if len(chain) > 0 {
				table.end(organizationID, chain[len(chain)-1].row, minute)
			}
			table.add(organizationID, time.Now(), c)
			chain = append(chain, c)
		}
		last := chain[len(chain)-1]
		told := rapid.SliceOfNDistinct(rapid.SampledFrom(chain), 0, len(chain), func(c change) int { return c.row }).Draw(rt, "told by webhook")
		before := len(told)
		if rapid.Bool().Draw(rt, "in order") { // then the rows alone decide
			slices.SortFunc(told, func(a, b change) int { return slices.Index(rows, a.row) - slices.Index(rows, b.row) })
		} else {
			before = rapid.IntRange(0, len(told)).Draw(rt, "before the table is read")
			table.setStatuses(organizationID, asOf(1, last.presence, start.Add(time.Duration(last.minute)*time.Minute), 0))
		}
		for _, c := range told[:before] {
			r.deliverTo(organizationID, c)
		}
		read(rt, r)
		for _, c := range told[before:] {
			r.deliverTo(organizationID, c)
		}
		read(rt, r)
		if err := r.Presence.applied(t.Context()); err != nil {
			rt.Fatal(err)
		}
		if a := r.hub.agent(agentKey(organizationID, agentID(1))); a == nil || a.State.Presence.ID != last.presence {
			rt.Fatalf("state %+v, want %+v", a, last)
		}
	})
}

func read(t *rapid.T, r *rig) {
	if _, err := r.Backfill(r.t.Context(), BackfillRequest{}); err != nil {
		t.Fatal(err)
	}
}

// A state may be right, then be put wrong by a delivery that came late, and be right again.
func TestSameStateIsCorrectedAgain(t *testing.T) {
	t.Parallel()
	table := newTables()
	r := started(t, t.TempDir(), onlyWhenAsked(), table)
	for n := 1; n <= 3; n++ {
		r.receive(change{row: n, agent: 1, presence: busy, minute: 1})
		table.setStatuses(organization, asOf(1, away, start.Add(time.Minute), 0))
		r.backfill(BackfillRequest{})
		if err := r.Presence.applied(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.state(1); got.Presence.ID != away {
			t.Fatalf("state %+v after reading %d, want that of the table", got, n)
		}
	}
}
