package fetchxml_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

func standard(name string) *schema.Entity { return schema.Standard().Entity(name) }

func check(t *testing.T, text string) []*fetchxml.Fault {
	t.Helper()
	return fetchxml.Check(parse(t, text), standard)
}

func contactQuery(inside string) string {
	return "<fetch><entity name='contact'>" + inside + "</entity></fetch>"
}

func contactFilter(inside string) string {
	return contactQuery("<filter>" + inside + "</filter>")
}

func TestCheckTakesWhatIsRight(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		contactQuery(""),
		contactQuery("<all-attributes/>"),
		contactQuery("<attribute name='fullname' alias='n'/><attribute name='parentcustomerid'/><order attribute='createdon'/>"),
		contactFilter("<condition attribute='emailaddress1' operator='eq' value='{{ visitor.email }}'/>"),
		contactFilter("<condition attribute='statecode' operator='in'><value>0</value><value>1</value></condition>"),
		contactFilter("<condition attribute='statecode' operator='not-null' value='0'/>"), // a superfluous value is no fault
		contactFilter("<condition attribute='createdon' operator='last-x-hours' value='{{ n }}'/>"),
		contactFilter("<condition attribute='createdon' operator='between'><value>2031-01-01</value><value>2031-02-01</value></condition>"),
		contactFilter("<condition attribute='parentcustomerid' operator='like' value='A%'/>"), // by the name
		contactFilter("<condition attribute='accountrolecodename' operator='like' value='D%'/>"),
		contactFilter("<condition attribute='ownerid' operator='eq-userid'/><condition attribute='entityimage' operator='not-null'/>"),
		contactFilter("<condition attribute='firstname' operator='eq' valueof='lastname'/><condition attribute='modifiedon' operator='gt' valueof='createdon'/>"),
		contactFilter("<condition attribute='ownerid' operator='eq' valueof='createdby'/>"),
		contactQuery(`<link-entity name='account' from='accountid' to='parentcustomerid' link-type='outer' alias='a'><attribute name='name'/><filter><condition attribute='name' operator='not-null'/></filter></link-entity>
			<filter type='or'><condition entityname='a' attribute='revenue' operator='gt' value='1'/><condition entityname='a' attribute='name' operator='eq' valueof='accountnumber'/><condition attribute='lastname' operator='ne' valueof='a.name'/></filter>
			<order entityname='a' attribute='name'/>`),
		contactQuery("<link-entity name='account' from='accountid' to='parentcustomerid'/><filter><condition entityname='account' attribute='name' operator='null'/></filter>"),
		contactQuery("<filter><link-entity name='task' from='regardingobjectid' to='contactid' link-type='not any'><filter><condition attribute='statecode' operator='eq' value='0'/></filter></link-entity></filter>"),
		contactQuery("<link-entity name='account' to='parentcustomerid'/>"), // the other side is the key
		"<fetch><entity name='systemuser'><link-entity name='team'/></entity></fetch>",
		"<fetch><entity name='systemuser'><link-entity name='teammembership' from='systemuserid' to='systemuserid' intersect='true'><link-entity name='team' from='teamid' to='teamid' alias='team'/></link-entity></entity></fetch>",
		"<fetch aggregate='true'><entity name='account'><attribute name='revenue' alias='total' aggregate='sum'/><attribute name='createdon' alias='m' groupby='true' dategrouping='month'/><attribute name='accountid' alias='n' aggregate='countcolumn' distinct='true'/><order alias='total' descending='true'/></entity></fetch>",
	} {
		if faults := check(t, text); len(faults) > 0 {
			t.Errorf("%s\n%v", text, faults)
		}
	}
}

