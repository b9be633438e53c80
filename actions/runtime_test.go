package actions

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestWorkStopsBeforeTheCallersDeadline(t *testing.T) {
	t.Parallel()
	for caller, want := range map[time.Duration]time.Duration{
		0:                18 * time.Second, // none: 20 s
		10 * time.Second: 9 * time.Second,
		time.Minute:      54 * time.Second,
		time.Second:      800 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			if caller > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, caller)
				defer cancel()
			}
			work, cancel := withinBudget(ctx)
			defer cancel()
			deadline, ok := work.Deadline()
			if got := time.Until(deadline); !ok || got != want {
				t.Errorf("with %v left the work has %v, want %v", caller, got, want)
			}
		})
	}
}
