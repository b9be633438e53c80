package local

import (
	"context"
	"net/http"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// handler answers one call.
type handler func(ctx context.Context, c *call) (reply, error)

// unbound returns what answers a function or an action that belongs to no record, nil where there is none of that name.
func (s *Server) unbound(name string) handler {
	function := func(h handler) handler { return only(http.MethodGet, h) }
	action := func(h handler) handler { return only(http.MethodPost, h) }
	switch strings.TrimPrefix(name, "Microsoft.Dynamics.CRM.") {
	case "WhoAmI":
		return function(s.whoAmI)
	case "RetrieveVersion":
		return function(s.retrieveVersion)
	case "RetrieveCurrentOrganization":
		return function(s.retrieveCurrentOrganization)
	case "EntityDefinitions":
		return function(s.entityDefinitions)
	case "RelationshipDefinitions":
		return function(s.relationshipDefinitions)
	case "GlobalOptionSetDefinitions":
		return function(s.globalOptionSetDefinitions)
	case "RetrieveMetadataChanges":
		return function(s.retrieveMetadataChanges)
	case "RetrieveDuplicates":
		return function(s.retrieveDuplicates)
	case "CCaaS_GetPresence":
		return function(s.getPresence)
	case "CCaaS_ModifyAgentPresence":
		return action(s.modifyAgentPresence)
	case "CloseIncident":
		return action(s.closeIncident)
	case "Merge":
		return action(s.merge)
	case "$metadata":
		return function(s.serveCSDL)
	case "UnpublishDuplicateRule":
		return action(s.unpublishDuplicateRule)
	case "WinOpportunity":
		return action(s.winOpportunity)
	case "LoseOpportunity":
		return action(s.loseOpportunity)
	case "RetrieveTotalRecordCount":
		return function(s.retrieveTotalRecordCount)
	case "RetrieveSharedPrincipalsAndAccess":
		return function(s.retrieveSharedPrincipals)
	case "RetrieveProvisionedLanguages":
		return function(s.retrieveProvisionedLanguages)
	case "RetrieveAvailableLanguages":
		return function(s.retrieveAvailableLanguages)
	case "FormatAddress":
		return function(s.formatAddress)
	case "InitializeFrom":
		return function(s.initializeFrom)
	case "BulkDelete":
		return action(s.bulkDelete)
	case "GrantAccess":
		return action(s.grantAccess)
	case "ModifyAccess":
		return action(s.modifyAccess)
	case "RevokeAccess":
		return action(s.revokeAccess)
	}
	return nil
}

// only lets one method through. Calling a function by the wrong one is answered as if it were not there.
func only(method string, h handler) handler {
	return func(ctx context.Context, c *call) (reply, error) {
		if c.method != method {
			return reply{}, noSuchResource(c)
		}
		return h(ctx, c)
	}
}

func noSuchResource(c *call) *fault {
	return &fault{status: http.StatusNotFound, noCode: true, message: "No HTTP resource was found that matches the request URI '" + c.base + c.path + "'."}
}

// functionResponse answers with an object of named values: pairs of a name and a value as appendValue takes them.
func functionResponse(c *call, name string, pairs ...any) reply {
	b := appendString(appendMember([]byte{'{'}, "@odata.context"), c.base+"$metadata#Microsoft.Dynamics.CRM."+name+"Response")
	for i := 0; i+1 < len(pairs); i += 2 {
		member, _ := pairs[i].(string)
		b = appendValue(appendMember(b, member), pairs[i+1])
	}
	answer := newReply(http.StatusOK)
	answer.json(append(b, '}'))
	return answer
}

func (s *Server) whoAmI(_ context.Context, c *call) (reply, error) {
	return functionResponse(c, "WhoAmI", "BusinessUnitId", c.by.businessUnitID, "UserId", c.by.userID, "OrganizationId", s.OrganizationID()), nil
}

// version is the version of Dataverse that the server says it is.
const version = "9.2.24031.00000"

func (s *Server) retrieveVersion(_ context.Context, c *call) (reply, error) {
	return functionResponse(c, "RetrieveVersion", "Version", version), nil
}

func (s *Server) retrieveCurrentOrganization(_ context.Context, c *call) (reply, error) {
	organization := s.settings.Load()
	root := strings.SplitAfter(c.base, "/api/")[0]
	root = strings.TrimSuffix(root, "api/")
	b := appendString(appendMember([]byte{'{'}, "@odata.context"), c.base+"$metadata#Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse")
	b = append(appendMember(b, "Detail"), '{')
	for _, pair := range [][2]string{
		{"OrganizationId", organization.organizationID}, {"FriendlyName", organization.organizationName}, {"OrganizationVersion", version},
		{"EnvironmentId", organization.organizationID}, {"DatacenterId", "00000000-0000-0000-0000-000000000000"}, {"Geo", "NA"},
		{"TenantId", "00000000-0000-0000-0000-000000000000"}, {"UrlName", "local"}, {"UniqueName", uniqueName(organization.organizationID)}, {"State", "Enabled"},
	} {
		b = appendString(appendMember(b, pair[0]), pair[1])
	}
	b = append(appendMember(b, "Endpoints"), `{"Count":3,"IsReadOnly":false,"Keys":["WebApplication","OrganizationService","OrganizationDataService"],"Values":[`...)
	for i, path := range []string{"", "XRMServices/2011/Organization.svc", "XRMServices/2011/OrganizationData.svc"} {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, root+path)
	}
	answer := newReply(http.StatusOK)
	answer.json(append(b, "]}}}"...))
	return answer, nil
}