func TestCheckFindsFaults(t *testing.T) {
	t.Parallel()
	aggregate := func(inside string) string {
		return "<fetch aggregate='true'><entity name='account'>" + inside + "</entity></fetch>"
	}
	tests := []struct {
		name, text string
		code       code.Code
		message    string
		nearest    string // the first
	}{
		{"root entity", "<fetch><entity name='contakt'><attribute name='x'/></entity></fetch>", code.QueryBuilderNoEntity, "The entity with a name = 'contakt' with namemapping = 'Logical' was not found", ""},
		{"linked entity", contactQuery("<link-entity name='acount' from='a' to='b'><attribute name='c'/></link-entity>"), code.QueryBuilderNoEntity, "'acount'", ""},
		{"attribute", contactQuery("<attribute name='emailadress1'/>"), code.QueryBuilderNoAttribute, "'contact' entity doesn't contain attribute with Name = 'emailadress1' and NameMapping = 'Logical'.", "emailaddress1"},
		{"attribute in other case", contactQuery("<attribute name='FirstName'/>"), code.QueryBuilderNoAttribute, "'FirstName'", "firstname"},
		{"order", contactQuery("<order attribute='creatdon'/>"), code.QueryBuilderNoAttribute, "creatdon", "createdon"},
		{"condition", contactFilter("<condition attribute='lastnam' operator='null'/>"), code.QueryBuilderNoAttribute, "lastnam", "lastname"},
		{"valueof", contactFilter("<condition attribute='lastname' operator='eq' valueof='firstnam'/>"), code.QueryBuilderNoAttribute, "firstnam", "firstname"},
		{"from", contactQuery("<link-entity name='account' from='acountid' to='parentcustomerid'/>"), code.QueryBuilderNoAttribute, "'account' entity", "accountid"},
		{"to", contactQuery("<link-entity name='account' from='accountid' to='parentcustomer'/>"), code.QueryBuilderNoAttribute, "'contact' entity", "parentcustomerid"},
		{"types of from and to", contactQuery("<link-entity name='account' from='accountid' to='lastname'/>"), code.QueryBuilderInvalidJoinOperator, "cannot join 'accountid', a Uniqueidentifier field, with 'lastname', a String field", ""},
		{"join by an image", contactQuery("<link-entity name='contact' from='entityimage' to='entityimage'/>"), code.QueryBuilderInvalidJoinOperator, "a Image field", ""},
		{"no relationship", contactQuery("<link-entity name='subject'/>"), code.QueryBuilderNoEntity, "No system many-to-many relationship exists between contact and subject.  If attempting", ""},
		{"to without relationship", contactQuery("<link-entity name='subject' to='lastname'/>"), code.QueryBuilderAttributePairMismatch, "needs both 'from' and 'to'", ""},
		{"operator", contactFilter("<condition attribute='lastname' operator='begins-wit' value='a'/>"), code.QueryBuilderInvalidConditionOperator, "'begins-wit' is not supported", "begins-with"},
		{"operator of another language", contactFilter("<condition attribute='lastname' operator='contains' value='a'/>"), code.QueryBuilderInvalidConditionOperator, "Use like with '%' around the value.", ""},
		{"too few values", contactFilter("<condition attribute='lastname' operator='like'/>"), code.QueryBuilderBadCondition, "'like' requires 1 value, not 0", ""},
		{"too many values", contactFilter("<condition attribute='lastname' operator='eq'><value>1</value><value>2</value></condition>"), code.QueryBuilderBadCondition, "'eq' requires 1 value, not 2", ""},
		{"one value of two", contactFilter("<condition attribute='createdon' operator='between' value='1'/>"), code.QueryBuilderBadCondition, "'between' requires 2 values, not 1", ""},
		{"no value of many", contactFilter("<condition attribute='statecode' operator='in'/>"), code.QueryBuilderBadCondition, "requires at least 1 value, not 0", ""},
		{"date operator on text", contactFilter("<condition attribute='lastname' operator='today'/>"), code.QueryBuilderBadCondition, "'today' cannot test 'lastname', which is a String field", ""},
		{"like on a choice", contactFilter("<condition attribute='statecode' operator='like' value='A%'/>"), code.QueryBuilderBadCondition, "Choices are compared by number", ""},
		{"hours of a day", contactFilter("<condition attribute='birthdate' operator='last-x-hours' value='1'/>"), code.QueryBuilderBadCondition, "a date without a time", ""},
		{"contain-values of one choice", contactFilter("<condition attribute='statecode' operator='contain-values'><value>1</value></condition>"), code.QueryBuilderBadCondition, "cannot test", ""},
		{"valueof's operator", contactFilter("<condition attribute='lastname' operator='like' valueof='firstname'/>"), code.QueryBuilderBadCondition, "cannot compare with 'valueof'", ""},
		{"valueof's type", contactFilter("<condition attribute='lastname' operator='eq' valueof='createdon'/>"), code.QueryBuilderBadCondition, "cannot be compared", ""},
		{"value and valueof", contactFilter("<condition attribute='lastname' operator='eq' value='a' valueof='firstname'/>"), code.QueryBuilderBadCondition, "not both", ""},
		{"valueof's alias", contactFilter("<condition attribute='lastname' operator='eq' valueof='x.name'/>"), code.QueryBuilderAliasDoesNotExist, "no <link-entity> has the alias 'x'", ""},
		{"entityname", contactQuery("<link-entity name='account' from='accountid' to='parentcustomerid' alias='company'/><filter><condition entityname='compny' attribute='name' operator='null'/></filter>"), code.QueryBuilderAliasDoesNotExist, "compny", "company"},
		{"entityname of a link with an alias", contactQuery("<link-entity name='account' from='accountid' to='parentcustomerid' alias='company'/><filter><condition entityname='account' attribute='name' operator='null'/></filter>"), code.QueryBuilderAliasDoesNotExist, "account", ""},
		{"entityname in a link", contactQuery("<link-entity name='account' from='accountid' to='parentcustomerid' alias='a'><filter><condition entityname='a' attribute='name' operator='null'/></filter></link-entity>"), code.QueryBuilderAliasDoesNotExist, "below the root", ""},
		{"entityname of an order", contactQuery("<order entityname='x' attribute='name'/>"), code.QueryBuilderAliasDoesNotExist, "x", ""},
		{"order in a link that only tests", contactQuery("<link-entity name='account' from='accountid' to='parentcustomerid' link-type='exists'><order attribute='name'/></link-entity>"), code.QueryBuilderInvalidNode, "returns nothing", ""},
		{"order below a link that only tests", contactQuery("<link-entity name='account' from='accountid' to='parentcustomerid' link-type='in'><link-entity name='systemuser' from='systemuserid' to='owninguser'><order attribute='fullname'/></link-entity></link-entity>"), code.QueryBuilderInvalidNode, "returns nothing", ""},
		{"order by a link that only tests", contactQuery("<link-entity name='account' from='accountid' to='parentcustomerid' link-type='exists' alias='a'/><order entityname='a' attribute='name'/>"), code.QueryBuilderAliasDoesNotExist, "name or alias a is not found", ""},
		{"entityname of a link that only tests", contactQuery("<link-entity name='account' from='accountid' to='parentcustomerid' link-type='exists' alias='a'/><filter><condition entityname='a' attribute='name' operator='null'/></filter>"), code.QueryBuilderAliasDoesNotExist, "name or alias a is not found", ""},
		{"valueof of a link that only tests", contactQuery("<link-entity name='account' from='accountid' to='parentcustomerid' link-type='exists' alias='a'/><filter><condition attribute='lastname' operator='eq' valueof='a.name'/></filter>"), code.QueryBuilderAliasDoesNotExist, "no <link-entity> has the alias 'a'", ""},
		{"aggregate in a link that only tests", aggregate("<link-entity name='contact' from='parentcustomerid' to='accountid' link-type='in'><attribute name='contactid' alias='n' aggregate='count'/></link-entity>"), code.QueryBuilderInvalidNode, "returns nothing", ""},
		{"alias twice", contactQuery("<attribute name='firstname' alias='n'/><attribute name='lastname' alias='n'/>"), code.QueryBuilderDuplicateAlias, "unique aliases", ""},
		{"alias of a link and an attribute", contactQuery("<attribute name='firstname' alias='a'/><link-entity name='account' from='accountid' to='parentcustomerid' alias='a'/>"), code.QueryBuilderDuplicateAlias, "'a'", ""},
		{"alias in two links", contactQuery("<link-entity name='account' from='accountid' to='parentcustomerid' alias='a'/><link-entity name='account' from='accountid' to='parentcustomerid' alias='a'/>"), code.QueryBuilderDuplicateAlias, "'a'", ""},
		{"alias that is no name", contactQuery("<attribute name='firstname' alias='first.name'/>"), code.QueryBuilderInvalidAlias, "Invalid character specified for alias: first.name.", ""},
		{"alias that begins with a digit", contactQuery("<attribute name='firstname' alias='1st'/>"), code.QueryBuilderInvalidAlias, "1st", ""},
		{"order by alias", contactQuery("<attribute name='firstname' alias='n'/><order alias='n'/>"), code.QueryBuilderAliasNotAllowedForNonAggregateOrderBy, "attribute", ""},
		{"order by nothing", contactQuery("<order/>"), code.QueryBuilderAttributeRequiredForNonAggregateOrderBy, "'attribute'", ""},
		{"aggregate without aggregate", contactQuery("<attribute name='firstname' alias='n' aggregate='count'/>"), code.QueryBuilderInvalidAggregate, "aggregate='true'", ""},
		{"groupby without aggregate", contactQuery("<attribute name='firstname' alias='n' groupby='true'/>"), code.QueryBuilderInvalidAggregate, "aggregate='true'", ""},
		{"rowaggregate without alias", contactQuery("<attribute name='contactid' rowaggregate='CountChildren'/>"), code.QueryBuilderInvalidAlias, "alias", ""},
		{"no-attrs and distinct", "<fetch distinct='true'><entity name='contact'><no-attrs/></entity></fetch>", code.QueryBuilderNoAttrsDistinctConflict, "no-attrs", ""},
		{"plain attribute in an aggregate", aggregate("<attribute name='name' alias='n'/>"), code.QueryBuilderAttributeWithAggregate, "'name'", ""},
		{"all-attributes in an aggregate", aggregate("<all-attributes/>"), code.QueryBuilderAttributeWithAggregate, "all-attributes", ""},
		{"groupby and aggregate", aggregate("<attribute name='name' alias='n' groupby='true' aggregate='count'/>"), code.QueryBuilderAttributeCannotBeGroupByAndAggregate, "both", ""},
		{"aggregate without alias", aggregate("<attribute name='name' aggregate='count'/>"), code.QueryBuilderInvalidAlias, "alias", ""},
		{"distinct count", aggregate("<attribute name='name' alias='n' aggregate='count' distinct='true'/>"), code.QueryBuilderInvalidAttributeValue, "countcolumn", ""},
		{"sum of a text", aggregate("<attribute name='name' alias='n' aggregate='sum'/>"), code.QueryBuilderInvalidAggregateAttribute, "Aggregate sum is not supported for attribute of type String.", ""},
		{"average of a choice", aggregate("<attribute name='statecode' alias='n' aggregate='avg'/>"), code.QueryBuilderInvalidAggregateAttribute, "State", ""},
		{"greatest lookup", aggregate("<attribute name='primarycontactid' alias='n' aggregate='max'/>"), code.QueryBuilderInvalidAggregateAttribute, "Lookup", ""},
		{"date without grouping", aggregate("<attribute name='createdon' alias='n' groupby='true'/>"), code.QueryBuilderInvalidDateGrouping, "Invalid value '' for dategrouping.", ""},
		{"grouping of a text", aggregate("<attribute name='name' alias='n' groupby='true' dategrouping='day'/>"), code.QueryBuilderInvalidDateGrouping, "not a date", ""},
		{"order of an aggregate by attribute", aggregate("<order attribute='name'/>"), code.QueryBuilderAttributeNotAllowedForAggregateOrderBy, "alias", ""},
		{"order of an aggregate by nothing", aggregate("<order/>"), code.QueryBuilderAliasRequiredForAggregateOrderBy, "alias", ""},
		{"order of an aggregate by an unknown alias", aggregate("<attribute name='name' alias='total' aggregate='count'/><order alias='totl'/>"), code.QueryBuilderInvalidAlias, "totl", "total"},
		{"links", contactQuery(strings.Repeat("<link-entity name='account' from='accountid' to='parentcustomerid'/>", 16)), code.TooManyLinkEntitiesInQuery, "exceeded maximum limit", ""},
		{"conditions", contactFilter(strings.Repeat("<condition attribute='lastname' operator='null'/>", 501)), code.TooManyConditionsInQuery, "exceeded maximum limit", ""},
	}
	for _, test := range tests {
		faults := check(t, test.text)
		if len(faults) != 1 {
			t.Errorf("%s: %d faults %v, want one", test.name, len(faults), faults)
			continue
		}
		f := faults[0]
		if f.Code != test.code || !strings.Contains(f.Message, test.message) || test.nearest != "" && (len(f.Nearest) == 0 || f.Nearest[0] != test.nearest) {
			t.Errorf("%s: %s (%s), nearest %v; want %s with %q, nearest %q", test.name, f.Message, f.Code.Name(), f.Nearest, test.code.Name(), test.message, test.nearest)
		}
	}
}

