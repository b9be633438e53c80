package output

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/presence"
)

// tapped is the nth event, received at a time.
func tapped(n int, received time.Time) presence.Tapped {
	return presence.Tapped{
		Event:    &presence.Event{ID: fmt.Sprint("event ", n), Kind: presence.PresenceChanged, AgentName: "O'Rourke, Aoife", ReceiveTime: received},
		Position: presence.Position{Incarnation: "i", Place: uint64(n)},
	}
}

// files opens the files in a directory as a process does that starts.
func files(t *testing.T, dir string, tap *presence.Tap) *csvFiles {
	t.Helper()
	c := &csvFiles{dir: dir, name: "x", path: defaultPath("x")}
	if err := c.begin(t.Context(), tap); err != nil {
		t.Fatal(err)
	}
	return c
}

func aTap(t *testing.T) *presence.Tap {
	t.Helper()
	tap, err := startRig(t, t.TempDir(), nil).OpenTap(t.Context(), "x", true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tap.Close)
	return tap
}

// ids are the events in a file, in their order. The file must be strict CSV.
func ids(t *testing.T, file string) []string {
	t.Helper()
	all, err := idsIn(file)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// idsSoFar are the events of a directory's files, by day. A file that is just being written has none yet.
func idsSoFar(dir string) (all []string) {
	days, _ := filepath.Glob(filepath.Join(dir, "daily-*.csv")) // sorted
	for _, day := range days {
		some, _ := idsIn(day)
		all = append(all, some...)
	}
	return all
}

func idsIn(file string) (all []string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = len(Header())
	records, err := r.ReadAll()
	if err != nil || len(records) == 0 || !slices.Equal(records[0], Header()) || !bytes.HasSuffix(text, []byte("\r\n")) {
		return nil, fmt.Errorf("%s is no strict CSV with a header: %w\n%s", file, err, text)
	}
	for _, record := range records[1:] {
		all = append(all, record[0])
	}
	return all, nil
}

func TestMidnightBeginsAFileAndAnEndedDayIsNeverWrittenAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := files(t, dir, aTap(t))
	midnight := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	elsewhere := time.FixedZone("", -8*3600)
	batch := []presence.Tapped{
		tapped(1, midnight.Add(-time.Nanosecond).In(elsewhere)), tapped(2, midnight.In(elsewhere)),
		tapped(3, midnight.Add(-time.Millisecond)), // two were received at once
	}
	if err := c.put(t.Context(), nil, batch); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, filepath.Join(dir, "x-2026-01-01.csv")); !slices.Equal(got, []string{"event 1"}) {
		t.Errorf("the first day has %v", got)
	}
	if got := ids(t, filepath.Join(dir, "x-2026-01-02.csv")); !slices.Equal(got, []string{"event 2", "event 3"}) {
		t.Errorf("the second day has %v", got)
	}
}

// A process that ends at any byte leaves a file that goes on without a row lost or doubled.
func TestNoRowIsLostOrDoubledWhereverTheProcessEnds(t *testing.T) {
	t.Parallel()
	tap := aTap(t)
	first, second := []presence.Tapped{tapped(1, day), tapped(2, day)}, []presence.Tapped{tapped(3, day), tapped(4, day.AddDate(0, 0, 1))}
	want := func(t *testing.T, dir string) {
		t.Helper()
		got := append(ids(t, filepath.Join(dir, "x-2026-01-01.csv")), ids(t, filepath.Join(dir, "x-2026-01-02.csv"))...)
		if !slices.Equal(got, []string{"event 1", "event 2", "event 3", "event 4"}) {
			t.Fatalf("the files have %v", got)
		}
	}
	rows := AppendRow(nil, Row(second[0].Event))
	for _, unfinished := range []int{0, 1, 10, len(rows) - 1, len(rows), 3 * len(rows)} {
		dir := t.TempDir()
		if err := files(t, dir, tap).put(t.Context(), nil, first); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(filepath.Join(dir, "x-2026-01-01.csv"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(bytes.Repeat(rows, 3)[:unfinished]); err != nil {
			t.Fatal(err)
		}
		f.Close()
		// The next day's file may have been begun too.
		if err := os.WriteFile(filepath.Join(dir, "x-2026-01-02.csv"), bytes.Repeat(rows, 3)[:unfinished], 0o600); err != nil {
			t.Fatal(err)
		}
		again := files(t, dir, tap)
		if err := again.put(t.Context(), nil, second); err != nil {
			t.Fatal(err)
		}
		want(t, dir)
		if err := again.put(t.Context(), nil, second); err != nil { // tried again though it was done
			t.Fatal(err)
		}
		want(t, dir)
	}
}

func TestFilesWithoutTheirStateAreLeftAlone(t *testing.T) {
	t.Parallel()
	dir, tap := t.TempDir(), aTap(t)
	if err := files(t, dir, tap).put(t.Context(), nil, []presence.Tapped{tapped(1, day)}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, ".x.state")); err != nil {
		t.Fatal(err)
	}
	err := (&csvFiles{dir: dir, name: "x", path: defaultPath("x")}).begin(t.Context(), tap)
	if err == nil || !strings.Contains(err.Error(), "move the files") {
		t.Errorf("begin = %v, want it to say what to do", err)
	}
	if err := (&csvFiles{dir: dir, name: "y", path: defaultPath("y")}).begin(t.Context(), tap); err != nil {
		t.Errorf("another output in the directory: %v", err)
	}
}

func TestCellsRoundTripAndFormulasAreGuarded(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"plain": "plain", "a,b": "a,b", `say "hi"`: `say "hi"`, "two\nlines": "two\nlines", " padded ": " padded ", "": "", "ö": "ö",
		"=1+1": "'=1+1", "+49 30": "'+49 30", "-5": "'-5", "@cmd": "'@cmd", "\tx": "'\tx", "\rx": "'\rx", "a=b": "a=b",
	} {
		line := AppendRow(nil, []string{Guard(cell), "end"})
		if !bytes.HasSuffix(line, []byte(",end\r\n")) {
			t.Errorf("%q is written %q", cell, line)
		}
		if strings.Contains(cell, "\n") && !bytes.Contains(line, []byte(cell)) {
			t.Errorf("the line break of %q was changed: %q", cell, line)
		}
		r := csv.NewReader(bytes.NewReader(line))
		got, err := r.Read()
		if err != nil || len(got) != 2 || got[0] != want {
			t.Errorf("%q is read as %q, %v; want %q", cell, got, err, want)
		}
	}
}

