package local

import (
	"context"
	"slices"
	"time"

	"github.com/botverse/botverse/dataverse/webhook"
)

// The kinds of system jobs in asyncoperation.operationtype that the server has.
const (
	operationSystemEvent = 1
	operationPublishRule = 7
	operationBulkDelete  = 13
)

// The statuses of a system job, with the states that they belong to.
const (
	jobReady      = 0
	jobWaiting    = 0
	jobLocked     = 2
	jobInProgress = 20
	jobCompleted  = 3
	jobSucceeded  = 30
	jobFailed     = 31
	jobCanceled   = 32
)

// webhookFailed is the error code of a webhook's system job: IsvUnExpected, as the signed number that the field holds.
const webhookFailed = -2147220956

// recordJob makes the record of a system job that was done at once, and returns its ID. The message may be "".
func (m *mutation) recordJob(ctx context.Context, name string, operation int64, message string) (string, error) {
	id, now := newID(), m.now()
	return id, m.insertJob(ctx, record{
		"asyncoperationid": id, "name": name, "operationtype": operation, "startedon": now, "completedon": now,
		"message": nonEmpty(message), "friendlymessage": nonEmpty(message),
		"statecode": int64(jobCompleted), "statuscode": int64(jobSucceeded), "depth": int64(1), "correlationid": newID(),
	})
}

func (m *mutation) insertJob(ctx context.Context, r record) error {
	t := m.s.tables["asyncoperation"]
	if err := m.complete(ctx, t, r); err != nil {
		return err
	}
	return m.insert(ctx, t, r)
}

// queueJob makes the record of the system job that is to deliver a webhook. It is written with what it tells of, so that a
// write that was acknowledged is told of whatever becomes of the process.
func (m *mutation) queueJob(ctx context.Context, stepName string, e event) error {
	t := m.s.tables["asyncoperation"]
	sequence, err := m.nextVersion(ctx) // grows over restarts, which the clock may not
	if err != nil {
		return err
	}
	r := record{
		"asyncoperationid": e.jobID, "name": stepName, "operationtype": int64(operationSystemEvent), "depth": int64(1),
		"statecode": int64(jobReady), "statuscode": int64(jobWaiting), "retrycount": int64(0), "sequence": sequence, "data": e.body,
		"correlationid": e.context.CorrelationID, "requestid": e.context.RequestID, "messagename": e.context.MessageName,
		"primaryentitytype": e.context.PrimaryEntityName,
	}
	r.set(t.Field("owningextensionid"), "sdkmessageprocessingstep", e.stepID)
	if f := t.Field("regardingobjectid"); slices.Contains(f.Targets, e.context.PrimaryEntityName) {
		r.set(f, e.context.PrimaryEntityName, e.context.PrimaryEntityID)
	}
	return m.insertJob(ctx, r)
}

// beginJob shows that a delivery is under way.
func (s *Server) beginJob(ctx context.Context, e event, started time.Time) error {
	return s.mutate(ctx, s.settings.Load().defaultCaller, func(m *mutation) error {
		return m.changeJob(ctx, e.jobID, record{"statecode": int64(jobLocked), "statuscode": int64(jobInProgress), "startedon": started.UnixMicro()})
	})
}

// changeJob writes into the record of a job, unless somebody deleted it meanwhile.
func (m *mutation) changeJob(ctx context.Context, id string, r record) error {
	t := m.s.tables["asyncoperation"]
	before, err := m.load(ctx, t, id)
	if err != nil || before == nil {
		return err
	}
	if err := m.completeChange(ctx, t, r, before); err != nil {
		return err
	}
	return m.store(ctx, t, id, r)
}

// requeueJobs makes wait the jobs that were under way when the process that the records come from ended, or was copied.
func requeueJobs(ctx context.Context, c *conn) error {
	_, err := c.exec(ctx, "UPDATE asyncoperation SET statecode = ?, statuscode = ?, startedon = NULL WHERE operationtype = ? AND statecode = ?",
		jobReady, jobWaiting, operationSystemEvent, jobLocked)
	return err
}

// endJob notes what became of a delivery. A step may want no record of those that succeed.
func (s *Server) endJob(ctx context.Context, e event, started time.Time, keep bool, failed *deliveryFault) error {
	return s.mutate(ctx, s.settings.Load().defaultCaller, func(m *mutation) error {
		if failed == nil && !keep {
			return m.deleteRow(ctx, s.tables["asyncoperation"], e.jobID)
		}
		r := record{
			"statecode": int64(jobCompleted), "statuscode": int64(jobSucceeded),
			"startedon": started.UnixMicro(), "completedon": m.now(), "data": nil,
		}
		if failed != nil {
			text := "The webhook call failed because the http request failed: " + failed.text
			r["statuscode"], r["message"], r["friendlymessage"] = int64(jobFailed), text, text
			r["errorcode"], r["retrycount"] = int64(webhookFailed), int64(failed.retries)
			if failed.canceled {
				r["statuscode"] = int64(jobCanceled)
			}
		}
		return m.changeJob(ctx, e.jobID, r)
	})
}

// queuedEvents are the webhooks that were committed and not delivered when the process before this one ended, in the order
// of their commits.
func (s *Server) queuedEvents(ctx context.Context) (events []event, err error) {
	err = s.store.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT asyncoperationid, owningextensionid, data FROM asyncoperation WHERE operationtype = ? AND statecode = ? ORDER BY sequence",
			[]any{operationSystemEvent, jobReady}, func(row []any) error {
				r := record{"id": row[0], "step": row[1], "data": row[2]}
				context, err := webhook.Decode([]byte(r.text("data")))
				if err != nil {
					s.log.Warn("a system job that tells nothing is left alone", "job", r.text("id"), "error", err)
					return nil
				}
				events = append(events, event{stepID: r.text("step"), jobID: r.text("id"), context: context, body: r.text("data")})
				return nil
			})
	})
	return events, err
}
