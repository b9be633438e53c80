package dataverse_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// What the comments on Client promise is tested here over real HTTP: against the local Dataverse, and also against a real
// environment where BOTVERSE_TEST_DATAVERSE_URL names one, with BOTVERSE_TEST_DATAVERSE_CLIENT_ID, …_CLIENT_SECRET and either
// …_TENANT_ID (Entra) or …_TOKEN_URL. What is created there is deleted again.
func TestConformance(t *testing.T) {
	t.Parallel()
	environments := map[string]dataverse.Config{}
	_, url := localtest.Start(t, local.Config{Seed: local.SeedDemo, RequireAuth: true})
	environments["local"] = localConfig(url)
	if config, ok := realConfig(os.Getenv); ok {
		environments["real"] = config
	}
	es, err := dataverse.NewEnvironments(environments, "local", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range es.Names() {
		c, err := es.Client(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for what, holds := range promises {
			t.Run(name+"/"+what, func(t *testing.T) { holds(t, c) })
		}
	}
}

func localConfig(url string) dataverse.Config {
	config := dataverse.Default()
	config.URL = url
	config.SignIn = dataverse.SignIn{Kind: dataverse.OAuth, ClientID: "bot", Credential: dataverse.Credential{ClientSecret: "s3cret"}, TokenURL: url + "/tenant/oauth2/v2.0/token"}
	return config
}

func realConfig(getenv func(string) string) (dataverse.Config, bool) {
	const prefix = "BOTVERSE_TEST_DATAVERSE_"
	config := dataverse.Default()
	config.URL = getenv(prefix + "URL")
	config.SignIn = dataverse.SignIn{
		Kind: dataverse.Entra, ClientID: getenv(prefix + "CLIENT_ID"), TenantID: getenv(prefix + "TENANT_ID"), TokenURL: getenv(prefix + "TOKEN_URL"),
		Credential: dataverse.Credential{ClientSecret: dataverse.Secret(getenv(prefix + "CLIENT_SECRET"))},
	}
	if config.SignIn.TokenURL != "" {
		config.SignIn.Kind = dataverse.OAuth
	}
	return config, config.URL != ""
}

var promises = map[string]func(*testing.T, *dataverse.Client){
	"a created record is read as it was written":   createdIsRead,
	"an ID is used once, whoever writes":           idIsUsedOnce,
	"an update of a version loses no change":       versionGuardsAnUpdate,
	"what is not there is ErrNotFound":             absentIsNotFound,
	"lists are in order and pages of copies":       listsAreInOrder,
	"lookups are bound, expanded and named":        lookupsAreNamed,
	"FetchXML finds the same, also when long":      fetchFindsTheSame,
	"a misspelt field is refused with its name":    misspeltFieldIsRefused,
	"an entity is known with fields and choices":   entityIsKnown,
	"the organization and the user are known":      organizationIsKnown,
	"an update changes what it names, and no more": updateChangesNoMore,
	"a write tells what it made of the record":     writeTellsTheRecord,
}

// create makes a contact that is deleted at the end of the test.
func create(t *testing.T, c *dataverse.Client, fields dataverse.Fields) dataverse.ID {
	t.Helper()
	id, err := c.CreateRecord(t.Context(), contact(), fields, dataverse.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.DeleteRecord(ctx, contact(), id); err != nil && !errors.Is(err, dataverse.ErrNotFound) {
			t.Error(err)
		}
	})
	return id
}

func contact() *schema.Entity { return schema.Standard().Entity("contact") }
func account() *schema.Entity { return schema.Standard().Entity("account") }

func equals(field, text string) odata.Expr {
	return &odata.Compare{Path: odata.Path{field}, Op: odata.Eq, Value: odata.String(text)}
}

func createdIsRead(t *testing.T, c *dataverse.Client) {
	t.Parallel()
	want := dataverse.ID(uuid.NewString())
	fields := dataverse.Fields{
		"contactid": string(want), "firstname": "Ada", "lastname": "O'Neill \U0001f98a", "birthdate": "1991-02-28",
		"donotphone": true, "preferredcontactmethodcode": 2, "creditlimit": json.Number("1234567.89"), "numberofchildren": 3,
	}
	if id := create(t, c, fields); id != want {
		t.Errorf("the ID is %s, want the one that was sent, %s", id, want)
	}
	fields["firstname"] = "Bea" // ours again
	r, err := c.GetRecord(t.Context(), contact(), want, &odata.Query{Select: []string{
		"firstname", "lastname", "birthdate", "donotphone", "preferredcontactmethodcode", "creditlimit", "numberofchildren", "middlename",
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{
		"firstname": "Ada", "lastname": "O'Neill \U0001f98a", "birthdate": "1991-02-28", "donotphone": true,
		"preferredcontactmethodcode": json.Number("2"), "numberofchildren": json.Number("3"), "middlename": nil,
	} {
		if got, ok := r.Value(name); !ok || got != value {
			t.Errorf("%s is %#v, want %#v", name, got, value)
		}
	}
	if limit, _ := r.Value("creditlimit"); !strings.HasPrefix(limit.(json.Number).String(), "1234567.89") {
		t.Errorf("creditlimit is %v, want all its digits", limit)
	}
	if got := r.Formatted("preferredcontactmethodcode"); got == "" || r.ID() != want || r.Entity() != "contact" || r.ETag() == "" {
		t.Errorf("label %q, ID %s, entity %s, version %s", got, r.ID(), r.Entity(), r.ETag())
	}
}

func idIsUsedOnce(t *testing.T, c *dataverse.Client) {
	t.Parallel()
	id := uuid.NewString()
	results := make(chan error, 4)
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			_, err := c.CreateRecord(t.Context(), contact(), dataverse.Fields{"contactid": id, "lastname": "Once"}, dataverse.CreateOptions{})
			results <- err
		})
	}
	writers.Wait()
	created := 0
	for range 4 {
		err := <-results
		var e *dataverse.Error
		switch {
		case err == nil:
			created++
		case !errors.As(err, &e) || e.Code != code.DuplicateRecord || !errors.Is(err, dataverse.ErrRefused):
			t.Errorf("a second writer gets %v, want DuplicateRecord", err)
		}
	}
	if created != 1 {
		t.Errorf("%d writers have created the record, want 1", created)
	}
	if err := c.DeleteRecord(t.Context(), contact(), dataverse.ID(id)); err != nil {
		t.Error(err)
	}
}

// versionGuardsAnUpdate: an update that names a version changes that version alone, and makes no record.
func versionGuardsAnUpdate(t *testing.T, c *dataverse.Client) {
	t.Parallel()
	id, err := c.CreateRecord(t.Context(), contact(), dataverse.Fields{"lastname": "Versioned"}, dataverse.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	read := func() dataverse.Record {
		r, err := c.GetRecord(t.Context(), contact(), id, &odata.Query{Select: []string{"jobtitle"}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	version := read().ETag()
	if err := c.UpdateRecordIf(t.Context(), contact(), id, version, dataverse.Fields{"jobtitle": "first"}); err != nil {
		t.Errorf("an update of the present version: %v", err)
	}
	var refusal *dataverse.Error
	err = c.UpdateRecordIf(t.Context(), contact(), id, version, dataverse.Fields{"jobtitle": "second"})
	if !errors.As(err, &refusal) || refusal.Code != code.ConcurrencyVersionMismatch {
		t.Errorf("an update of an older version: %v, want %v", err, code.ConcurrencyVersionMismatch)
	}
	if title, _ := read().Value("jobtitle"); title != "first" {
		t.Errorf("the job title is %v, want that of the first update", title)
	}
	if err := c.DeleteRecord(t.Context(), contact(), id); err != nil {
		t.Error(err)
	}
	if err := c.UpdateRecordIf(t.Context(), contact(), id, version, dataverse.Fields{"jobtitle": "third"}); !errors.Is(err, dataverse.ErrNotFound) {
		t.Errorf("an update of a record that is gone: %v, want ErrNotFound", err)
	}
}

func absentIsNotFound(t *testing.T, c *dataverse.Client) {
	t.Parallel()
	id := dataverse.ID(uuid.NewString())
	_, get := c.GetRecord(t.Context(), contact(), id, &odata.Query{Select: []string{"fullname"}})
	update := c.UpdateRecord(t.Context(), contact(), id, dataverse.Fields{"lastname": "Nobody"})
	_, again := c.GetRecord(t.Context(), contact(), id, &odata.Query{Select: []string{"fullname"}})
	_, bound := c.CreateRecord(t.Context(), contact(), dataverse.Fields{
		"lastname": "Nobody", "parentcustomerid_account@odata.bind": "/accounts(" + string(id) + ")",
	}, dataverse.CreateOptions{})
	for name, err := range map[string]error{
		"get": get, "update": update, "get after the update": again, "delete": c.DeleteRecord(t.Context(), contact(), id), "bind": bound,
	} {
		if !errors.Is(err, dataverse.ErrNotFound) {
			t.Errorf("%s: the error is %v, want ErrNotFound", name, err)
		}
	}
	page, err := c.ListRecords(t.Context(), contact(), &odata.Query{Select: []string{"fullname"}, Filter: equals("emailaddress1", string(id))})
	if err != nil || len(page.Records) != 0 || page.More {
		t.Errorf("a list of nothing is %+v, %v", page, err)
	}
}

func listsAreInOrder(t *testing.T, c *dataverse.Client) {
	t.Parallel()
	mark := "botverse-" + uuid.NewString()
	for _, name := range []string{"C", "A", "B"} {
		create(t, c, dataverse.Fields{"firstname": name, "jobtitle": mark})
	}
	query := &odata.Query{
		Select: []string{"firstname"}, Filter: equals("jobtitle", mark), Count: true,
		OrderBy: []odata.Order{{Path: odata.Path{"firstname"}, Desc: true}},
	}
	names := func(page dataverse.Page) (names []any) {
		for _, r := range page.Records {
			v, _ := r.Value("firstname")
			names = append(names, v)
		}
		return names
	}
	for range 2 {
		page, err := c.ListRecords(t.Context(), contact(), query)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff([]any{"C", "B", "A"}, names(page)); diff != "" || page.Count != 3 || page.More {
			t.Errorf("count %d, more %t, the order differs (-want +got):\n%s", page.Count, page.More, diff)
		}
		page.Records[0] = dataverse.Record{} // ours: the next look must not see it
	}
	two := 2
	query.Top = &two
	if page, err := c.ListRecords(t.Context(), contact(), query); err != nil || len(page.Records) != 2 {
		t.Errorf("the first two are %+v, %v", page, err)
	}
}

func lookupsAreNamed(t *testing.T, c *dataverse.Client) {
	t.Parallel()
	parent, err := c.CreateRecord(t.Context(), account(), dataverse.Fields{"name": "Smith & Sons"}, dataverse.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	id := create(t, c, dataverse.Fields{"lastname": "Smith", "parentcustomerid_account@odata.bind": "/accounts(" + string(parent) + ")"})
	r, err := c.GetRecord(t.Context(), contact(), id, &odata.Query{
		Select: []string{"_parentcustomerid_value"},
		Expand: []odata.Expand{{Navigation: "parentcustomerid_account", Select: []string{"name"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	value, _ := r.Value("_parentcustomerid_value")
	expanded, ok := r.Expanded("parentcustomerid_account")
	name, _ := expanded.Value("name")
	if value != string(parent) || r.Formatted("_parentcustomerid_value") != "Smith & Sons" || r.LookupEntity("_parentcustomerid_value") != "account" {
		t.Errorf("the lookup is %v %q of %q", value, r.Formatted("_parentcustomerid_value"), r.LookupEntity("_parentcustomerid_value"))
	}
	if !ok || name != "Smith & Sons" || expanded.ID() != parent || expanded.Entity() != "account" {
		t.Errorf("the expanded record is %v of %s, %t", name, expanded.Entity(), ok)
	}
	if err := c.DeleteRecord(t.Context(), contact(), id); err != nil {
		t.Error(err)
	}
	if err := c.DeleteRecord(t.Context(), account(), parent); err != nil {
		t.Error(err)
	}
}

func fetchFindsTheSame(t *testing.T, c *dataverse.Client) {
	t.Parallel()
	mark := "botverse-" + uuid.NewString()
	id := create(t, c, dataverse.Fields{"firstname": "Ada", "jobtitle": mark})
	for _, comment := range []string{"", "<!--" + strings.Repeat(" long ", 1000) + "-->"} {
		page, err := c.FetchRecords(t.Context(), contact(), `<fetch top="2"><entity name="contact">`+comment+
			`<attribute name="firstname"/><filter><condition attribute="jobtitle" operator="eq" value="`+mark+`"/></filter></entity></fetch>`)
		if err != nil || len(page.Records) != 1 || page.Records[0].ID() != id || page.More {
			t.Errorf("with %d bytes more: FetchRecords = %+v, %v", len(comment), page, err)
		}
	}
}

func misspeltFieldIsRefused(t *testing.T, c *dataverse.Client) {
	t.Parallel()
	_, list := c.ListRecords(t.Context(), contact(), &odata.Query{Select: []string{"frstname"}})
	_, write := c.CreateRecord(t.Context(), contact(), dataverse.Fields{"frstname": "Ada Lovelace"}, dataverse.CreateOptions{})
	for name, err := range map[string]error{"list": list, "create": write} {
		if !errors.Is(err, dataverse.ErrRefused) || !strings.Contains(err.Error(), "frstname") || strings.Contains(err.Error(), "Lovelace") {
			t.Errorf("%s: the error is %v, want ErrRefused with the field's name and no value", name, err)
		}
	}
}

func entityIsKnown(t *testing.T, c *dataverse.Client) {
	t.Parallel()
	e, err := c.Entity(t.Context(), "contact")
	if err != nil {
		t.Fatal(err)
	}
	method, parent := e.Field("preferredcontactmethodcode"), e.Field("parentcustomerid")
	if e.EntitySetName != "contacts" || e.PrimaryID != "contactid" || e.PrimaryName != "fullname" || method == nil || parent == nil {
		t.Fatalf("the entity is %s with set %s, key %s, name %s", e.LogicalName, e.EntitySetName, e.PrimaryID, e.PrimaryName)
	}
	if method.Type != schema.Picklist || method.Option(2) == nil || parent.Type != schema.Customer || parent.Navigation["account"] != "parentcustomerid_account" {
		t.Errorf("a choice is %+v, a lookup %+v", method, parent)
	}
	if again, err := c.RefreshEntity(t.Context(), "contact"); err != nil || again.LogicalName != "contact" {
		t.Errorf("RefreshEntity = %v, %v", again, err)
	}
	all, err := c.Entities(t.Context())
	if err != nil || !slices.IsSortedFunc(all, func(a, b *schema.Entity) int { return cmp.Compare(a.LogicalName, b.LogicalName) }) ||
		!slices.ContainsFunc(all, func(e *schema.Entity) bool { return e.LogicalName == "contact" && e.EntitySetName == "contacts" }) {
		t.Errorf("Entities = %d of them, %v", len(all), err)
	}
	_, err = c.Entity(t.Context(), "contcat")
	var unknown *dataverse.UnknownEntityError
	if !errors.Is(err, dataverse.ErrUnknownEntity) || !errors.As(err, &unknown) || !slices.Contains(unknown.Nearest, "contact") {
		t.Errorf("an unknown entity is %v", err)
	}
}

func organizationIsKnown(t *testing.T, c *dataverse.Client) {
	t.Parallel()
	o, err := c.Organization(t.Context())
	if err != nil || o.ID == "" || o.UserID == "" || o.BusinessUnitID == "" {
		t.Errorf("Organization = %+v, %v", o, err)
	}
}

func updateChangesNoMore(t *testing.T, c *dataverse.Client) {
	t.Parallel()
	id := create(t, c, dataverse.Fields{"firstname": "Ada", "jobtitle": "Analyst"})
	if err := c.UpdateRecord(t.Context(), contact(), id, dataverse.Fields{"jobtitle": nil}); err != nil {
		t.Fatal(err)
	}
	r, err := c.GetRecord(t.Context(), contact(), id, &odata.Query{Select: []string{"firstname", "jobtitle"}})
	first, _ := r.Value("firstname")
	title, _ := r.Value("jobtitle")
	if err != nil || first != "Ada" || title != nil {
		t.Errorf("after the update: %v, %v, %v", first, title, err)
	}
}

// writeTellsTheRecord: what Dataverse computes comes with the answer to a creation, and to an update.
func writeTellsTheRecord(t *testing.T, c *dataverse.Client) {
	t.Parallel()
	want := dataverse.ID(uuid.NewString())
	query := &odata.Query{Select: []string{"fullname", "preferredcontactmethodcode"}}
	fields := dataverse.Fields{"contactid": string(want), "firstname": "Ada", "lastname": "Told", "preferredcontactmethodcode": 2}
	id, made, err := c.CreateAndGetRecord(t.Context(), contact(), fields, dataverse.CreateOptions{}, query)
	if err != nil || made == nil || id != want || made.ID() != want {
		t.Fatalf("the creation answers %s, %+v, %v; want the record %s", id, made, err, want)
	}
	if name, _ := made.Value("fullname"); name != "Ada Told" || made.Formatted("preferredcontactmethodcode") == "" || made.ETag() == "" || made.Entity() != "contact" {
		t.Errorf("the creation tells %+v", made)
	}
	if _, more := made.Value("createdon"); more {
		t.Error("the creation tells what was not asked for")
	}
	now, err := c.UpdateAndGetRecord(t.Context(), contact(), want, made.ETag(), dataverse.Fields{"lastname": "Changed"}, query)
	if err != nil || now == nil || now.ID() != want {
		t.Fatalf("the update answers %+v, %v", now, err)
	}
	if name, _ := now.Value("fullname"); name != "Ada Changed" || now.ETag() == made.ETag() {
		t.Errorf("the update tells %+v", now)
	}
	var refusal *dataverse.Error
	if _, err := c.UpdateAndGetRecord(t.Context(), contact(), want, made.ETag(), dataverse.Fields{"lastname": "Old"}, query); !errors.As(err, &refusal) || refusal.Code != code.ConcurrencyVersionMismatch {
		t.Errorf("an update of an older version: %v, want %v", err, code.ConcurrencyVersionMismatch)
	}
	if err := c.DeleteRecord(t.Context(), contact(), want); err != nil {
		t.Error(err)
	}
	if _, err := c.UpdateAndGetRecord(t.Context(), contact(), want, "", dataverse.Fields{"lastname": "Gone"}, query); !errors.Is(err, dataverse.ErrNotFound) {
		t.Errorf("an update of a record that is gone: %v, want ErrNotFound", err)
	}
}
