package dataverse

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse/schema"
)

const (
	organizationID = ID("44444444-4444-4444-8444-444444444444")
	whoAmI         = `{"@odata.context":"c","BusinessUnitId":"55555555-5555-4555-8555-555555555555","UserId":"66666666-6666-4666-8666-666666666666","OrganizationId":"44444444-4444-4444-8444-444444444444"}`
	switchedOn     = `{"name":"Contoso","isduplicatedetectionenabled":true,"isduplicatedetectionenabledforonlinecreateupdate":true,"organizationid":"44444444-4444-4444-8444-444444444444"}`
	switchedOff    = `{"name":"Contoso","isduplicatedetectionenabled":true,"isduplicatedetectionenabledforonlinecreateupdate":false,"organizationid":"44444444-4444-4444-8444-444444444444"}`
	onlyRule       = `{"value":[{"duplicateruleid":"77777777-7777-4777-8777-777777777777","name":"Same e-mail","baseentityname":"contact","matchingentityname":"lead","iscasesensitive":false,"excludeinactiverecords":true,
 "DuplicateRule_DuplicateRuleConditions":[{"baseattributename":"emailaddress1","matchingattributename":"emailaddress2","operatorcode":1,"operatorparam":5,"ignoreblankvalues":false}]}]}`
)

// organization answers what the client asks of the organization and its rules.
type organization struct {
	record, rules string // "" is forbidden
	requests      []string
}

func (o *organization) answer(_ int, r *http.Request) (*http.Response, error) {
	o.requests = append(o.requests, r.URL.RequestURI())
	body := map[string]string{"WhoAmI()": whoAmI, "organizations(" + string(organizationID) + ")": o.record, "duplicaterules": o.rules}[strings.TrimPrefix(r.URL.Path, "/api/data/v9.2/")]
	if body == "" {
		return refusal(403, "0x80040220", "is missing a privilege"), nil
	}
	return reply(200, body), nil
}

// client is one that already knows of contacts, and of a thing without duplicate detection.
func (o *organization) client(t *testing.T) *Client {
	c := (&script{t: t, answer: o.answer}).client()
	for _, e := range []*schema.Entity{entity("contact"), {LogicalName: "thing"}} {
		s, _ := c.metadata.entities.slot(e.LogicalName)
		s.keep(e, life{fresh: time.Hour, valid: time.Hour}, nil, time.Now())
	}
	return c
}

func TestOrganizationIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &organization{record: switchedOn}
		c := o.client(t)
		want := Organization{ID: organizationID, Name: "Contoso", DuplicateDetection: true, UserID: "66666666-6666-4666-8666-666666666666", BusinessUnitID: "55555555-5555-4555-8555-555555555555", readable: true}
		for range 2 {
			got, err := c.Organization(t.Context())
			if err != nil || got != want {
				t.Errorf("Organization = %+v, %v; want %+v", got, err, want)
			}
		}
		if diff := cmp.Diff([]string{
			"/api/data/v9.2/WhoAmI()",
			"/api/data/v9.2/organizations(" + string(organizationID) + ")?$select=name,isduplicatedetectionenabled,isduplicatedetectionenabledforonlinecreateupdate",
		}, o.requests); diff != "" {
			t.Errorf("the requests differ (-want +got):\n%s", diff)
		}
	})
}

func TestOrganizationThatMayNotBeReadIsNoError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got, err := (&organization{}).client(t).Organization(t.Context())
		if err != nil || got.ID != organizationID || got.Name != "" || got.DuplicateDetection {
			t.Errorf("Organization = %+v, %v", got, err)
		}
	})
}

func TestOutageOfWhoAmIIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, answer: func(int, *http.Request) (*http.Response, error) { return reply(503, ""), nil }}
		c := s.client()
		if _, err := c.Organization(t.Context()); !errors.Is(err, ErrUnavailable) || !strings.HasPrefix(err.Error(), "Organization: ") {
			t.Errorf("Organization = %v", err)
		}
		if _, err := c.DuplicateRules(t.Context(), "contact"); !errors.Is(err, ErrUnavailable) || !strings.HasPrefix(err.Error(), "DuplicateRules contact: ") {
			t.Errorf("DuplicateRules = %v, want the outage: it is not the same as no rule", err)
		}
	})
}

func TestDuplicateRulesInForce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &organization{record: switchedOn, rules: onlyRule}
		c := o.client(t)
		got, err := c.DuplicateRules(t.Context(), "contact")
		want := Rules{InForce: true, Rules: []DuplicateRule{{
			ID: "77777777-7777-4777-8777-777777777777", Name: "Same e-mail", BaseEntity: "contact", MatchingEntity: "lead", ExcludeInactive: true,
			// The only condition of a rule ignores blanks whatever it says.
			Conditions: []DuplicateCondition{{BaseField: "emailaddress1", MatchingField: "emailaddress2", Operator: SameFirst, Characters: 5, IgnoreBlank: true}},
		}}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("DuplicateRules: %v, differ (-want +got):\n%s", err, diff)
		}
		wantURI := "/api/data/v9.2/duplicaterules?$select=name,baseentityname,matchingentityname,iscasesensitive,excludeinactiverecords" +
			"&$expand=DuplicateRule_DuplicateRuleConditions($select=baseattributename,matchingattributename,operatorcode,operatorparam,ignoreblankvalues)" +
			"&$filter=baseentityname%20eq%20'contact'%20and%20statecode%20eq%201%20and%20statuscode%20eq%202&$orderby=name"
		if got := o.requests[len(o.requests)-1]; got != wantURI {
			t.Errorf("the request is\n  %s\nwant\n  %s", got, wantURI)
		}
		time.Sleep(50 * time.Second)
		if _, err := c.DuplicateRules(t.Context(), "contact"); err != nil || len(o.requests) != 3 {
			t.Errorf("after 50 s %d requests have been made (%v), want 3: they are remembered", len(o.requests), err)
		}
		time.Sleep(11 * time.Second)
		if _, err := c.DuplicateRules(t.Context(), "contact"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(o.requests) != 4 {
			t.Errorf("after a minute %d requests have been made, want 4", len(o.requests))
		}
	})
}

func TestDuplicateRulesThatAreNotInForceSayWhy(t *testing.T) {
	t.Parallel()
	for why, c := range map[string]struct {
		entity        string
		record, rules string
	}{
		"switched off": {"contact", switchedOff, onlyRule},
		"not enabled":  {"thing", switchedOn, onlyRule},
		"no duplicate": {"contact", switchedOn, `{"value":[]}`},
		"may not read": {"contact", switchedOn, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := &organization{record: c.record, rules: c.rules}
			rules, err := o.client(t).DuplicateRules(t.Context(), c.entity)
			if err != nil || rules.InForce || len(rules.Rules) != 0 || !strings.Contains(rules.Why, why) {
				t.Errorf("DuplicateRules = %+v, %v; want a Why with %q", rules, err, why)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		o := &organization{rules: onlyRule}
		if rules, err := o.client(t).DuplicateRules(t.Context(), "contact"); err != nil || !rules.InForce {
			t.Errorf("where the organization may not be read the rules alone have to tell: %+v, %v", rules, err)
		}
	})
}
