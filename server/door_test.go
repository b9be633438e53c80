package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPanicBehindTheDoorIsAnswered(t *testing.T) {
	t.Parallel()
	log := &logBuffer{}
	d := &door{hosts: anyHost, log: slog.New(slog.NewJSONHandler(log, nil)), routes: []*route{
		{method: http.MethodGet, pattern: "/boom", handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the cause") })},
	}}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/boom", nil))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "the cause") || w.Header().Get("X-Request-Id") == "" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	log.line(t, "the cause", "door_test.go", "GET /boom")
}

func TestRoutesAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	got := map[string]bool{}
	for _, r := range contractRoutes(nil) {
		got[r.method+" "+r.pattern] = true
	}
	for _, want := range []string{
		"POST /v1/actions/create-record", "POST /v1/actions/find-record", "POST /v1/actions/find-record-by-fetchxml",
		"GET /v1/entities", "GET /v1/entities/{entity}", "GET /v1/presence", "GET /v1/presence:watch",
	} {
		if !got[want] {
			t.Errorf("there is no route %s", want)
		}
	}
}

// A page of another origin may read no answer: its browser is told nothing of CORS.
func TestNoOriginIsAllowed(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{})
	for _, path := range []string{"/v1/entities", "/v1/presence", "/openapi.yaml", "/healthz", "/nowhere"} {
		got := send(t, "GET", r.base+path, "", "Origin", "https://evil.example")
		for name := range got.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s answers with %s: %s", path, name, got.header.Get(name))
			}
		}
	}
}
