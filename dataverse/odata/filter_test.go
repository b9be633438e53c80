package odata_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse/odata"
)

const id = "5d68b37f-aae9-4ac6-8e84-1d9d9f5a1f1a"

func path(names ...string) odata.Path { return names }

func compare(name string, op odata.Op, v odata.Value) *odata.Compare {
	return &odata.Compare{Path: strings.Split(name, "/"), Op: op, Value: v}
}

func and(terms ...odata.Expr) odata.Expr { return &odata.Logical{Op: odata.And, Terms: terms} }
func or(terms ...odata.Expr) odata.Expr  { return &odata.Logical{Op: odata.Or, Terms: terms} }

// TestParseFilter has the forms of Web API, "Filter rows using OData"; canonical is what FormatFilter makes of them, the
// same text where it is empty.
func TestParseFilter(t *testing.T) {
	t.Parallel()
	a, b, c := compare("a", odata.Eq, odata.Number("1")), compare("b", odata.Eq, odata.Number("2")), compare("c", odata.Eq, odata.Number("3"))
	tests := []struct {
		text      string
		want      odata.Expr
		canonical string
	}{
		{"name eq 'Contoso'", compare("name", odata.Eq, odata.String("Contoso")), ""},
		{"lastname eq 'O''Brian'", compare("lastname", odata.Eq, odata.String("O'Brian")), ""},
		{"name eq ''", compare("name", odata.Eq, odata.String("")), ""},
		{"name eq 'straße € 日本'", compare("name", odata.Eq, odata.String("straße € 日本")), ""},
		{"telephone1 ne null", compare("telephone1", odata.Ne, odata.Null{}), ""},
		{"creditonhold eq true", compare("creditonhold", odata.Eq, odata.Bool(true)), ""},
		{"creditonhold", compare("creditonhold", odata.Eq, odata.Bool(true)), "creditonhold eq true"},
		{"revenue gt 100000.50", compare("revenue", odata.Gt, odata.Number("100000.50")), ""},
		{"revenue ge -1.5e+3", compare("revenue", odata.Ge, odata.Number("-1.5e+3")), ""},
		{"5 lt revenue", compare("revenue", odata.Gt, odata.Number("5")), "revenue gt 5"},
		{"null eq name", compare("name", odata.Eq, odata.Null{}), "name eq null"},
		{"birthdate le 2031-05-17", compare("birthdate", odata.Le, odata.Date("2031-05-17")), ""},
		{"createdon lt 2031-05-17T10:00:00Z", compare("createdon", odata.Lt, odata.DateTime("2031-05-17T10:00:00Z")), ""},
		{"createdon lt 2031-05-17T10:00:00.5+02:00", compare("createdon", odata.Lt, odata.DateTime("2031-05-17T10:00:00.5+02:00")), ""},
		{"createdon lt 2031-05-17T10:00:00", compare("createdon", odata.Lt, odata.DateTime("2031-05-17T10:00:00")), ""},
		{"_primarycontactid_value eq " + id, compare("_primarycontactid_value", odata.Eq, odata.GUID(id)), ""},
		{"accountid eq {" + strings.ToUpper(id) + "}", compare("accountid", odata.Eq, odata.GUID(id)), "accountid eq " + id},
		{"accountid eq ABCDEF12-aae9-4ac6-8e84-1d9d9f5a1f1a", compare("accountid", odata.Eq, odata.GUID("abcdef12-aae9-4ac6-8e84-1d9d9f5a1f1a")), "accountid eq abcdef12-aae9-4ac6-8e84-1d9d9f5a1f1a"},
		{"primarycontactid/fullname eq 'Jo Ng'", compare("primarycontactid/fullname", odata.Eq, odata.String("Jo Ng")), ""},
		{"firstname eq lastname", compare("firstname", odata.Eq, odata.PathValue{"lastname"}), ""},
		{
			"OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'",
			compare("OwnershipType", odata.Eq, odata.Enum{Type: "Microsoft.Dynamics.CRM.OwnershipTypes", Member: "UserOwned"}), "",
		},
		{"revenue gt @p1", compare("revenue", odata.Gt, odata.Alias("@p1")), ""},
		{"contains(name,'(sample)')", &odata.Call{Func: "contains", Path: path("name"), Value: odata.String("(sample)")}, ""},
		{"startswith( name , 'a' ) eq true", &odata.Call{Func: "startswith", Path: path("name"), Value: odata.String("a")}, "startswith(name,'a')"},
		{"endswith(name,'a') eq false", &odata.Not{Term: &odata.Call{Func: "endswith", Path: path("name"), Value: odata.String("a")}}, "not endswith(name,'a')"},
		{"not contains(name,'a')", &odata.Not{Term: &odata.Call{Func: "contains", Path: path("name"), Value: odata.String("a")}}, ""},
		{"not (a eq 1)", &odata.Not{Term: a}, ""},
		{"not (a eq 1 and b eq 2)", &odata.Not{Term: and(a, b)}, ""},
		{"not creditonhold", &odata.Not{Term: compare("creditonhold", odata.Eq, odata.Bool(true))}, "not (creditonhold eq true)"},
		{"a eq 1 and b eq 2 and c eq 3", and(a, b, c), ""},
		{"a eq 1 or b eq 2 and c eq 3", or(a, and(b, c)), "a eq 1 or (b eq 2 and c eq 3)"},
		{"(a eq 1 or b eq 2) and c eq 3", and(or(a, b), c), ""},
		{"a eq 1 and (b eq 2 and c eq 3)", and(a, and(b, c)), ""},
		{"((a eq 1))", a, "a eq 1"},
		{
			"Account_Tasks/any(t:contains(t/subject,'call'))",
			&odata.Lambda{Collection: path("Account_Tasks"), Kind: "any", Variable: "t", Body: &odata.Call{Func: "contains", Path: path("t", "subject"), Value: odata.String("call")}}, "",
		},
		{
			"Account_Tasks/all(t:t/statecode eq 1 or t/prioritycode eq 2)",
			&odata.Lambda{Collection: path("Account_Tasks"), Kind: "all", Variable: "t", Body: or(compare("t/statecode", odata.Eq, odata.Number("1")), compare("t/prioritycode", odata.Eq, odata.Number("2")))}, "",
		},
		{"Account_Tasks/any()", &odata.Lambda{Collection: path("Account_Tasks"), Kind: "any"}, ""},
		{
			"Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=7)",
			&odata.QueryFunction{Name: "LastXDays", Params: []odata.Param{{Name: "PropertyName", Value: odata.String("createdon")}, {Name: "PropertyValue", Value: odata.Number("7")}}}, "",
		},
		{
			`Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=["O'Brian","a\"b","<x>"])`,
			&odata.QueryFunction{Name: "In", Params: []odata.Param{
				{Name: "PropertyName", Value: odata.String("lastname")},
				{Name: "PropertyValues", Value: odata.Array{odata.String("O'Brian"), odata.String(`a"b`), odata.String("<x>")}},
			}}, "",
		},
		{"Microsoft.Dynamics.CRM.Today(PropertyName='createdon') and a eq 1", and(&odata.QueryFunction{Name: "Today", Params: []odata.Param{{Name: "PropertyName", Value: odata.String("createdon")}}}, a), ""},
		{`Microsoft.Dynamics.CRM.In(PropertyName='a',PropertyValues=[1,'x'])`, &odata.QueryFunction{Name: "In", Params: []odata.Param{
			{Name: "PropertyName", Value: odata.String("a")},
			{Name: "PropertyValues", Value: odata.Array{odata.Number("1"), odata.String("x")}},
		}}, `Microsoft.Dynamics.CRM.In(PropertyName='a',PropertyValues=[1,"x"])`},
	}
	for _, test := range tests {
		got, err := odata.ParseFilter(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.text, diff)
		}
		canonical := test.canonical
		if canonical == "" {
			canonical = test.text
		}
		if formatted := odata.FormatFilter(got); formatted != canonical {
			t.Errorf("%s is written %s, want %s", test.text, formatted, canonical)
		}
	}
}

func TestParseFilterRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, message string }{
		{"", "a condition expected at position 0"},
		{"name", ""}, // a yes/no field by itself: the metadata decides
		{"name eq", "a value expected at position 7"},
		{"name eq 'O'Brian'", "'Brian' was not expected at position 11"},
		{"name eq 'open", "There is an unterminated literal at position 8 in 'name eq 'open'"},
		{"name eq 5x", "'5x' is not a number, date or ID"},
		{"name eq 2031-13-01", "is not a number, date or ID"},
		{"name eq \"double\"", "a value expected"},
		{"name is 'x'", "'is' was not expected"},
		{"Name EQ 'x'", "'EQ' was not expected"},
		{"name in ('a','b')", "Microsoft.Dynamics.CRM.In("},
		{"revenue add 5 gt 10", "the operator 'add' is not supported"},
		{"tolower(name) eq 'x'", "the function 'tolower' is not supported"},
		{"contains(name)", "',' expected"},
		{"contains(name,'a') eq 1", "true and false only"},
		{"not name eq 'x'", "must stand in parentheses"},
		{"not Microsoft.Dynamics.CRM.Today(PropertyName='createdon')", "Not operator along with the Custom Named Condition operators is not allowed at position 0"},
		{"Microsoft.Dynamics.CRM.Today(PropertyName='createdon') eq false", "Not operator along with"},
		{"Microsoft.Dynamics.CRM.Today('createdon')", "the name of a parameter expected"},
		{"1 eq 1", "needs a field"},
		{"(name eq 'x'", "')' expected"},
		{"name eq 'x')", "')' was not expected"},
		{"name eq 'x' and", "a condition expected"},
		{"Account_Tasks/$count gt 5", "the name of a field expected"},
		{"Account_Tasks/any(subject eq 'x')", "':' expected"},
		{"Account_Tasks/all()", "the name of a variable expected"},
		{"a/first(t:t eq 1)", "'first' is not a function"},
		{"name eq @", "the name of a parameter alias expected"},
		{"name eq #", "character '#' is not valid"},
		{"name eq '\xff'", "not UTF-8"},
		{"name eq lastname()", "a function is not supported there"},
		{strings.Repeat("(", 5000) + "a eq 1" + strings.Repeat(")", 5000), "levels of nesting"},
		{strings.Repeat("not ", 5000) + "a", "levels of nesting"},
		{"a eq " + strings.Repeat("[", 5000), "levels of nesting"},
		{strings.Repeat("a/any(t:", 5000), "levels of nesting"},
	}
	for _, test := range tests {
		_, err := odata.ParseFilter(test.text)
		if test.message == "" {
			if err != nil {
				t.Errorf("%.60s: %v", test.text, err)
			}
			continue
		}
		var syntax *odata.SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%.60s: error %v, want %q", test.text, err, test.message)
		}
	}
}

