package local

import (
	"context"
	"net/http"

	"github.com/botverse/botverse/dataverse/code"
)

// closeIncident resolves a case: it makes the record of the resolution and closes the case with the status that is asked
// for (Web API, CloseIncident).
func (s *Server) closeIncident(ctx context.Context, c *call) (reply, error) {
	b, err := readBody(s.tables["incidentresolution"], c.body)
	if err != nil {
		return reply{}, err
	}
	resolution, ok := b["IncidentResolution"].(map[string]any)
	if !ok {
		return reply{}, refuse(code.InvalidArgument, "IncidentResolution must be an object.")
	}
	change := record{"statecode": int64(1)}
	status, err := statusOf(b)
	if err != nil {
		return reply{}, err
	}
	if status != nil {
		change["statuscode"] = status
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error { return m.resolveIncident(ctx, resolution, change) })
	return newReply(http.StatusNoContent), err
}

// resolveIncident closes the case of a resolution by a change of its state.
func (m *mutation) resolveIncident(ctx context.Context, resolution body, change record) error {
	t, incident := m.s.tables["incidentresolution"], m.s.tables["incident"]
	in, err := m.parse(ctx, t, resolution, true)
	if err != nil {
		return err
	}
	before, err := m.load(ctx, incident, in.values.text("incidentid"))
	if err != nil {
		return err
	}
	switch {
	case before == nil:
		return refuse(code.InvalidArgument, "IncidentResolution needs incidentid@odata.bind.")
	case before.number("statecode") != 0:
		return refuse(code.IncidentIsAlreadyClosedOrCancelled, "The incident has already been resolved or canceled.")
	}
	m.closing = true
	defer func() { m.closing = false }()
	if err := m.updateParsed(ctx, incident, before, change, false); err != nil {
		return err
	}
	in.values["statecode"], in.values["statuscode"] = int64(1), int64(2)
	_, err = m.createParsed(ctx, t, in, false)
	return err
}
