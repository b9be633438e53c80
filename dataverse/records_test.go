package dataverse

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

const adaID = ID("0c4a3a1e-53a3-4a55-9a4a-3d1a50f7c111")

func entity(name string) *schema.Entity { return schema.Standard().Entity(name) }

func TestCreateRecordSendsWhatTheWebAPIWants(t *testing.T) {
	t.Parallel()
	fields := Fields{
		"contactid": string(adaID), "firstname": "Ada", "revenue": json.Number("12345678901234.5678"), "birthdate": nil,
		"parentcustomerid_account@odata.bind": "/accounts(5f1a1c9e-9a1f-4d3e-8a58-0a6c1c2b3d4e)",
	}
	id, err := replay(t, "create").CreateRecord(t.Context(), entity("contact"), fields, CreateOptions{DetectDuplicates: true})
	if err != nil || id != adaID {
		t.Errorf("CreateRecord = %q, %v; want %q", id, err, adaID)
	}
	if len(fields) != 5 {
		t.Errorf("the caller's map has changed: %v", fields)
	}
}

func TestCreateRecordAnywaySuppressesDetection(t *testing.T) {
	t.Parallel()
	id, err := replay(t, "create-anyway").CreateRecord(t.Context(), entity("contact"), Fields{"firstname": "Ada"}, CreateOptions{})
	if err != nil || id != adaID {
		t.Errorf("CreateRecord = %q, %v; want %q", id, err, adaID)
	}
}

func TestCreateAndGetRecordAsksForTheRecord(t *testing.T) {
	t.Parallel()
	query := &odata.Query{Select: []string{"contactid", "fullname"}}
	id, r, err := replay(t, "create-and-get").CreateAndGetRecord(t.Context(), entity("contact"), Fields{"firstname": "Ada"}, CreateOptions{DetectDuplicates: true}, query)
	if err != nil || id != adaID || r == nil || r.text("fullname") != "Ada" || r.ETag() != `W/"7"` {
		t.Errorf("CreateAndGetRecord = %q, %+v, %v; want %q", id, r, err, adaID)
	}
}

// TestAnswersThatDoNotTellTheRecord: a creation whose answer has no record in it, or a part of one, is a creation all the same.
func TestAnswersThatDoNotTellTheRecord(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		header bool
		body   string
		id     ID
		err    error
	}{
		"no body":           {http.StatusNoContent, true, "", adaID, nil},
		"a part of a body":  {http.StatusCreated, true, `{"contactid":"0c4a3a1e-`, adaID, nil},
		"a body without ID": {http.StatusCreated, true, `{"fullname":"Ada"}`, adaID, nil},
		"nothing at all":    {http.StatusCreated, false, `<html>`, "", ErrInDoubt},
	} {
		s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
			if test.header {
				w.Header().Set("OData-EntityId", "http://x/api/data/v9.2/contacts("+string(adaID)+")")
			}
			answerJSON(w, test.status, test.body)
		})
		id, r, err := s.client(t).CreateAndGetRecord(t.Context(), entity("contact"), Fields{"firstname": "Ada"}, CreateOptions{}, &odata.Query{Select: []string{"fullname"}})
		if id != test.id || r != nil || !errors.Is(err, test.err) {
			t.Errorf("%s: %q, %+v, %v; want %q, no record, %v", name, id, r, err, test.id, test.err)
		}
	}
}

func TestUpdateRecordNeverCreates(t *testing.T) {
	t.Parallel()
	if err := replay(t, "update").UpdateRecord(t.Context(), entity("contact"), adaID, Fields{"lastname": "Lovelace"}); err != nil {
		t.Error(err)
	}
}

func TestDeleteRecord(t *testing.T) {
	t.Parallel()
	if err := replay(t, "delete").DeleteRecord(t.Context(), entity("contact"), adaID); err != nil {
		t.Error(err)
	}
}

