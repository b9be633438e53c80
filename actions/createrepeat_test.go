package actions

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botverse/botverse/dataverse/local"
)

func testRepeatWithTheSameRequestID(t *testing.T, w world) {
	for _, onDuplicate := range []OnDuplicate{DoNotCreate, CreateDuplicate} {
		email := fmt.Sprintf("repeat%d@example.com", onDuplicate)
		spec := CreateRecord{
			Entity: "contact", Fields: map[string]any{"firstname": "Re", "lastname": "Peat", "emailaddress1": email}, OnDuplicate: onDuplicate,
			RequestID: email, Save: map[string]string{"name": "fullname"},
		}
		first, err := w.CreateRecord(t.Context(), spec)
		if err != nil || first.Outcome != Created {
			t.Fatalf("%+v, %v", first, err)
		}
		again, err := w.CreateRecord(t.Context(), spec)
		if err != nil || again.Outcome != AlreadyCreated || again.Record.ID != first.Record.ID || again.Variables["name"] != "Re Peat" {
			t.Errorf("the repeat: %+v, %v", again, err)
		}
		spec.Namespace = "another bot"
		spec.OnDuplicate = CreateDuplicate
		if other, err := w.CreateRecord(t.Context(), spec); err != nil || other.Outcome != Created || other.Record.ID == first.Record.ID {
			t.Errorf("another bot's: %+v, %v", other, err)
		}
	}
}

func testLostAnswerIsLookedUp(t *testing.T, w world) {
	post := local.Fault{Method: http.MethodPost, Path: "/contacts", Times: 1}
	lost, never := post, post
	lost.DropAfterCommit, never.DropBefore = true, true
	for name, fault := range map[string]local.Fault{"after the commit": lost, "before it": never} {
		for _, requestID := range []string{"", name} {
			email := strings.ReplaceAll(name+requestID, " ", "") + "@lost.example.com"
			w.server.SetFaults([]local.Fault{fault})
			got, err := w.CreateRecord(t.Context(), CreateRecord{
				Entity: "contact", Fields: map[string]any{"lastname": "Lost", "emailaddress1": email}, RequestID: requestID, Save: map[string]string{"id": "@id"},
			})
			if err != nil || got.Outcome != Created || got.Variables["id"] != got.Record.ID {
				t.Errorf("lost %s: %+v, %v", name, got, err)
			}
			if n := w.count(t, "contact", "emailaddress1", email); n != 1 {
				t.Errorf("lost %s: %d records, want 1", name, n)
			}
		}
	}
}

// testManyRepeatsWithLostAnswersMakeOneRecord: however many callers repeat, and however many answers are lost, there is one
// record for each key.
func testManyRepeatsWithLostAnswersMakeOneRecord(t *testing.T, w world) {
	w.server.SetFaults([]local.Fault{
		{Method: http.MethodPost, Path: "/contacts", Times: 20, DropAfterCommit: true}, {Method: http.MethodPost, Path: "/contacts", Times: 20, DropBefore: true},
	})
	const keys, callers = 10, 16
	created := [keys][callers]Result{}
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			for key := range keys {
				got, err := w.CreateRecord(t.Context(), CreateRecord{
					Entity: "contact", Fields: map[string]any{"lastname": "Many", "emailaddress1": fmt.Sprintf("many%d@lost.example.com", key)}, RequestID: fmt.Sprintf("many %d", key),
				})
				if err != nil || got.Outcome != Created && got.Outcome != AlreadyCreated {
					t.Errorf("key %d: %+v, %v", key, got, err)
					continue
				}
				created[key][caller] = got
			}
		})
	}
	group.Wait()
	for key := range keys {
		if n := w.count(t, "contact", "emailaddress1", fmt.Sprintf("many%d@lost.example.com", key)); n != 1 {
			t.Errorf("key %d: %d records, want 1", key, n)
		}
		for _, got := range created[key] {
			if got.Record == nil || got.Record.ID != created[key][0].Record.ID {
				t.Errorf("key %d: %+v, want the record %s for everybody", key, got.Record, created[key][0].Record.ID)
			}
		}
	}
}

// TestNoAnswerInTimeIsInDoubt runs in a bubble of fake time: how long the answer's way takes is then no matter of how busy the
// machine is.
func TestNoAnswerInTimeIsInDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, noAnswerInTimeIsInDoubt)
}

func noAnswerInTimeIsInDoubt(t *testing.T) {
	w := newWorldInBubble(t)
	spec := CreateRecord{
		Entity: "contact", Fields: map[string]any{"lastname": "Late"}, RequestID: "late", OnDuplicate: CreateDuplicate,
		Save: map[string]string{"id": "@id"}, SaveDefaults: map[string]any{"id": "none"}, Variables: map[string]any{"id": "old"},
	}
	if _, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Warm"}, RequestID: "warm"}); err != nil {
		t.Fatal(err)
	}
	w.server.SetFaults([]local.Fault{{Path: "/contacts", Delay: 15 * time.Second}})
	const patience = 6 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	began := time.Now()
	got, err := w.CreateRecord(ctx, spec)
	if err != nil || got.Outcome != InDoubt || got.Record == nil || got.Record.ID == "" || got.Variables["id"] != "none" {
		t.Fatalf("%+v, %v", got, err)
	}
	if took := time.Since(began); took != patience-patience/10 {
		t.Errorf("the answer came after %v, want it a tenth before the caller's deadline of %v", took, patience)
	}
	w.server.SetFaults(nil)
	again, err := w.CreateRecord(t.Context(), spec)
	if err != nil || again.Record.ID != got.Record.ID {
		t.Errorf("the repeat: %+v, %v; want the record %s", again, err, got.Record.ID)
	}
}
