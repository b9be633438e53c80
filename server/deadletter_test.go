package server

import (
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

func TestDeadLettersOverGRPCAndHTTP(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), nil)
	for _, message := range []string{"Retrieve", "Assign"} {
		if got := post(t, r.hook+agentStatusPath+"?code="+webhookKey, `{"MessageName":"`+message+`"}`); got.status != http.StatusNoContent {
			t.Fatalf("status %d: %s", got.status, got.body)
		}
	}
	list, err := r.presence().ListDeadLetters(t.Context(), &botversev1.ListDeadLettersRequest{PageSize: 1})
	if err != nil || len(list.GetDeadLetters()) != 1 || list.GetNextPageToken() == "" {
		t.Fatalf("ListDeadLetters = %v, %v; want one of two", list, err)
	}
	newest := list.GetDeadLetters()[0]
	if newest.GetSource() != "agent-status" || !strings.Contains(newest.GetReason(), "Assign") || newest.GetTime() == nil || newest.GetSize() == 0 {
		t.Errorf("the newest is %v", newest)
	}
	rest, err := r.presence().ListDeadLetters(t.Context(), &botversev1.ListDeadLettersRequest{PageToken: list.GetNextPageToken()})
	if err != nil || len(rest.GetDeadLetters()) != 1 || rest.GetNextPageToken() != "" {
		t.Errorf("the rest is %v, %v; want one", rest, err)
	}
	if got := send(t, "GET", r.base+"/v1/dead-letters", ""); got.status != 200 || !strings.Contains(got.body, `"nextPageToken"`) && !strings.Contains(got.body, "Assign") {
		t.Errorf("over HTTP: %d %s", got.status, got.body)
	}
	if got := send(t, "GET", r.base+"/v1/dead-letters/"+newest.GetId(), ""); got.status != 200 || !strings.Contains(got.body, `\"MessageName\"`) {
		t.Errorf("one over HTTP: %d %s", got.status, got.body)
	}
	if got := post(t, r.base+"/v1/dead-letters:replay", `{"id":"`+newest.GetId()+`"}`); got.status != 200 || !strings.Contains(got.body, "Assign") || strings.Contains(got.body, `"handled":true`) {
		t.Errorf("replayed over HTTP: %d %s, want it still dead with the reason", got.status, got.body)
	}
	if _, err := r.presence().GetDeadLetter(t.Context(), &botversev1.GetDeadLetterRequest{Id: "99"}); status.Code(err) != codes.NotFound {
		t.Errorf("an unknown one: %v, want NotFound", err)
	}
	if got := send(t, "GET", r.base+"/v1/dead-letters/99", ""); got.status != http.StatusNotFound {
		t.Errorf("an unknown one over HTTP: %d %s, want 404", got.status, got.body)
	}
	for _, bad := range []string{"0", "x", "-1"} {
		if _, err := r.presence().ReplayDeadLetter(t.Context(), &botversev1.ReplayDeadLetterRequest{Id: bad}); status.Code(err) != codes.InvalidArgument {
			t.Errorf("the ID %q: %v, want InvalidArgument", bad, err)
		}
	}
}
