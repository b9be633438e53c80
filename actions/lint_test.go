package actions

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/input"
)

// places are where the faults of an error are, with their reasons, sorted.
func places(err error) []string {
	var texts []string
	for _, f := range input.FaultsOf(err) {
		texts = append(texts, f.Field+" "+string(f.Reason))
	}
	slices.Sort(texts)
	return texts
}

// lintWorld is a world, and a check that lints and wants these faults, without a request for records.
func lintWorld(t *testing.T) (world, func(name string, err error, want ...string)) {
	t.Helper()
	w := newWorld(t)
	return w, func(name string, err error, want ...string) {
		t.Helper()
		if err != nil && input.FaultsOf(err) == nil {
			t.Errorf("%s: %v", name, err)
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, places(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s\n%v", name, diff, err)
		}
		for _, sent := range w.wire.take() {
			if !strings.Contains(sent, "$batch") && !strings.Contains(sent, "Definitions") {
				t.Errorf("%s sent %s", name, sent)
			}
		}
	}
}

func TestLintOfSearches(t *testing.T) {
	t.Parallel()
	w, check := lintWorld(t)
	ctx := context.Background()
	check("a good one", w.LintFindRecord(ctx, FindRecord{
		Entity: "contact", OrderBy: []string{"createdon desc"}, Save: map[string]string{"a": "fullname", "b": "@phone_field", "c": "parentcustomerid"},
		Where: map[string]any{
			"emailaddress1": "{{ visitor.email | downcase }}", "birthdate": "1980-05-17", "donotfax": "{{ x }}", "jobtitle": nil, "createdon": "2026-01-01",
			"@phone":           map[string]any{"number": "{{ caller }}", "region": "{{ country }}", "fields": []any{"mobilephone"}},
			"parentcustomerid": map[string]any{"entity": "account", "where": map[string]any{"name": "{{ company }}", "primarycontactid": map[string]any{"entity": "contact", "name": "Ada"}}},
			"ownerid":          map[string]any{"entity": "{{ kind }}", "id": "{{ id }}"},
		},
		Conditions: []Condition{
			{Field: "creditlimit", Operator: "between", Value: []any{1.0, "{{ most }}"}}, {Field: "lastname", Operator: "is_null"},
			{Field: "ownerid", Operator: "in", Value: []any{someID, map[string]any{"entity": "team", "name": "A"}}}, {Field: "lastname", Operator: "contains", Value: "{{ part }}"},
		},
	}))
	check("all faults at once", w.LintFindRecord(ctx, FindRecord{
		Entity: "contact", OrderBy: []string{"nosuch", "fullname sideways"}, Save: map[string]string{"a": "fullnam", "b": "@phone_field"}, SaveDefaults: map[string]any{"c": 1},
		TimeZone: "Mars/Base", MaxCandidates: 51, Culture: "-",
		Where: map[string]any{
			"emial": "{{ visitor.email }}", "lastname": "{{ visitor.", "birthdate": "tomorrow", "firstname": "{% if x %}", "jobtitle": "",
			"parentcustomerid": map[string]any{"entity": "account", "where": map[string]any{"nam": "{{ company }}", "telephone1": "{{"}}, "ownerid": map[string]any{"entity": "contact", "id": "{{ x }}", "where": map[string]any{}},
			"preferredcontactmethodcode": "pigeon",
		},
		Conditions: []Condition{
			{Field: "birthdat", Operator: "eq", Value: 1.0}, {Field: "lastname", Operator: "near", Value: "x"}, {Field: "lastname", Operator: "contains", Value: "{{ a b }}"},
			{Field: "ownerid", Operator: "in", Value: []any{"nobody"}}, {Field: "creditlimit", Operator: "between", Value: []any{"much", 2.0}},
		},
	}),
		"conditions[0].field INVALID_FIELD", "conditions[1].operator INVALID_VALUE", "conditions[2].value BAD_TEMPLATE", "conditions[3].value INVALID_VALUE", "conditions[4].value INVALID_VALUE",
		"culture INVALID_REQUEST", "max_candidates INVALID_REQUEST", "order_by[0] INVALID_FIELD", "order_by[1] INVALID_REQUEST", "save.a INVALID_FIELD", "save.b INVALID_FIELD", "save_defaults.c INVALID_REQUEST", "time_zone INVALID_REQUEST",
		"where.birthdate INVALID_VALUE", "where.emial INVALID_FIELD", "where.firstname BAD_TEMPLATE", "where.jobtitle INVALID_VALUE", "where.lastname BAD_TEMPLATE", "where.ownerid INVALID_VALUE",
		"where.parentcustomerid.where.nam INVALID_FIELD", "where.parentcustomerid.where.telephone1 BAD_TEMPLATE", "where.preferredcontactmethodcode INVALID_VALUE",
	)
	check("a phone", w.LintFindRecord(ctx, FindRecord{Entity: "contact", Where: map[string]any{"@phone": map[string]any{"number": "{{ x", "region": "{{ y | no }}", "fields": []any{"nosuch"}}}}),
		"where.@phone.fields INVALID_FIELD", "where.@phone.number BAD_TEMPLATE", "where.@phone.region BAD_TEMPLATE")
	check("a literal phone", w.LintFindRecord(ctx, FindRecord{Entity: "contact", Where: map[string]any{"@phone": "hello"}}), "where.@phone INVALID_VALUE")
	check("nothing to search by", w.LintFindRecord(ctx, FindRecord{Entity: "contact"}), "where INVALID_REQUEST")
	check("an unknown entity", w.LintFindRecord(ctx, FindRecord{Entity: "contac", Where: map[string]any{"a": 1}}), "entity UNKNOWN_ENTITY")
	if err := w.LintFindRecord(ctx, FindRecord{Environment: "nowhere", Entity: "contact"}); err == nil || input.FaultsOf(err) != nil {
		t.Errorf("an unknown environment: %v", err)
	}
}

func TestLintOfFetchXML(t *testing.T) {
	t.Parallel()
	w, check := lintWorld(t)
	ctx := context.Background()
	lint := func(query string, save map[string]string) error {
		return w.LintFindRecordByFetchXML(ctx, FindRecordByFetchXML{Entity: "contact", FetchXML: query, Save: save})
	}
	check("a good one", lint(`<fetch><entity name="contact"><attribute name="fullname"/><filter><condition attribute="lastname" operator="eq" value="{{ name }}"/></filter></entity></fetch>`, map[string]string{"n": "fullname", "id": "@id"}))
	check("all faults at once", lint(`<fetch>
  <entity name="contact">
    <attribute name="fulname"/>
    <filter>
      <condition attribute="lastname" operator="eq" value="{{ name"/>
      <condition attribute="lastnam" operator="eq" value="{{ name }}"/>
      <condition attribute="lastname" operator="eq" when-set="x{{ name }}" value="{{ name | nofilter }}"/>
    </filter>
  </entity>
</fetch>`, nil), "fetch_xml:3:22 INVALID_FIELD", "fetch_xml:5:60 BAD_TEMPLATE", "fetch_xml:6:29 INVALID_FIELD", "fetch_xml:7:63 BAD_TEMPLATE", "fetch_xml:7:93 BAD_TEMPLATE")
	check("an unknown link", lint(`<fetch><entity name="contact"><link-entity name="acount" from="accountid" to="parentcustomerid"/></entity></fetch>`, nil), "fetch_xml:1:50 UNKNOWN_ENTITY")
	check("another entity", lint(`<fetch><entity name="account"/></fetch>`, nil), "fetch_xml:1:22 ENTITY_MISMATCH")
	check("no XML", lint(`<fetch>
<entity`, nil), "fetch_xml:2:8 BAD_FETCHXML")
	check("what is not selected", lint(`<fetch><entity name="contact"><attribute name="lastname"/></entity></fetch>`, map[string]string{"n": "fullname", "m": "@nothing"}), "save.m INVALID_FIELD", "save.n INVALID_FIELD")
}

func TestLintOfWrites(t *testing.T) {
	t.Parallel()
	w, check := lintWorld(t)
	ctx := context.Background()
	check("a good creation", w.LintCreateRecord(ctx, CreateRecord{
		Entity: "incident", MatchOn: []string{"title"}, Save: map[string]string{"n": "ticketnumber"}, TimeZone: "Europe/Berlin",
		Fields: map[string]any{
			"title": "{{ title }}", "customerid": map[string]any{"entity": "contact", "where": map[string]any{"@phone": "{{ caller }}"}}, "prioritycode": "High", "statuscode": "{{ status }}",
			"subjectid": map[string]any{"entity": "subject", "name": "Default"}, "description": map[string]any{"value": "{{ text }}", "default": "none"},
		},
	}))
	check("a creation with all faults", w.LintCreateRecord(ctx, CreateRecord{
		Entity: "incident", MatchOn: []string{"nosuch"}, Save: map[string]string{"n": "nosuch"},
		Fields: map[string]any{
			"titel": "{{ title }}", "customerid": map[string]any{"entity": "contact", "where": map[string]any{"emial": "{{ x }}"}}, "prioritycode": "Highest", "createdby": "{{ x }}",
			"description": "{{ text", "primarycontactid": map[string]any{"entity": "contact", "where": map[string]any{"lastname": "{{ x"}}, "followupby": map[string]any{"value": "{{ day }}", "default": "tomorrow"}, "subjectid": map[string]any{"entity": "account", "where": map[string]any{"a": "{{ x }}"}},
			"productid": map[string]any{"entity": "product", "nam": "x"},
		},
	}), "fields.createdby INVALID_FIELD", "fields.customerid.where.emial INVALID_FIELD", "fields.description BAD_TEMPLATE", "fields.followupby.default INVALID_VALUE", "fields.prioritycode INVALID_VALUE", "fields.primarycontactid.where.lastname BAD_TEMPLATE",
		"fields.productid INVALID_VALUE", "fields.subjectid INVALID_VALUE", "fields.titel INVALID_FIELD", "fields.title MISSING_REQUIRED", "match_on[0] INVALID_FIELD", "save.n INVALID_FIELD")
	check("a good change", w.LintUpdateRecord(ctx, UpdateRecord{Entity: "contact", RecordID: "{{ customer }}", Fields: map[string]any{"jobtitle": "{{ job }}", "lastname": "Ada"}}))
	check("a change of no record", w.LintUpdateRecord(ctx, UpdateRecord{Entity: "contact", Fields: map[string]any{"lastname": nil}}), "fields.lastname MISSING_REQUIRED", "record_id INVALID_REQUEST")
	check("a change of a wrong ID", w.LintUpdateRecord(ctx, UpdateRecord{Entity: "contact", RecordID: "1", Fields: map[string]any{"createdon": "{{ x }}"}}), "fields.createdon INVALID_FIELD", "record_id INVALID_VALUE")
	check("a change by no key", w.LintUpdateRecord(ctx, UpdateRecord{Entity: "contact", Key: map[string]any{"emailaddress1": "{{ x }}"}, Fields: map[string]any{"jobtitle": 1.0}}), "key INVALID_FIELD")
	upsert := func(where map[string]any, conditions ...Condition) error {
		return w.LintUpsertRecord(ctx, UpsertRecord{UpdateRecord: UpdateRecord{Entity: "contact", Where: where, Conditions: conditions, Fields: map[string]any{"jobtitle": "{{ job }}", "telephone1": "{{ caller }}"}}})
	}
	check("a good upsert", upsert(map[string]any{"@phone": "{{ caller }}"}))
	check("an upsert that would not be found", upsert(map[string]any{"@phone": map[string]any{"number": "{{ caller }}", "fields": []any{"yomifullname"}}}), "where.@phone INVALID_REQUEST")
	check("an upsert by conditions", upsert(nil, Condition{Field: "lastname", Operator: "eq", Value: "x"}), "conditions INVALID_REQUEST")
}
