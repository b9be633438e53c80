package schema

import "testing"

func TestStandardTablesLoad(t *testing.T) {
	s := Standard()
	if got := len(s.Names()); got != 48 {
		t.Errorf("%d standard entities, want 48", got)
	}
	fields := 0
	for _, name := range s.Names() {
		fields += len(s.Entity(name).Fields)
	}
	if fields != 3874 {
		t.Errorf("%d fields in all, want 3874", fields)
	}
}

func TestStandardContact(t *testing.T) {
	contact := Standard().EntityOfSet("contacts")
	if contact == nil || contact.LogicalName != "contact" {
		t.Fatalf("entity of the set contacts = %v, want contact", contact)
	}
	if f := contact.FieldOfNavigation("parentcustomerid_account"); f == nil || f.LogicalName != "parentcustomerid" {
		t.Errorf("field of parentcustomerid_account = %v, want parentcustomerid", f)
	}
	if got := contact.Field("ownerid").Property(); got != "_ownerid_value" {
		t.Errorf("property of ownerid = %q", got)
	}
	if got := contact.DefaultStatus[1]; got != 2 {
		t.Errorf("default status of state 1 = %d, want 2", got)
	}
	if o := contact.Field("preferredcontactmethodcode").Option(2); o == nil || !o.Label.Is(" email ") {
		t.Errorf("option 2 = %v, want Email in any case", o)
	}
	if got := Standard().EntitySetName("calendar"); got != "calendars" {
		t.Errorf("set of an entity that is only pointed at = %q", got)
	}
}
