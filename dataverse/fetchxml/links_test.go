package fetchxml_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

func TestAliases(t *testing.T) {
	t.Parallel()
	f := parse(t, `<fetch><entity name='a'>
		<filter><link-entity name='f' link-type='any'><link-entity name='g'/></link-entity></filter>
		<link-entity name='account'><link-entity name='contact' alias='c'><link-entity name='account'/></link-entity></link-entity><link-entity name='task'/>
	</entity></fetch>`)
	got := f.Aliases()
	account := f.Entity.Links[0]
	contact := account.Links[0]
	inFilter := f.Entity.Filters[0].Links[0]
	want := map[*fetchxml.Link]string{
		account: "account1", contact: "c", contact.Links[0]: "account3", f.Entity.Links[1]: "task4", // links with an alias count too
		inFilter: "f5", inFilter.Links[0]: "g6",
	}
	if len(got) != len(want) {
		t.Errorf("%d aliases, want %d", len(got), len(want))
	}
	for link, alias := range want {
		if got[link] != alias {
			t.Errorf("the alias of %s is %q, want %q", link.Name, got[link], alias)
		}
	}
	for name, link := range map[string]*fetchxml.Link{"c": contact, "account": account, "account1": account, "account3": contact.Links[0], "task": f.Entity.Links[1], "contact": nil, "f": nil, "": nil} {
		if f.LinkNamed(name) != link {
			t.Errorf("the link named %q is %v, want %v", name, f.LinkNamed(name), link)
		}
	}
}

func TestLinkType(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{"": "inner", "natural": "inner", "inner": "inner", "outer": "outer", "not any": "not any"} {
		if got := (&fetchxml.Link{LinkType: written}).Type(); got != want {
			t.Errorf("the type %q is %q, want %q", written, got, want)
		}
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		parent, linked string
		link           fetchxml.Link
		want           fetchxml.Join
		fault          code.Code
	}{
		{"both given", "contact", "account", fetchxml.Link{From: "accountid", To: "parentcustomerid"}, fetchxml.Join{From: "accountid", To: "parentcustomerid"}, 0},
		{"to a lookup", "contact", "account", fetchxml.Link{To: "parentcustomerid"}, fetchxml.Join{From: "accountid", To: "parentcustomerid"}, 0},
		{"from a lookup", "contact", "task", fetchxml.Link{From: "regardingobjectid"}, fetchxml.Join{From: "regardingobjectid", To: "contactid"}, 0},
		{"to a key, one lookup", "duplicaterule", "duplicaterulecondition", fetchxml.Link{To: "duplicateruleid"}, fetchxml.Join{From: "regardingobjectid", To: "duplicateruleid"}, 0},
		{"to a key, many lookups", "systemuser", "contact", fetchxml.Link{To: "systemuserid"}, fetchxml.Join{}, code.QueryBuilderAttributePairMismatch},
		{"many to many", "systemuser", "team", fetchxml.Link{}, fetchxml.Join{From: "teamid", To: "systemuserid", Intersect: "teammembership", ParentField: "systemuserid", LinkedField: "teamid"}, 0},
		{"many to many, other way", "team", "systemuser", fetchxml.Link{}, fetchxml.Join{From: "systemuserid", To: "teamid", Intersect: "teammembership", ParentField: "teamid", LinkedField: "systemuserid"}, 0},
		{"none", "contact", "subject", fetchxml.Link{}, fetchxml.Join{}, code.QueryBuilderNoEntity},
	}
	for _, test := range tests {
		got, fault := test.link.Join(standard(test.parent), standard(test.linked))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.name, diff)
		}
		if fault == nil && test.fault != 0 || fault != nil && fault.Code != test.fault {
			t.Errorf("%s: fault %v, want %v", test.name, fault, test.fault)
		}
	}
}

func TestJoinWithSeveralIntersectEntities(t *testing.T) {
	t.Parallel()
	both := []schema.ManyToMany{{Entity1: "a", Entity2: "b", IntersectEntity: "x"}, {Entity1: "b", Entity2: "a", IntersectEntity: "y"}}
	_, fault := (&fetchxml.Link{}).Join(&schema.Entity{LogicalName: "a", ManyToMany: both}, &schema.Entity{LogicalName: "b", ManyToMany: both})
	if fault == nil || fault.Code != code.QueryBuilderMultipleIntersectEntities {
		t.Errorf("fault %v", fault)
	}
}
