package local

import (
	"context"

	"github.com/botverse/botverse/dataverse/code"
)

// required are the fields without which the platform refuses a new record. Dataverse enforces only few of those that its
// metadata calls SystemRequired; these are the ones that it is known to.
var required = map[string][]string{
	"incident":                      {"customerid"},
	"duplicaterule":                 {"name", "baseentityname", "matchingentityname"},
	"duplicaterulecondition":        {"baseattributename", "matchingattributename", "operatorcode", "regardingobjectid"},
	"serviceendpoint":               {"name", "contract"},
	"sdkmessageprocessingstep":      {"name", "rank", "sdkmessageid", "eventhandler"},
	"sdkmessageprocessingstepimage": {"entityalias", "messagepropertyname", "sdkmessageprocessingstepid"},
}

// check refuses a record that the platform would refuse by a rule of its entity. Before is nil for a new one, else the
// record as it was and r the change.
func (m *mutation) check(ctx context.Context, t *table, r, before record) error {
	all := before.with(r)
	if !m.trusted {
		for _, name := range required[t.LogicalName] {
			if all[name] == nil {
				return refuse(code.RequiredFieldMissing, "Required field '%s' is missing on the record of '%s'.", name, t.LogicalName)
			}
		}
	}
	switch t.LogicalName {
	case "incident", "opportunity":
		return m.checkClosing(t, r, before)
	case "serviceendpoint":
		return checkEndpoint(r, all)
	case "sdkmessageprocessingstep":
		return checkStep(r, all, before == nil)
	case "sdkmessageprocessingstepimage":
		return m.checkImage(ctx, all)
	}
	return nil
}

// checkClosing refuses to close a case or an opportunity by writing its state: that takes an action of its own.
func (m *mutation) checkClosing(t *table, r, before record) error {
	state, ok := r["statecode"].(int64)
	if !ok || m.trusted || m.closing || before == nil || state == before.number("statecode") {
		return nil
	}
	switch {
	case t.LogicalName == "incident" && state == 1:
		return refuse(code.InvalidStateCodeStatusCode, "This message can not be used to set the state of incident to Resolved. In order to set state of incident to Resolved, use the CloseIncidentRequest message instead.")
	case t.LogicalName == "opportunity" && state != 0:
		return refuse(code.InvalidStateCodeStatusCode, "This message can not be used to set the state of opportunity to %s. In order to set state of opportunity, use the WinOpportunityRequest or LoseOpportunityRequest message instead.", stateLabel(t, int(state)))
	}
	return nil
}

// The numbers of webhooks in the choices of serviceendpoint and sdkmessageprocessingstep.
const (
	contractWebhook     = 8
	authWebhookKey      = 4
	authHTTPHeader      = 5
	authHTTPQueryString = 6
	stagePostOperation  = 40
	modeSynchronous     = 0
	modeAsynchronous    = 1
	stepEnabled         = 0
	imagePre            = 0
	imagePost           = 1
	imageBoth           = 2
)

// checkEndpoint keeps a webhook to the kinds of authentication that webhooks have, and notes that a secret is there.
func checkEndpoint(r, all record) error {
	if all.number("contract") == contractWebhook {
		if kind := all.number("authtype"); kind < authWebhookKey || kind > authHTTPQueryString {
			return refuse(code.InvalidArgument, "The authtype %d is not valid for a webhook. Use WebhookKey (4), HttpHeader (5) or HttpQueryString (6).", kind)
		}
		if all.text("url") == "" {
			return refuse(code.RequiredFieldMissing, "Required field 'url' is missing on the record of 'serviceendpoint'.")
		}
	}
	for _, name := range []string{"connectionmode", "userclaim"} { // of the Service Bus: Normal, None
		if all[name] == nil {
			r[name] = int64(1)
		}
	}
	if _, written := r["authvalue"]; written {
		r["isauthvalueset"] = int64(0)
		if all.text("authvalue") != "" {
			r["isauthvalueset"] = int64(1)
		}
	}
	return nil
}

// checkStep refuses a step that could not run. A new one is enabled.
func checkStep(r, all record, isNew bool) error {
	if all.number("mode") == modeAsynchronous && all.number("stage") != stagePostOperation {
		return refuse(code.InvalidArgument, "An asynchronous step must be registered in the post-operation stage (40).")
	}
	if isNew && r["statecode"] == nil {
		r["statecode"], r["statuscode"] = int64(0), int64(1)
	}
	return nil
}

// checkImage refuses an image that the message of its step does not have (Dataverse, "Define entity images").
func (m *mutation) checkImage(ctx context.Context, all record) error {
	row, found, err := m.conn.row(ctx, `SELECT message.name, step.stage FROM sdkmessageprocessingstep step JOIN sdkmessage message USING (sdkmessageid) WHERE sdkmessageprocessingstepid = ?`, all.text("sdkmessageprocessingstepid"))
	if err != nil || !found {
		return err
	}
	message, _ := row[0].(string)
	stage, _ := row[1].(int64)
	kind := all.number("imagetype")
	switch {
	case message == "Create" && all.text("messagepropertyname") != "Id":
		return refuse(invalidImageProperty, "Message property name '%s' is not valid on message Create. Use 'Id'.", all.text("messagepropertyname"))
	case message != "Create" && all.text("messagepropertyname") != "Target":
		return refuse(invalidImageProperty, "Message property name '%s' is not valid on message %s. Use 'Target'.", all.text("messagepropertyname"), message)
	case message == "Create" && kind != imagePost:
		return refuse(code.InvalidArgument, "PreImage is not supported on message Create.")
	case message == "Delete" && kind != imagePre:
		return refuse(code.InvalidArgument, "PostImage is not supported on message Delete.")
	case kind != imagePre && stage != stagePostOperation:
		return refuse(code.InvalidArgument, "PostImage is supported in the post-operation stage (40) only.")
	}
	return nil
}

// invalidImageProperty is what registration tools know as the code for a wrong messagepropertyname.
const invalidImageProperty code.Code = 0x8004416B
