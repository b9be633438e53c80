package query

import (
	"strconv"
	"strings"
	"time"
)

// periods is how many fiscal periods a year has: quarters, the default of an organization, as is the year that begins in
// January.
const periods = 4

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
	calendar := b.calendar()
	switch op {
	case "in-fiscal-year":
		year := civil{year(numbers[0]), time.January, 1, 0, 0}
		return calendar.within(v, span{at(year), at(year.addYears(1))}), nil
	case "in-fiscal-period":
		part := call{name: "dataverse_datepart", args: []expr{param{"quarter"}, v.x, param{b.zoneOf(v)}}}
		return compared{"=", part, param{int64(numbers[0])}}, nil
	}
	period := numbers[0]
	if period < 1 || period > periods {
		return sqlFalse, nil
	}
	start := civil{year(numbers[1]), time.January, 1, 0, 0}.addMonths((period - 1) * 12 / periods)
	s := span{at(start), at(start.addMonths(12 / periods))}
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
