package server

import (
	"github.com/botverse/botverse/actions"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

func explanationOf(e *actions.Explanation) *botversev1.Explanation {
	if e == nil {
		return nil
	}
	out := &botversev1.Explanation{DuplicateRules: duplicateRulesOf(e.DuplicateRules), Privileges: e.Privileges, Cost: &botversev1.Cost{Least: int32(e.Cost.Least), Most: int32(e.Cost.Most)}}
	for _, c := range e.Conversions {
		out.Conversions = append(out.Conversions, &botversev1.Conversion{Field: c.Field, Given: c.Given, Sent: c.Sent, Reason: c.Reason, Sensitive: c.Sensitive})
	}
	return out
}

func duplicateRulesOf(rules []actions.DuplicateRule) []*botversev1.DuplicateRule {
	var out []*botversev1.DuplicateRule
	for _, r := range rules {
		out = append(out, &botversev1.DuplicateRule{
			Id: r.ID, Name: r.Name, MatchingEntity: r.MatchingEntity, Fields: r.Fields, CanApply: r.CanApply, WithoutValue: r.WithoutValue,
		})
	}
	return out
}

func matchesOf(matches []actions.DuplicateMatch) []*botversev1.DuplicateMatch {
	var out []*botversev1.DuplicateMatch
	for i := range matches {
		m := &matches[i]
		out = append(out, &botversev1.DuplicateMatch{
			Record: recordOf(&m.Record), Rules: duplicateRulesOf(m.Rules), UndecidedRules: duplicateRulesOf(m.Undecided), MatchOn: m.MatchOn, Key: m.Key,
		})
	}
	return out
}
