package query

import (
	"time"

	"github.com/botverse/botverse/dataverse/schema"
)

// civil is a time on a clock and a calendar, of no zone.
type civil struct {
	year      int
	month     time.Month
	day       int
	hour, min int
}

func civilOf(t time.Time) civil {
	return civil{t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute()}
}

// in is the instant when clocks of a zone show the time.
func (c civil) in(zone *time.Location) time.Time {
	return time.Date(c.year, c.month, c.day, c.hour, c.min, 0, 0, zone)
}

func (c civil) utc() time.Time { return c.in(time.UTC) }

// normal brings a day 32 or an hour 25 into the calendar.
func (c civil) normal() civil { return civilOf(c.utc()) }

func (c civil) midnight() civil { return civil{c.year, c.month, c.day, 0, 0} }

func (c civil) addHours(n int) civil {
	c.hour += n
	return c.normal()
}

func (c civil) addMinutes(n int) civil {
	c.min += n
	return c.normal()
}

func (c civil) addDays(n int) civil {
	c.day += n
	return c.normal()
}

func (c civil) before(other civil) bool { return c.utc().Before(other.utc()) }

// addMonths stays at the end of a shorter month, as SQL Server's DATEADD: one month before the 31st of March is the last
// of February.
func (c civil) addMonths(n int) civil {
	first := civil{c.year, c.month + time.Month(n), 1, c.hour, c.min}.normal()
	last := first.utc().AddDate(0, 1, -1).Day()
	first.day = min(c.day, last)
	return first
}

func (c civil) addYears(n int) civil { return c.addMonths(12 * n) }

// moment is a bound of a span: a time on the clock, or the present.
type moment struct {
	civil
	isNow bool
}

// span is the times from one moment to before another; nil is without bound.
type span struct{ from, to *moment }

// at is a bound on the clock, within the years that columns can hold.
func at(c civil) *moment {
	c.year = min(max(c.year, 1), 9999)
	return &moment{civil: c}
}

// calendar is the caller's clock at the time of the query.
type calendar struct {
	now                  time.Time // in the caller's zone
	today                civil     // last midnight
	week, month, year    civil     // Sunday midnight on or before today; the first of this month; of this year
	fiscal               Fiscal
	fiscalYear           int // the present one
	fiscalPeriod         int // the present one
	thisHour, thisMinute civil
}

func (b *builder) calendar() calendar {
	zone := b.opts.Location
	if zone == nil {
		zone = time.UTC
	}
	now := b.opts.Now.In(zone)
	today := civilOf(now).midnight()
	c := calendar{
		now:        now,
		today:      today,
		week:       today.addDays(-int(today.utc().Weekday())),
		month:      civil{today.year, today.month, 1, 0, 0},
		year:       civil{today.year, time.January, 1, 0, 0},
		fiscal:     b.opts.Fiscal,
		thisHour:   civil{today.year, today.month, today.day, now.Hour(), 0},
		thisMinute: civil{today.year, today.month, today.day, now.Hour(), now.Minute()},
	}
	c.fiscalYear, c.fiscalPeriod = c.fiscal.at(today)
	return c
}

func (c calendar) startOfYear(from int) civil { return c.fiscal.start(c.fiscalYear + from) }

func (c calendar) startOfPeriod(from int) civil {
	return c.fiscal.period(c.fiscalYear, c.fiscalPeriod+from)
}

