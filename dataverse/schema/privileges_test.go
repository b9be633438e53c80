package schema

import (
	"slices"
	"testing"
)

func TestStandardPrivilegesFollowTheOwner(t *testing.T) {
	t.Parallel()
	rights := func(name string) []string {
		var all []string
		for _, p := range Standard().Entity(name).Privileges {
			all = append(all, p.Right)
		}
		return all
	}
	for name, want := range map[string][]string{
		"contact":         {"Create", "Read", "Write", "Delete", "Assign", "Share", "Append", "AppendTo"},
		"product":         {"Create", "Read", "Write", "Delete", "Append", "AppendTo"},
		"organization":    {"Read", "Write"},
		"customeraddress": nil,
		"teammembership":  nil,
	} {
		if got := rights(name); !slices.Equal(got, want) {
			t.Errorf("%s has the rights %v, want %v", name, got, want)
		}
	}
}

func TestPrivilegesAreNamedAsTheDefinitionNamesThem(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"contact": "prvCreateContact", "annotation": "prvCreateNote", "systemuser": "prvCreateUser", "task": "prvCreateActivity",
		"msdyn_ocsession": "prvCreateActivity", "msdyn_presence": "prvCreatemsdyn_presence", "customeraddress": "prvCreateCustomerAddress",
	} {
		if got := Standard().Entity(name).PrivilegeName("Create"); got != want {
			t.Errorf("the privilege to create a %s is %s, want %s", name, got, want)
		}
	}
	renamed := &Entity{SchemaName: "new_Ticket", Privileges: []Privilege{{Right: "Create", Name: "prvCreatenew_Other"}}}
	if got := renamed.PrivilegeName("Create"); got != "prvCreatenew_Other" {
		t.Errorf("the privilege is %s, want the definition's", got)
	}
	if got := renamed.PrivilegeName("Read"); got != "prvReadnew_Ticket" {
		t.Errorf("a privilege that the definition does not have is %s, want one by the schema name", got)
	}
}

func TestCreatable(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"contact": true, "task": true, "product": true, "customeraddress": true, "queueitem": true,
		"organization": false, "teammembership": false, "activitypointer": false, "activityparty": false,
	} {
		if got := Standard().Entity(name).Creatable(); got != want {
			t.Errorf("%s: creatable = %v, want %v", name, got, want)
		}
	}
}
