package presence

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// A router asks who has waited longest, in pages, while agents change.
func TestListByTimeInState(t *testing.T) {
	t.Parallel()
	r := startFiltered(t, twoEnvironments())
	s := r.watch("")
	snapshot(t, s)
	give := func(c change) {
		r.receive(c)
		nextEvent(t, s)
	}
	for n, minute := range []int{50, 10, 30, 20, 40} { // agents 1 to 5
		give(change{row: n + 1, agent: n + 1, presence: available, minute: minute, capacity: 1})
	}
	give(change{row: 6, agent: 6, presence: busy, minute: 1, capacity: 1})
	give(change{row: 7, agent: 2, presence: available, minute: 60, capacity: 5}) // time in state goes on
	unknown := change{row: 8, agent: 7, presence: available, capacity: 1}.context()
	image := &unknown.PostEntityImages[1].Entity
	image.Attributes = slices.Delete(image.Attributes, 2, 3) // no start time
	if _, err := r.Receive(t.Context(), AgentStatus, body(t, unknown), nil); err != nil {
		t.Fatal(err)
	}
	nextEvent(t, s)

	q := ListQuery{Filter: Filter{Available: true}, Order: ByTimeInState, PageSize: 2, Count: true}
	var got []string
	first, err := r.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if c := first.Counts; c.Agents != 6 || c.Available != 6 || len(c.Statuses) != 1 || c.Statuses[Available] != 6 {
		t.Errorf("counts %+v, want six available agents", c)
	}
	for list := first; ; {
		for _, state := range list.States {
			got = append(got, strings.TrimLeft(state.AgentID[len(state.AgentID)-12:], "0"))
		}
		if list.Cursor != first.Cursor {
			t.Errorf("a page has a cursor of its own")
		}
		if list.Next == "" {
			break
		}
		if len(got) == 2 { // who was listed changes, and so does who was not
			give(change{row: 9, agent: 4, presence: busy, minute: 70, capacity: 1})
			give(change{row: 10, agent: 3, presence: busy, minute: 71, capacity: 1})
		}
		q.PageToken = list.Next
		if list, err = r.List(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"2", "4", "5", "1", "7"}; !slices.Equal(got, want) {
		t.Errorf("agents %v, want %v: the longest first, those who left left out, who has no start last", got, want)
	}
}

// A token of one list would leave agents of another one out.
func TestPageTokenIsOfItsList(t *testing.T) {
	t.Parallel()
	r := startFiltered(t, twoEnvironments())
	s := r.watch("")
	snapshot(t, s)
	for n := range 3 {
		r.receive(change{row: n, agent: n, presence: busy})
		nextEvent(t, s)
	}
	list, err := r.List(t.Context(), ListQuery{PageSize: 1})
	if err != nil || list.Next == "" {
		t.Fatalf("List = %+v, %v", list, err)
	}
	for _, q := range []ListQuery{{Order: ByTimeInState}, {Filter: Filter{BaseStatuses: []BaseStatus{Busy}}}} {
		q.PageToken = list.Next
		if _, err := r.List(t.Context(), q); !errors.Is(err, ErrPageToken) {
			t.Errorf("List(%+v) with another list's token = %v, want ErrPageToken", q, err)
		}
	}
	if again, err := r.List(t.Context(), ListQuery{PageSize: 10, PageToken: list.Next}); err != nil || len(again.States) != 2 {
		t.Errorf("the page after the first: %+v, %v; want the other two, whatever its size", again, err)
	}
}

// The environment's own presences are labelled by its table, whatever they are called.
func TestPresencesOfTheEnvironmentsOwn(t *testing.T) {
	t.Parallel()
	const lunch = "0a000000-0000-4000-8000-00000000000a"
	own := append(presenceTable(), Record{ID: strings.ToUpper(lunch), Values: map[string]any{
		presenceName: "Mittagspause", presenceText: "Zu Tisch", presenceBase: "192360003",
	}})
	r := startRig(t, t.TempDir(), settings(), &dataverse{lists: map[string][]Record{presenceEntity: own}})
	s := r.watchFor("", Filter{BaseStatuses: []BaseStatus{Away}})
	snapshot(t, s)
	r.receive(change{row: 1, agent: 1, presence: lunch})
	if e := nextEvent(t, s); e.Presence != (Status{ID: lunch, Name: "Mittagspause", Text: "Zu Tisch", Base: Away}) {
		t.Errorf("presence %+v, want it as the table has it", e.Presence)
	}
}