// retrieveProvisionedLanguages answers with the languages that labels may be in: American English alone.
func (s *Server) retrieveProvisionedLanguages(_ context.Context, c *call) (reply, error) {
	return definition(c, crmNamespace+"RetrieveProvisionedLanguagesResponse", document{"RetrieveProvisionedLanguages": []int{schema.English}})
}

// retrieveAvailableLanguages answers with those that the organisation could have.
func (s *Server) retrieveAvailableLanguages(_ context.Context, c *call) (reply, error) {
	return definition(c, crmNamespace+"RetrieveAvailableLanguagesResponse", document{"LocaleIds": []int{schema.English}})
}

// formatAddress answers with the parts of an address as one text.
func (s *Server) formatAddress(_ context.Context, c *call) (reply, error) {
	parameters, err := c.parameters()
	if err != nil {
		return reply{}, err
	}
	part := func(name string) string { return textOf(parameters[name]) }
	return functionResponse(c, "FormatAddress", "Address", address(part("Line1"), part("City"), part("StateOrProvince"), part("PostalCode"), part("Country"))), nil
}

// uniqueName is an organisation's name in the form that Dataverse gives it by itself.
func uniqueName(organizationID string) string {
	digits := strings.ReplaceAll(organizationID, "-", "")
	return "unq" + digits[:min(19, len(digits))]
}

// publishDuplicateRule puts a rule in force at once; Dataverse does it by a system job, whose record is the answer.
func (s *Server) publishDuplicateRule(ctx context.Context, c *call, t *table, k *key) (answer reply, err error) {
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		id, before, err := m.lookUp(ctx, t, *k)
		if err != nil {
			return err
		}
		if before == nil {
			return k.missing(t)
		}
		if err := m.checkPublishable(ctx, before); err != nil {
			return err
		}
		if err := m.change(ctx, t, id, record{"statecode": int64(1), "statuscode": int64(publishedRule)}); err != nil {
			return err
		}
		job, err := m.recordJob(ctx, "Publish Duplicate Detection Rule", operationPublishRule, "")
		if err != nil {
			return err
		}
		c.query.Select, c.query.Expand = []string{"asyncoperationid", "statecode", "statuscode"}, nil
		b, _, err := s.represent(ctx, c, m.conn, s.tables["asyncoperation"], job)
		answer = newReply(http.StatusOK)
		answer.json(b)
		return err
	})
	return answer, err
}

// maxPublishedRules is how many rules of one base entity may be in force.
const maxPublishedRules = 5

func (m *mutation) checkPublishable(ctx context.Context, r record) error {
	_, found, err := m.conn.row(ctx, "SELECT 1 FROM duplicaterulecondition WHERE regardingobjectid = ? LIMIT 1", r.text("duplicateruleid"))
	if err != nil {
		return err
	}
	base := m.s.tables[r.text("baseentityname")]
	switch {
	case !found:
		return refuse(code.CannotPublishEmptyRule, "No criteria have been specified. Add criteria, and then publish the duplicate detection rule.")
	case base == nil || m.s.tables[r.text("matchingentityname")] == nil || !base.DuplicateDetection:
		return refuse(code.DuplicateCheckNotSupportedOnEntity, "Duplicate detection is not supported on entity '%s'.", r.text("baseentityname"))
	}
	row, _, err := m.conn.row(ctx, "SELECT count(*) FROM duplicaterule WHERE statuscode = ? AND baseentityname = ? AND duplicateruleid <> ?", publishedRule, base.LogicalName, r.text("duplicateruleid"))
	if err != nil {
		return err
	}
	if n, _ := row[0].(int64); n >= maxPublishedRules {
		return refuse(code.InvalidArgument, "The limit of %d published duplicate detection rules for '%s' has been reached.", maxPublishedRules, base.LogicalName)
	}
	return nil
}

func (s *Server) unpublishDuplicateRule(ctx context.Context, c *call) (reply, error) {
	t := s.tables["duplicaterule"]
	b, err := readBody(t, c.body)
	if err != nil {
		return reply{}, err
	}
	id, _ := b["DuplicateRuleId"].(string)
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		return m.change(ctx, t, strings.ToLower(strings.Trim(id, "{}")), record{"statecode": int64(0), "statuscode": int64(0)})
	})
	return newReply(http.StatusNoContent), err
}
