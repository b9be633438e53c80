package dataverse

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/botverse/botverse/dataverse/odata"
)

// traced is a client of the site whose requests are spans.
func traced(t *testing.T, s *site) (*Client, *tracetest.InMemoryExporter) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	provider := trace.NewTracerProvider(trace.WithSyncer(exporter))
	c := s.client(t)
	c.tracer = provider.Tracer("test")
	return c, exporter
}

func TestEachRequestIsASpanWithoutValues(t *testing.T) {
	t.Parallel()
	n := 0
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-ms-service-request-id", "99999999-9999-4999-8999-999999999999")
		if n++; n == 1 {
			refuse(w, 503, "0x80044150", "busy with ada@example.com")
			return
		}
		answerJSON(w, 200, `{"value":[]}`)
	})
	c, exporter := traced(t, s)
	filter := &odata.Compare{Path: odata.Path{"emailaddress1"}, Op: odata.Eq, Value: odata.String("ada@example.com")}
	if _, err := c.ListRecords(t.Context(), entity("contact"), &odata.Query{Select: []string{"fullname"}, Filter: filter}); err != nil {
		t.Fatal(err)
	}
	spans := exporter.GetSpans()
	if len(spans) != 2 {
		t.Fatalf("%d spans, want one for each of two requests", len(spans))
	}
	got := map[string]string{}
	for _, a := range spans[1].Attributes {
		got[string(a.Key)] = a.Value.String()
	}
	for name, want := range map[string]string{
		"http.request.method": "GET", "http.response.status_code": "200", "http.request.resend_count": "1",
		"dataverse.operation": "ListRecords", "dataverse.entity_set": "contacts", "dataverse.options": `["$select","$filter"]`,
		"dataverse.service_request_id": "99999999-9999-4999-8999-999999999999",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if !isGUID(got["dataverse.client_request_id"]) || spans[1].Name != "GET contacts" {
		t.Errorf("the span is %s with %v", spans[1].Name, got)
	}
	for _, span := range spans {
		text := fmt.Sprintf("%+v", span)
		if strings.Contains(text, "ada@") || strings.Contains(text, "ada%40") || strings.Contains(text, s.URL) || len(leaks(text)) > 0 {
			t.Errorf("a span shows a URL, a value or a secret: %s", text)
		}
	}
}

func TestSpanOfABatchSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		answerBatch(t, w, r, func(odata.BatchRequest) odata.BatchResponse {
			return part(404, `{"error":{"code":"0x80040217","message":""}}`)
		})
	})
	c, exporter := traced(t, s)
	_, err := c.FetchRecords(t.Context(), entity("contact"), "<fetch>"+strings.Repeat(" ", maxURL)+"</fetch>")
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("the error is %v", err)
	}
	spans := exporter.GetSpans()
	if len(spans) != 1 || spans[0].Name != "POST $batch" || !strings.Contains(fmt.Sprint(spans[0].Attributes), "contacts") {
		t.Errorf("the spans are %v", spans)
	}
}