func TestGetRecordKeepsDigitsAndAnnotations(t *testing.T) {
	t.Parallel()
	r, err := replay(t, "get").GetRecord(t.Context(), entity("contact"), adaID, &odata.Query{
		Select: []string{"fullname", "creditlimit", "_parentcustomerid_value"},
		Expand: []odata.Expand{{Navigation: "parentcustomerid_account", Select: []string{"name"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	account, ok := r.Expanded("parentcustomerid_account")
	limit, _ := r.Value("creditlimit")
	name, _ := account.Value("name")
	got := []any{r.ID(), r.Entity(), r.ETag(), limit, r.Formatted("creditlimit"), r.Formatted("fullname"), r.LookupEntity("_parentcustomerid_value"), ok, name, account.ID(), account.Entity()}
	want := []any{adaID, "contact", `W/"81052965"`, json.Number("12345678901234.5678"), "€12.345.678.901.234,57", "", "account", true, "Contoso", ID("5f1a1c9e-9a1f-4d3e-8a58-0a6c1c2b3d4e"), "account"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the record differs (-want +got):\n%s", diff)
	}
	if _, ok := r.Value("lastname"); ok {
		t.Error("a property that did not come has a value")
	}
	if _, ok := r.Expanded("parentcustomerid_contact"); ok {
		t.Error("an expansion that did not come is there")
	}
	if got, want := r.Properties(), []string{"_parentcustomerid_value", "contactid", "creditlimit", "fullname", "parentcustomerid_account"}; !cmp.Equal(got, want) {
		t.Errorf("Properties = %v, want %v", got, want)
	}
}

func TestListRecordsPages(t *testing.T) {
	t.Parallel()
	c, top := replay(t, "list"), 2
	first, err := c.ListRecords(t.Context(), entity("contact"), &odata.Query{
		Select: []string{"fullname"},
		Filter: &odata.Compare{Path: odata.Path{"emailaddress1"}, Op: odata.Eq, Value: odata.String("o'neill@example.com")},
		OrderBy: []odata.Order{
			{Path: odata.Path{"createdon"}},
			{Path: odata.Path{"contactid"}},
		},
		Top: &top, Count: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Records) != 2 || !first.More || first.Count != 3 {
		t.Errorf("the first page is %+v", first)
	}
	second, err := c.NextPage(t.Context(), entity("contact"), first)
	if err != nil || len(second.Records) != 1 || second.More || second.Count != -1 || second.Records[0].ID() != "00000000-0000-4000-8000-000000000003" {
		t.Errorf("the second page is %+v, %v", second, err)
	}
	third, err := c.NextPage(t.Context(), entity("contact"), second)
	if err != nil || len(third.Records) != 0 {
		t.Errorf("behind the last page is %+v, %v", third, err)
	}
}

func TestNextPageLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	_, err := s.client(t).NextPage(t.Context(), entity("contact"), Page{NextLink: "https://evil.example/steal?token"})
	if err == nil || len(s.requests()) != 0 {
		t.Errorf("NextPage = %v after %d requests, want an error and no request", err, len(s.requests()))
	}
}

func TestFetchRecordsReadsFieldsOfLinks(t *testing.T) {
	t.Parallel()
	page, err := replay(t, "fetch").FetchRecords(t.Context(), entity("account"), `<fetch top="2"><entity name="account"/></fetch>`)
	if err != nil || len(page.Records) != 1 || !page.More {
		t.Fatalf("FetchRecords = %+v, %v", page, err)
	}
	r := page.Records[0]
	name, _ := r.Value("c.fullname")
	parent, _ := r.Value("c._parentcustomerid_value")
	old, _ := r.Value("old.fullname")
	got := []any{name, parent, r.LookupEntity("c._parentcustomerid_value"), r.Formatted("c.gendercode"), old}
	want := []any{"Jo Ng", "00000000-0000-4000-8000-000000000001", "account", "Female", "Al"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the record differs (-want +got):\n%s", diff)
	}
}

func TestRetrieveDuplicates(t *testing.T) {
	t.Parallel()
	values := Fields{"emailaddress1": "a@x.org"}
	found, err := replay(t, "duplicates").RetrieveDuplicates(t.Context(), entity("lead"), values, entity("contact"))
	if err != nil || len(found) != 1 || found[0].Entity() != "contact" || found[0].ID() != "00000000-0000-4000-8000-000000000001" {
		t.Errorf("RetrieveDuplicates = %+v, %v", found, err)
	}
	if len(values) != 1 {
		t.Errorf("the caller's map has changed: %v", values)
	}
}
