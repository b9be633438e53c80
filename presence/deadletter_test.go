package presence

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/webhook"
)

// setAside delivers a change whose record nobody can read, and returns the dead letter's ID.
func (r *rig) setAside(row int) uint64 {
	r.t.Helper()
	c := change{row: row, agent: 1, presence: available}.context()
	c.PostEntityImages, c.InputParameters = nil, nil
	if receipt := r.deliver(AgentStatus, c); receipt.DeadLettered == "" {
		r.t.Fatalf("receipt %+v, want a dead letter", receipt)
	}
	letters, err := r.DeadLetters(r.t.Context(), 1)
	if err != nil || len(letters) != 1 {
		r.t.Fatalf("dead letters %v, %v", letters, err)
	}
	return letters[0].ID
}

func TestReplayedDeadLetterBecomesItsEvent(t *testing.T) {
	t.Parallel()
	reader := &dataverse{records: map[string]Record{}}
	r := startRig(t, t.TempDir(), settings(), reader)
	s := r.watch("")
	snapshot(t, s)
	id := r.setAside(1)
	if again, err := r.Replay(t.Context(), id); err != nil || again.DeadLettered == "" {
		t.Errorf("replayed too early: %+v, %v; want it still dead, with the reason", again, err)
	}
	if letters, err := r.DeadLetters(t.Context(), 10); err != nil || len(letters) != 1 || letters[0].ID != id {
		t.Errorf("then the dead letters are %v, %v; want the one", letters, err)
	}
	reader.records["msdyn_agentstatushistory "+rowID(1)] = Record{ID: rowID(1), Values: map[string]any{
		"msdyn_agentid": agentID(1), "msdyn_presenceid": busy, "msdyn_starttime": "2026-01-01T10:00:00Z",
	}}
	receipt, err := r.Replay(t.Context(), id)
	if err != nil || receipt.EventID == "" {
		t.Fatalf("Replay = %+v, %v; want an event", receipt, err)
	}
	if e := nextEvent(t, s); e.ID != receipt.EventID || e.Presence.ID != busy {
		t.Errorf("event %+v", e)
	}
	if _, err := r.Replay(t.Context(), id); !errors.Is(err, ErrNoDeadLetter) {
		t.Errorf("replayed again: %v, want ErrNoDeadLetter", err)
	}
}

func TestDeadLettersComeInPages(t *testing.T) {
	t.Parallel()
	r := openRig(t, t.TempDir(), settings(), nil)
	for row := range 5 {
		r.setAside(row + 1)
	}
	first, err := r.DeadLettersBefore(t.Context(), 0, 3)
	if err != nil || len(first) != 3 || first[0].ID < first[2].ID {
		t.Fatalf("the first page is %v, %v; want three, the newest first", first, err)
	}
	second, err := r.DeadLettersBefore(t.Context(), first[2].ID, 3)
	if err != nil || len(second) != 2 || second[0].ID >= first[2].ID {
		t.Errorf("the second page is %v, %v; want the two older ones", second, err)
	}
	if none, err := r.DeadLettersBefore(t.Context(), 1, 3); err != nil || len(none) != 0 {
		t.Errorf("behind the last: %v, %v", none, err)
	}
}

func TestOutputTakesItsDeadLettersAgain(t *testing.T) {
	t.Parallel()
	r := openRig(t, t.TempDir(), settings(), nil)
	tap, err := r.OpenTap(t.Context(), "topic", false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tap.Close)
	if err := tap.SetAside(t.Context(), "HTTP 422", &Event{ID: "e", AgentName: "Aoife"}); err != nil {
		t.Fatal(err)
	}
	letters, err := r.DeadLetters(t.Context(), 1)
	if err != nil || len(letters) != 1 || letters[0].Source != "output:topic" || !json.Valid(letters[0].Body) {
		t.Fatalf("dead letters %v, %v", letters, err)
	}
	id := letters[0].ID
	if receipt, err := r.Replay(t.Context(), id); err != nil || !strings.Contains(receipt.DeadLettered, "no longer configured") {
		t.Errorf("without the output: %+v, %v", receipt, err)
	}
	fail := errors.New("still down")
	var got []*Event
	r.HandleReplay("topic", func(_ context.Context, e *Event) error { got = append(got, e); return fail })
	if receipt, err := r.Replay(t.Context(), id); err != nil || receipt.DeadLettered != "still down" {
		t.Errorf("while it is down: %+v, %v", receipt, err)
	}
	fail = nil
	if receipt, err := r.Replay(t.Context(), id); err != nil || receipt != (Receipt{EventID: "e"}) || len(got) != 2 || got[1].AgentName != "Aoife" {
		t.Errorf("then: %+v, %v, sent %v", receipt, err, got)
	}
	if letters, err := r.DeadLetters(t.Context(), 1); err != nil || len(letters) != 0 {
		t.Errorf("then the dead letters are %v, %v; want none", letters, err)
	}
}

// A source that is no longer configured keeps its dead letters.
func TestDeadLetterOfAGoneSourceStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := allSources()
	r := startRig(t, dir, config, nil)
	broken := told("Update", "incident", "i", nil, nil)
	broken.PostEntityImages = []webhook.Image{}
	if receipt := r.deliver("closed-cases", broken); receipt.DeadLettered == "" {
		t.Fatalf("receipt %+v, want a dead letter", receipt)
	}
	r.stop()
	r = startRig(t, dir, settings(), nil)
	letters, err := r.DeadLetters(t.Context(), 1)
	if err != nil || len(letters) != 1 {
		t.Fatalf("dead letters %v, %v", letters, err)
	}
	if receipt, err := r.Replay(t.Context(), letters[0].ID); err != nil || !strings.Contains(receipt.DeadLettered, "closed-cases is no longer configured") {
		t.Errorf("Replay = %+v, %v", receipt, err)
	}
	if letters, err := r.DeadLetters(t.Context(), 1); err != nil || len(letters) != 1 {
		t.Errorf("dead letters %v, %v; want it still there", letters, err)
	}
}
