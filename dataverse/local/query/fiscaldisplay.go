package query

import (
	"fmt"
	"strconv"
	"strings"
)

// FiscalDisplay is how an organization shows fiscal years and periods, by the numbers of its choices ("Organization table
// reference", FiscalYearFormatPrefix and the like). What is 0 or nil is as Dataverse shows it at first: "FY2026", "Quarter 1 FY2026".
type FiscalDisplay struct {
	YearPrefix  int     // 1 "FY", 2 none
	YearSuffix  int     // 1 "FY", 2 " Fiscal Year", 3 none
	Year        int     // 1 of four digits, 2 of two, 3 of two with the era before them
	Period      int     // 1 "Quarter 1", 2 "Q1", 3 "P1", 4 "Month 1", 5 "M1", 6 "Semester 1", 7 the name of the month that it begins in
	Connector   *string // between a period and its year; nil is a space
	EndsTheName bool    // a year is called by the calendar year that it ends in, not that it begins in
}

// yearLabel is a year as people read it.
func (f Fiscal) yearLabel(year int64) string {
	d := f.Display
	if d.EndsTheName {
		year = int64(f.start(int(year) + 1).addDays(-1).year)
	}
	text := strconv.FormatInt(year, 10)
	switch d.Year {
	case 2:
		text = fmt.Sprintf("%02d", year%100)
	case 3:
		text = fmt.Sprintf("A.D.%02d", year%100)
	}
	if d.YearPrefix != 2 {
		text = "FY" + text
	}
	switch d.YearSuffix {
	case 1:
		text += "FY"
	case 2:
		text += " Fiscal Year"
	}
	return text
}

// label is a period as people read it.
func (f Fiscal) label(year, n int64) string {
	connector := " "
	if f.Display.Connector != nil {
		connector = *f.Display.Connector
	}
	return f.periodLabel(year, n) + connector + f.yearLabel(year)
}

func (f Fiscal) periodLabel(year, n int64) string {
	const monthName = 7
	format := map[int]string{1: "Quarter %", 2: "Q%", 3: "P%", 4: "Month %", 5: "M%", 6: "Semester %"}[f.Display.Period]
	switch {
	case f.Display.Period == monthName:
		return f.period(int(year), int(n)).month.String()
	case format == "":
		format = f.usualFormat()
	}
	return strings.Replace(format, "%", strconv.FormatInt(n, 10), 1)
}

// usualFormat is how periods are shown where the organization does not say it.
func (f Fiscal) usualFormat() string {
	switch f.count() {
	case 2:
		return "Semester %"
	case 4:
		return "Quarter %"
	case 12:
		return "Month %"
	}
	return "P%"
}