func TestCheckOfMultiSelectChoices(t *testing.T) {
	t.Parallel()
	e := &schema.Entity{LogicalName: "a", PrimaryID: "aid", Fields: []*schema.Field{{LogicalName: "aid", Type: schema.Uniqueidentifier}, {LogicalName: "m", Type: schema.MultiSelectPicklist}}}
	e.Index()
	only := func(name string) *schema.Entity { return map[string]*schema.Entity{"a": e}[name] }
	tests := []struct {
		text    string
		code    code.Code
		message string
	}{
		{"<fetch><entity name='a'><order attribute='m'/></entity></fetch>", code.AttributeTypeNotSupportedForGroupByOrderByQuery, "ordered"},
		{"<fetch aggregate='true'><entity name='a'><attribute name='m' alias='g' groupby='true'/></entity></fetch>", code.AttributeTypeNotSupportedForGroupByOrderByQuery, "grouped"},
		{"<fetch><entity name='a'><filter><condition attribute='m' operator='gt' value='1'/></filter></entity></fetch>", code.QueryBuilderBadCondition, "Use contain-values."},
		{"<fetch><entity name='a'><filter><condition attribute='m' operator='eq' valueof='m'/></filter></entity></fetch>", code.QueryBuilderBadCondition, "cannot be compared"},
	}
	for _, test := range tests {
		faults := fetchxml.Check(parse(t, test.text), only)
		if len(faults) != 1 || faults[0].Code != test.code || !strings.Contains(faults[0].Message, test.message) {
			t.Errorf("%s: %v, want %s with %q", test.text, faults, test.code.Name(), test.message)
		}
	}
	if faults := fetchxml.Check(parse(t, "<fetch><entity name='a'><filter><condition attribute='m' operator='not-contain-values'><value>1</value></condition></filter></entity></fetch>"), only); len(faults) > 0 {
		t.Error(faults)
	}
}

