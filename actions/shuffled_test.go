package actions

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Records that are equal in a search's order are stored in another order in each of 1,000 runs, each run's among those of all
// others, and every run finds the same one: by fields and by FetchXML, with the order of the search's own, with the author's, by
// a choice, and by a field behind a link.
func TestTheFirstIsTheSameInAThousandRuns(t *testing.T) {
	t.Parallel()
	const equals = 4
	runs := Share(1000)
	const account = "a1000000-0000-4000-8000-000000000001"
	var contacts []map[string]any
	for run := range runs {
		for n := range equals {
			contacts = append(contacts, map[string]any{
				"contactid": fmt.Sprintf("%08x-0000-4000-8000-%012x", run+1, n), "lastname": fmt.Sprintf("Run %d", run), "suffix": fmt.Sprint(n),
				"overriddencreatedon": "2026-01-02T03:04:05Z", "preferredcontactmethodcode": []int{2, 3, 3, 1}[n], "parentcustomerid_account@odata.bind": "/accounts(" + account + ")",
			})
		}
	}
	dice := rand.New(rand.NewPCG(4, 2))
	dice.Shuffle(len(contacts), func(i, j int) { contacts[i], contacts[j] = contacts[j], contacts[i] })
	w := newWorldWith(t, map[string][]map[string]any{"contacts": contacts, "accounts": {{"accountid": account, "name": "All"}}})
	searches := []struct {
		orderBy []string
		orders  string
		want    string // the suffix of the first
	}{
		{nil, "", "0"},
		{[]string{"lastname desc"}, `<order attribute="lastname" descending="true"/>`, "0"},
		{[]string{"preferredcontactmethodcode desc"}, `<order attribute="preferredcontactmethodcode" descending="true"/>`, "1"},
		{[]string{"parentcustomerid"}, `<link-entity name="account" from="accountid" to="parentcustomerid" alias="a"><order attribute="name"/></link-entity>`, "0"},
	}
	for run := range runs {
		s, name := searches[run%len(searches)], fmt.Sprintf("Run %d", run)
		save := map[string]string{"n": "suffix"}
		byField := w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"lastname": name}, OrderBy: s.orderBy, Save: save})
		byQuery := w.fetch(t, FindRecordByFetchXML{
			Entity: "contact", Save: save, Variables: map[string]any{"name": name},
			FetchXML: `<fetch><entity name="contact"><attribute name="suffix"/>` + s.orders + `<filter><condition attribute="lastname" operator="eq" value="{{ name }}"/></filter></entity></fetch>`,
		})
		if byField.Variables["n"] != s.want || byQuery.Variables["n"] != s.want || len(byQuery.Warnings) > 0 {
			t.Fatalf("run %d, ordered by %v and %v, finds %v and %v, want %s", run, byField.OrderedBy, byQuery.OrderedBy, byField.Variables["n"], byQuery.Variables["n"], s.want)
		}
	}
}
