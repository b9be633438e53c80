package local

import "context"

type event struct{}
type trigger struct{}
type step struct{}
type deliveries struct{}

func newDeliveries(*Server) *deliveries                            { return &deliveries{} }
func (d *deliveries) enqueue([]event)                              {}
func (d *deliveries) drain(context.Context) int                    { return 0 }
func (d *deliveries) stop()                                        {}
func loadSteps(context.Context, *conn) (map[trigger][]step, error) { return nil, nil }

func (m *mutation) notify(ctx context.Context, t *table, message, id string, target, before, after record) error {
	return nil
}
