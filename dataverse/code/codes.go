package code

import "net/http"

// Codes of records and requests (Web API, "Compose HTTP requests and handle errors"; "Web service error codes").
const (
	RequiredFieldMissing                        Code = 0x80040200 // a field that the platform itself needs is missing
	InvalidXML                                  Code = 0x80040201
	EmptyXML                                    Code = 0x80040202
	InvalidArgument                             Code = 0x80040203
	InvalidUserAuth                             Code = 0x80040204 // no privilege for this action
	InvalidAccessRights                         Code = 0x8004020D
	UnExpected                                  Code = 0x80040216 // sometimes a 400
	ObjectDoesNotExist                          Code = 0x80040217 // no record of that ID, or of a lookup's
	PrivilegeDenied                             Code = 0x80040220
	IsvUnExpected                               Code = 0x80040224 // a plug-in failed
	UserNotEnabled                              Code = 0x80040225 // the user is disabled or has no business unit
	AnonymousEnabled                            Code = 0x80040226 // the user is unknown to the directory
	CannotDeleteDueToAssociation                Code = 0x80040227
	InvalidOwnerID                              Code = 0x80040229
	InvalidCustomer                             Code = 0x8004022D
	CannotUpdateBecauseItIsReadOnly             Code = 0x8004022E
	CannotUpdateObjectBecauseItIsInactive       Code = 0x80040230
	DuplicateRecord                             Code = 0x80040237 // primary key or unique index
	InvalidDateTime                             Code = 0x80040239 // no date, or outside the supported range
	InvalidOperation                            Code = 0x8004023B
	IsvAborted                                  Code = 0x80040265 // a plug-in refused
	InvalidCharactersInField                    Code = 0x80040278
	InvalidFetchXML                             Code = 0x80040303
	NotSupported                                Code = 0x80040315
	MoneySizeExceeded                           Code = 0x80040317
	DuplicateRecordsFound                       Code = 0x80040333 // a duplicate rule matched; older servers say 500
	LeadAlreadyInClosedState                    Code = 0x80040519
	AttributeNotNullable                        Code = 0x8004203E // a field that cannot be null
	UserNotAssignedRoles                        Code = 0x80042F09
	SQLError                                    Code = 0x80044150 // generic SQL error, as a deadlock
	SQLTimeout                                  Code = 0x80044151
	InvalidQuery                                Code = 0x80044183
	RequestLengthTooLarge                       Code = 0x8004418A
	RequestIsNotAuthenticated                   Code = 0x80044302
	PicklistValueOutOfRange                     Code = 0x8004431A
	IntegerValueOutOfRange                      Code = 0x8004432F
	DecimalValueOutOfRange                      Code = 0x80044330
	StringLengthTooLong                         Code = 0x80044331
	ExpiredVersionStamp                         Code = 0x80044352 // metadata changes are no longer known since that stamp
	IncorrectAttributeValueType                 Code = 0x80044354
	IncidentIsAlreadyClosedOrCancelled          Code = 0x80044411
	AccessDenied                                Code = 0x80048405
	InvalidStateCodeStatusCode                  Code = 0x80048408 // the status does not belong to the state
	InvalidPayload                              Code = 0x80048D19 // the body cannot be read as the entity; the name is ours
	OrganizationDisabled                        Code = 0x8004A104
	CannotActOnBehalfOfAnotherUser              Code = 0x8004A110
	AttributePermissionReadIsMissing            Code = 0x8004F504 // a secured field
	QueryContainedSecuredAttributeWithoutAccess Code = 0x8004F506 // a secured field in a query
	AttributePermissionUpdateIsMissing          Code = 0x8004F507 // a secured field
	ConcurrencyVersionMismatch                  Code = 0x80060882
	ConcurrencyVersionNotProvided               Code = 0x80060883
	UnsupportedQuery                            Code = 0x80060888 // what the Web API cannot do or cannot read; the name is ours
	CrmHTTPError                                Code = 0x8006088A // no such entity set, function or action
	OptimisticConcurrencyNotEnabled             Code = 0x8006088D
	UserNotMemberOfOrg                          Code = 0x80072560
	ProcessImageFailure                         Code = 0x80072553
	CrmSQLCharLengthTooLong                     Code = 0x80073001
	CrmSQLUniqueIndexOrConstraintViolation      Code = 0x80073002
)

