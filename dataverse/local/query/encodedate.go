package query

import (
	"time"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

func (enc encoder) dateTime() (any, error) {
	text, ok := enc.value.(string)
	if !ok {
		return nil, enc.conversion("Edm.DateTimeOffset")
	}
	if enc.field.Behavior == schema.DateOnly {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return nil, enc.conversion("Edm.Date")
		}
		return enc.inCalendar(day)
	}
	t, ok := parseTime(text)
	if !ok {
		return nil, enc.conversion("Edm.DateTimeOffset")
	}
	if enc.field.Behavior == schema.TimeZoneIndependent {
		t = asClock(t) // the offset sent means nothing
	}
	return enc.inCalendar(t)
}

func (enc encoder) inCalendar(t time.Time) (any, error) {
	if !inCalendar(t) {
		return nil, refuse(code.InvalidDateTime, "The date-time format for '%s' is invalid, or value is outside the supported range.", enc.literal())
	}
	return t.UnixMicro(), nil
}

// inCalendar reports whether SQL Server's calendar has a time: from 1753 to 9999.
func inCalendar(t time.Time) bool { return t.Year() >= 1753 && t.Year() <= 9999 }

// asClock is the time that shows the same clock in UTC.
func asClock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// parseTime reads a date with or without a time, a time with or without an offset; without one it is UTC.
func parseTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
		"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
