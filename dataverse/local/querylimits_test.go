package local_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// batched sends a GET in a $batch, whose address may be longer, and returns the whole answer.
func batched(c client, path string) string {
	c.t.Helper()
	body := "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET " + path + " HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n--b--\r\n"
	status, _, b := c.send(http.MethodPost, "$batch", body, "Content-Type: multipart/mixed; boundary=b")
	if status != http.StatusOK && status != http.StatusBadRequest {
		c.t.Fatalf("$batch = %d %s", status, b)
	}
	return string(b)
}

// TestConditionsAreLimited sends as many conditions as Dataverse takes, 500 with links, and one more (FetchXML, "Limits").
func TestConditionsAreLimited(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	c := newClient(t, base)
	document := func(conditions int, link string) string {
		return "accounts?fetchXml=" + url.QueryEscape(`<fetch><entity name="account"><filter>`+strings.Repeat(`<condition attribute="name" operator="not-null"/>`, conditions)+`</filter>`+link+`</entity></fetch>`)
	}
	const link = `<link-entity name="contact" from="contactid" to="primarycontactid"><filter><condition attribute="lastname" operator="not-null"/></filter></link-entity>`
	for _, test := range []struct {
		conditions int
		link       string
		refused    bool
	}{{500, "", false}, {501, "", true}, {498, link, false}, {499, link, true}} {
		answer := batched(c, document(test.conditions, test.link))
		if got := strings.Contains(answer, "0x8004430c"); got != test.refused || !test.refused && !strings.Contains(answer, "200 OK") {
			t.Errorf("%d conditions and %d characters of link: refused is %v, want %v: %.300s", test.conditions, len(test.link), got, test.refused, answer)
		}
	}
}

// TestLinksAreLimited sends fifteen links, wherever they stand, and one more.
func TestLinksAreLimited(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	c := newClient(t, base)
	const link = `<link-entity name="contact" from="contactid" to="primarycontactid" link-type="outer">%s</link-entity>`
	for n, refused := range map[int]bool{15: false, 16: true} {
		nested := fmt.Sprintf(link, `<filter><link-entity name="task" from="regardingobjectid" to="contactid" link-type="any"/></filter>`)
		status, _, b := c.send(http.MethodGet, "accounts?fetchXml="+url.QueryEscape(`<fetch><entity name="account">`+nested+strings.Repeat(fmt.Sprintf(link, ""), n-2)+`</entity></fetch>`), "")
		if got := strings.Contains(string(b), "0x8004430d"); got != refused || (status == http.StatusOK) == refused {
			t.Errorf("%d links = %d %.300s, want refused: %v", n, status, b, refused)
		}
	}
}

// withSubjects is a data directory with so many subjects, the first half of them called "A" and the others "B".
func withSubjects(t *testing.T, n int) local.Config {
	t.Helper()
	cfg := local.Default()
	cfg.DataDir, cfg.Seed, cfg.Addr = t.TempDir(), local.SeedNone, "127.0.0.1:0"
	server, err := local.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(cfg.DataDir, "dataverse.db")+"?_pragma=synchronous(OFF)")
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO subject (subjectid, title, featuremask, versionnumber) SELECT printf('00000000-0000-4000-8000-%012d', i), CASE WHEN i * 2 <= ? THEN 'A' ELSE 'B' END, 1, i FROM n`, n, n)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestAggregatesReadFiftyThousandRecords holds the limit at its real number: what goes into an aggregate is counted behind filters
// and joins, whatever comes out of it (FetchXML, "Aggregate data", "Limitations"; Web API, "Aggregate data").
func TestAggregatesReadFiftyThousandRecords(t *testing.T) {
	t.Parallel()
	server, err := local.Open(t.Context(), withSubjects(t, 50_001))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		server.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/api/data/v9.2/"+path, nil))
		return w.Code, w.Body.String()
	}
	fetch := func(head, filter string) string {
		return "subjects?fetchXml=" + url.QueryEscape(`<fetch aggregate="true" `+head+`><entity name="subject"><attribute name="subjectid" alias="n" aggregate="count"/>`+
			`<attribute name="featuremask" alias="s" aggregate="sum"/>`+filter+`</entity></fetch>`)
	}
	const butOne = `<filter><condition attribute="subjectid" operator="ne" value="00000000-0000-4000-8000-000000000001"/></filter>`
	apply := func(text string) string { return "subjects?$apply=" + url.PathEscape(text) }
	for _, test := range []struct{ path, want string }{
		{fetch("", ""), "0x8004e023"},
		{fetch("", butOne), `"n":50000,"s":50000`},
		{fetch(`aggregatelimit="100000"`, ""), "0x8004e023"},
		{fetch(`aggregatelimit="49999"`, butOne), "0x8004e023"},
		{fetch("", `<attribute name="title" alias="t" groupby="true"/>`), "0x8004e023"},
		{fetch("", `<attribute name="title" alias="t" groupby="true"/>`+butOne), `"t":"A"`},
		{fetch("", `<link-entity name="subject" from="subjectid" to="subjectid" link-type="outer"/>`+butOne), `"n":50000`},
		{fetch("", `<filter><condition attribute="title" operator="eq" value="B"/></filter>`), `"n":25001`},
		{apply("aggregate($count as n)"), "0x8004e023"},
		{apply("groupby((title),aggregate($count as n))"), "0x8004e023"},
		{apply("filter(title eq 'B')/aggregate($count as n)"), `"n":25001`},
		{apply("filter(subjectid ne 00000000-0000-4000-8000-000000000001)/groupby((title),aggregate(featuremask with sum as s))"), `"s":25001`},
	} {
		status, b := get(test.path)
		if refused := strings.HasPrefix(test.want, "0x"); !strings.Contains(b, test.want) || (status == http.StatusBadRequest) != refused {
			unescaped, _ := url.QueryUnescape(test.path)
			t.Errorf("GET %s = %d %.400s, want %s", unescaped, status, b, test.want)
		}
	}
	if status, b := get("subjects?fetchXml=" + url.QueryEscape(`<fetch count="5000" page="11"><entity name="subject"><attribute name="title"/></entity></fetch>`)); status != http.StatusBadRequest || !strings.Contains(b, "0x8004430a") {
		t.Errorf("the page behind 50,000 records without a cookie = %d %.200s", status, b)
	}
	if status, b := get("subjects?fetchXml=" + url.QueryEscape(`<fetch count="5000" page="10"><entity name="subject"><attribute name="title"/></entity></fetch>`)); status != http.StatusOK || strings.Count(b, `"subjectid"`) != 5000 {
		t.Errorf("the last page within 50,000 records = %d %.200s", status, b)
	}
}
