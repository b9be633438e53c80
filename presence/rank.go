package presence

import "time"

// rank tells presences of one agent apart that began in the same second: Dataverse's times have whole seconds. A delivery is
// sent when a presence begins, and cannot say how long it lasts; a row that is read later can.
type rank int8

const (
	passed   rank = -1 // it ended in the second in which it began: another came after it
	unranked rank = 0
	stayed   rank = 1 // it was in force when the second was over: it is the last of them
)

// rankOf is the rank of a presence that began and ended then, as it was read at a time. A zero end is none: what is open is
// taken to stay once its second has been over for as long as a change may take to be written.
func rankOf(begin, end, read time.Time) rank {
	over := begin.Truncate(time.Second).Add(time.Second)
	switch {
	case begin.IsZero():
		return unranked
	case !end.IsZero() && end.Before(over):
		return passed
	case !end.IsZero() || !read.Before(over.Add(settleTime)):
		return stayed
	}
	return unranked
}

// isLate says whether an entry is of before the state that is known. On equal times the later entry wins, but for one that is
// known not to be the last of its second. What the table of present states says is never less certain than what is known.
func (e entry) isLate(a *agent) bool {
	if order := e.order(); !order.Equal(a.Order) {
		return order.Before(a.Order)
	}
	return e.Rank < a.Rank && !e.Seeded
}
