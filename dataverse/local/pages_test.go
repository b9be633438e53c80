package local_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// page is a page of records by their titles, and where the next one is.
type page struct {
	titles []string
	next   string
}

func readPage(c client, address string, headers ...string) page {
	c.t.Helper()
	status, _, b := c.send(http.MethodGet, strings.TrimPrefix(address, c.base), "", headers...)
	var answer struct {
		Next   string `json:"@odata.nextLink"`
		Cookie string `json:"@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"`
		Value  []struct{ Title string }
	}
	if err := json.Unmarshal(b, &answer); err != nil || status != http.StatusOK {
		c.t.Fatalf("GET %s = %d %s", address, status, b)
	}
	p := page{next: answer.Next}
	if answer.Cookie != "" {
		p.next = answer.Cookie
	}
	for _, r := range answer.Value {
		p.titles = append(p.titles, r.Title)
	}
	return p
}

// subjects makes subjects, and feature masks of some of them: a nullable field to order by.
func makeSubjects(c client, titles ...string) {
	c.t.Helper()
	for _, title := range titles {
		mask := "null"
		if n := strings.TrimLeft(title, "abcdefghijklmnopqrstuvwxyz"); n != "" {
			mask = n
		}
		c.create("subjects", `{"title":"`+title+`","featuremask":`+mask+`}`)
	}
}

// cookieFetch is a FetchXML query of the page that a cookie leads to, as clients make it: decoded twice, escaped, and asked for again.
func cookieFetch(c client, annotation string, number int, orders string) string {
	c.t.Helper()
	attribute := ""
	if annotation != "" {
		_, rest, _ := strings.Cut(annotation, `pagingcookie="`)
		inner, _, _ := strings.Cut(rest, `"`)
		for range 2 {
			decoded, err := url.QueryUnescape(inner)
			if err != nil {
				c.t.Fatal(err)
			}
			inner = decoded
		}
		attribute = ` paging-cookie="` + html.EscapeString(inner) + `"`
	}
	return "subjects?fetchXml=" + url.QueryEscape(fmt.Sprintf(`<fetch count="2" page="%d"%s><entity name="subject"><attribute name="title"/>%s</entity></fetch>`, number, attribute, orders))
}

// TestPagesOutliveWrites walks through pages while records come before and behind the place, and go: what was there all the time comes
// exactly once, in order, whichever way the pages are ordered (Web API and FetchXML, "Page results").
func TestPagesOutliveWrites(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ order, fetch, want string }{
		{"title", `<order attribute="title"/>`, "b1 d2 f j3 m n5 r s2 z"},
		{"title desc", `<order attribute="title" descending="true"/>`, "z s2 r n5 m j3 f d2 b1"},
		{"featuremask,title", `<order attribute="featuremask"/><order attribute="title"/>`, "f m r z b1 d2 s2 j3 n5"},
		{"featuremask desc,title desc", `<order attribute="featuremask" descending="true"/><order attribute="title" descending="true"/>`, "n5 j3 s2 d2 b1 z r m f"},
		{"featuremask desc,title", `<order attribute="featuremask" descending="true"/><order attribute="title"/>`, "n5 j3 d2 s2 b1 f m r z"},
	} {
		for _, language := range []string{"OData", "FetchXML"} {
			t.Run(language+" "+test.order, func(t *testing.T) {
				t.Parallel()
				_, base := localtest.Start(t, local.Config{})
				c := newClient(t, base)
				makeSubjects(c, "r", "b1", "n5", "f", "z", "s2", "d2", "m", "j3")
				stay := strings.Fields(test.want)
				first := "subjects?$select=title&$orderby=" + url.QueryEscape(test.order)
				headers := []string{"Prefer: odata.maxpagesize=2"}
				if language == "FetchXML" {
					first, headers = cookieFetch(c, "", 1, test.fetch), []string{"Prefer: odata.include-annotations=*"}
				}
				var seen []string
				p := readPage(c, first, headers...)
				for number := 2; ; number++ {
					seen = append(seen, p.titles...)
					if p.next == "" {
						break
					}
					makeSubjects(c, "a", "aa9", "zz", "zz1", "k") // before and behind
					for _, gone := range c.list("subjects?$filter=title eq 'k' or title eq 'a'") {
						c.send(http.MethodDelete, "subjects("+gone["subjectid"].(string)+")", "")
					}
					next := p.next
					if language == "FetchXML" {
						next = cookieFetch(c, p.next, number, test.fetch)
					}
					p = readPage(c, next, headers...)
				}
				seen = slices.DeleteFunc(seen, func(title string) bool { return !slices.Contains(stay, title) })
				if got := strings.Join(seen, " "); got != test.want {
					t.Errorf("pages give %q, want %q", got, test.want)
				}
			})
		}
	}
}

// TestPagesOfGroupsAreStable reads groups, and distinct rows, one a page: all of them come, each once.
func TestPagesOfGroupsAreStable(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	makeSubjects(c, "c1", "a1", "b2", "b3", "a2", "c2", "d")
	for _, head := range []string{`aggregate="true"`, `distinct="true"`} {
		inner := `<attribute name="featuremask" alias="m" groupby="true"/>`
		if head == `distinct="true"` {
			inner = `<attribute name="featuremask" alias="m"/>`
		}
		var seen []string
		for number := 1; number <= 5; number++ {
			for _, row := range c.list("subjects?fetchXml=" + url.QueryEscape(fmt.Sprintf(`<fetch %s count="1" page="%d"><entity name="subject">%s</entity></fetch>`, head, number, inner))) {
				seen = append(seen, fmt.Sprint(row["m"]))
			}
		}
		slices.Sort(seen)
		if got := strings.Join(seen, " "); got != "1 2 3 <nil>" {
			t.Errorf("%s: the pages have %q, want each group once", head, got)
		}
	}
}

// TestAddressesAreOfTheHostThatWasAsked holds that every absolute URL of an answer leads where the request went, by whatever name.
func TestAddressesAreOfTheHostThatWasAsked(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c := newClient(t, strings.Replace(base, "127.0.0.1", "localhost", 1))
	makeSubjects(c, "a", "b")
	_, header, b := c.send(http.MethodPost, "subjects", `{"title":"c"}`)
	id := header.Get("OData-EntityId")
	if !strings.HasPrefix(id, c.base) || header.Get("Location") != id && header.Get("Location") != "" {
		t.Errorf("OData-EntityId = %q, Location = %q, want them below %s (%s)", id, header.Get("Location"), c.base, b)
	}
	_, _, b = c.send(http.MethodGet, "subjects?$select=title", "", "Prefer: odata.maxpagesize=1")
	for _, member := range []string{`"@odata.context":"` + c.base, `"@odata.nextLink":"` + c.base} {
		if !strings.Contains(string(b), member) {
			t.Errorf("a page has no %s: %s", member, b)
		}
	}
	if _, _, b = c.send(http.MethodGet, "subjects/$ref", ""); !strings.Contains(string(b), `"@odata.id":"`+c.base) {
		t.Errorf("references = %s", b)
	}
	if answer := batched(c, "subjects?$select=title&$top=1"); !strings.Contains(answer, `"@odata.context":"`+c.base) {
		t.Errorf("a part of a batch = %s", answer)
	}
}
