package local

import (
	"context"
	"net/http"

	"github.com/botverse/botverse/dataverse/odata"
)

// boundOperation answers an action or a function on the record that a key names, or on an entity set where k is nil.
type boundOperation func(ctx context.Context, c *call, t *table, k *key) (reply, error)

// boundTo returns what answers an action of an entity's records, or of its set; nil where there is none of that name.
func (s *Server) boundTo(t *table, name string, onSet bool) boundOperation {
	if onSet {
		switch name {
		case "CreateMultiple":
			return s.createMultiple
		case "UpdateMultiple":
			return s.updateMultiple
		case "UpsertMultiple":
			return s.upsertMultiple
		case "DeleteMultiple":
			return deleteMultiple
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

// boundFunction returns what answers a function of an entity's records; nil where there is none of that name.
func (s *Server) boundFunction(t *table, name string) boundOperation {
	switch {
	case name == "RetrievePrincipalAccess" && canHaveAccess(t.Entity):
		return s.retrievePrincipalAccess
	case t.LogicalName != "systemuser":
		return nil
	}
	switch name {
	case "RetrieveUserPrivileges":
		return s.retrieveUserPrivileges
	case "RetrieveUserPrivilegeByPrivilegeName":
		return s.retrieveUserPrivilegeByName
	case "RetrieveUserPrivilegeByPrivilegeId":
		return s.retrieveUserPrivilegeByID
	}
	return nil
}

// bound answers an action or a function on a record or on a set (Web API, "Use Web API actions", "Use Web API functions").
func (s *Server) bound(ctx context.Context, c *call, t *table, name string) (reply, error) {
	segments := c.resource.Segments
	if len(segments) != 2 {
		return reply{}, noSuchSegment("Microsoft.Dynamics.CRM." + name)
	}
	operation, method := s.boundTo(t, name, !segments[0].HasParens), http.MethodPost
	if operation == nil && segments[0].HasParens {
		operation, method = s.boundFunction(t, name), http.MethodGet
	}
	switch {
	case operation == nil:
		return reply{}, noSuchSegment("Microsoft.Dynamics.CRM." + name)
	case c.method != method:
		return reply{}, noSuchResource(c)
	case !segments[0].HasParens:
		return operation(ctx, c, t, nil)
	}
	k, err := readKey(t, segments[0])
	if err != nil {
		return reply{}, err
	}
	return operation(ctx, c, t, &k)
}

// isUnqualified reports whether a path ends with a bound action whose namespace was left out.
func (s *Server) isUnqualified(t *table, segments []odata.Segment) bool {
	return len(segments) == 2 && s.boundTo(t, segments[1].Name, !segments[0].HasParens) != nil
}
