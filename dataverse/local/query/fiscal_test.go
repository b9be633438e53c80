package query

import (
	"fmt"
	"testing"
	"time"
)

// TestFiscalCalendars has the period that a day is in, and its bounds.
func TestFiscalCalendars(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		f              Fiscal
		day, period    string
		from, to, text string
	}{
		{Fiscal{}, "2023-08-27", "2023.3", "2023-07-01", "2023-10-01", "Quarter 3 FY2023"},
		{Fiscal{Month: time.April, Day: 6, Periods: FiscalYears}, "2024-04-05", "2023.1", "2023-04-06", "2024-04-06", "P1 FY2023"},
		{Fiscal{Month: time.April, Day: 6, Periods: FiscalSemesters}, "2024-04-06", "2024.1", "2024-04-06", "2024-10-06", "Semester 1 FY2024"},
		{Fiscal{Month: time.April, Day: 6, Periods: FiscalSemesters}, "2025-01-01", "2024.2", "2024-10-06", "2025-04-06", "Semester 2 FY2024"},
		{Fiscal{Month: time.July, Day: 1, Periods: FiscalQuarters}, "2024-06-30", "2023.4", "2024-04-01", "2024-07-01", "Quarter 4 FY2023"},
		{Fiscal{Month: time.October, Day: 1, Periods: FiscalMonths}, "2024-12-31", "2024.3", "2024-12-01", "2025-01-01", "Month 3 FY2024"},
		{Fiscal{Month: time.January, Day: 31, Periods: FiscalMonths}, "2023-03-01", "2023.2", "2023-02-28", "2023-03-31", "Month 2 FY2023"},
		{Fiscal{Month: time.February, Day: 29, Periods: FiscalYears}, "2023-02-28", "2023.1", "2023-02-28", "2024-02-29", "P1 FY2023"},
		{Fiscal{Month: time.January, Day: 1, Periods: FiscalFourWeeks}, "2024-01-29", "2024.2", "2024-01-29", "2024-02-26", "P2 FY2024"},
		{Fiscal{Month: time.January, Day: 1, Periods: FiscalFourWeeks}, "2024-12-31", "2024.13", "2024-12-02", "2025-01-01", "P13 FY2024"},
	} {
		day, err := time.Parse(time.DateOnly, test.day)
		if err != nil {
			t.Fatal(err)
		}
		year, n := test.f.at(civilOf(day))
		from, to := test.f.period(year, n).utc().Format(time.DateOnly), test.f.period(year, n+1).utc().Format(time.DateOnly)
		if got := fmt.Sprintf("%d.%d", year, n); got != test.period || from != test.from || to != test.to {
			t.Errorf("%+v: %s is in %s from %s to %s, want %s from %s to %s", test.f, test.day, got, from, to, test.period, test.from, test.to)
		}
		if got := test.f.label(int64(year), int64(n)); got != test.text {
			t.Errorf("%+v: %s is shown as %q, want %q", test.f, test.day, got, test.text)
		}
		if got := partOf(test.f.part(fiscalPeriod), day); got != int64(year*100+n) {
			t.Errorf("%+v: the part of %s is %d", test.f, test.day, got)
		}
	}
}

// Periods are counted over the ends of years, in both directions.
func TestFiscalPeriodsOverTheEndOfTheYear(t *testing.T) {
	t.Parallel()
	f := Fiscal{Month: time.July, Day: 1, Periods: FiscalQuarters}
	for n, want := range map[int]string{-4: "2022-04-01", -3: "2022-07-01", 0: "2023-04-01", 1: "2023-07-01", 4: "2024-04-01", 5: "2024-07-01", 9: "2025-07-01"} {
		if got := f.period(2023, n).utc().Format(time.DateOnly); got != want {
			t.Errorf("period %d begins on %s, want %s", n, got, want)
		}
	}
	c := (&builder{opts: Options{Now: time.Date(2024, 5, 5, 0, 0, 0, 0, time.UTC), Fiscal: f}}).calendar()
	for operator, want := range map[string]string{
		"last-fiscal-year": "2022-07-01 2023-07-01", "this-fiscal-year": "2023-07-01 2024-07-01", "next-fiscal-year": "2024-07-01 2025-07-01",
		"last-fiscal-period": "2024-01-01 2024-04-01", "this-fiscal-period": "2024-04-01 2024-07-01", "next-fiscal-period": "2024-07-01 2024-10-01",
	} {
		s, _ := c.span(operator)
		if got := s.from.utc().Format(time.DateOnly) + " " + s.to.utc().Format(time.DateOnly); got != want {
			t.Errorf("%s is %s, want %s", operator, got, want)
		}
	}
	for operator, want := range map[string]string{
		"last-x-fiscal-years": "2021-07-01", "next-x-fiscal-years": "2026-07-01", "last-x-fiscal-periods": "2023-10-01", "next-x-fiscal-periods": "2025-01-01",
	} {
		s, _ := c.spanOf(operator, 2)
		bound := s.from
		if bound.isNow {
			bound = s.to
		}
		if got := bound.utc().Format(time.DateOnly); got != want {
			t.Errorf("%s 2 is bounded by %s, want %s", operator, got, want)
		}
	}
}