func TestRowHasEachFact(t *testing.T) {
	t.Parallel()
	capacity, signedIn, delay := int32(-3), true, -1500*time.Millisecond
	e := &presence.Event{
		ID: "id", Kind: presence.PresenceChanged, AgentID: "agent", AgentName: "=Name", Presence: presence.Status{ID: "p", Name: "Busy", Text: "t", Base: presence.Busy},
		Previous: &presence.Status{ID: "q", Name: "Away", Base: presence.Away}, StartTime: day, Capacity: &capacity, SignedIn: &signedIn, Late: true,
		ReceiveTime: day.Add(delay), Delay: &delay, OrganizationID: "org", OrganizationName: "unq", BusinessUnitID: "bu", RecordID: "rec",
		Activity: &presence.Activity{Source: "s", Entity: "incident", Message: "Update", OtherAgentID: "o", OtherAgentName: "Dana", Values: map[string]any{"a": 1.0}},
	}
	want := "id,PRESENCE_CHANGED,2026-01-01T10:00:00.000Z,2026-01-01T09:59:58.500Z,-1500,true,org,unq,bu,agent,'=Name,p,Busy,t,BUSY,q,Away,AWAY,-3,true," +
		`s,incident,rec,Update,o,Dana,"{""a"":1}"` + "\r\n"
	if got := string(AppendRow(nil, Row(e))); got != want {
		t.Errorf("row\n%swant\n%s", got, want)
	}
	if got := Row(&presence.Event{ReceiveTime: day}); len(got) != len(Header()) || got[2] != "" || got[4] != "" || got[18] != "" {
		t.Errorf("the row of an event that tells nothing is %q", got)
	}
}

// What comes in goes into the file, and after a restart on from there.
func TestFilesGoOnAfterARestart(t *testing.T) {
	t.Parallel()
	data, dir := t.TempDir(), t.TempDir()
	outputs := map[string]Config{"daily": {Kind: CSV, Dir: dir}}
	var want []string
	for start := range 3 {
		r := startRig(t, data, outputs)
		for n := range 20 {
			want = append(want, r.change(start*100+n))
		}
		if start < 2 {
			r.stop() // perhaps before all rows are written
			continue
		}
		var got []string
		await.Until(t, "all rows", func() bool {
			got = idsSoFar(dir)
			return len(got) >= len(want)
		})
		if !slices.Equal(got, want) {
			t.Errorf("the files have %d rows, want %d, each once and in order", len(got), len(want))
		}
	}
}

// What expired before an output took it is told and counted, and the output goes on with what is left.
func TestWhatExpiredIsTold(t *testing.T) {
	t.Parallel()
	data, dir := t.TempDir(), t.TempDir()
	config := map[string]Config{"daily": {Kind: CSV, Dir: dir}}
	startRig(t, data, config).stop() // its place stands
	r := startRig(t, data, nil)
	s, err := r.Watch(t.Context(), "", presence.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for n := range 5 {
		want = append(want, r.change(n))
	}
	for told := 0; told < len(want); {
		m, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Event != nil {
			told++
		}
	}
	s.Close()
	r.stop()
	c := journal.Default()
	c.Dir, c.Logger = data, slog.New(slog.DiscardHandler)
	j, err := journal.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	events, err := j.JetStream().Stream(t.Context(), "PRESENCE_EVENTS")
	if err == nil {
		err = events.Purge(t.Context(), jetstream.WithPurgeSequence(4)) // keeps the fourth
	}
	if err = errors.Join(err, j.Close()); err != nil {
		t.Fatal(err)
	}

	r = startRig(t, data, nil)
	var log bytes.Buffer
	o, err := Open(t.Context(), config, Deps{Presence: r.Presence, Encode: encode, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	var got []string
	await.Until(t, "what is left", func() bool {
		got = idsSoFar(dir)
		return len(got) == 2
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !slices.Equal(got, want[3:]) || r.LostEvents()["daily"] != 3 {
		t.Errorf("the file has %v, and %d events are counted lost; want %v and 3", got, r.LostEvents()["daily"], want[3:])
	}
	if !strings.Contains(log.String(), `level=ERROR msg="events expired before the output took them" output=daily events=3`) {
		t.Errorf("the log does not tell it: %s", log.String())
	}
}