// Codes of alternate keys and duplicate detection ("Detect duplicate data using code").
const (
	EntityKeyNotDefined                    Code = 0x80060890
	RecordNotFoundByEntityKey              Code = 0x80060891
	DuplicateRecordEntityKey               Code = 0x80060892 // an alternate key is taken
	MultipleRecordsFoundByEntityKey        Code = 0x8006089D
	DuplicateCheckNotSupportedOnEntity     Code = 0x80048410
	DuplicateCheckNotEnabled               Code = 0x80048412 // switched off for the organisation
	CannotPublishInactiveRule              Code = 0x80048413
	CannotPublishEmptyRule                 Code = 0x80048414
	MaxMatchCodeLengthExceeded             Code = 0x80048429
	NoPublishedDuplicateDetectionRules     Code = 0x80048436
	DuplicateDetectionRulesWereUnpublished Code = 0x8004F039
)

// Codes of service protection and of queries that cost too much ("Service protection API limits", "Query throttling").
const (
	ThrottlingTimeExceeded                               Code = 0x80072321 // execution time
	ThrottlingBurstRequestLimitExceeded                  Code = 0x80072322 // number of requests
	AzureSQLMaxConcurrentWorkersLimitExceeded            Code = 0x80072324
	ThrottlingConcurrencyLimitExceeded                   Code = 0x80072326 // requests at once
	DataEngineQueryThrottling                            Code = 0x80048544
	DataEngineLeadingWildcardQueryThrottling             Code = 0x80048644
	DataEngineComputedColumnQueryThrottling              Code = 0x80048744
	DataEnginePerformanceValidationIssuesQueryThrottling Code = 0x80048745
	LeadingWildcardCauseTimeout                          Code = 0x80048573
	ComputedColumnCauseTimeout                           Code = 0x80048574
	PerformanceValidationIssuesCauseTimeout              Code = 0x80048575
)

// Codes of FetchXML ("Web service error codes", QueryBuilder…).
const (
	QueryBuilderInvalidUseRawOrderBy                    Code = 0x800410FD
	QueryBuilderUnexpected                              Code = 0x80041101
	QueryBuilderNoEntity                                Code = 0x80041102 // no such entity, or no many-to-many relationship
	QueryBuilderNoAttribute                             Code = 0x80041103
	QueryBuilderBadCondition                            Code = 0x80041106
	QueryBuilderAttributeWithAggregate                  Code = 0x80041107 // a plain attribute in an aggregate query
	QueryBuilderInvalidValue                            Code = 0x80041108
	QueryBuilderInvalidAlias                            Code = 0x80041109
	QueryBuilderAliasDoesNotExist                       Code = 0x8004110A // a condition's entityname
	QueryBuilderNoAlias                                 Code = 0x8004110B
	QueryBuilderValueGreaterThanZero                    Code = 0x8004110C
	QueryBuilderMultipleIntersectEntities               Code = 0x8004110E
	QueryBuilderAttributePairMismatch                   Code = 0x80041111 // from and to: both or none
	QueryBuilderInvalidDistinct                         Code = 0x80041115
	QueryBuilderInvalidMapping                          Code = 0x80041116
	QueryBuilderInvalidLinkType                         Code = 0x80041117
	QueryBuilderInvalidNoLock                           Code = 0x80041118
	QueryBuilderInvalidDescending                       Code = 0x80041119
	QueryBuilderInvalidAggregate                        Code = 0x8004111A
	QueryBuilderInvalidMinActiveRowVersion              Code = 0x8004111B
	QueryBuilderInvalidNode                             Code = 0x8004111C // an element where it cannot be
	QueryBuilderInvalidUTCOffset                        Code = 0x8004111D
	QueryBuilderAttributeNotFound                       Code = 0x8004111E // a required XML attribute is missing
	QueryBuilderInvalidConditionOperator                Code = 0x80041120
	QueryBuilderInvalidJoinOperator                     Code = 0x80041121
	QueryBuilderInvalidFilterType                       Code = 0x80041122
	QueryBuilderElementNotFound                         Code = 0x80041123 // a required element is missing
	QueryBuilderEmptyXML                                Code = 0x80041124
	QueryBuilderNoDocumentElement                       Code = 0x80041125
	QueryBuilderEntitiesDontMatch                       Code = 0x80041128 // the root entity is not the one in the URL
	QueryBuilderPagingOrderBy                           Code = 0x80041129 // the orders are not the paging cookie's
	QueryBuilderInvalidPagingCookie                     Code = 0x8004112A
	QueryBuilderNoAttrsDistinctConflict                 Code = 0x8004112C
	QueryBuilderInvalidGroupBy                          Code = 0x8004112E
	QueryBuilderInvalidAggregateAttribute               Code = 0x8004112F // the field's type cannot be aggregated so
	QueryBuilderDuplicateAlias                          Code = 0x80041130
	QueryBuilderAttributeNotAllowedForAggregateOrderBy  Code = 0x80041131
	QueryBuilderAliasNotAllowedForNonAggregateOrderBy   Code = 0x80041132
	QueryBuilderAttributeRequiredForNonAggregateOrderBy Code = 0x80041133
	QueryBuilderAliasRequiredForAggregateOrderBy        Code = 0x80041134
	QueryBuilderInvalidDateGrouping                     Code = 0x80041135
	QueryBuilderAttributeCannotBeGroupByAndAggregate    Code = 0x80041137
	QueryBuilderInvalidIsQuickFindFilter                Code = 0x80041138
	QueryBuilderInvalidAttributeValue                   Code = 0x80041139
	UserSettingsOverMaxPagingLimit                      Code = 0x80044305
	OverRetrievalUpperLimitWithoutPagingCookie          Code = 0x8004430A // simple paging beyond 50,000 rows
	TooManyConditionsInQuery                            Code = 0x8004430C
	TooManyLinkEntitiesInQuery                          Code = 0x8004430D
	TooManyConditionParametersInQuery                   Code = 0x8004430E
	InvalidFiscalPeriod                                 Code = 0x80044814
	InvalidQueryForVirtualEntity                        Code = 0x80044822
	MissingHierarchicalRelationshipForOperator          Code = 0x80047020
	AggregateQueryRecordLimitExceeded                   Code = 0x8004E023 // more than 50,000 rows
	QuickFindQueryRecordLimitExceeded                   Code = 0x8004E024
	TooManyMultiSelectConditionParametersInQuery        Code = 0x80050223
	AttributeTypeNotSupportedForGroupByOrderByQuery     Code = 0x80050224 // group or order by a multi-select choice
	TooManyCalculatedFieldsInQuery                      Code = 0x80060429
)

