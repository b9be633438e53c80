package presence

import (
	"fmt"
	"testing"

	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/journal/journaltest"
)

// BenchmarkBacklog measures how fast events are made of what waits in the log, of 1,000 agents in turn, until all are told: with
// NATS inside, which syncs each write, and on three servers of this process, which do not. Beside it: raw publishes to the
// journal inside, one after the other.
func BenchmarkBacklog(b *testing.B) {
	b.Run("inside", func(b *testing.B) {
		benchmarkBacklog(b, journal.Config{Dir: b.TempDir(), Sync: true, MaxBytes: 8 << 30})
	})
	b.Run("three servers", func(b *testing.B) {
		benchmarkBacklog(b, journal.Config{NATS: journaltest.Start(b, 3).NATS()})
	})
	b.Run("raw", func(b *testing.B) {
		r := openRigOn(b, openJournalThat(b, b.TempDir(), true), "", settings(), nil)
		b.ResetTimer()
		for _, e := range backlog(b.N) {
			msg, err := messageOf(b.Context(), e, nil)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := r.journal.JetStream().PublishMsg(b.Context(), msg); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	})
}

func benchmarkBacklog(b *testing.B, config journal.Config) {
	config.Logger = settings().Logger
	j, err := journal.Open(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	r := openRigOn(b, j, "", settings(), nil)
	if _, err := r.store.appendAll(b.Context(), backlog(b.N)); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	r.run()
	r.applied(uint64(b.N))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	if last, _, err := r.store.lastEvent(b.Context()); err != nil || last != uint64(b.N) {
		b.Errorf("%d events (%v), want %d", last, err, b.N)
	}
}

// backlog is changes of 1,000 agents in turn.
func backlog(count int) []entry {
	entries := make([]entry, count)
	for n := range entries {
		e := at(n/1000, busy, int32(n))
		e.Version, e.Kind, e.ID, e.RecordID = entryVersion, AgentPresence, eventID(organization, AgentPresence, fmt.Sprint(n)), rowID(n)
		e.AgentID, e.OrganizationID = agentID(n%1000), organization
		entries[n] = e
	}
	return entries
}
