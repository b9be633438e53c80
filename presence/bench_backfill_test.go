package presence

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/journal"
)

// BenchmarkMerge measures how fast rows that were read go into the log, synced to the disk, beside publishing the same bytes one
// after the other, and rows that are there.
func BenchmarkMerge(b *testing.B) {
	config := journal.Default()
	config.Dir, config.Logger = b.TempDir(), settings().Logger
	j, err := journal.Open(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	store, err := openStore(b.Context(), j, limits{age: settings().Retention})
	if err != nil {
		b.Fatal(err)
	}
	pages := 0
	page := func() []entry {
		pages++
		entries := make([]entry, 0, 1000)
		for i := range cap(entries) {
			e := at(pages, busy, int32(i))
			e.ID, e.RecordID, e.OrganizationID, e.Backfilled = eventID(organization, AgentPresence, fmt.Sprint(pages, " ", i)), rowID(i), organization, true
			entries = append(entries, e)
		}
		return entries
	}
	perRow := func(b *testing.B) { b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "rows/s") }
	b.Run("rows", func(b *testing.B) {
		for range b.N {
			if duplicates, err := store.appendAll(b.Context(), page()); err != nil || duplicates > 0 {
				b.Fatal(duplicates, err)
			}
		}
		perRow(b)
	})
	b.Run("rows that are there", func(b *testing.B) {
		there := page()
		if _, err := store.appendAll(b.Context(), there); err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		for range b.N {
			if duplicates, err := store.appendAll(b.Context(), there); err != nil || duplicates != len(there) {
				b.Fatal(duplicates, err)
			}
		}
		perRow(b)
	})
	b.Run("rows that are there, one after the other", func(b *testing.B) {
		there := page()
		if _, err := store.appendAll(b.Context(), there); err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		for range b.N {
			for _, e := range there {
				if duplicate, err := store.append(b.Context(), e, nil); err != nil || !duplicate {
					b.Fatal(duplicate, err)
				}
			}
		}
		perRow(b)
	})
	b.Run("one after the other", func(b *testing.B) {
		if _, err := j.Stream(b.Context(), jetstream.StreamConfig{Name: "BARE", Subjects: []string{"bare.*"}}); err != nil {
			b.Fatal(err)
		}
		for range b.N {
			for i, e := range page() {
				msg, err := messageOf(b.Context(), e, nil)
				if err != nil {
					b.Fatal(err)
				}
				bare := &nats.Msg{Subject: fmt.Sprintf("bare.%d-%d", pages, i), Header: msg.Header}
				if _, err := j.JetStream().PublishMsg(b.Context(), bare); err != nil {
					b.Fatal(err)
				}
			}
		}
		perRow(b)
	})
}
