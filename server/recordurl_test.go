package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse"
)

// TestRecordURLOpensTheRecord: who made a case opens it by the URL of the answer, in the app that is configured.
func TestRecordURLOpensTheRecord(t *testing.T) {
	t.Parallel()
	const app = "33333333-3333-4333-8333-333333333333"
	r, base := startWholeWith(t, loopback(), func(c *dataverse.Config) { c.AppID = app })
	for door, call := range map[string]caller{"gRPC": overGRPC, "HTTP": overHTTP} {
		title := "The kettle leaks, says somebody over " + door
		code, answer := call(t, r, methodNamed(t, "CreateRecord"), []byte(`{
			"entity": "incident", "fields": {"title": "`+title+`", "customerid": {"entity": "account", "name": "Alder & Finch Logistics"}}}`))
		var made struct {
			Outcome string
			Record  struct{ Entity, ID, URL string }
		}
		if err := json.Unmarshal(answer, &made); err != nil || made.Outcome != "CREATED" || made.Record.ID == "" {
			t.Fatalf("%s: %s %s (%v), want a case", door, code, answer, err)
		}
		address, err := url.Parse(made.Record.URL)
		if err != nil {
			t.Fatal(err)
		}
		want := url.Values{"appid": {app}, "etn": {"incident"}, "id": {made.Record.ID}, "pagetype": {"entityrecord"}}
		if diff := cmp.Diff(want, address.Query()); diff != "" || address.Scheme+"://"+address.Host != base || address.Path != "/main.aspx" {
			t.Errorf("%s: the URL is %s (-want +got):\n%s", door, address, diff)
		}
		if row := opened(t, address.String()); row["incidentid"] != made.Record.ID || row["title"] != title {
			t.Errorf("%s: the URL opens %v, want the case %s", door, row, made.Record.ID)
		}
	}
}

// opened is the row that a person sees who opens a URL of a record.
func opened(t *testing.T, address string) map[string]any {
	t.Helper()
	transport := dataverse.NewTransport()
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var row map[string]any
	if err := json.NewDecoder(response.Body).Decode(&row); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %s: %v", address, response.Status, err)
	}
	return row
}
