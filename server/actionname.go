package server

import (
	"sync"

	"github.com/botverse/botverse/actions/saved"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

const (
	// unknownAction stands in logs and metrics for a name that no saved action has: a caller may send any.
	unknownAction = "unknown"
	// otherAction stands in metrics for names beyond maxActionNames.
	otherAction = "other"
	// maxActionNames bounds the names that metrics tell apart while the process lives, those of actions that went included.
	maxActionNames = 200
)

// actionNames tells which saved action a call runs, for logs and metrics.
type actionNames struct {
	library *saved.Library // nil for none

	mu    sync.Mutex
	shown map[string]bool // in metrics
}

// of is the name of the saved action that a request runs; "" for any other request.
func (a *actionNames) of(req any) string {
	run, ok := req.(*botversev1.RunActionRequest)
	switch {
	case !ok:
		return ""
	case a.library == nil || !a.library.Has(run.GetName()):
		return unknownAction
	}
	return run.GetName()
}

// label is a name for metrics: their number is bounded.
func (a *actionNames) label(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.shown[name] && len(a.shown) >= maxActionNames {
		return otherAction
	}
	if a.shown == nil {
		a.shown = map[string]bool{}
	}
	a.shown[name] = true
	return name
}