func TestFaultsComeAllAtOnceInTheDocumentsOrder(t *testing.T) {
	t.Parallel()
	faults := check(t, `<fetch>
 <entity name='contact'>
  <link-entity name='account' from='accountid' to='nope1'><attribute name='nope2'/></link-entity>
  <filter><condition attribute='nope3' operator='nope4'/></filter>
  <attribute name='nope5'/>
  <order attribute='nope6'/>
 </entity>
</fetch>`)
	var got []string
	for _, f := range faults {
		got = append(got, fmt.Sprintf("%d:%d", f.Pos.Line, f.Pos.Column))
	}
	want := []string{"3:52", "3:76", "4:33", "4:50", "5:20", "6:21"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%v", diff, faults)
	}
	if text := faults[0].Error(); !strings.HasPrefix(text, "line 3, column 52: 'contact' entity doesn't contain attribute") {
		t.Errorf("the error reads %q", text)
	}
}

// TestSilentFaultsSaySo holds that a fault which Dataverse does not tell of can be told from those that it refuses.
func TestSilentFaultsSaySo(t *testing.T) {
	t.Parallel()
	faults := check(t, contactFilter("<condition attribute='lastname' operator='eq' value='a' valueof='firstname'/><condition attribute='nope' operator='null'/>"))
	if len(faults) != 2 || !faults[0].Silent || faults[1].Silent {
		t.Errorf("%v: want a silent fault and one that is not", faults)
	}
}

