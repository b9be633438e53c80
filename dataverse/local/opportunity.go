package local

import (
	"context"
	"net/http"
	"time"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
)

// winOpportunity and loseOpportunity close an opportunity (Web API, WinOpportunity and LoseOpportunity). The entity
// opportunityclose is not served: of the record of the closing only what goes into the opportunity is kept.
func (s *Server) winOpportunity(ctx context.Context, c *call) (reply, error) {
	return s.closeOpportunity(ctx, c, 1)
}

func (s *Server) loseOpportunity(ctx context.Context, c *call) (reply, error) {
	return s.closeOpportunity(ctx, c, 2)
}

func (s *Server) closeOpportunity(ctx context.Context, c *call, state int64) (reply, error) {
	t := s.tables["opportunity"]
	b, err := readBody(t, c.body)
	if err != nil {
		return reply{}, err
	}
	closing, ok := b["OpportunityClose"].(map[string]any)
	if !ok {
		return reply{}, refuse(code.InvalidArgument, "OpportunityClose must be an object.")
	}
	change := record{"statecode": state}
	status, err := statusOf(b)
	if err != nil {
		return reply{}, err
	}
	if status != nil {
		change["statuscode"] = status
	}
	if err := readClosing(t, closing, change); err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error { return m.closeOpportunity(ctx, t, closing, change) })
	return newReply(http.StatusNoContent), err
}

// readClosing takes the value and the day of a closing over into the change of the opportunity.
func readClosing(t *table, closing body, change record) error {
	today := time.Now().UTC().Format(time.DateOnly)
	for from, to := range map[string]string{"actualrevenue": "actualvalue", "actualend": "actualclosedate"} {
		value := closing[from]
		if day, ok := value.(string); ok && len(day) > len(today) {
			value = day[:len(today)]
		}
		if from == "actualend" && value == nil {
			value = today
		}
		encoded, err := query.Encode(t.Entity, t.Field(to), value)
		if err != nil {
			return err
		}
		if encoded != nil {
			change[to] = encoded
		}
	}
	return nil
}

func (m *mutation) closeOpportunity(ctx context.Context, t *table, closing body, change record) error {
	uri, ok := closing["opportunityid@odata.bind"].(string)
	if !ok {
		return refuse(code.InvalidArgument, "OpportunityClose needs opportunityid@odata.bind.")
	}
	target, id, err := m.find(ctx, uri)
	if err != nil {
		return err
	}
	if target != t {
		return refuse(code.InvalidArgument, "opportunityid@odata.bind must be the URI of an opportunity.")
	}
	before, err := m.load(ctx, t, id)
	if err != nil {
		return err
	}
	if before.number("statecode") != 0 {
		return refuse(code.InvalidStateCodeStatusCode, "The opportunity is already closed.")
	}
	m.closing = true
	defer func() { m.closing = false }()
	return m.updateParsed(ctx, t, before, change, false)
}
