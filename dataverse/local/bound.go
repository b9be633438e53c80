package local

import (
	"context"
	"net/http"

	"github.com/botverse/botverse/dataverse/odata"
)

// boundAction answers an action on the record that a key names, or on an entity set where k is nil.
type boundAction func(ctx context.Context, c *call, t *table, k *key) (reply, error)

// boundTo returns what answers an action of an entity's records, or of its set; nil where there is none of that name.
func (s *Server) boundTo(t *table, name string, onSet bool) boundAction {
	if onSet {
		switch name {
		case "CreateMultiple":
			return s.createMultiple
		case "UpdateMultiple":
			return s.updateMultiple
		case "UpsertMultiple":
			return s.upsertMultiple
		}
		return nil
	}
	switch t.LogicalName + "." + name {
	case "duplicaterule.PublishDuplicateRule":
		return s.publishDuplicateRule
	case "lead.QualifyLead":
		return s.qualifyLead
	case "queue.AddToQueue":
		return s.addToQueue
	}
	return nil
}

// bound answers an action on a record or on a set (Web API, "Use Web API actions").
func (s *Server) bound(ctx context.Context, c *call, t *table, name string) (reply, error) {
	segments := c.resource.Segments
	if len(segments) != 2 {
		return reply{}, noSuchSegment("Microsoft.Dynamics.CRM." + name)
	}
	action := s.boundTo(t, name, !segments[0].HasParens)
	if action == nil {
		return reply{}, noSuchSegment("Microsoft.Dynamics.CRM." + name)
	}
	if c.method != http.MethodPost {
		return reply{}, noSuchResource(c)
	}
	if !segments[0].HasParens {
		return action(ctx, c, t, nil)
	}
	k, err := readKey(t, segments[0])
	if err != nil {
		return reply{}, err
	}
	return action(ctx, c, t, &k)
}

// isUnqualified reports whether a path ends with a bound action whose namespace was left out.
func (s *Server) isUnqualified(t *table, segments []odata.Segment) bool {
	return len(segments) == 2 && s.boundTo(t, segments[1].Name, !segments[0].HasParens) != nil
}
