package translate

import (
	"fmt"
	"strings"
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/schema"
)

// earliest is the first day that Dataverse stores; latest is the last.
var (
	earliest = time.Date(1753, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)

// The ways to write a time of a day, the offset apart. Go takes a fraction behind the seconds by itself.
var clockLayouts = []string{"2006-01-02T15:04:05", "2006-01-02T15:04"}

// ZoneOf is the time zone of that name; nil for "".
func ZoneOf(name string) (*time.Location, *input.Fault) {
	if name == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, &input.Fault{Reason: input.InvalidRequest, Field: "time_zone", Message: fmt.Sprintf("%q is no IANA time zone; write one as \"Europe/Berlin\"", name)}
	}
	return zone, nil
}

// translateTime takes a date for a field that holds dates only, else a point in time. A field with the user's zone holds
// a moment; one that is independent of zones holds what a clock shows, which no offset may change.
func translateTime(f *schema.Field, v any, o Options) (any, *input.Fault) {
	text, ok := v.(string)
	if !ok {
		return nil, Misfit(f, v, o, "it takes %s", rightTime(f))
	}
	text = strings.TrimSpace(text)
	var t time.Time
	var fault *input.Fault
	switch f.Behavior {
	case schema.DateOnly:
		t, fault = dayOf(f, text, o)
	case schema.TimeZoneIndependent:
		t, fault = clockOf(f, text, o)
	default:
		t, fault = momentOf(f, text, o)
	}
	switch {
	case fault != nil:
		return nil, fault
	case t.Before(earliest) || t.After(latest):
		return nil, Misfit(f, v, o, "it takes dates from 1753-01-01 to 9999-12-30")
	case f.Behavior == schema.DateOnly:
		return t.Format(time.DateOnly), nil
	}
	return t.UTC().Format(time.RFC3339Nano), nil
}

func rightTime(f *schema.Field) string {
	if f.Behavior == schema.DateOnly {
		return "a date without a time, as 2026-05-17"
	}
	return "a point in time, as 2026-05-17T15:30:00Z or 2026-05-17T15:30:00+02:00"
}

func dayOf(f *schema.Field, text string, o Options) (time.Time, *input.Fault) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, Misfit(f, text, o, "it takes %s", rightTime(f))
	}
	return t, nil
}

// clockOf reads what a clock shows. Dataverse writes it with a Z, which therefore is taken, and says nothing.
func clockOf(f *schema.Field, text string, o Options) (time.Time, *input.Fault) {
	if t, ok := parseClock(strings.TrimRight(text, "Zz"), time.UTC); ok {
		return t, nil
	}
	return time.Time{}, Misfit(f, text, o, "it takes the time that a clock shows, without an offset, as 2026-05-17T15:30:00")
}

func momentOf(f *schema.Field, text string, o Options) (time.Time, *input.Fault) {
	for _, layout := range clockLayouts {
		if t, err := time.Parse(layout+"Z07:00", withT(text)); err == nil {
			return t, nil
		}
	}
	if _, ok := parseClock(text, time.UTC); !ok {
		return time.Time{}, Misfit(f, text, o, "it takes %s", rightTime(f))
	}
	if o.Zone == nil {
		return time.Time{}, Misfit(f, text, o, "it has no offset, so that the moment is not known; write %s, or give the request's time_zone", rightTime(f))
	}
	t, ok := parseClock(text, o.Zone)
	if !ok {
		return t, Misfit(f, text, o, "there is no such time in %s: the clocks were put forward over it", o.Zone)
	}
	return t, nil
}

// parseClock reads a date with or without a time, as a clock in the zone shows it; false for what is none, and for a
// time that the clocks there leave out.
func parseClock(text string, zone *time.Location) (time.Time, bool) {
	text = withT(text)
	for _, layout := range append([]string{time.DateOnly}, clockLayouts...) {
		shown, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		t, _ := time.ParseInLocation(layout, text, zone)
		return t, t.Format(time.DateTime) == shown.Format(time.DateTime)
	}
	return time.Time{}, false
}

// withT writes a T between date and time, where people write a blank.
func withT(text string) string {
	text = strings.ToUpper(text)
	if len(text) > len(time.DateOnly) && text[len(time.DateOnly)] == ' ' {
		return text[:len(time.DateOnly)] + "T" + text[len(time.DateOnly)+1:]
	}
	return text
}
