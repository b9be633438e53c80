package schema

import (
	"cmp"
	"slices"
	"strings"
)

// longestName is beyond any name in Dataverse. What is longer is no slip, and costly to compare.
const longestName = 128

// Nearest returns the names that a misspelt one may have meant, the likeliest first and at most three; nil where none is
// near. Case does not matter.
func Nearest(name string, among []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	if len(name) > longestName {
		return nil
	}
	name = strings.ToLower(name)
	limit := min(max(1, len(name)/3), 5)
	var near []candidate
	for _, n := range among {
		if d := distance(name, strings.ToLower(n), limit); d <= limit {
			near = append(near, candidate{n, d})
		}
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
	})
	near = slices.CompactFunc(near, func(a, b candidate) bool { return a.name == b.name })
	var names []string
	for _, c := range near[:min(3, len(near))] {
		names = append(names, c.name)
	}
	return names
}

// distance counts the letters to insert, delete, replace or swap with their neighbour to get from a to b; it gives up with
// limit+1 where more are needed.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		best := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			best = min(best, row[j])
		}
		if best > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