type entry struct {
	name   string // Dataverse's own spelling
	status int    // 0: 400
}

// known is read only. Where Dataverse's name is not a Go name, the constant is the nearest that is.
var known = map[Code]entry{
	RequiredFieldMissing:                        {name: "RequiredFieldMissing"},
	InvalidXML:                                  {name: "InvalidXml"},
	EmptyXML:                                    {name: "EmptyXml"},
	InvalidArgument:                             {name: "InvalidArgument"},
	InvalidUserAuth:                             {name: "InvalidUserAuth", status: http.StatusForbidden},
	InvalidAccessRights:                         {name: "InvalidAccessRights", status: http.StatusForbidden},
	UnExpected:                                  {name: "UnExpected", status: http.StatusInternalServerError},
	ObjectDoesNotExist:                          {name: "ObjectDoesNotExist", status: http.StatusNotFound},
	PrivilegeDenied:                             {name: "PrivilegeDenied", status: http.StatusForbidden},
	IsvUnExpected:                               {name: "IsvUnExpected", status: http.StatusInternalServerError},
	UserNotEnabled:                              {name: "unManagedidsusernotenabled", status: http.StatusForbidden},
	AnonymousEnabled:                            {name: "unManagedidsanonymousenabled", status: http.StatusUnauthorized},
	CannotDeleteDueToAssociation:                {name: "CannotDeleteDueToAssociation", status: http.StatusMethodNotAllowed},
	InvalidOwnerID:                              {name: "InvalidOwnerID"},
	InvalidCustomer:                             {name: "InvalidCustomer"},
	CannotUpdateBecauseItIsReadOnly:             {name: "CannotUpdateBecauseItIsReadOnly"},
	CannotUpdateObjectBecauseItIsInactive:       {name: "CannotUpdateObjectBecauseItIsInactive"},
	DuplicateRecord:                             {name: "DuplicateRecord", status: http.StatusPreconditionFailed},
	InvalidDateTime:                             {name: "InvalidDateTime"},
	InvalidOperation:                            {name: "InvalidOperation", status: http.StatusMethodNotAllowed},
	IsvAborted:                                  {name: "IsvAborted"},
	InvalidCharactersInField:                    {name: "InvalidCharactersInField"},
	InvalidFetchXML:                             {name: "InvalidFetchXml"},
	NotSupported:                                {name: "NotSupported", status: http.StatusMethodNotAllowed},
	MoneySizeExceeded:                           {name: "MoneySizeExceeded"},
	DuplicateRecordsFound:                       {name: "DuplicateRecordsFound", status: http.StatusPreconditionFailed},
	LeadAlreadyInClosedState:                    {name: "LeadAlreadyInClosedState"},
	AttributeNotNullable:                        {name: "unManagedidspropbagattributenotnullable"},
	UserNotAssignedRoles:                        {name: "UserNotAssignedRoles", status: http.StatusForbidden},
	SQLError:                                    {name: "unManagedidssqlerror", status: http.StatusInternalServerError},
	SQLTimeout:                                  {name: "unManagedidssqltimeouterror", status: http.StatusInternalServerError},
	InvalidQuery:                                {name: "InvalidQuery"},
	RequestLengthTooLarge:                       {name: "RequestLengthTooLarge", status: http.StatusRequestEntityTooLarge},
	RequestIsNotAuthenticated:                   {name: "RequestIsNotAuthenticated", status: http.StatusUnauthorized},
	PicklistValueOutOfRange:                     {name: "PicklistValueOutOfRange"},
	IntegerValueOutOfRange:                      {name: "IntegerValueOutOfRange"},
	DecimalValueOutOfRange:                      {name: "DecimalValueOutOfRange"},
	StringLengthTooLong:                         {name: "StringLengthTooLong"},
	ExpiredVersionStamp:                         {name: "ExpiredVersionStamp"},
	IncorrectAttributeValueType:                 {name: "IncorrectAttributeValueType"},
	IncidentIsAlreadyClosedOrCancelled:          {name: "IncidentIsAlreadyClosedOrCancelled"},
	AccessDenied:                                {name: "AccessDenied", status: http.StatusForbidden},
	InvalidStateCodeStatusCode:                  {name: "InvalidStateCodeStatusCode"},
	InvalidPayload:                              {name: "InvalidPayload"},
	OrganizationDisabled:                        {name: "OrganizationDisabled", status: http.StatusServiceUnavailable},
	CannotActOnBehalfOfAnotherUser:              {name: "CannotActOnBehalfOfAnotherUser", status: http.StatusForbidden},
	AttributePermissionReadIsMissing:            {name: "AttributePermissionReadIsMissing", status: http.StatusForbidden},
	QueryContainedSecuredAttributeWithoutAccess: {name: "QueryContainedSecuredAttributeWithoutAccess", status: http.StatusForbidden},
	AttributePermissionUpdateIsMissing:          {name: "AttributePermissionUpdateIsMissingDuringUpdate", status: http.StatusForbidden},
	ConcurrencyVersionMismatch:                  {name: "ConcurrencyVersionMismatch", status: http.StatusPreconditionFailed},
	ConcurrencyVersionNotProvided:               {name: "ConcurrencyVersionNotProvided"},
	UnsupportedQuery:                            {name: "UnsupportedQuery"},
	CrmHTTPError:                                {name: "CrmHttpError", status: http.StatusNotFound},
	OptimisticConcurrencyNotEnabled:             {name: "OptimisticConcurrencyNotEnabled"},
	UserNotMemberOfOrg:                          {name: "UserNotMemberOfOrg", status: http.StatusForbidden},
	ProcessImageFailure:                         {name: "ProcessImageFailure"},
	CrmSQLCharLengthTooLong:                     {name: "CrmSQLCharLengthTooLong"},
	CrmSQLUniqueIndexOrConstraintViolation:      {name: "CrmSQLUniqueIndexOrConstraintViolation"},
	EntityKeyNotDefined:                         {name: "EntityKeyNotDefined"},
	RecordNotFoundByEntityKey:                   {name: "RecordNotFoundByEntityKey", status: http.StatusNotFound},
	DuplicateRecordEntityKey:                    {name: "DuplicateRecordEntityKey", status: http.StatusPreconditionFailed},
	MultipleRecordsFoundByEntityKey:             {name: "MultipleRecordsFoundByEntityKey"},
	DuplicateCheckNotSupportedOnEntity:          {name: "DuplicateCheckNotSupportedOnEntity"},
	DuplicateCheckNotEnabled:                    {name: "DuplicateCheckNotEnabled"},
	CannotPublishInactiveRule:                   {name: "CannotPublishInactiveRule"},
	CannotPublishEmptyRule:                      {name: "CannotPublishEmptyRule"},
	MaxMatchCodeLengthExceeded:                  {name: "MaxMatchCodeLengthExceeded"},
	NoPublishedDuplicateDetectionRules:          {name: "NoPublishedDuplicateDetectionRules"},
	DuplicateDetectionRulesWereUnpublished:      {name: "DuplicateDetectionRulesWereUnpublished"},
	ThrottlingTimeExceeded:                      {name: "ThrottlingTimeExceededError", status: http.StatusTooManyRequests},
	ThrottlingBurstRequestLimitExceeded:         {name: "ThrottlingBurstRequestLimitExceededError", status: http.StatusTooManyRequests},
	AzureSQLMaxConcurrentWorkersLimitExceeded:   {name: "AzureSqlMaxConcurrentWorkersLimitExceededError", status: http.StatusTooManyRequests},
	ThrottlingConcurrencyLimitExceeded:          {name: "ThrottlingConcurrencyLimitExceededError", status: http.StatusTooManyRequests},
	DataEngineQueryThrottling:                   {name: "DataEngineQueryThrottling"},
	DataEngineLeadingWildcardQueryThrottling:    {name: "DataEngineLeadingWildcardQueryThrottling"},
	DataEngineComputedColumnQueryThrottling:     {name: "DataEngineComputedColumnQueryThrottling"},
	DataEnginePerformanceValidationIssuesQueryThrottling: {name: "DataEnginePerformanceValidationIssuesQueryThrottling"},
	LeadingWildcardCauseTimeout:                          {name: "LeadingWildcardCauseTimeout"},
	ComputedColumnCauseTimeout:                           {name: "ComputedColumnCauseTimeout"},
	PerformanceValidationIssuesCauseTimeout:              {name: "PerformanceValidationIssuesCauseTimeout"},
	QueryBuilderInvalidUseRawOrderBy:                     {name: "QueryBuilderDeserializeInvalidUseRawOrderBy"},
	QueryBuilderUnexpected:                               {name: "QueryBuilderUnexpected"},
	QueryBuilderNoEntity:                                 {name: "QueryBuilderNoEntity"},
	QueryBuilderNoAttribute:                              {name: "QueryBuilderNoAttribute"},
	QueryBuilderBadCondition:                             {name: "QueryBuilderBad_Condition"},
	QueryBuilderAttributeWithAggregate:                   {name: "QueryBuilderAttribute_With_Aggregate"},
	QueryBuilderInvalidValue:                             {name: "QueryBuilderInvalid_Value"},
	QueryBuilderInvalidAlias:                             {name: "QueryBuilderInvalid_Alias"},
	QueryBuilderAliasDoesNotExist:                        {name: "QueryBuilderAlias_Does_Not_Exist"},
	QueryBuilderNoAlias:                                  {name: "QueryBuilderNoAlias"},
	QueryBuilderValueGreaterThanZero:                     {name: "QueryBuilderValue_GreaterThanZero"},
	QueryBuilderMultipleIntersectEntities:                {name: "QueryBuilderMultipleIntersectEntities"},
	QueryBuilderAttributePairMismatch:                    {name: "QueryBuilderAttributePairMismatch"},
	QueryBuilderInvalidDistinct:                          {name: "QueryBuilderDeserializeInvalidDistinct"},
	QueryBuilderInvalidMapping:                           {name: "QueryBuilderDeserializeInvalidMapping"},
	QueryBuilderInvalidLinkType:                          {name: "QueryBuilderDeserializeInvalidLinkType"},
	QueryBuilderInvalidNoLock:                            {name: "QueryBuilderDeserializeInvalidNoLock"},
	QueryBuilderInvalidDescending:                        {name: "QueryBuilderDeserializeInvalidDescending"},
	QueryBuilderInvalidAggregate:                         {name: "QueryBuilderDeserializeInvalidAggregate"},
	QueryBuilderInvalidMinActiveRowVersion:               {name: "QueryBuilderDeserializeInvalidGetMinActiveRowVersion"},
	QueryBuilderInvalidNode:                              {name: "QueryBuilderDeserializeInvalidNode"},
	QueryBuilderInvalidUTCOffset:                         {name: "QueryBuilderDeserializeInvalidUtcOffset"},
	QueryBuilderAttributeNotFound:                        {name: "QueryBuilderAttributeNotFound"},
	QueryBuilderInvalidConditionOperator:                 {name: "QueryBuilderInvalidConditionOperator"},
	QueryBuilderInvalidJoinOperator:                      {name: "QueryBuilderInvalidJoinOperator"},
	QueryBuilderInvalidFilterType:                        {name: "QueryBuilderInvalidFilterType"},
	QueryBuilderElementNotFound:                          {name: "QueryBuilderElementNotFound"},
	QueryBuilderEmptyXML:                                 {name: "QueryBuilderDeserializeEmptyXml"},
	QueryBuilderNoDocumentElement:                        {name: "QueryBuilderDeserializeNoDocElemXml"},
	QueryBuilderEntitiesDontMatch:                        {name: "QueryBuilderEntitiesDontMatch"},
	QueryBuilderPagingOrderBy:                            {name: "QueryBuilderPagingOrderBy"},
	QueryBuilderInvalidPagingCookie:                      {name: "QueryBuilderInvalidPagingCookie"},
	QueryBuilderNoAttrsDistinctConflict:                  {name: "QueryBuilderNoAttrsDistinctConflict"},
	QueryBuilderInvalidGroupBy:                           {name: "QueryBuilderDeserializeInvalidGroupBy"},
	QueryBuilderInvalidAggregateAttribute:                {name: "QueryBuilderInvalidAggregateAttribute"},
	QueryBuilderDuplicateAlias:                           {name: "QueryBuilderDuplicateAlias"},
	QueryBuilderAttributeNotAllowedForAggregateOrderBy:   {name: "QueryBuilderAttributeNotAllowedForAggregateOrderBy"},
	QueryBuilderAliasNotAllowedForNonAggregateOrderBy:    {name: "QueryBuilderAliasNotAllowedForNonAggregateOrderBy"},
	QueryBuilderAttributeRequiredForNonAggregateOrderBy:  {name: "QueryBuilderAttributeRequiredForNonAggregateOrderBy"},
	QueryBuilderAliasRequiredForAggregateOrderBy:         {name: "QueryBuilderAliasRequiredForAggregateOrderBy"},
	QueryBuilderInvalidDateGrouping:                      {name: "QueryBuilderInvalidDateGrouping"},
	QueryBuilderAttributeCannotBeGroupByAndAggregate:     {name: "QueryBuilderAttributeCannotBeGroupByAndAggregate"},
	QueryBuilderInvalidIsQuickFindFilter:                 {name: "QueryBuilderSerializationInvalidIsQuickFindFilter"},
	QueryBuilderInvalidAttributeValue:                    {name: "QueryBuilderInvalidAttributeValue"},
	UserSettingsOverMaxPagingLimit:                       {name: "UserSettingsOverMaxPagingLimit"},
	OverRetrievalUpperLimitWithoutPagingCookie:           {name: "OverRetrievalUpperLimitWithoutPagingCookie"},
	TooManyConditionsInQuery:                             {name: "TooManyConditionsInQuery"},
	TooManyLinkEntitiesInQuery:                           {name: "TooManyLinkEntitiesInQuery"},
	TooManyConditionParametersInQuery:                    {name: "TooManyConditionParametersInQuery"},
	InvalidFiscalPeriod:                                  {name: "InvalidFiscalPeriod"},
	InvalidQueryForVirtualEntity:                         {name: "InvalidQueryForVirtualEntity"},
	MissingHierarchicalRelationshipForOperator:           {name: "MissingHierarchicalRelationshipForOperator"},
	AggregateQueryRecordLimitExceeded:                    {name: "AggregateQueryRecordLimitExceeded"},
	QuickFindQueryRecordLimitExceeded:                    {name: "QuickFindQueryRecordLimitExceeded"},
	TooManyMultiSelectConditionParametersInQuery:         {name: "TooManyMultiSelectConditionParametersInQuery"},
	AttributeTypeNotSupportedForGroupByOrderByQuery:      {name: "AttributeTypeNotSupportedForGroupByOrderByQuery"},
	TooManyCalculatedFieldsInQuery:                       {name: "TooManyCalculatedFieldsInQuery"},
}
