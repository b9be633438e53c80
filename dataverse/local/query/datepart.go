package query

import (
	"database/sql/driver"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"

	"github.com/botverse/botverse/dataverse/schema"
)

// datePart makes the function that groups by parts of a date: dataverse_datepart(part, microseconds, zone). Zones are
// read once each: there are a few hundred in the world.
func datePart() func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
	var zones sync.Map
	locate := func(name string) *time.Location {
		if zone, ok := zones.Load(name); ok {
			return zone.(*time.Location)
		}
		zone, err := time.LoadLocation(name)
		if err != nil {
			zone = fixedZone(name)
		}
		zones.Store(name, zone)
		return zone
	}
	return func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		part, _ := args[0].(string)
		micros, ok := args[1].(int64)
		zone, _ := args[2].(string)
		if !ok {
			return nil, nil
		}
		return partOf(part, time.UnixMicro(micros).In(locate(zone))), nil
	}
}

// partOf is a part of a date as aggregates group by it. Weeks are the American ones: week 1 has the first of January and
// weeks begin on Sunday (FetchXML, "Aggregate data").
func partOf(part string, t time.Time) int64 {
	switch part {
	case "day":
		return int64(t.Day())
	case "week":
		first := time.Date(t.Year(), time.January, 1, 0, 0, 0, 0, time.UTC).Weekday()
		return int64((t.YearDay()-1+int(first))/7 + 1)
	case "month":
		return int64(t.Month())
	case "quarter":
		return (int64(t.Month()) + 2) / 3
	case "year":
		return int64(t.Year())
	default:
		return fiscalPart(part, t)
	}
}

// zoneOf is the zone that a field's dates are read in: the caller's, or for a field without a zone its own.
func (b *builder) zoneOf(v value) string {
	if v.field.Behavior != schema.UserLocal {
		return "UTC"
	}
	return zoneName(b.opts.Location, b.opts.Now)
}

// zoneName is a location's name where the time zone database has it, else its offset at a time: "+5h30m0s".
func zoneName(location *time.Location, at time.Time) string {
	if location == nil {
		return "UTC"
	}
	_, offset := at.In(location).Zone()
	if known, err := time.LoadLocation(location.String()); err == nil && location.String() != "Local" {
		if _, same := at.In(known).Zone(); same == offset {
			return known.String()
		}
	}
	return "+" + (time.Duration(offset) * time.Second).String()
}

func fixedZone(name string) *time.Location {
	offset, err := time.ParseDuration(strings.TrimPrefix(name, "+"))
	if err != nil {
		return time.UTC
	}
	return time.FixedZone(name, int(offset/time.Second))
}
