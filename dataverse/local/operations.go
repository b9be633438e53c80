package local

import (
	"strconv"
	"strings"
)

// operation is how a function or an action is told in $metadata: its parameters as pairs of a name and a type, the first
// of a bound one being what it is bound to.
type operation struct {
	name       string
	isFunction bool
	boundTo    string // the type; "" for one that belongs to no record
	parameters []string
	returns    string   // the type; "" for nothing
	response   []string // of a complex type as answer: its properties as pairs
}

func (o operation) bound() bool { return o.boundTo != "" }

func (o operation) kind() string {
	if o.isFunction {
		return "Function"
	}
	return "Action"
}

const (
	edmGuid  = "Edm.Guid"
	edmInt32 = "Edm.Int32"
	edmText  = "Edm.String"
	edmBool  = "Edm.Boolean"
	edmBase  = "mscrm.crmbaseentity"
)

// operations are the functions and actions that are served and that OData's schema language can describe.
var operations = []operation{
	{name: "WhoAmI", isFunction: true, returns: "mscrm.WhoAmIResponse", response: []string{"BusinessUnitId", edmGuid, "UserId", edmGuid, "OrganizationId", edmGuid}},
	{name: "RetrieveVersion", isFunction: true, returns: "mscrm.RetrieveVersionResponse", response: []string{"Version", edmText}},
	{
		name: "RetrieveCurrentOrganization", isFunction: true, parameters: []string{"AccessType", "mscrm.EndpointAccessType"},
		returns: "mscrm.RetrieveCurrentOrganizationResponse", response: []string{"Detail", "mscrm.OrganizationDetail"},
	},
	{name: "RetrieveDuplicates", isFunction: true, parameters: []string{"BusinessEntity", edmBase, "MatchingEntityName", edmText, "PagingInfo", "mscrm.PagingInfo"}, returns: "Collection(" + edmBase + ")"},
	{name: "UnpublishDuplicateRule", parameters: []string{"DuplicateRuleId", edmGuid}},
	{name: "PublishDuplicateRule", boundTo: "mscrm.duplicaterule", returns: "mscrm.asyncoperation"},
	{name: "CloseIncident", parameters: []string{"IncidentResolution", "mscrm.incidentresolution", "Status", edmInt32}},
	{name: "QualifyLead", boundTo: "mscrm.lead", parameters: []string{"CreateAccount", edmBool, "CreateContact", edmBool, "CreateOpportunity", edmBool, "Status", edmInt32}, returns: "Collection(" + edmBase + ")"},
	{name: "AddToQueue", boundTo: "mscrm.queue", parameters: []string{"Target", edmBase}, returns: "mscrm.AddToQueueResponse", response: []string{"QueueItemId", edmGuid}},
	{name: "WinOpportunity", parameters: []string{"OpportunityClose", edmBase, "Status", edmInt32}},
	{name: "LoseOpportunity", parameters: []string{"OpportunityClose", edmBase, "Status", edmInt32}},
	{name: "Merge", parameters: []string{"Target", edmBase, "Subordinate", edmBase, "UpdateContent", edmBase, "PerformParentingChecks", edmBool}},
	{
		name: "RetrieveProvisionedLanguages", isFunction: true,
		returns: "mscrm.RetrieveProvisionedLanguagesResponse", response: []string{"RetrieveProvisionedLanguages", "Collection(" + edmInt32 + ")"},
	},
	{name: "RetrieveAvailableLanguages", isFunction: true, returns: "mscrm.RetrieveAvailableLanguagesResponse", response: []string{"LocaleIds", "Collection(" + edmInt32 + ")"}},
	{
		name: "FormatAddress", isFunction: true, parameters: []string{"Line1", edmText, "City", edmText, "StateOrProvince", edmText, "PostalCode", edmText, "Country", edmText},
		returns: "mscrm.FormatAddressResponse", response: []string{"Address", edmText},
	},
	{
		name: "InitializeFrom", isFunction: true, returns: edmBase,
		parameters: []string{"EntityMoniker", edmBase, "TargetEntityName", edmText, "TargetFieldType", "mscrm.TargetFieldType", "SkipParentalRelationshipMapping", edmBool},
	},
	{
		name: "BulkDelete", returns: "mscrm.BulkDeleteResponse", response: []string{"JobId", edmGuid}, parameters: []string{
			"QuerySet", "Collection(mscrm.QueryExpression)", "JobName", edmText, "SendEmailNotification", edmBool,
			"ToRecipients", "Collection(" + edmBase + ")", "CCRecipients", "Collection(" + edmBase + ")", "RecurrencePattern", edmText, "StartDateTime", "Edm.DateTimeOffset",
		},
	},
	{name: "GrantAccess", parameters: []string{"Target", edmBase, "PrincipalAccess", "mscrm.PrincipalAccess"}},
	{name: "ModifyAccess", parameters: []string{"Target", edmBase, "PrincipalAccess", "mscrm.PrincipalAccess"}},
	{name: "RevokeAccess", parameters: []string{"Target", edmBase, "Revokee", "mscrm.principal"}},
	{
		name: "RetrieveSharedPrincipalsAndAccess", isFunction: true, parameters: []string{"Target", edmBase},
		returns: "mscrm.RetrieveSharedPrincipalsAndAccessResponse", response: []string{"PrincipalAccesses", "Collection(mscrm.PrincipalAccess)"},
	},
	{
		name: "RetrievePrincipalAccess", isFunction: true, boundTo: "mscrm.systemuser", parameters: []string{"Target", edmBase},
		returns: "mscrm.RetrievePrincipalAccessResponse", response: []string{"AccessRights", "mscrm.AccessRights"},
	},
	{name: "RetrievePrincipalAccess", isFunction: true, boundTo: "mscrm.team", parameters: []string{"Target", edmBase}, returns: "mscrm.RetrievePrincipalAccessResponse"},
	{name: "RetrievePrincipalAccess", isFunction: true, boundTo: "mscrm.organization", parameters: []string{"Target", edmBase}, returns: "mscrm.RetrievePrincipalAccessResponse"},
	privilegesOfUser("RetrieveUserPrivileges"),
	privilegesOfUser("RetrieveUserPrivilegeByPrivilegeName", "PrivilegeName", edmText),
	privilegesOfUser("RetrieveUserPrivilegeByPrivilegeId", "PrivilegeId", edmGuid),
	{name: "CCaaS_GetPresence", isFunction: true, returns: edmText},
	{name: "CCaaS_ModifyAgentPresence", parameters: []string{"ApiVersion", edmText, "AgentId", edmText, "PresenceId", edmText}},
}