func TestCheckOfATreeMadeByHand(t *testing.T) {
	t.Parallel()
	if faults := fetchxml.Check(&fetchxml.Fetch{}, standard); len(faults) != 1 || faults[0].Code != code.InvalidXML {
		t.Errorf("a query without entity: %v", faults)
	}
	f := &fetchxml.Fetch{Entity: &fetchxml.Entity{Name: "contact", Contents: fetchxml.Contents{Attributes: []fetchxml.Attribute{{Name: "nope"}}}}}
	if faults := fetchxml.Check(f, standard); len(faults) != 1 || strings.Contains(faults[0].Error(), "line") {
		t.Errorf("got %v, want a fault without a place", faults)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	if got := len(check(t, contactQuery(strings.Repeat("<attribute name='emailadress1'/>", 5000)))); got != 100 {
		t.Errorf("%d faults, want 100", got)
	}
}

func TestOperators(t *testing.T) {
	t.Parallel()
	names := fetchxml.OperatorNames()
	if len(names) != 83 {
		t.Errorf("%d operators, want 83", len(names))
	}
	// FetchXML reference, "operators": those that match where there is no value.
	negative := []string{
		"ne", "ne-businessid", "ne-userid", "neq", "not-begin-with", "not-between", "not-contain-values", "not-end-with", "not-in", "not-like", "not-under",
	}
	compares := []string{"eq", "ge", "gt", "le", "lt", "ne"}
	two := []string{"between", "in-fiscal-period-and-year", "in-or-after-fiscal-period-and-year", "in-or-before-fiscal-period-and-year", "not-between"}
	many := []string{"contain-values", "in", "not-contain-values", "not-in"}
	var gotNegative, gotCompares, gotTwo, gotMany []string
	for _, n := range names {
		o, ok := fetchxml.LookupOperator(n)
		if !ok || o.Name != n {
			t.Errorf("operator %q is %v, %v", n, o, ok)
		}
		add := func(list *[]string, is bool) {
			if is {
				*list = append(*list, n)
			}
		}
		add(&gotNegative, o.Negative)
		add(&gotCompares, o.ValueOf)
		add(&gotTwo, o.Operands == fetchxml.Two)
		add(&gotMany, o.Operands == fetchxml.AtLeastOne)
	}
	for _, list := range []struct {
		name      string
		got, want []string
	}{{"negative", gotNegative, negative}, {"valueof", gotCompares, compares}, {"two values", gotTwo, two}, {"many values", gotMany, many}} {
		if !slices.Equal(list.got, list.want) {
			t.Errorf("%s: %v, want %v", list.name, list.got, list.want)
		}
	}
	for _, none := range []string{"contains", "does-not-contain", "not-begins-with", "not-on", "EQ", ""} {
		if _, ok := fetchxml.LookupOperator(none); ok {
			t.Errorf("%q is an operator", none)
		}
	}
}
