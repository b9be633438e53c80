package actions

// Share is how many of n cases a heavy test runs: all of them, and a tenth under the race detector. That makes each ten times as
// slow, and what it looks for, the first cases do as well as the last.
func Share(n int) int {
	if underRace {
		return max(1, n/10)
	}
	return n
}
