//go:build cluster

package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/botverse/botverse/journal/journaltest"
)

// TestSoakOnCluster is the long form of the soak test: several machines on three NATS servers. SOAK_DURATION says how long
// things are ended and started again, and SOAK_SEED repeats a run.
func TestSoakOnCluster(t *testing.T) {
	plan := soakPlan{duration: time.Minute, serves: 3, subscribers: 8, seed: rand.Uint64()}
	if text := os.Getenv("SOAK_DURATION"); text != "" {
		duration, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		plan.duration = duration
	}
	if text := os.Getenv("SOAK_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		plan.seed = seed
	}
	plan.servers = journaltest.Start(t, 3)
	newSoak(t, plan).run()
}
