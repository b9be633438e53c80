package local

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/botverse/botverse/dataverse/code"
)

// qualification is what QualifyLead is asked for.
type qualification struct {
	account, contact, opportunity bool
	status                        any
	currency, customer            any // references, as objects
}

func readQualification(t *table, text []byte) (qualification, error) {
	var q qualification
	if len(text) == 0 {
		return q, refuse(code.InvalidArgument, "QualifyLead needs CreateAccount, CreateContact, CreateOpportunity and Status.")
	}
	b, err := readBody(t, text)
	if err != nil {
		return q, err
	}
	for name, into := range map[string]*bool{"CreateAccount": &q.account, "CreateContact": &q.contact, "CreateOpportunity": &q.opportunity} {
		value, given := b[name]
		if *into, _ = value.(bool); given && value != nil && value != *into {
			return q, refuse(code.InvalidArgument, "%s must be true or false.", name)
		}
	}
	q.currency, q.customer = b["OpportunityCurrencyId"], b["OpportunityCustomerId"]
	q.status, err = statusOf(b)
	return q, err
}

// statusOf reads the parameter Status of an action that closes a record: nil for -1, which leaves it to the platform.
func statusOf(b body) (any, error) {
	status, given := b["Status"]
	if !given || status == json.Number("-1") {
		return nil, nil
	}
	number, _ := status.(json.Number)
	n, err := number.Int64()
	if err != nil {
		return nil, refuse(code.InvalidArgument, "Status must be a whole number.")
	}
	return n, nil
}

// qualifyLead closes a lead as qualified and makes what is asked for of it: an account, a contact, an opportunity (Web API,
// QualifyLead).
func (s *Server) qualifyLead(ctx context.Context, c *call, t *table, k *key) (answer reply, err error) {
	q, err := readQualification(t, c.body)
	if err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		id, lead, err := m.lookUp(ctx, t, *k)
		switch {
		case err != nil:
			return err
		case lead == nil:
			return k.missing(t)
		case lead.number("statecode") != 0:
			return refuse(code.LeadAlreadyInClosedState, "The lead is already closed.")
		}
		w := qualifying{mutation: m, lead: lead, id: id, q: q}
		if err := w.run(ctx); err != nil {
			return err
		}
		answer = newReply(http.StatusOK)
		answer.json(w.answer(c))
		return nil
	})
	return answer, err
}

// qualifying is a lead on its way to what is made of it.
type qualifying struct {
	*mutation
	id   string
	lead record
	q    qualification
	made []madeRecord
}

type madeRecord struct {
	table *table
	id    string
}

func (w *qualifying) run(ctx context.Context) error {
	change := record{"statecode": int64(1)}
	if w.q.status != nil {
		change["statuscode"] = w.q.status
	}
	account, contact := w.lead.text("parentaccountid"), w.lead.text("parentcontactid")
	var err error
	if w.q.account {
		if account, err = w.create(ctx, "account", w.accountFields()); err != nil {
			return err
		}
		change["parentaccountid"] = account
	}
	if w.q.contact {
		if contact, err = w.create(ctx, "contact", w.contactFields(account)); err != nil {
			return err
		}
		change["parentcontactid"] = contact
	}
	if w.q.account && w.q.contact {
		if err := w.change(ctx, w.s.tables["account"], account, record{"primarycontactid": contact}); err != nil {
			return err
		}
	}
	if w.q.opportunity {
		fields, err := w.opportunityFields(ctx, account, contact)
		if err != nil {
			return err
		}
		opportunity, err := w.create(ctx, "opportunity", fields)
		if err != nil {
			return err
		}
		change["qualifyingopportunityid"] = opportunity
	}
	return w.change(ctx, w.s.tables["lead"], w.id, change)
}

// create makes a record of values that are stored already.
func (w *qualifying) create(ctx context.Context, entity string, fields record) (string, error) {
	t := w.s.tables[entity]
	fields["originatingleadid"] = w.id
	id, err := w.createParsed(ctx, t, &input{values: fields}, false)
	w.made = append(w.made, madeRecord{t, id})
	return id, err
}

// shared are the values that a lead has in common with what is made of it, by the same names.
func (w *qualifying) sharedWith(entity string, names ...string) record {
	t, r := w.s.tables[entity], record{}
	for _, name := range names {
		if value := w.lead[name]; value != nil && t.has(name) {
			r[name] = value
		}
	}
	if owner := t.Field("ownerid"); owner != nil {
		r.set(owner, w.lead.text(targetColumn(owner)), w.lead.text("ownerid"))
	}
	return r
}

var addressParts = []string{
	"address1_city", "address1_country", "address1_county", "address1_line1", "address1_line2", "address1_line3", "address1_postalcode", "address1_stateorprovince",
	"description", "transactioncurrencyid",
}

func (w *qualifying) accountFields() record {
	r := w.sharedWith("account", append([]string{"emailaddress1", "fax", "industrycode", "numberofemployees", "revenue", "sic", "telephone1", "telephone2", "websiteurl"}, addressParts...)...)
	r["name"] = w.lead["companyname"]
	return r
}

func (w *qualifying) contactFields(account string) record {
	r := w.sharedWith("contact", append([]string{
		"emailaddress1", "emailaddress2", "emailaddress3", "fax", "firstname", "jobtitle", "lastname", "middlename", "mobilephone", "salutation", "telephone1", "telephone2", "websiteurl",
	}, addressParts...)...)
	if account != "" {
		r.set(w.s.tables["contact"].Field("parentcustomerid"), "account", account)
	}
	return r
}

// opportunityFields are those of the opportunity: its customer is the one that is named, else the account, else the contact.
func (w *qualifying) opportunityFields(ctx context.Context, account, contact string) (record, error) {
	r := w.sharedWith("opportunity", "budgetamount", "budgetstatus", "description", "estimatedclosedate", "need", "purchaseprocess", "purchasetimeframe", "transactioncurrencyid")
	r["name"], r["estimatedvalue"] = w.lead["subject"], w.lead["estimatedamount"]
	customer := w.s.tables["opportunity"].Field("customerid")
	switch {
	case w.q.customer != nil:
		t, id, err := w.referenceOf(ctx, w.q.customer)
		if err != nil {
			return nil, err
		}
		if t.LogicalName != "account" && t.LogicalName != "contact" {
			return nil, refuse(code.InvalidCustomer, "OpportunityCustomerId must be an account or a contact.")
		}
		r.set(customer, t.LogicalName, id)
	case account != "":
		r.set(customer, "account", account)
	case contact != "":
		r.set(customer, "contact", contact)
	}
	if w.q.currency != nil {
		t, id, err := w.referenceOf(ctx, w.q.currency)
		if err != nil {
			return nil, err
		}
		if t.LogicalName != "transactioncurrency" {
			return nil, refuse(code.InvalidArgument, "OpportunityCurrencyId must be a currency.")
		}
		r["transactioncurrencyid"] = id
	}
	for name, id := range map[string]string{"parentaccountid": account, "parentcontactid": contact} {
		if id != "" {
			r[name] = id
		}
	}
	return r, nil
}

// answer names what was made.
func (w *qualifying) answer(c *call) []byte {
	b := appendString(appendMember([]byte{'{'}, "@odata.context"), c.base+"$metadata#crmbaseentity")
	b = append(appendMember(b, "value"), '[')
	for i, r := range w.made {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(appendMember(append(b, '{'), "@odata.type"), "#"+crmNamespace+r.table.LogicalName)
		b = append(appendString(appendMember(b, r.table.PrimaryID), r.id), '}')
	}
	return append(b, "]}"...)
}
