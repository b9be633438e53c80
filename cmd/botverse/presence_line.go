package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// printer prints a message of WatchPresence.
type printer func(io.Writer, *botversev1.WatchPresenceResponse) error

func jsonLine(w io.Writer, m *botversev1.WatchPresenceResponse) error {
	b, err := protojson.Marshal(m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

// textLine prints a message for people. Heartbeats say nothing to them.
func textLine(w io.Writer, m *botversev1.WatchPresenceResponse) error {
	line := ""
	switch x := m.GetMessage().(type) {
	case *botversev1.WatchPresenceResponse_State:
		line = fmt.Sprintf("%-24s is %s since %s %s", x.State.GetAgentName(), x.State.GetPresence().GetName(),
			instant(x.State.GetStartTime()), origin(cmp.Or(x.State.GetEnvironment(), x.State.GetOrganizationId()), nil))
	case *botversev1.WatchPresenceResponse_SnapshotEnd:
		line = fmt.Sprintf("-- %d agents; changes follow --", x.SnapshotEnd.GetAgents())
	case *botversev1.WatchPresenceResponse_Event:
		line = eventLine(x.Event)
	case *botversev1.WatchPresenceResponse_Activity:
		line = activityLine(x.Activity)
	default:
		return nil
	}
	_, err := fmt.Fprintln(w, shown(line))
	return err
}

// shown is a text that others wrote as a terminal may have it: on one line, and without what would steer the terminal.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, text)
}

// cell is a text in a column of a table, cut where it is long.
func cell(text string) string {
	const most = 40
	if runes := []rune(shown(text)); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return shown(text)
}

func activityLine(a *botversev1.ActivityEvent) string {
	what := map[botversev1.EventKind]string{
		botversev1.EventKind_ACCEPTED_WORK: "accepted a conversation",
		botversev1.EventKind_AFTER_WORK:    "is in after-work",
		botversev1.EventKind_CONSULT:       "consults " + a.GetOtherAgentName(),
		botversev1.EventKind_ROW_CHANGE:    fmt.Sprintf("%s of %s %s", a.GetMessage(), a.GetEntity(), a.GetRecordId()),
	}[a.GetKind()]
	at := a.GetTime()
	if at == nil {
		at = a.GetReceiveTime()
	}
	return fmt.Sprintf("%-24s %s at %s %s", cmp.Or(a.GetAgentName(), a.GetSource()), what, instant(at),
		origin(cmp.Or(a.GetEnvironment(), a.GetOrganizationName(), a.GetOrganizationId()), a.GetDelay()))
}

// instant is a time as people read it.
func instant(t *timestamppb.Timestamp) string {
	if t == nil {
		return "an unknown time"
	}
	return t.AsTime().Format(time.RFC3339)
}

// origin says where something was told, and how long it took to come.
func origin(environment string, delay *durationpb.Duration) string {
	text := "[" + cmp.Or(environment, "unknown environment")
	if delay != nil {
		text += fmt.Sprintf(", delay %v", delay.AsDuration().Round(time.Millisecond))
	}
	return text + "]"
}

func eventLine(e *botversev1.PresenceEvent) string {
	what := "changed to " + e.GetPresence().GetName()
	if e.GetKind() == botversev1.PresenceEvent_CAPACITY_CHANGED {
		what = fmt.Sprintf("has capacity %d", e.GetCapacity())
	}
	if before := e.GetPrevious().GetName(); before != "" && e.GetKind() == botversev1.PresenceEvent_PRESENCE_CHANGED {
		what += " from " + before
	}
	line := fmt.Sprintf("%-24s %s at %s %s", e.GetAgentName(), what, instant(e.GetStartTime()),
		origin(cmp.Or(e.GetEnvironment(), e.GetOrganizationName(), e.GetOrganizationId()), e.GetDelay()))
	if e.GetLate() {
		line += " (late)"
	}
	return line
}