// span is the span of a relative date operator without an operand (FetchXML, "Condition operators").
func (c calendar) span(operator string) (span, bool) {
	now := &moment{isNow: true}
	days := func(from, to int) span { return span{at(c.today.addDays(from)), at(c.today.addDays(to))} }
	weeks := func(from, to int) span { return span{at(c.week.addDays(7 * from)), at(c.week.addDays(7 * to))} }
	months := func(from, to int) span { return span{at(c.month.addMonths(from)), at(c.month.addMonths(to))} }
	years := func(from, to int) span { return span{at(c.year.addYears(from)), at(c.year.addYears(to))} }
	fiscalYears := func(from, to int) span { return span{at(c.startOfYear(from)), at(c.startOfYear(to))} }
	periods := func(from, to int) span { return span{at(c.startOfPeriod(from)), at(c.startOfPeriod(to))} }
	switch operator {
	case "yesterday":
		return days(-1, 0), true
	case "today":
		return days(0, 1), true
	case "tomorrow":
		return days(1, 2), true
	case "last-seven-days":
		return span{at(c.today.addDays(-7)), now}, true
	case "next-seven-days":
		return span{now, at(c.today.addDays(8))}, true
	case "last-week":
		return weeks(-1, 0), true
	case "this-week":
		return weeks(0, 1), true
	case "next-week":
		return weeks(1, 2), true
	case "last-month":
		return months(-1, 0), true
	case "this-month":
		return months(0, 1), true
	case "next-month":
		return months(1, 2), true
	case "last-year":
		return years(-1, 0), true
	case "this-year":
		return years(0, 1), true
	case "next-year":
		return years(1, 2), true
	case "last-fiscal-year":
		return fiscalYears(-1, 0), true
	case "this-fiscal-year":
		return fiscalYears(0, 1), true
	case "next-fiscal-year":
		return fiscalYears(1, 2), true
	case "last-fiscal-period":
		return periods(-1, 0), true
	case "this-fiscal-period":
		return periods(0, 1), true
	case "next-fiscal-period":
		return periods(1, 2), true
	}
	return span{}, false
}

// spanOf is the span of a relative date operator that counts x of something.
func (c calendar) spanOf(operator string, x int) (span, bool) {
	now := &moment{isNow: true}
	since := func(from civil) (span, bool) { return span{at(from), now}, true }
	until := func(to civil) (span, bool) { return span{now, at(to)}, true }
	before := func(to civil) (span, bool) { return span{nil, at(to)}, true }
	tomorrow := c.today.addDays(1)
	switch operator {
	case "last-x-hours":
		return since(c.thisHour.addHours(-x))
	case "next-x-hours":
		return until(c.thisHour.addHours(x + 1))
	case "last-x-days":
		return since(c.today.addDays(-x))
	case "next-x-days":
		return until(c.today.addDays(x + 1))
	case "last-x-weeks":
		return since(c.today.addDays(-7 * x))
	case "next-x-weeks":
		return until(c.today.addDays(7*x + 1))
	case "last-x-months":
		return since(c.today.addMonths(-x))
	case "next-x-months":
		return until(tomorrow.addMonths(x))
	case "last-x-years":
		return since(c.today.addYears(-x))
	case "next-x-years":
		return until(tomorrow.addYears(x))
	case "last-x-fiscal-years":
		return since(c.startOfYear(-x))
	case "next-x-fiscal-years":
		return until(c.startOfYear(x + 1))
	case "last-x-fiscal-periods":
		return since(c.startOfPeriod(-x))
	case "next-x-fiscal-periods":
		return until(c.startOfPeriod(x + 1))
	case "olderthan-x-minutes":
		return before(c.thisMinute.addMinutes(-x))
	case "olderthan-x-hours":
		return before(c.thisHour.addHours(-x))
	case "olderthan-x-days":
		return before(c.today.addDays(-x))
	case "olderthan-x-weeks":
		return before(c.today.addDays(-7 * x))
	case "olderthan-x-months":
		return before(c.today.addMonths(-x))
	case "olderthan-x-years":
		return before(c.today.addYears(-x))
	}
	return span{}, false
}

// within asks whether a field's time is in a span. Each bound is brought to UTC on its own, for a day of a change of clocks
// is longer or shorter; fields without a zone are compared with the caller's clock.
func (c calendar) within(v value, s span) expr {
	var terms []expr
	if s.from != nil {
		terms = append(terms, compared{">=", v.x, param{c.bound(v, *s.from, false)}})
	}
	if s.to != nil {
		terms = append(terms, compared{"<", v.x, param{c.bound(v, *s.to, true)}})
	}
	return and(terms...)
}

// bound is a bound as the field's column has it. To a field of days the present is today, which is included.
func (c calendar) bound(v value, m moment, isEnd bool) int64 {
	switch {
	case m.isNow && v.field.Behavior == schema.DateOnly && isEnd:
		return c.today.addDays(1).utc().UnixMicro()
	case m.isNow && v.field.Behavior == schema.DateOnly:
		return c.today.utc().UnixMicro()
	case m.isNow && v.field.Behavior == schema.TimeZoneIndependent:
		return asClock(c.now).UnixMicro()
	case m.isNow:
		return c.now.UnixMicro()
	case v.field.Behavior == schema.UserLocal:
		return m.in(c.now.Location()).UnixMicro()
	default:
		return m.utc().UnixMicro()
	}
}
