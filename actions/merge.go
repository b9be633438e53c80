package actions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
	"github.com/botverse/botverse/internal/sleep"
)

// Merge says how values meet those that a record has already.
type Merge int

// The ways to merge.
const (
	Overwrite  Merge = iota // every given value takes the place of the record's; null clears
	FillBlanks              // a given value is written where the record has none; what is filled is never changed
	NewestWins              // as Overwrite, but that nothing is written into a record that was changed since AsOf
)

const (
	// maxMerges is how often a merge begins anew because somebody else changed the record, or because its answer was lost.
	maxMerges = 8
	// mergePause spreads those who change a record at once, so that one of them comes through each time.
	mergePause = 20 * time.Millisecond
)

// merge changes a record that is there. It reads the record, writes what differs under the version that it has read, and
// begins anew where that version is gone: so a change that somebody else makes in between is seen, and never lost.
type merge struct {
	client *dataverse.Client
	entity *schema.Entity
	id     dataverse.ID
	values map[string]any // by logical name, as recordValues has them
	policy Merge
	asOf   time.Time // of NewestWins: when the values were true
	save   *savePlan
	paths  func(field string) string // where the request gives a field

	wrote       bool // whether a change was sent that may have been made
	doubt       bool // whether a change was sent whose answer never came
	unversioned bool // whether the entity has no versions to guard a change by
	unreadable  bool // whether the record could not be read after the change
	outdated    bool // whether the record has kept its values because it was changed since asOf
}

// run merges. The outcome is Updated, Unchanged, InDoubt, or NotMatched where the record is not there; the row is the
// record as it is then, as far as it could be read.
func (m *merge) run(ctx context.Context) (Outcome, dataverse.Record, error) {
	var row dataverse.Record
	var err error
	for range maxMerges {
		if row, err = m.client.GetRecord(ctx, m.entity, m.id, m.selected()); err != nil {
			return m.unread(err)
		}
		names := m.changes(row)
		if len(names) == 0 {
			return m.same(), row, nil
		}
		if m.policy == NewestWins && changedSince(row, m.asOf) {
			return m.older(), row, nil
		}
		var now *dataverse.Record
		now, err = m.write(ctx, row, names)
		if outcome, again := m.judge(err); !again {
			return m.written(ctx, outcome, row, now, err)
		}
		if !sleep.For(ctx, rand.N(2*mergePause)) {
			break
		}
	}
	if m.doubt {
		return InDoubt, row, nil
	}
	return "", row, fmt.Errorf("the record was changed by others each time that it was to be: %w", err)
}

// unread is the end of a merge that could not read the record.
func (m *merge) unread(err error) (Outcome, dataverse.Record, error) {
	switch {
	case errors.Is(err, dataverse.ErrNotFound):
		return NotMatched, dataverse.Record{}, nil
	case m.doubt:
		return InDoubt, dataverse.Record{}, nil
	}
	return "", dataverse.Record{}, err
}

// same is the outcome where nothing is left to change: by our own change, if its answer was lost.
func (m *merge) same() Outcome {
	if m.doubt {
		return Updated
	}
	return Unchanged
}

// older is the outcome where the record was changed since the values were true. After a change of our own whose answer was
// lost it may be that one: whether it was done before somebody else's cannot be known.
func (m *merge) older() Outcome {
	if m.doubt {
		return InDoubt
	}
	m.outdated = true
	return Unchanged
}

// judge says what became of a change, or that the record is to be read again.
func (m *merge) judge(err error) (outcome Outcome, again bool) {
	switch {
	case err == nil:
		m.wrote = true
		return Updated, false
	case errors.Is(err, dataverse.ErrInDoubt):
		m.wrote, m.doubt = true, true
		return "", true
	case errors.Is(err, dataverse.ErrNotFound):
		return NotMatched, false
	case codeOf(err) == code.ConcurrencyVersionMismatch:
		return "", true
	case codeOf(err) == code.OptimisticConcurrencyNotEnabled && !m.unversioned:
		m.unversioned = true
		return "", true
	}
	return "", false
}

// written is the end of a merge that tried to write: after a change, with the record as it is now, which the answer has told
// or is read.
func (m *merge) written(ctx context.Context, outcome Outcome, row dataverse.Record, now *dataverse.Record, err error) (Outcome, dataverse.Record, error) {
	switch {
	case outcome == NotMatched:
		return m.gone(ctx, err)
	case outcome == "" && m.doubt:
		return InDoubt, row, nil
	case outcome == "":
		return "", row, err
	case now != nil:
		return outcome, *now, nil
	}
	row, err = m.client.GetRecord(ctx, m.entity, m.id, m.selected())
	m.unreadable = err != nil
	return outcome, row, nil
}

