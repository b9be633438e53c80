package output

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/botverse/botverse/presence"
)

func TestPathsAreRead(t *testing.T) {
	t.Parallel()
	for path, want := range map[filePath]string{
		"{event}/{date}.csv": "", "{org}/{event}-{date}.csv": "", "all/{date}.csv": "",
		"{event}.csv": "no {date}", "{date}": "does not end in .csv", "{kind}/{date}.csv": "no token {kind}", "../{date}.csv": "no path below dir",
		"/x/{date}.csv": "no path below dir", "a{/{date}.csv": "a brace", `a\{date}.csv`: "a backslash",
	} {
		err := Validate(map[string]Config{"daily": {Kind: CSV, Dir: "d", Path: path}})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "outputs.daily.path: ")) {
			t.Errorf("the path %s is told to be %v, want %q", path, err, want)
		}
	}
	err := Validate(map[string]Config{"a": {Kind: CSV, Dir: "d/"}, "b": {Kind: CSV, Dir: "d", Path: "a-{date}.csv"}, "c": {Kind: CSV, Dir: "d"}})
	if err == nil || !strings.Contains(err.Error(), "outputs.b.path: output a writes the files") || strings.Contains(err.Error(), "outputs.c") {
		t.Errorf("two outputs of the same files: %v", err)
	}
}

func TestTokensNameFiles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		event presence.Event
		want  string
	}{
		{presence.Event{Kind: presence.PresenceChanged, OrganizationName: "contoso", OrganizationID: "id"}, "contoso/presence-changed/2026-01-01.csv"},
		{presence.Event{Kind: presence.WorkAccepted, OrganizationID: "id"}, "id/accepted-work/2026-01-01.csv"},
		{presence.Event{Kind: presence.RowChanged, OrganizationName: "../../etc/{event}"}, "_._.._etc__event_/row-change/2026-01-01.csv"},
		{presence.Event{Kind: presence.RowChanged}, "unknown/row-change/2026-01-01.csv"},
	} {
		path := filePath("{org}/{event}/{date}.csv")
		got := path.of("2026-01-01", &test.event)
		if got != test.want || !path.pattern().MatchString(got) {
			t.Errorf("the file is %s, want %s, one of the path", got, test.want)
		}
	}
}

// As many files as there are kinds and organisations: no row of any is lost or doubled, wherever the process ends.
func TestNoRowOfAnyFileIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	dir, tap := t.TempDir(), aTap(t)
	open := func() *csvFiles {
		c := &csvFiles{dir: dir, name: "x", path: "{org}/{event}/{date}.csv"}
		if err := c.begin(t.Context(), tap); err != nil {
			t.Fatal(err)
		}
		return c
	}
	var all []presence.Tapped
	want := map[string][]string{}
	for n := range 40 {
		one := tapped(n+1, day.AddDate(0, 0, n/20))
		one.Event.Kind = presence.EventKinds()[n%3]
		one.Event.OrganizationName = []string{"contoso", "fabrikam"}[n%2]
		all = append(all, one)
		file := filepath.Join(dir, filePath("{org}/{event}/{date}.csv").of(one.Event.ReceiveTime.Format("2006-01-02"), one.Event))
		want[file] = append(want[file], one.Event.ID)
	}
	for done := 0; done < len(all); done += 4 {
		// What an end in the midst of the next rows leaves: some files are ahead of the state.
		state, err := os.ReadFile(filepath.Join(dir, ".x.state"))
		if err == nil {
			if err := open().put(t.Context(), nil, all[done:min(done+7, len(all))]); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, ".x.state"), state, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := open().put(t.Context(), nil, all[done:done+4]); err != nil {
			t.Fatal(err)
		}
	}
	for file, events := range want {
		if got := ids(t, file); !slices.Equal(got, events) {
			t.Errorf("%s has %v, want %v", file, got, events)
		}
	}
	if err := os.Remove(filepath.Join(dir, ".x.state")); err != nil {
		t.Fatal(err)
	}
	if err := (&csvFiles{dir: dir, name: "x", path: "{org}/{event}/{date}.csv"}).begin(t.Context(), tap); err == nil || !strings.Contains(err.Error(), "move the files") {
		t.Errorf("files without their state: %v, want it to say what to do", err)
	}
}

// A state that knows of one file only goes on with that.
func TestStateOfOneFileIsRead(t *testing.T) {
	t.Parallel()
	dir, tap := t.TempDir(), aTap(t)
	if err := files(t, dir, tap).put(t.Context(), nil, []presence.Tapped{tapped(1, day)}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "x-2026-01-01.csv")
	there, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	old, err := json.Marshal(map[string]any{"day": "2026-01-01", "size": there.Size(), "position": tapped(1, day).Position})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".x.state"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	again := &csvFiles{dir: dir, name: "x", path: defaultPath("x")}
	if err := json.Unmarshal(old, &again.state); err != nil {
		t.Fatal(err)
	}
	if err := again.begin(t.Context(), tap); err != nil {
		t.Fatal(err)
	}
	if err := again.put(t.Context(), nil, []presence.Tapped{tapped(2, day)}); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, file); !slices.Equal(got, []string{"event 1", "event 2"}) {
		t.Errorf("the file has %v", got)
	}
}
