package local

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/botverse/botverse/dataverse/code"
)

// closeIncident resolves a case: it makes the record of the resolution and closes the case with the status that is asked
// for (Web API, CloseIncident).
func (s *Server) closeIncident(ctx context.Context, c *call) (reply, error) {
	t, incident := s.tables["incidentresolution"], s.tables["incident"]
	b, err := readBody(t, c.body)
	if err != nil {
		return reply{}, err
	}
	resolution, ok := b["IncidentResolution"].(map[string]any)
	if !ok {
		return reply{}, refuse(code.InvalidArgument, "IncidentResolution must be an object.")
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		in, err := m.parse(ctx, t, resolution, true)
		if err != nil {
			return err
		}
		id := in.values.text("incidentid")
		before, err := m.load(ctx, incident, id)
		if err != nil {
			return err
		}
		switch {
		case before == nil:
			return refuse(code.InvalidArgument, "IncidentResolution needs incidentid@odata.bind.")
		case before.number("statecode") != 0:
			return refuse(code.IncidentIsAlreadyClosedOrCancelled, "The incident has already been resolved or canceled.")
		}
		change := record{"statecode": int64(1)}
		if status, given := b["Status"].(json.Number); given && status != "-1" {
			n, err := status.Int64()
			if err != nil {
				return refuse(code.InvalidArgument, "Status must be a whole number.")
			}
			change["statuscode"] = n
		}
		m.closing = true
		defer func() { m.closing = false }()
		if err := m.updateParsed(ctx, incident, before, change, false); err != nil {
			return err
		}
		in.values["statecode"], in.values["statuscode"] = int64(1), int64(2)
		_, err = m.createParsed(ctx, t, in, false)
		return err
	})
	return newReply(http.StatusNoContent), err
}