// privilegesOfUser is a function of a user that answers with privileges.
func privilegesOfUser(name string, parameters ...string) operation {
	return operation{
		name: name, isFunction: true, boundTo: "mscrm.systemuser", parameters: parameters,
		returns: "mscrm." + name + "Response", response: []string{"RolePrivileges", "Collection(mscrm.RolePrivilege)"},
	}
}

// writeOperations writes the functions, the actions and the types that they take and give.
func (s *Server) writeOperations(b *strings.Builder) {
	writeEnumType(b, "EndpointAccessType", "Default", "Internet", "Intranet")
	writeEnumType(b, "EndpointType", "OrganizationService", "OrganizationDataService", "WebApplication")
	writeEnumType(b, "OrganizationState", "Enabled", "Disabled")
	writeEnumType(b, "TargetFieldType", "All", "ValidForCreate", "ValidForUpdate", "ValidForRead")
	writeEnumType(b, "PrivilegeDepth", "Basic", "Local", "Deep", "Global")
	writeAccessRights(b)
	writeQueryExpression(b)
	writeComplexType(b, "PrincipalAccess", []string{"AccessMask", "mscrm.AccessRights", "Principal", "mscrm.principal"})
	writeComplexType(b, "RolePrivilege", []string{"Depth", "mscrm.PrivilegeDepth", "PrivilegeId", edmGuid, "BusinessUnitId", edmGuid, "PrivilegeName", edmText})
	writeComplexType(b, "EndpointCollection", []string{"Count", edmInt32, "IsReadOnly", edmBool, "Keys", "Collection(mscrm.EndpointType)", "Values", "Collection(" + edmText + ")"})
	writeComplexType(b, "OrganizationDetail", []string{
		"OrganizationId", edmGuid, "FriendlyName", edmText, "OrganizationVersion", edmText, "EnvironmentId", edmText, "DatacenterId", edmGuid, "Geo", edmText,
		"TenantId", edmText, "UrlName", edmText, "UniqueName", edmText, "State", "mscrm.OrganizationState", "Endpoints", "mscrm.EndpointCollection",
	})
	writeComplexType(b, "PagingInfo", []string{"PageNumber", edmInt32, "Count", edmInt32, "ReturnTotalRecordCount", edmBool, "PagingCookie", edmText})
	for _, o := range operations {
		if o.response != nil {
			writeComplexType(b, o.name+"Response", o.response)
		}
	}
	for _, o := range operations {
		attributes := []string{"Name", o.name}
		if o.bound() {
			attributes = append(attributes, "IsBound", "true")
		}
		element(b, o.kind(), false, attributes...)
		if o.bound() {
			element(b, "Parameter", true, "Name", "entity", "Type", o.boundTo, "Nullable", "false")
		}
		for i := 0; i+1 < len(o.parameters); i += 2 {
			element(b, "Parameter", true, "Name", o.parameters[i], "Type", o.parameters[i+1])
		}
		if o.returns != "" {
			element(b, "ReturnType", true, "Type", o.returns)
		}
		b.WriteString("</" + o.kind() + ">")
	}
}

