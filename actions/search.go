package actions

import (
	"context"
	"errors"
	"slices"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// OnMultiple says what to do where more than one record matches.
type OnMultiple int

// What to do about several matches.
const (
	TakeFirst OnMultiple = iota // the first in the order
	TakeNone                    // none: answer Ambiguous with candidates
)

const (
	// mostCandidates bounds how many candidates an answer lists.
	mostCandidates = 50
	// fewCandidates is how many an Ambiguous answer lists where the request does not say.
	fewCandidates = 3
)

// search is what both ways of finding a record have in common: how much to ask for and what to answer.
type search struct {
	client     *dataverse.Client
	entity     *schema.Entity
	save       *savePlan
	onMultiple OnMultiple
	candidates int
	phone      *phoneSearch // nil where the search is not by a phone number
	orderedBy  []string
	warnings   []Warning
	notes      *notes // of what becomes of the values; nil where nothing is to be explained
}

// newSearch settles how many candidates to list.
func newSearch(client *dataverse.Client, e *schema.Entity, onMultiple OnMultiple, candidates int) (search, []input.Fault) {
	var faults []input.Fault
	if candidates < 0 || candidates > mostCandidates {
		faults = append(faults, *input.NewFault(input.InvalidRequest, "max_candidates", "must be from 0 to %d", mostCandidates))
	}
	if candidates == 0 && onMultiple == TakeNone {
		candidates = fewCandidates
	}
	return search{client: client, entity: e, onMultiple: onMultiple, candidates: candidates}, faults
}

// top is how many records to ask for: one more than the answer needs, to see whether there are more.
func (s search) top() int { return max(1, s.candidates) + 1 }

// listByPhone reads the first records of a search by a phone number, or all of them where they are to be counted.
func (s search) listByPhone(ctx context.Context, q *odata.Query, count bool) ([]dataverse.Record, tally, error) {
	found, err := s.phone.list(ctx, s.client, s.entity, q, s.wantedByPhone(count))
	all := seen(found.records, found.more)
	if found.capped {
		warning := phoneCapped()
		all.warning = &warning
	}
	return found.records, all, err
}

// wantedByPhone is how many records a search by a phone number needs. One with a usual spelling is enough to be the first. That
// a match is the only one, or how many there are, is said after every record was looked at only.
func (s search) wantedByPhone(count bool) phoneWanted {
	switch {
	case count:
		return phoneWanted{}
	case s.onMultiple == TakeFirst:
		return phoneWanted{least: s.top(), usual: 1}
	}
	return phoneWanted{least: s.top(), usual: s.top()}
}

// answer is the Result of the records that a search found, in their order. all is how many there are.
func (s search) answer(records []dataverse.Record, all tally) Result {
	result := s.result()
	result.MatchCount, result.MoreMatches = &all.count, all.more
	if all.warning != nil {
		result.Warnings = append(result.Warnings, *all.warning)
	}
	found := saved{Count: &all.count}
	switch {
	case len(records) == 0:
		result.Outcome = NotMatched
	case len(records) > 1 && s.onMultiple == TakeNone:
		result.Outcome = Ambiguous
	default:
		result.Outcome = Matched
		record := recordOf(s.client, s.entity, records[0])
		result.Record, found.Record, found.Row = &record, &record, &records[0]
		result.PhoneMatch = s.phone.match(records[0])
		found.Phone = result.PhoneMatch
	}
	if len(records) > 1 {
		result.Candidates = s.listed(records)
	}
	result.Variables = s.save.Fill(found)
	return result
}

// listed is the first records as candidates, as many as were asked for.
func (s search) listed(records []dataverse.Record) []Candidate {
	var candidates []Candidate
	for _, row := range records[:min(len(records), s.candidates)] {
		candidates = append(candidates, Candidate{Record: recordOf(s.client, s.entity, row), Fields: s.save.Fields(row), PhoneMatch: s.phone.match(row)})
	}
	return candidates
}

// planned is the Result of a search that was not made.
func (s search) planned(p *plan) Result {
	result := s.result()
	result.Variables, result.Requests = s.save.Fill(saved{}), p.Requests()
	result.Explanation = &Explanation{Conversions: s.notes.all()}
	return result
}

// result is what every Result of the search tells. It is the caller's own: what the search has may be in the cache.
func (s search) result() Result {
	return Result{OrderedBy: slices.Clone(s.orderedBy), Warnings: slices.Clone(s.warnings), PhoneSearch: s.phone.told()}
}

// recordOf names a record that was read.
func recordOf(client *dataverse.Client, e *schema.Entity, row dataverse.Record) Record {
	record := Record{Entity: e.LogicalName, ID: string(row.ID()), URL: client.RecordURL(e.LogicalName, row.ID())}
	if e.PrimaryName != "" {
		name, _ := row.Value(e.PrimaryName)
		record.Name, _ = name.(string)
	}
	return record
}

// withFreshMetadata runs check with what is remembered of an entity, and where its faults may come of a field or a label
// that is newer than that, once more with what Dataverse says now.
func withFreshMetadata[T any](ctx context.Context, r *Runtime, client *dataverse.Client, e *schema.Entity, check func(*schema.Entity) (T, error)) (T, error) {
	result, err := check(e)
	if !maybeStale(err) || !r.mayRefresh(client, e) {
		return result, err
	}
	fresh, refreshErr := client.RefreshEntity(ctx, e.LogicalName)
	if refreshErr != nil || fresh == e {
		return result, err
	}
	return check(fresh)
}

// maybeStale reports whether an error may come of metadata that has changed: an unknown field or an unknown label.
func maybeStale(err error) bool {
	var refused *input.Error
	return errors.As(err, &refused) && slices.ContainsFunc(refused.Faults, func(f input.Fault) bool {
		return f.Reason == input.InvalidField || f.Reason == input.InvalidValue && len(f.Allowed) > 0
	})
}
