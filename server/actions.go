package server

import (
	"context"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/actions/saved"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// actionService serves the actions.
type actionService struct {
	botversev1.UnimplementedActionServiceServer
	runtime *actions.Runtime
	saved   *saved.Library
}

// CreateRecord implements botversev1.ActionServiceServer.
func (s actionService) CreateRecord(ctx context.Context, req *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error) {
	result, err := s.runtime.CreateRecord(ctx, createRecordFrom(ctx, req))
	return answer(&botversev1.CreateRecordResponse{}, result, err)
}

// UpdateRecord implements botversev1.ActionServiceServer.
func (s actionService) UpdateRecord(ctx context.Context, req *botversev1.UpdateRecordRequest) (*botversev1.UpdateRecordResponse, error) {
	result, err := s.runtime.UpdateRecord(ctx, updateRecordFrom(ctx, req))
	return answer(&botversev1.UpdateRecordResponse{}, result, err)
}

// UpsertRecord implements botversev1.ActionServiceServer.
func (s actionService) UpsertRecord(ctx context.Context, req *botversev1.UpsertRecordRequest) (*botversev1.UpsertRecordResponse, error) {
	result, err := s.runtime.UpsertRecord(ctx, actions.UpsertRecord{
		UpdateRecord: updateRecordFrom(ctx, req), OnDuplicate: onDuplicate[req.GetOnDuplicate()], ReportDuplicates: req.GetReportDuplicates(),
	})
	return answer(&botversev1.UpsertRecordResponse{}, result, err)
}

// FindRecord implements botversev1.ActionServiceServer.
func (s actionService) FindRecord(ctx context.Context, req *botversev1.FindRecordRequest) (*botversev1.FindRecordResponse, error) {
	result, err := s.runtime.FindRecord(ctx, findRecordFrom(req))
	return answer(&botversev1.FindRecordResponse{}, result, err)
}

// FindRecordByFetchXML implements botversev1.ActionServiceServer.
func (s actionService) FindRecordByFetchXML(ctx context.Context, req *botversev1.FindRecordByFetchXMLRequest) (*botversev1.FindRecordByFetchXMLResponse, error) {
	result, err := s.runtime.FindRecordByFetchXML(ctx, findRecordByFetchXMLFrom(req))
	return answer(&botversev1.FindRecordByFetchXMLResponse{}, result, err)
}

// onDuplicate is the contract's values as the runtime has them.
var onDuplicate = map[botversev1.CreateRecordRequest_OnDuplicate]actions.OnDuplicate{
	botversev1.CreateRecordRequest_ON_DUPLICATE_UNSPECIFIED: actions.DoNotCreate,
	botversev1.CreateRecordRequest_DO_NOT_CREATE:            actions.DoNotCreate,
	botversev1.CreateRecordRequest_CREATE_DUPLICATE:         actions.CreateDuplicate,
	botversev1.CreateRecordRequest_USE_EXISTING:             actions.UseExisting,
	botversev1.CreateRecordRequest_UPDATE_EXISTING:          actions.UpdateExisting,
	botversev1.CreateRecordRequest_FILL_BLANKS:              actions.FillExisting,
	botversev1.CreateRecordRequest_UPDATE_IF_NEWER:          actions.UpdateIfNewer,
}

func createRecordFrom(ctx context.Context, req *botversev1.CreateRecordRequest) actions.CreateRecord {
	spec := actions.CreateRecord{
		Environment:  req.GetEnvironment(),
		Entity:       req.GetEntity(),
		Fields:       req.GetFields().AsMap(),
		Variables:    req.GetVariables().AsMap(),
		Save:         req.GetSave(),
		SaveDefaults: req.GetSaveDefaults().AsMap(),
		CutLongText:  req.GetCutLongText(),
		TimeZone:     req.GetTimeZone(),
		Culture:      req.GetCulture(),
		RequestID:    req.GetRequestId(),
		Namespace:    callerOf(ctx).Name,
		ValidateOnly: req.GetValidateOnly(),
		MatchOn:      req.GetMatchOn(),
		IgnoreRules:  req.GetIgnoreDuplicateRules(),
		UseFirst:     req.GetOnMultiple() == botversev1.CreateRecordRequest_FIRST,

		AsOf:             req.GetAsOf(),
		ReportDuplicates: req.GetReportDuplicates(),
	}
	spec.OnDuplicate = onDuplicate[req.GetOnDuplicate()]
	if req.GetOnUnset() == botversev1.CreateRecordRequest_REFUSE {
		spec.OnUnset = actions.Refuse
	}
	return spec
}

// changeRequest is what the requests for a change have in common.
type changeRequest interface {
	GetEnvironment() string
	GetEntity() string
	GetRecordId() string
	GetKey() *structpb.Struct
	GetWhere() *structpb.Struct
	GetConditions() []*botversev1.Condition
	GetFields() *structpb.Struct
	GetMerge() botversev1.UpdateRecordRequest_Merge
	GetAsOf() string
	GetVariables() *structpb.Struct
	GetSave() map[string]string
	GetSaveDefaults() *structpb.Struct
	GetOnMultiple() botversev1.UpdateRecordRequest_OnMultiple
	GetOrderBy() []string
	GetMaxCandidates() int32
	GetOnUnset() botversev1.UpdateRecordRequest_OnUnset
	GetCutLongText() bool
	GetTimeZone() string
	GetCulture() string
	GetRequestId() string
	GetValidateOnly() bool
}

func updateRecordFrom(ctx context.Context, req changeRequest) actions.UpdateRecord {
	spec := actions.UpdateRecord{
		Environment:   req.GetEnvironment(),
		Entity:        req.GetEntity(),
		RecordID:      req.GetRecordId(),
		Key:           req.GetKey().AsMap(),
		Where:         req.GetWhere().AsMap(),
		Conditions:    conditionsFrom(req.GetConditions()),
		OrderBy:       req.GetOrderBy(),
		UseFirst:      req.GetOnMultiple() == botversev1.UpdateRecordRequest_FIRST,
		MaxCandidates: int(req.GetMaxCandidates()),
		Fields:        req.GetFields().AsMap(),
		Variables:     req.GetVariables().AsMap(),
		Save:          req.GetSave(),
		SaveDefaults:  req.GetSaveDefaults().AsMap(),
		CutLongText:   req.GetCutLongText(),
		TimeZone:      req.GetTimeZone(),
		Culture:       req.GetCulture(),
		RequestID:     req.GetRequestId(),
		Namespace:     callerOf(ctx).Name,
		ValidateOnly:  req.GetValidateOnly(),
		AsOf:          req.GetAsOf(),
	}
	switch req.GetMerge() {
	case botversev1.UpdateRecordRequest_FILL_BLANKS:
		spec.Merge = actions.FillBlanks
	case botversev1.UpdateRecordRequest_NEWEST_WINS:
		spec.Merge = actions.NewestWins
	}
	if req.GetOnUnset() == botversev1.UpdateRecordRequest_REFUSE {
		spec.OnUnset = actions.Refuse
	}
	return spec
}

func conditionsFrom(conditions []*botversev1.Condition) []actions.Condition {
	var list []actions.Condition
	for _, c := range conditions {
		list = append(list, actions.Condition{Field: c.GetField(), Operator: c.GetOperator(), Value: c.GetValue().AsInterface()})
	}
	return list
}

// searchRequest is what the requests for a search have in common.
type searchRequest interface {
	GetEnvironment() string
	GetEntity() string
	GetSave() map[string]string
	GetSaveDefaults() *structpb.Struct
	GetVariables() *structpb.Struct
	GetMaxCandidates() int32
	GetTimeZone() string
	GetCulture() string
	GetCountMatches() bool
	GetValidateOnly() bool
}

// searchFrom is a search but for what it looks for. ambiguous says that it takes none of several matches.
func searchFrom(req searchRequest, ambiguous bool) actions.FindRecord {
	spec := actions.FindRecord{
		Environment:   req.GetEnvironment(),
		Entity:        req.GetEntity(),
		Save:          req.GetSave(),
		SaveDefaults:  req.GetSaveDefaults().AsMap(),
		Variables:     req.GetVariables().AsMap(),
		MaxCandidates: int(req.GetMaxCandidates()),
		TimeZone:      req.GetTimeZone(),
		Culture:       req.GetCulture(),
		CountMatches:  req.GetCountMatches(),
		ValidateOnly:  req.GetValidateOnly(),
	}
	if ambiguous {
		spec.OnMultiple = actions.TakeNone
	}
	return spec
}

func findRecordFrom(req *botversev1.FindRecordRequest) actions.FindRecord {
	spec := searchFrom(req, req.GetOnMultiple() == botversev1.FindRecordRequest_AMBIGUOUS)
	spec.Where, spec.Conditions, spec.OrderBy = req.GetWhere().AsMap(), conditionsFrom(req.GetConditions()), req.GetOrderBy()
	return spec
}

func findRecordByFetchXMLFrom(req *botversev1.FindRecordByFetchXMLRequest) actions.FindRecordByFetchXML {
	return searchFrom(req, req.GetOnMultiple() == botversev1.FindRecordByFetchXMLRequest_AMBIGUOUS).ByFetchXML(req.GetFetchXml())
}
