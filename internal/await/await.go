// Package await is how tests wait for what comes by itself, and for as long as it takes.
package await

import (
	"context"
	"testing"
	"time"
)

// Patience is how long a test waits for what must come. It is no promise: it only ends a test that waits in vain, on a machine
// however busy.
const Patience = 2 * time.Minute

// pause is how long it takes from one look to the next.
const pause = 5 * time.Millisecond

// Until looks again and again until something is so, and ends the test where it never is. What is a sentence that tells it.
func Until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !is(); time.Sleep(pause) {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain: %s", Patience, what)
		}
	}
}

// Context is one for calls that must end: it ends with the test, and with its patience.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	return ctx
}
