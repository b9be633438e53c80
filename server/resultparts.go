package server

import (
	"github.com/botverse/botverse/actions"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

func candidatesOf(candidates []actions.Candidate) ([]*botversev1.Candidate, error) {
	var out []*botversev1.Candidate
	for i := range candidates {
		fields, err := structFrom(candidates[i].Fields)
		if err != nil {
			return nil, err
		}
		out = append(out, &botversev1.Candidate{Record: recordOf(&candidates[i].Record), Fields: fields, PhoneMatch: phoneMatchOf(candidates[i].PhoneMatch)})
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

func phoneSearchOf(p *actions.PhoneSearch) *botversev1.PhoneSearch {
	if p == nil {
		return nil
	}
	return &botversev1.PhoneSearch{E164: p.E164, Region: p.Region, Fields: p.Fields}
}

func phoneMatchOf(p *actions.PhoneMatch) *botversev1.PhoneMatch {
	if p == nil {
		return nil
	}
	return &botversev1.PhoneMatch{Field: p.Field, Number: p.Number, E164: p.E164}
}
