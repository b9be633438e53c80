package local_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// TestCountsAndPagesEndAtFiveThousand holds that no page has more than 5,000 records and that counts stop there (Web API,
// "Count rows", "Page results"; FetchXML, "Count rows").
func TestCountsAndPagesEndAtFiveThousand(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	const all = 5001
	for made := 0; made < all; {
		var targets []string
		for ; len(targets) < 1000 && made < all; made++ {
			targets = append(targets, fmt.Sprintf(`{"@odata.type":"Microsoft.Dynamics.CRM.subject","title":"%05d"}`, made))
		}
		if status, _, b := c.send(http.MethodPost, "subjects/Microsoft.Dynamics.CRM.CreateMultiple", `{"Targets":[`+strings.Join(targets, ",")+`]}`); status != http.StatusOK {
			t.Fatalf("%d %s", status, b)
		}
	}
	if _, _, b := c.send(http.MethodGet, "subjects/$count", ""); string(b) != "\ufeff5000" {
		t.Errorf("$count = %q, want 5000 behind a byte order mark", b)
	}
	for _, query := range []string{"$select=title&$count=true&$orderby=title", "fetchXml=" + url.QueryEscape(`<fetch returntotalrecordcount="true"><entity name="subject"><attribute name="title"/><order attribute="title"/></entity></fetch>`)} {
		_, _, b := c.send(http.MethodGet, "subjects?"+query, "", `Prefer: odata.include-annotations="*"`)
		var page struct {
			Count    int    `json:"@odata.count"`
			Total    int    `json:"@Microsoft.Dynamics.CRM.totalrecordcount"`
			Exceeded bool   `json:"@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"`
			Next     string `json:"@odata.nextLink"`
			More     bool   `json:"@Microsoft.Dynamics.CRM.morerecords"`
			Value    []struct{ Title string }
		}
		if err := json.Unmarshal(b, &page); err != nil {
			t.Fatal(err)
		}
		if page.Count != 5000 || page.Total != 5000 || !page.Exceeded || len(page.Value) != 5000 || page.Value[4999].Title != "04999" || page.Next == "" && !page.More {
			t.Errorf("%s: count %d, total %d, exceeded %v, %d records, next %q, more %v", query, page.Count, page.Total, page.Exceeded, len(page.Value), page.Next, page.More)
		}
	}
	_, _, b := c.send(http.MethodGet, "RetrieveTotalRecordCount(EntityNames=['subject'])", "")
	if !strings.Contains(string(b), `"Values":[5001]`) {
		t.Errorf("RetrieveTotalRecordCount: %s", b)
	}
	_, _, b = c.send(http.MethodGet, "subjects?fetchXml="+url.QueryEscape(`<fetch aggregate="true" aggregatelimit="5000"><entity name="subject"><attribute name="subjectid" aggregate="count" alias="n"/></entity></fetch>`), "")
	if !strings.Contains(string(b), "0x8004e023") {
		t.Errorf("an aggregate of more records than its limit: %s", b)
	}
}