func TestQueryFunctionParam(t *testing.T) {
	t.Parallel()
	e, err := odata.ParseFilter("Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=7)")
	if err != nil {
		t.Fatal(err)
	}
	f := e.(*odata.QueryFunction)
	if f.Param("PropertyValue") != odata.Number("7") || f.Param("PropertyValues") != nil {
		t.Errorf("PropertyValue = %v, PropertyValues = %v, want 7 and none", f.Param("PropertyValue"), f.Param("PropertyValues"))
	}
}

func TestParseOrderBy(t *testing.T) {
	t.Parallel()
	got, err := odata.ParseOrderBy("name asc, revenue desc,primarycontactid/fullname")
	if err != nil {
		t.Fatal(err)
	}
	want := []odata.Order{{Path: path("name")}, {Path: path("revenue"), Desc: true}, {Path: path("primarycontactid", "fullname")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"", "name,", "name DESC", "name desc asc", "contains(a,'b')", "name;x", "@p1"} {
		if _, err := odata.ParseOrderBy(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestEscapes(t *testing.T) {
	t.Parallel()
	if got := odata.EscapeString("O'Neill's"); got != "O''Neill''s" {
		t.Errorf("quotes: %s", got)
	}
	if got := odata.EscapeWildcards("100%_[a]"); got != "100[%][_][[]a]" {
		t.Errorf("wildcards: %s", got)
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{
		"name eq 'O''Brian' and (a ne null or not contains(b,'%')) and c/d gt -1.5e3",
		"Account_Tasks/any(t:t/x eq " + id + " and t/y lt 2031-05-17T10:00:00Z)",
		`Microsoft.Dynamics.CRM.In(PropertyName='a',PropertyValues=["x\u0041","O'Brian"]) or b eq @p1 or c`,
		"5 lt a or creditonhold eq true and birthdate ge 2031-05-17 or f eq {" + id + "}",
		"a eq {'@odata.type':'x'} or x eq A.B'c''d'", "((((", "not not a", "a eq '", `a eq "`, "a/any()", "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := odata.ParseFilter(text)
		if err != nil {
			return
		}
		written := odata.FormatFilter(e)
		again, err := odata.ParseFilter(written)
		if err != nil {
			t.Fatalf("%q is written %q, which cannot be read: %v", text, written, err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Fatalf("%q is written %q, which reads differently:\n%s", text, written, diff)
		}
	})
}