func writeComplexType(b *strings.Builder, name string, properties []string) {
	element(b, "ComplexType", false, "Name", name)
	for i := 0; i+1 < len(properties); i += 2 {
		element(b, "Property", true, "Name", properties[i], "Type", properties[i+1])
	}
	b.WriteString("</ComplexType>")
}

// writeAccessRights writes the type of a set of rights.
func writeAccessRights(b *strings.Builder) {
	element(b, "EnumType", false, "Name", "AccessRights", "UnderlyingType", "Edm.Int64", "IsFlags", "true")
	element(b, "Member", true, "Name", noRights, "Value", "0")
	for _, r := range rights {
		element(b, "Member", true, "Name", r.name, "Value", strconv.FormatInt(int64(r.bit), 10))
	}
	b.WriteString("</EnumType>")
}

// writeQueryExpression writes the types of a query as a parameter, as far as it is read.
func writeQueryExpression(b *strings.Builder) {
	writeEnumType(b, "LogicalOperator", "And", "Or")
	writeComplexType(b, "Object", []string{"Type", edmText, "Value", edmText})
	writeComplexType(b, "ConditionExpression", []string{"AttributeName", edmText, "Operator", edmText, "Values", "Collection(mscrm.Object)"})
	writeComplexType(b, "FilterExpression", []string{"FilterOperator", "mscrm.LogicalOperator", "Conditions", "Collection(mscrm.ConditionExpression)", "Filters", "Collection(mscrm.FilterExpression)"})
	writeComplexType(b, "ColumnSet", []string{"AllColumns", edmBool, "Columns", "Collection(" + edmText + ")"})
	writeComplexType(b, "QueryExpression", []string{"EntityName", edmText, "ColumnSet", "mscrm.ColumnSet", "Criteria", "mscrm.FilterExpression"})
}

// writeEnumType writes a type whose members are counted from 0.
func writeEnumType(b *strings.Builder, name string, members ...string) {
	element(b, "EnumType", false, "Name", name)
	for i, member := range members {
		element(b, "Member", true, "Name", member, "Value", strconv.Itoa(i))
	}
	b.WriteString("</EnumType>")
}