// gone is the end of a merge that was answered that there is no such record: the one that was just read, or one that a lookup
// points at.
func (m *merge) gone(ctx context.Context, refusal error) (Outcome, dataverse.Record, error) {
	if !pointsSomewhere(m.values) {
		return NotMatched, dataverse.Record{}, nil
	}
	if err := lookupGone(refusal, m.entity, m.values, m.paths); input.FaultsOf(err) != nil {
		return "", dataverse.Record{}, err
	}
	row, err := m.client.GetRecord(ctx, m.entity, m.id, m.selected())
	if errors.Is(err, dataverse.ErrNotFound) {
		return NotMatched, dataverse.Record{}, nil
	}
	return "", row, refusal
}

// write sends the values of some fields, for the version of the record that they were compared with. It returns the record
// as it is then, as far as it is to be saved and the answer tells it.
func (m *merge) write(ctx context.Context, row dataverse.Record, names []string) (now *dataverse.Record, err error) {
	names, withParties := m.splitParties(names)
	if len(names) > 0 {
		now, err = m.writeFields(ctx, row, names)
		if len(withParties) == 0 || err != nil && codeOf(err) != heldCode {
			return now, err
		}
		m.wrote = m.wrote || err == nil
	}
	err = m.writeParties(ctx, row, withParties)
	if codeOf(err) == heldCode { // what comes behind it is to be listed too: its answer tells nothing of the record
		_, err = m.client.GetRecord(ctx, m.entity, m.id, m.selected())
	}
	return nil, err
}

// writeFields is write of fields that stand in the record itself.
func (m *merge) writeFields(ctx context.Context, row dataverse.Record, names []string) (*dataverse.Record, error) {
	changed := make(map[string]any, len(names))
	for _, name := range names {
		changed[name] = m.values[name]
	}
	fields, err := wireOf(ctx, m.client, m.entity, changed, row)
	if err != nil {
		return nil, err
	}
	version := row.ETag()
	if m.unversioned {
		version = ""
	}
	return m.client.UpdateAndGetRecord(ctx, m.entity, m.id, version, fields, m.save.query())
}

// changes are the fields whose values are to be written into a record as it was read, sorted.
func (m *merge) changes(row dataverse.Record) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(m.values)) {
		f, value := m.entity.Field(name), m.values[name]
		if f.Type == schema.PartyList {
			if m.partiesToWrite(name, value, row) {
				names = append(names, name)
			}
			continue
		}
		if m.policy == FillBlanks && (isBlank(value) || !canCompare(f) || filled(f, row)) {
			continue
		}
		if canCompare(f) && holds(f, row, value) {
			continue
		}
		names = append(names, name)
	}
	return m.withState(names)
}

// withState has a state and its status written together: Dataverse refuses the one without the other.
func (m *merge) withState(names []string) []string {
	if !slices.Contains(names, stateField) && !slices.Contains(names, statusField) {
		return names
	}
	for _, name := range []string{stateField, statusField} {
		if _, given := m.values[name]; given && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// selected is the query that reads what is to be compared and what is to be saved.
func (m *merge) selected() *odata.Query {
	properties, expand := slices.Clone(m.save.Select()), slices.Clone(m.save.Expand())
	for name := range m.values {
		f := m.entity.Field(name)
		if f.Type == schema.PartyList && !slices.ContainsFunc(expand, func(x odata.Expand) bool { return x.Navigation == partiesProperty(m.entity) }) {
			expand = append(expand, partiesExpand(m.entity))
		}
		if canCompare(f) {
			properties = append(properties, f.Property())
		}
	}
	if m.policy == NewestWins {
		properties = append(properties, modifiedField)
	}
	slices.Sort(properties)
	return &odata.Query{Select: slices.Compact(properties), Expand: expand}
}

// warnings tell what the merge could not guard, and what it could not read.
func (m *merge) warnings() []Warning {
	var warnings []Warning
	if m.unversioned {
		warnings = append(warnings, Warning{Code: VersionNotChecked, Message: "the entity keeps no versions of its records: a change that somebody else made at the same moment may have been overwritten"})
	}
	if m.unreadable {
		warnings = append(warnings, Warning{Code: SaveNotReadable, Message: "the record was changed, but what to save of it could not be read: those variables have their defaults"})
	}
	if m.outdated {
		warnings = append(warnings, Warning{Code: RecordNewer, Message: "the record was changed after as_of: it keeps its values"})
	}
	return warnings
}
