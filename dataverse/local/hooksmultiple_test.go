package local_test

import (
	"net/http"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

const twoContacts = `{"Targets":[{"@odata.type":"Microsoft.Dynamics.CRM.contact","lastname":"One","parentcustomerid_account@odata.bind":"/accounts(99000000-0000-4000-8000-000000000001)"},
	{"@odata.type":"Microsoft.Dynamics.CRM.contact","lastname":"Two","parentcustomerid_account@odata.bind":"/accounts(99000000-0000-4000-8000-000000000001)"}]}`

// TestEachRecordIsDelivered holds that a step hears of every record that a bulk action makes, and of every one that a delete takes
// along (Dataverse, "Use bulk operation messages"; "Table relationship behavior").
func TestEachRecordIsDelivered(t *testing.T) {
	t.Parallel()
	for _, message := range []string{"Create", "Delete"} {
		r := newReceiver(t)
		server, base := localtest.Start(t, local.Config{})
		c := newClient(t, base)
		c.create("accounts", `{"accountid":"99000000-0000-4000-8000-000000000001","name":"A"}`)
		register(c, r.URL, withKey, message, "contact", asynchronous, "")
		if status, _, b := c.send(http.MethodPost, "contacts/Microsoft.Dynamics.CRM.CreateMultiple", twoContacts); status != http.StatusOK {
			t.Fatalf("%d %s", status, b)
		}
		if status, _, b := c.send(http.MethodDelete, "accounts(99000000-0000-4000-8000-000000000001)", ""); status != http.StatusNoContent {
			t.Fatalf("%d %s", status, b)
		}
		first, second := r.next(t), r.next(t)
		if first.context.MessageName != message || first.context.PrimaryEntityID == second.context.PrimaryEntityID {
			t.Errorf("%s: delivered of %s %s and %s", message, first.context.MessageName, first.context.PrimaryEntityID, second.context.PrimaryEntityID)
		}
		local.WaitForWebhooks(t.Context(), server)
		if n := r.count.Load(); n != 2 {
			t.Errorf("%s: %d deliveries, want 2", message, n)
		}
	}
}
