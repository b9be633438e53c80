package local

import (
	"context"
	"slices"
)

// The kinds of system jobs in asyncoperation.operationtype that the server has.
const (
	operationSystemEvent = 1
	operationPublishRule = 7
)

// The statuses of a system job that has ended, and the state that they belong to.
const (
	jobCompleted = 3
	jobSucceeded = 30
	jobFailed    = 31
)

// job is a system job that has ended.
type job struct {
	id        string // "" for a new one
	name      string
	operation int64
	failure   string // "" where it succeeded
	fields    record
}

// recordJob makes the record of a system job.
func (m *mutation) recordJob(ctx context.Context, j job) (string, error) {
	t := m.s.tables["asyncoperation"]
	if j.id == "" {
		j.id = newID()
	}
	now := m.now()
	r := record{
		"asyncoperationid": j.id, "name": j.name, "operationtype": j.operation, "startedon": now, "completedon": now,
		"statecode": int64(jobCompleted), "statuscode": int64(jobSucceeded), "depth": int64(1), "correlationid": newID(),
	}.with(j.fields)
	if j.failure != "" {
		r["statuscode"], r["message"], r["friendlymessage"], r["errorcode"] = int64(jobFailed), j.failure, j.failure, int64(webhookFailed)
	}
	if err := m.complete(ctx, t, r); err != nil {
		return "", err
	}
	return j.id, m.insert(ctx, t, r)
}

// webhookFailed is the error code of a webhook's system job: IsvUnExpected, as the signed number that the field holds.
const webhookFailed = -2147220956

// recordDelivery makes the record of a webhook's system job. A step may want none of those that succeed.
func (s *Server) recordDelivery(ctx context.Context, e event, failed *deliveryFault) error {
	if failed == nil && e.step.autoDelete {
		return nil
	}
	return s.mutate(ctx, e.by, func(m *mutation) error {
		t := s.tables["asyncoperation"]
		fields := record{
			"correlationid": e.context.CorrelationID, "requestid": e.context.RequestID, "messagename": e.context.MessageName,
			"primaryentitytype": e.context.PrimaryEntityName, "retrycount": int64(0),
		}
		fields.set(t.Field("owningextensionid"), "sdkmessageprocessingstep", e.step.id)
		if f := t.Field("regardingobjectid"); slices.Contains(f.Targets, e.context.PrimaryEntityName) {
			fields.set(f, e.context.PrimaryEntityName, e.context.PrimaryEntityID)
		}
		j := job{id: e.context.OperationID, name: e.step.name, operation: operationSystemEvent, fields: fields}
		if failed != nil {
			j.failure = "The webhook call failed because the http request failed: " + failed.text
			fields["retrycount"] = int64(failed.retries)
		}
		_, err := m.recordJob(ctx, j)
		return err
	})
}
