package server

import (
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/botverse/botverse/actions"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// common is what the answers of all actions have.
type common struct {
	variables  *structpb.Struct
	candidates []*botversev1.Candidate
	warnings   []*botversev1.Warning
	requests   []*botversev1.PlannedRequest
}

func commonOf(r actions.Result) (c common, err error) {
	if c.variables, err = structFrom(r.Variables); err != nil {
		return c, err
	}
	if c.candidates, err = candidatesOf(r.Candidates); err != nil {
		return c, err
	}
	if c.warnings, err = warningsOf(r.Warnings); err != nil {
		return c, err
	}
	c.requests, err = requestsOf(r.Requests)
	return c, err
}

func candidatesOf(candidates []actions.Candidate) ([]*botversev1.Candidate, error) {
	var out []*botversev1.Candidate
	for i := range candidates {
		fields, err := structFrom(candidates[i].Fields)
		if err != nil {
			return nil, err
		}
		out = append(out, &botversev1.Candidate{Record: recordOf(&candidates[i].Record), Fields: fields})
	}
	return out, nil
}

func warningsOf(warnings []actions.Warning) ([]*botversev1.Warning, error) {
	var out []*botversev1.Warning
	for _, w := range warnings {
		code, err := enumOf[botversev1.Warning_Code](botversev1.Warning_Code_value, w.Code)
		if err != nil {
			return nil, err
		}
		out = append(out, &botversev1.Warning{Code: code, Message: w.Message, Field: w.Field})
	}
	return out, nil
}

func requestsOf(requests []actions.PlannedRequest) ([]*botversev1.PlannedRequest, error) {
	var out []*botversev1.PlannedRequest
	for _, r := range requests {
		body, err := structFrom(r.Body)
		if err != nil {
			return nil, err
		}
		out = append(out, &botversev1.PlannedRequest{Method: r.Method, Url: r.URL, Headers: r.Header, Body: body, Condition: r.Condition})
	}
	return out, nil
}
