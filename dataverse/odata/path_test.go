package odata_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse/odata"
)

func TestParsePath(t *testing.T) {
	t.Parallel()
	record := func(set string) odata.Segment {
		return odata.Segment{Name: set, HasParens: true, Keys: []odata.KeyValue{{Value: odata.GUID(id)}}}
	}
	tests := []struct {
		path      string
		want      []odata.Segment
		canonical string // "" where it is the path
	}{
		{"", nil, ""},
		{"/", nil, "-"},
		{"accounts", []odata.Segment{{Name: "accounts"}}, ""},
		{"/accounts/", []odata.Segment{{Name: "accounts"}}, "accounts"},
		{"accounts/$count", []odata.Segment{{Name: "accounts"}, {Name: "$count"}}, ""},
		{"accounts(" + id + ")/primarycontactid/$ref", []odata.Segment{record("accounts"), {Name: "primarycontactid"}, {Name: "$ref"}}, ""},
		{"accounts({" + strings.ToUpper(id) + "})", []odata.Segment{record("accounts")}, "accounts(" + id + ")"},
		{"accounts(" + id + ")/name/$value", []odata.Segment{record("accounts"), {Name: "name"}, {Name: "$value"}}, ""},
		{
			"accounts(accountnumber='A-1')",
			[]odata.Segment{{Name: "accounts", HasParens: true, Keys: []odata.KeyValue{{Name: "accountnumber", Value: odata.String("A-1")}}}}, "",
		},
		{
			"contacts(firstname='O''Neill',emailaddress1='a%2Fb%40c.d')",
			[]odata.Segment{{Name: "contacts", HasParens: true, Keys: []odata.KeyValue{{Name: "firstname", Value: odata.String("O'Neill")}, {Name: "emailaddress1", Value: odata.String("a/b@c.d")}}}}, "",
		},
		{
			"things(_parent_value=" + id + ",code=5,on=2031-05-17)",
			[]odata.Segment{{Name: "things", HasParens: true, Keys: []odata.KeyValue{{Name: "_parent_value", Value: odata.GUID(id)}, {Name: "code", Value: odata.Number("5")}, {Name: "on", Value: odata.Date("2031-05-17")}}}}, "",
		},
		{
			"EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
			[]odata.Segment{
				{Name: "EntityDefinitions", HasParens: true, Keys: []odata.KeyValue{{Name: "LogicalName", Value: odata.String("account")}}},
				{Name: "Attributes"}, {Name: "Microsoft.Dynamics.CRM.PicklistAttributeMetadata"},
			}, "",
		},
		{"WhoAmI()", []odata.Segment{{Name: "WhoAmI", HasParens: true}}, ""},
		{
			"RetrieveDuplicates(BusinessEntity=@p1,MatchingEntityName=@p2,PagingInfo=@p3)",
			[]odata.Segment{{Name: "RetrieveDuplicates", HasParens: true, Keys: []odata.KeyValue{
				{Name: "BusinessEntity", Value: odata.Alias("@p1")}, {Name: "MatchingEntityName", Value: odata.Alias("@p2")}, {Name: "PagingInfo", Value: odata.Alias("@p3")},
			}}}, "",
		},
		{
			"RetrieveTotalRecordCount(EntityNames=['account'])",
			[]odata.Segment{{Name: "RetrieveTotalRecordCount", HasParens: true, Keys: []odata.KeyValue{{Name: "EntityNames", Value: odata.Array{odata.String("account")}}}}},
			"RetrieveTotalRecordCount(EntityNames=%5B%22account%22%5D)",
		},
		{"leads(" + id + ")/Microsoft.Dynamics.CRM.QualifyLead", []odata.Segment{record("leads"), {Name: "Microsoft.Dynamics.CRM.QualifyLead"}}, ""},
		{"$batch", []odata.Segment{{Name: "$batch"}}, ""},
		{"$metadata", []odata.Segment{{Name: "$metadata"}}, ""},
		{"$1/lastname", []odata.Segment{{Name: "$1"}, {Name: "lastname"}}, ""},
		{
			`RetrievePrincipalAccess(Target={'@odata.id':'accounts(1)'})`,
			[]odata.Segment{{Name: "RetrievePrincipalAccess", HasParens: true, Keys: []odata.KeyValue{{Name: "Target", Value: odata.JSON("{'@odata.id':'accounts(1)'}")}}}},
			"RetrievePrincipalAccess(Target=%7B'%40odata.id'%3A'accounts%281%29'%7D)",
		},
	}
	for _, test := range tests {
		got, err := odata.ParsePath(test.path)
		if err != nil {
			t.Errorf("%s: %v", test.path, err)
			continue
		}
		if diff := cmp.Diff(test.want, got.Segments); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.path, diff)
		}
		canonical := test.canonical
		switch canonical {
		case "":
			canonical = test.path
		case "-":
			canonical = ""
		}
		if got.String() != canonical {
			t.Errorf("%s is written %s, want %s", test.path, got, canonical)
		}
	}
}

func TestParsePathRefuses(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"accounts(", "accounts(" + id, "accounts(" + id + ")x", "accounts//name", "accounts(name='a)", "accounts(name=)", "accounts(=1)",
		"accounts(name='a'b)", "(1)", "accounts%2", "acc%FFounts", "accounts(a=1)(b=2)", "?a", "accounts(" + strings.Repeat("[", 10000) + ")",
	} {
		_, err := odata.ParsePath(path)
		var syntax *odata.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%.40s: error %v, want a syntax error", path, err)
		}
	}
}

func TestRecordPath(t *testing.T) {
	t.Parallel()
	if got := odata.RecordPath("accounts", id); got != "accounts("+id+")" {
		t.Errorf("got %s", got)
	}
	if got := odata.RecordPath("accounts", "x)/y?z"); got != "accounts(x%29%2Fy%3Fz)" {
		t.Errorf("an ID that is none can leave the parentheses: %s", got)
	}
}

func TestSegmentKey(t *testing.T) {
	t.Parallel()
	r, err := odata.ParsePath("EntityDefinitions(LogicalName='account')")
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Segments[0].Key("LogicalName"); got != odata.String("account") {
		t.Errorf("LogicalName = %v", got)
	}
	if got := r.Segments[0].Key("MetadataId"); got != nil {
		t.Errorf("a key that is not there = %v", got)
	}
}

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"accounts(" + id + ")/a/$ref", "c(a='x''y',b=@p1)", "F(a=['x',1],b={'c':[1]})", "$1", "a%2F(b='%27'')", "", "((("} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r, err := odata.ParsePath(path)
		if err != nil {
			return
		}
		again, err := odata.ParsePath(r.String())
		if err != nil {
			t.Fatalf("%q is written %q, which cannot be read: %v", path, r, err)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Fatalf("%q is written %q, which reads differently:\n%s", path, r, diff)
		}
	})
}
