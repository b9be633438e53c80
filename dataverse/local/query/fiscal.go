package query

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Fiscal is how an organization counts its fiscal years: when they begin, and what they are cut into. A year has the number of the
// calendar year in which it begins. The zero Fiscal begins in January and has quarters.
type Fiscal struct {
	Month   time.Month // of organization.fiscalcalendarstart; 0 is January
	Day     int        // 0 is the first
	Periods int        // FiscalQuarters and the like; any other number is FiscalQuarters
	Display FiscalDisplay
}

// What a fiscal year is cut into: organization.fiscalperiodtype.
const (
	FiscalYears     = 2000 // one period
	FiscalSemesters = 2001
	FiscalQuarters  = 2002
	FiscalMonths    = 2003
	FiscalFourWeeks = 2004 // thirteen periods; the last has the days that are left over
)

// count is how many periods a year has.
func (f Fiscal) count() int {
	switch f.Periods {
	case FiscalYears:
		return 1
	case FiscalSemesters:
		return 2
	case FiscalMonths:
		return 12
	case FiscalFourWeeks:
		return 13
	}
	return 4
}

// start is the first day of a year. One that begins on a day 29 to 31 begins on the last day of a shorter month.
func (f Fiscal) start(year int) civil {
	const leap = 2000
	return civil{leap, max(f.Month, time.January), max(f.Day, 1), 0, 0}.normal().addYears(year - leap)
}

// period is the first day of a period, from 1; numbers that the year has not are periods of the years around it.
func (f Fiscal) period(year, n int) civil {
	count := f.count()
	year, n = year+(n-1)/count, (n-1)%count
	if n < 0 {
		year, n = year-1, n+count
	}
	if f.Periods == FiscalFourWeeks {
		return f.start(year).addDays(28 * n)
	}
	return f.start(year).addMonths(12 / count * n)
}

// at is the year, and the period of it, that a day is in.
func (f Fiscal) at(day civil) (year, n int) {
	year, n = day.year, f.count()
	if day.before(f.start(year)) {
		year--
	}
	for n > 1 && day.before(f.period(year, n)) {
		n--
	}
	return year, n
}

// The parts of a date that depend on the fiscal calendar.
const (
	fiscalYear   = "fiscal-year"
	fiscalPeriod = "fiscal-period" // year * 100 + number
	fiscalNumber = "fiscal-number" // of the period in its year
)

// part is the name of a date's part as the database gets it: those that depend on the fiscal calendar come with it.
func (f Fiscal) part(name string) string {
	if !strings.HasPrefix(name, "fiscal-") {
		return name
	}
	return fmt.Sprintf("%s %d %d %d", name, f.Periods, f.Month, f.Day)
}

// fiscalPart is such a part of a date.
func fiscalPart(part string, t time.Time) int64 {
	var (
		name string
		f    Fiscal
	)
	_, _ = fmt.Sscan(part, &name, &f.Periods, &f.Month, &f.Day) // a part without a calendar has the usual one
	year, n := f.at(civilOf(t).midnight())
	switch name {
	case fiscalPeriod:
		return int64(year)*100 + int64(n)
	case fiscalNumber:
		return int64(n)
	}
	return int64(year)
}

// inFiscal tests a date by fiscal periods and years that the operands name, the period first. A number that no period
// has matches nothing (FetchXML, "Condition operators").
func (b *builder) inFiscal(v value, op string, texts []string) (expr, error) {
	numbers := make([]int, len(texts))
	for i, text := range texts {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return nil, unfit(v, text, "System.Int32")
		}
		numbers[i] = n
	}
	calendar, fiscal := b.calendar(), b.opts.Fiscal
	switch op {
	case "in-fiscal-year":
		first := year(numbers[0])
		return calendar.within(v, span{at(fiscal.start(first)), at(fiscal.start(first + 1))}), nil
	case "in-fiscal-period":
		part := call{name: "dataverse_datepart", args: []expr{param{fiscal.part(fiscalNumber)}, v.x, param{b.zoneOf(v)}}}
		return compared{"=", part, param{int64(numbers[0])}}, nil
	}
	n, of := numbers[0], year(numbers[1])
	if n < 1 || n > fiscal.count() {
		return sqlFalse, nil
	}
	s := span{at(fiscal.period(of, n)), at(fiscal.period(of, n+1))}
	switch op {
	case "in-or-before-fiscal-period-and-year":
		s.from = nil
	case "in-or-after-fiscal-period-and-year":
		s.to = nil
	}
	return calendar.within(v, s), nil
}

// year keeps a year within the calendar.
func year(n int) int { return min(max(n, 1), 9998) }
