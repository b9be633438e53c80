//go:build race

package actions

// underRace says that the race detector is on.
const underRace = true
