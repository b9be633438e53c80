package local

import (
	"time"
)

// Fault makes requests that it matches go wrong, so that a client's behaviour can be tested. The first fault of the plan that
// matches is the one that strikes; Skip lets so many matching requests pass first, and Times bounds how often it strikes
// (0 for always).
type Fault struct {
	Method string `json:"method,omitempty"` // as "POST"; "" for any
	Path   string `json:"path,omitempty"`   // a part of the path, as "/contacts"; "" for any
	Skip   int    `json:"skip,omitempty"`
	Times  int    `json:"times,omitempty"`

	Status          int           `json:"status,omitempty"`          // answers this, as 429 or 503, and does nothing
	RetryAfter      int           `json:"retryAfter,omitempty"`      // seconds, sent with Status; 0 sends none
	Delay           time.Duration `json:"delay,omitempty"`           // waits so long first; in nanoseconds
	DropBefore      bool          `json:"dropBefore,omitempty"`      // closes the connection without doing anything
	DropAfterCommit bool          `json:"dropAfterCommit,omitempty"` // does the work, then closes the connection without an answer
}
