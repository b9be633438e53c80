package local

import (
	"testing"
	"time"
)

// TestSpanOfADay holds that a day is a day of the calendar, also before 1970.
func TestSpanOfADay(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"2026-03-01T00:00:00Z", "2026-03-01T23:59:59Z", "1969-12-31T23:59:59Z", "1901-05-05T12:00:00Z"} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		_, args, _ := span("x", when.UnixMicro(), 24*time.Hour)
		day := when.Truncate(24 * time.Hour)
		if args[0] != day.UnixMicro() || args[1] != day.Add(24*time.Hour).UnixMicro() {
			t.Errorf("the day of %s is %v, want from %d", at, args, day.UnixMicro())
		}
	}
}

func TestDoubleQuoted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{'a':'b'}`:               `{"a":"b"}`,
		`{"a":"it's","b":'x'}`:    `{"a":"it's","b":"x"}`,
		`{'a':'O''Neill "x"'}`:    `{"a":"O'Neill \"x\""}`,
		`{'a':'O\'Neill'}`:        `{"a":"O'Neill"}`,
		`{"a":"quote \" inside"}`: `{"a":"quote \" inside"}`,
		`{'open`:                  `{"open"`,
		`{"open`:                  `{"open`,
		`{"open\`:                 `{"open\`,
	} {
		if got := doubleQuoted(text); got != want {
			t.Errorf("doubleQuoted(%s) = %s, want %s", text, got, want)
		}
	}
}

func TestFullName(t *testing.T) {
	t.Parallel()
	for convention, want := range map[int]string{
		0: "King, Ada", 1: "Ada King", 2: "King, Ada B.", 3: "Ada B. King", 4: "King, Ada Byron", 5: "Ada Byron King", 6: "King Ada", 7: "KingAda",
	} {
		if got := fullName(convention, "Ada", "Byron", "King"); got != want {
			t.Errorf("convention %d = %q, want %q", convention, got, want)
		}
	}
	if got := fullName(1, "", "", "King"); got != "King" {
		t.Errorf("only a last name = %q", got)
	}
}
