package local

import (
	"context"
	"time"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
	"github.com/botverse/botverse/dataverse/webhook"
)

// event is what a step is to be told.
type event struct {
	stepID  string
	jobID   string // the system job that tells it; the request's ID for a synchronous step, which has none
	context *webhook.Context
	body    string // context as it is posted

	met   bool  // the fault plan was asked
	fault Fault // what it does to the delivery
}

// written is a record before and after a write, and what the request had of it. Before is nil on Create, after on Delete.
type written struct {
	table                 *table
	message, id           string
	target, before, after record
}

// notify tells the steps that wait for a write: the synchronous ones now, so that one that fails undoes it, the others
// after the commit.
func (m *mutation) notify(ctx context.Context, t *table, message, id string, target, before, after record) error {
	settings := m.s.settings.Load()
	if settings == nil || m.trusted {
		return nil
	}
	w := written{table: t, message: message, id: id, target: target, before: before, after: after}
	for _, entity := range []string{t.LogicalName, ""} {
		for _, step := range settings.steps[trigger{message, entity}] {
			if !step.waitsFor(message, target) {
				continue
			}
			if err := m.tell(ctx, step, w); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *mutation) tell(ctx context.Context, step step, w written) error {
	context, err := m.executionContext(ctx, step, w)
	if err != nil {
		return err
	}
	body, err := encodeContext(context)
	if err != nil {
		return err
	}
	e := event{stepID: step.id, jobID: context.OperationID, context: context, body: body}
	if step.mode == modeSynchronous {
		e.fault = m.s.plan.strikeWebhook(step, w.table.LogicalName, false)
		if err := m.s.hooks.send(ctx, step.endpoint, e); err != nil {
			return refuse(code.IsvAborted, "The webhook call failed because the http request failed, step '%s': %s", step.name, err.text)
		}
		return nil
	}
	m.events = append(m.events, e)
	return m.queueJob(ctx, step.name, e)
}

// executionContext is the body that a step gets ("Use webhooks", RemoteExecutionContext).
func (m *mutation) executionContext(ctx context.Context, step step, w written) (*webhook.Context, error) {
	settings := m.s.settings.Load()
	c := &webhook.Context{
		BusinessUnitID: m.by.businessUnitID, CorrelationID: newID(), Depth: 1,
		InitiatingUserID: m.by.userID, UserID: m.by.userID,
		IsolationMode: 1, MessageName: w.message, Mode: webhook.Mode(step.mode),
		OperationCreatedOn: time.Now().UTC(), OperationID: newID(), RequestID: newID(),
		OrganizationID: settings.organizationID, OrganizationName: uniqueName(settings.organizationID),
		OwningExtension: webhook.EntityReference{LogicalName: "sdkmessageprocessingstep", ID: step.id},
		PrimaryEntityID: w.id, PrimaryEntityName: w.table.LogicalName, SecondaryEntityName: "none",
		SharedVariables: []webhook.Parameter{{Key: "IsAutoTransact", Value: true}}, Stage: stagePostOperation,
	}
	if step.userID != "" {
		c.UserID = step.userID
	}
	if step.mode == modeSynchronous {
		c.OperationID, c.IsInTransaction, c.OwningExtension.Name = c.RequestID, true, step.name
		c.InitiatingUserAzureActiveDirectoryID = m.by.directoryID // asynchronous contexts have zeros
	}
	if w.message == "Create" {
		c.OutputParameters = []webhook.Parameter{{Key: "id", Value: w.id}}
	}
	if err := m.addTarget(ctx, c, w); err != nil {
		return nil, err
	}
	return c, m.addImages(ctx, c, step, w)
}

func (m *mutation) addTarget(ctx context.Context, c *webhook.Context, w written) error {
	if w.message == "Delete" {
		c.InputParameters = []webhook.Parameter{{Key: "Target", Value: webhook.EntityReference{LogicalName: w.table.LogicalName, ID: w.id}}}
		return nil
	}
	target, err := m.snapshot(ctx, w.table, w.id, w.target.with(record{w.table.PrimaryID: w.id}), nil, false)
	c.InputParameters = []webhook.Parameter{{Key: "Target", Value: target}}
	return err
}

func (m *mutation) addImages(ctx context.Context, c *webhook.Context, step step, w written) error {
	add := func(to *[]webhook.Image, alias string, of record, fields []string) error {
		if of == nil {
			return nil
		}
		e, err := m.snapshot(ctx, w.table, w.id, of, fields, true)
		*to = append(*to, webhook.Image{Alias: alias, Entity: e})
		return err
	}
	if step.mode == modeAsynchronous {
		to, of := &c.PostEntityImages, w.after
		if w.message == "Delete" {
			to, of = &c.PreEntityImages, w.before
		}
		if err := add(to, webhook.PrimaryNameImage, of, []string{w.table.PrimaryID, w.table.PrimaryName}); err != nil {
			return err
		}
	}
	for _, image := range step.images {
		if image.isPre() {
			if err := add(&c.PreEntityImages, image.alias, w.before, image.fields); err != nil {
				return err
			}
		}
		if image.isPost() {
			if err := add(&c.PostEntityImages, image.alias, w.after, image.fields); err != nil {
				return err
			}
		}
	}
	return nil
}

// snapshot is a record as a webhook carries it: the named fields that have a value, all for nil. Images name what lookups
// point at; a Target does not, and tells cleared fields as null.
func (m *mutation) snapshot(ctx context.Context, t *table, id string, r record, fields []string, isImage bool) (webhook.Entity, error) {
	e := webhook.Entity{LogicalName: t.LogicalName, ID: id}
	wanted := setOf(fields)
	for _, c := range t.columns {
		value, there := r[c.Name]
		if c.IsTarget || c.IsFull || !there || value == nil && isImage || len(wanted) > 0 && !wanted[c.Name] || !c.Field.Readable {
			continue
		}
		attribute, text, err := m.attribute(ctx, c.Field, r, isImage)
		if err != nil {
			return e, err
		}
		e.Attributes = append(e.Attributes, webhook.Attribute{Key: c.Name, Value: attribute})
		if text != "" {
			e.Formatted = append(e.Formatted, webhook.Pair{Key: c.Name, Value: text})
		}
	}
	return e, nil
}

// nameOf is the name of the record that a lookup points at; "" where it has none.
func (m *mutation) nameOf(ctx context.Context, entity, id string) (string, error) {
	t := m.s.tables[entity]
	if t == nil || !t.has(t.PrimaryName) {
		return "", nil
	}
	row, found, err := m.conn.row(ctx, "SELECT "+quote(t.PrimaryName)+" FROM "+quote(entity)+" WHERE "+quote(t.PrimaryID)+" = ?", id)
	if err != nil || !found {
		return "", err
	}
	name, _ := row[0].(string)
	return name, nil
}

// pointsAt is the entity that a stored lookup points at.
func (r record) pointsAt(f *schema.Field) string {
	if column := targetColumn(f); column != "" {
		return r.text(column)
	}
	if len(f.Targets) > 0 {
		return f.Targets[0]
	}
	return ""
}
