package server

import (
	"fmt"

	"github.com/botverse/botverse/actions"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

func createRecordResponse(r actions.Result) (*botversev1.CreateRecordResponse, error) {
	outcome, err := enumOf[botversev1.CreateRecordResponse_Outcome](botversev1.CreateRecordResponse_Outcome_value, r.Outcome)
	if err != nil {
		return nil, err
	}
	c, err := commonOf(r)
	if err != nil {
		return nil, err
	}
	return &botversev1.CreateRecordResponse{
		Outcome:   outcome,
		Record:    recordOf(r.Record),
		Variables: c.variables,
		Omitted:   r.Omitted,
		Existing:  recordsOf(r.Existing),
		Warnings:  c.warnings,
		Requests:  c.requests,
		OrderedBy: r.OrderedBy,

		Matches:     matchesOf(r.Matches),
		Explanation: explanationOf(r.Explanation),
	}, nil
}

func updateRecordResponse(r actions.Result) (*botversev1.UpdateRecordResponse, error) {
	outcome, err := enumOf[botversev1.UpdateRecordResponse_Outcome](botversev1.UpdateRecordResponse_Outcome_value, r.Outcome)
	if err != nil {
		return nil, err
	}
	c, err := commonOf(r)
	if err != nil {
		return nil, err
	}
	return &botversev1.UpdateRecordResponse{
		Outcome:    outcome,
		Record:     recordOf(r.Record),
		Variables:  c.variables,
		Omitted:    r.Omitted,
		Candidates: c.candidates,
		OrderedBy:  r.OrderedBy,
		Warnings:   c.warnings,
		Requests:   c.requests,

		Explanation: explanationOf(r.Explanation),
	}, nil
}

func upsertRecordResponse(r actions.Result) (*botversev1.UpsertRecordResponse, error) {
	outcome, err := enumOf[botversev1.UpsertRecordResponse_Outcome](botversev1.UpsertRecordResponse_Outcome_value, r.Outcome)
	if err != nil {
		return nil, err
	}
	c, err := commonOf(r)
	if err != nil {
		return nil, err
	}
	return &botversev1.UpsertRecordResponse{
		Outcome:    outcome,
		Record:     recordOf(r.Record),
		Variables:  c.variables,
		Omitted:    r.Omitted,
		Candidates: c.candidates,
		OrderedBy:  r.OrderedBy,
		Existing:   recordsOf(r.Existing),
		Warnings:   c.warnings,
		Requests:   c.requests,

		Matches:     matchesOf(r.Matches),
		Explanation: explanationOf(r.Explanation),
	}, nil
}

func findRecordResponse(r actions.Result) (*botversev1.FindRecordResponse, error) {
	outcome, err := enumOf[botversev1.FindRecordResponse_Outcome](botversev1.FindRecordResponse_Outcome_value, r.Outcome)
	if err != nil {
		return nil, err
	}
	c, err := commonOf(r)
	if err != nil {
		return nil, err
	}
	return &botversev1.FindRecordResponse{
		Outcome:     outcome,
		Record:      recordOf(r.Record),
		Variables:   c.variables,
		MatchCount:  int32Of(r.MatchCount),
		MoreMatches: r.MoreMatches,
		OrderedBy:   r.OrderedBy,
		Candidates:  c.candidates,
		Warnings:    c.warnings,
		Requests:    c.requests,
		Explanation: explanationOf(r.Explanation),
	}, nil
}

func findRecordByFetchXMLResponse(r actions.Result) (*botversev1.FindRecordByFetchXMLResponse, error) {
	outcome, err := enumOf[botversev1.FindRecordByFetchXMLResponse_Outcome](botversev1.FindRecordByFetchXMLResponse_Outcome_value, r.Outcome)
	if err != nil {
		return nil, err
	}
	c, err := commonOf(r)
	if err != nil {
		return nil, err
	}
	return &botversev1.FindRecordByFetchXMLResponse{
		Outcome:     outcome,
		Record:      recordOf(r.Record),
		Variables:   c.variables,
		MatchCount:  int32Of(r.MatchCount),
		MoreMatches: r.MoreMatches,
		OrderedBy:   r.OrderedBy,
		Candidates:  c.candidates,
		Warnings:    c.warnings,
		Requests:    c.requests,
		Explanation: explanationOf(r.Explanation),
	}, nil
}

// enumOf is the contract's value of a name of the runtime's. The zero name is the zero value.
func enumOf[E ~int32, S ~string](values map[string]int32, name S) (E, error) {
	if name == "" {
		return 0, nil
	}
	value, known := values[string(name)]
	if !known {
		return 0, fmt.Errorf("the contract has no %T %q", E(0), name)
	}
	return E(value), nil
}

func recordOf(r *actions.Record) *botversev1.Record {
	if r == nil {
		return nil
	}
	return &botversev1.Record{Entity: r.Entity, Id: r.ID, Name: r.Name, Url: r.URL}
}

func recordsOf(records []actions.Record) []*botversev1.Record {
	var out []*botversev1.Record
	for i := range records {
		out = append(out, recordOf(&records[i]))
	}
	return out
}

func int32Of(n *int) *int32 {
	if n == nil {
		return nil
	}
	v := int32(*n)
	return &v
}
