package local

import (
	"context"
)

// The kinds of system jobs in asyncoperation.operationtype that the server has.
const (
	operationSystemEvent = 1
	operationPublishRule = 7
)

// job is a system job that has ended.
type job struct {
	name      string
	operation int64
	succeeded bool
}

// recordJob makes the record of a system job.
func (m *mutation) recordJob(ctx context.Context, j job) (string, error) {
	t := m.s.tables["asyncoperation"]
	now := m.now()
	r := record{
		"asyncoperationid": newID(), "name": j.name, "operationtype": j.operation, "startedon": now, "completedon": now,
		"statecode": int64(3), "statuscode": int64(30), "depth": int64(1), "correlationid": newID(),
	}
	if !j.succeeded {
		r["statuscode"] = int64(31)
	}
	if err := m.complete(ctx, t, r); err != nil {
		return "", err
	}
	return r.text("asyncoperationid"), m.insert(ctx, t, r)
}
