package presence

import (
	"cmp"
	"slices"
	"time"
)

// BackfillCount is what this process has read of one source of one environment since it started.
type BackfillCount struct {
	Environment string
	Source      string // empty stands for the environment as a whole
	Rows        int64  // how many records were read
	Merged      int64  // of them, how many no webhook had told
	Doubles     int64  // how many were there already
	Failures    int64  // how many readings ended early

	// Mark is when the last record was created that was read; all before it are stored. Zero where none was read yet.
	Mark time.Time
}

// BackfillCounts returns what was read so far, by environment and source.
func (p *Presence) BackfillCounts() []BackfillCount {
	p.readings.mu.Lock()
	defer p.readings.mu.Unlock()
	counts := make([]BackfillCount, 0, len(p.readings.counts))
	for _, c := range p.readings.counts {
		counts = append(counts, c)
	}
	slices.SortFunc(counts, func(a, b BackfillCount) int {
		return cmp.Or(cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Source, b.Source))
	})
	return counts
}

// count adds a result.
func (r *readings) count(result Backfilled) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := [2]string{result.Environment, result.Source}
	c := r.counts[key]
	c.Environment, c.Source = result.Environment, result.Source
	c.Rows += int64(result.Rows)
	c.Merged += int64(result.Merged)
	c.Doubles += int64(result.Doubles)
	if result.Err != nil {
		c.Failures++
	}
	if result.Until.After(c.Mark) {
		c.Mark = result.Until
	}
	r.counts[key] = c
}
