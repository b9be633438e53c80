package local

import "github.com/botverse/botverse/dataverse/schema"

// cascade is what happens to the records of a lookup when the record that they point at is deleted.
type cascade string

// The cascades, by Dataverse's names.
const (
	removeLink cascade = "RemoveLink" // they stay and point at nothing
	cascadeAll cascade = "Cascade"    // they are deleted too
	restrict   cascade = "Restrict"   // the record cannot be deleted while there are any
	noCascade  cascade = "NoCascade"  // they stay as they are
)

// cascades are those of the lookups that do more than lose their link, by entity and field ("Table/entity reference", the
// CascadeConfiguration of each relationship). "*" stands for all entities.
var cascades = map[string]cascade{
	"*.transactioncurrencyid": restrict,
	"*.regardingobjectid":     cascadeAll, // of activities; see cascadeOf

	"activityparty.activityid":                                 cascadeAll,
	"annotation.objectid":                                      cascadeAll,
	"connection.record1id":                                     cascadeAll,
	"connection.record2id":                                     cascadeAll,
	"contact.parentcustomerid":                                 cascadeAll,
	"customeraddress.parentid":                                 cascadeAll,
	"duplicaterulecondition.regardingobjectid":                 cascadeAll,
	"incident.customerid":                                      cascadeAll,
	"incident.parentcaseid":                                    cascadeAll,
	"incident.productid":                                       restrict,
	"incident.subjectid":                                       restrict,
	"incidentresolution.incidentid":                            cascadeAll,
	"opportunity.customerid":                                   cascadeAll,
	"product.parentproductid":                                  cascadeAll,
	"product.subjectid":                                        restrict,
	"queueitem.objectid":                                       cascadeAll,
	"queueitem.queueid":                                        cascadeAll,
	"sdkmessageprocessingstep.eventhandler":                    cascadeAll,
	"sdkmessageprocessingstepimage.sdkmessageprocessingstepid": cascadeAll,
	"socialprofile.customerid":                                 cascadeAll,
}

// cascadeOf is what a lookup does when the record that it points at is deleted.
func cascadeOf(e *schema.Entity, field string) cascade {
	switch field {
	case "createdby", "modifiedby", "createdonbehalfby", "modifiedonbehalfby", "owninguser", "owningteam", "owningbusinessunit":
		return noCascade // they say who wrote a record, and that stays a fact
	case "regardingobjectid":
		if e.IsActivity {
			return cascades["*.regardingobjectid"]
		}
	case "transactioncurrencyid":
		return cascades["*.transactioncurrencyid"]
	}
	if c, ok := cascades[e.LogicalName+"."+field]; ok {
		return c
	}
	return removeLink
}

// cascadeConfiguration is a relationship's as its definition has it. Of its parts only Delete does something here.
func cascadeConfiguration(e *schema.Entity, field string) document {
	d := document{"Delete": string(removeLink)}
	if e != nil {
		d["Delete"] = string(cascadeOf(e, field))
	}
	for _, name := range []string{"Archive", "Assign", "Merge", "Reparent", "RollupView", "Share", "Unshare"} {
		d[name] = string(noCascade)
	}
	return d
}
