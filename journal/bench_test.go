package journal_test

import (
	"fmt"
	"testing"

	"github.com/botverse/botverse/journal"
)

// BenchmarkPublishAtOnce stores synced messages in batches, beside the same number one by one.
func BenchmarkPublishAtOnce(b *testing.B) {
	j, err := journal.Open(b.Context(), settings(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := j.Close(); err != nil {
			b.Error(err)
		}
	})
	openStream(b, j)
	stored := 0
	for _, size := range []int{8, 16, 24, 32, 64, 256} {
		b.Run(fmt.Sprint("batches of ", size), func(b *testing.B) {
			for b.Loop() {
				if _, err := j.PublishAtOnce(b.Context(), onces(stored+1, stored+size)); err != nil {
					b.Fatal(err)
				}
				stored += size
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "messages/s")
		})
	}
	b.Run("one by one", func(b *testing.B) {
		for b.Loop() {
			stored++
			if _, err := j.JetStream().PublishMsg(b.Context(), once(stored)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	})
}
