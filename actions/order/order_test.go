package order_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/actionstest"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/order"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

func TestOrderIsTotal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		entity string
		author []string
		want   []string
	}{
		{"contact", nil, []string{"statecode asc", "createdon asc", "contactid asc"}},
		{"contact", []string{"createdon desc"}, []string{"createdon desc", "contactid asc"}},
		{"contact", []string{" fullname ", "parentcustomerid desc"}, []string{"fullname asc", "parentcustomerid desc", "contactid asc"}},
		{"contact", []string{"contactid desc"}, []string{"contactid desc"}},
		{"task", nil, []string{"statecode asc", "createdon asc", "activityid asc"}},
		{"systemuser", nil, []string{"createdon asc", "systemuserid asc"}}, // a user has no state
	} {
		e := schema.Standard().Entity(c.entity)
		orders, faults := order.Parse(e, c.author)
		if len(faults) > 0 {
			t.Errorf("%s %v: faults %v", c.entity, c.author, faults)
		}
		if diff := cmp.Diff(c.want, order.Texts(order.Total(e, orders))); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", c.entity, c.author, diff)
		}
	}
}

func TestOrderByALookupNamesItsProperty(t *testing.T) {
	t.Parallel()
	orders, _ := order.Parse(schema.Standard().Entity("contact"), []string{"parentcustomerid desc"})
	want := []odata.Order{{Path: odata.Path{"_parentcustomerid_value"}, Desc: true}}
	if diff := cmp.Diff(want, order.OData(orders)); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
}

func TestOrderFaults(t *testing.T) {
	t.Parallel()
	for text, reason := range map[string]input.Reason{
		"": input.InvalidRequest, "fullname up": input.InvalidRequest, "fullname asc now": input.InvalidRequest, "FullName desc": input.InvalidRequest,
		"fulname": input.InvalidField, "entityimage": input.InvalidField, "parentcustomeridname": input.InvalidField,
	} {
		_, faults := order.Parse(schema.Standard().Entity("contact"), []string{"fullname", text})
		if len(faults) != 1 || faults[0].Reason != reason || faults[0].Field != "order_by[1]" {
			t.Errorf("%q: faults %v, want %s at order_by[1]", text, faults, reason)
		}
	}
	if _, faults := order.Parse(actionstest.Hobbies(), []string{"new_hobbies"}); len(faults) != 1 || faults[0].Reason != input.InvalidField {
		t.Errorf("order by a multi-select choice: faults %v, want INVALID_FIELD", faults)
	}
}

// labelledFields is an entity with labels that two fields share, that look like another's name, and that have a direction in them.
func labelledFields() *schema.Entity {
	text := func(name string, labels ...string) *schema.Field {
		f := &schema.Field{LogicalName: name, Type: schema.String, Readable: true}
		for i, label := range labels {
			f.DisplayName = append(f.DisplayName, schema.LocalizedLabel{Language: 1033 - 2*i, Text: label})
		}
		return f
	}
	e := &schema.Entity{LogicalName: "x", EntitySetName: "xs", PrimaryID: "xid", Fields: []*schema.Field{
		text("jobtitle", "Job Title"), text("mobile", "Cell", "Telefon"), text("phone", "Phone", "Telefon"), text("nickname", "mobile"), text("rank", "Rank desc"),
	}}
	e.Index()
	return e
}

func TestOrdersByLabels(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Job Title": "jobtitle asc", "job  title desc": "jobtitle desc", "Rank desc": "rank asc", "Rank desc desc": "rank desc", "mobile": "mobile asc",
	} {
		orders, faults := order.Parse(labelledFields(), []string{text})
		if len(faults) > 0 || orders[0].String() != want {
			t.Errorf("%q: %v, %+v, want %s", text, orders, faults, want)
		}
	}
	for text, want := range map[string]string{
		"job title down": `the direction of an order is "asc" or "desc", not "down"`, "Telefon desc": "several fields", "No Such desc": `no field "No Such"`, " ": "is no order",
	} {
		if _, faults := order.Parse(labelledFields(), []string{text}); len(faults) != 1 || !strings.Contains(faults[0].Message, want) {
			t.Errorf("%q: %+v, want %s", text, faults, want)
		}
	}
	if _, faults := order.Parse(labelledFields(), []string{"jobtitle", "Job Title desc"}); len(faults) != 1 || faults[0].Field != "order_by[1]" {
		t.Errorf("ordered twice by one field: %+v", faults)
	}
}
