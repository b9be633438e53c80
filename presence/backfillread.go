package presence

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse/webhook"
	"github.com/botverse/botverse/internal/sleep"
)

// The fields of every table that are read beside a source's own.
const (
	createdField      = "createdon"
	businessUnitField = "owningbusinessunit"
)

// endField is when a presence ended, in the table of history; null while it is in force.
const endField = "msdyn_endtime"

// settleTime is how long a change may take until all that belongs to it is written and told: what is younger is left to the
// webhook, unless a gap is known of.
const settleTime = 30 * time.Second

// A page is read again where it failed, before the reading is given up: the client has tried several times by then.
const (
	pageTries   = 3
	pagePause   = 2 * time.Second
	pageTimeout = 5 * time.Minute // with the waits that Dataverse asks for
)

// environmentReading reads one environment once.
type environmentReading struct {
	*Presence
	environment string
	request     BackfillRequest
	why         occasion
	claimed     *sync.Map // by organisation ID, the environment by which it is read

	organization Organization
	reach        time.Time // from when on the log has whatever was stored

	results []Backfilled
	settles bool // something has to be looked at again soon
}

// run reads the agents' present states, then what was created, and then corrects the states that are still not right: those of
// which no row tells.
func (r *environmentReading) run(ctx context.Context) {
	if err := r.open(ctx); err != nil {
		r.fail(ctx, err)
		return
	}
	if _, taken := r.claimed.LoadOrStore(r.organization.ID, r.environment); taken {
		return // two environments are one organisation, as by two users
	}
	sources, whole := r.begin(ctx)
	if len(sources) == 0 && r.why == nowAndThen {
		return // another process was faster
	}
	read := time.Now()
	statuses, ok := r.presentStates(ctx)
	whole = r.readSources(ctx, sources) && whole
	if !ok || !whole { // what is not read yet may tell of a state
		return
	}
	if err := r.correct(ctx, statuses, read); err != nil {
		r.fail(ctx, err)
	}
}

// presentStates reads the agents' present states; false where they are not asked for, or cannot be read.
func (r *environmentReading) presentStates(ctx context.Context) ([]Record, bool) {
	if r.request.Source != "" && r.config.Sources[r.request.Source].Kind != AgentPresence {
		return nil, false
	}
	statuses, err := r.readStatuses(ctx, r.organization.ID)
	if err != nil {
		r.fail(ctx, fmt.Errorf("read the agents' present states: %w", err))
	}
	return statuses, err == nil
}

// readSources reads what was created of sources. It is not whole where one could not be read to its end.
func (r *environmentReading) readSources(ctx context.Context, sources []*sourceReading) (whole bool) {
	whole = true
	for _, s := range sources {
		err := s.run(ctx)
		if errors.Is(err, ErrNoHistory) {
			continue // there can be nothing
		}
		s.result.Err = err
		whole = whole && err == nil
		r.note(ctx, s.result)
	}
	return whole
}

func (r *environmentReading) open(ctx context.Context) (err error) {
	if r.organization, err = r.askOrganization(ctx, r.environment); err != nil {
		return err
	}
	r.reach, err = r.store.reach(ctx)
	return err
}

// askOrganization tells which organisation an environment is, as events name it.
func (p *Presence) askOrganization(ctx context.Context, environment string) (Organization, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*readTimeout)
	defer cancel()
	organization, err := p.reader.Organization(ctx, environment)
	if err != nil {
		return Organization{}, err
	}
	id, err := uuid.Parse(organization.ID)
	if err != nil {
		return Organization{}, fmt.Errorf("environment %s has no organisation ID", environment)
	}
	organization.ID = id.String()
	return organization, nil
}

// correct waits until what was read is applied, and corrects the states that differ all the same.
func (r *environmentReading) correct(ctx context.Context, statuses []Record, read time.Time) error {
	if err := r.applied(ctx); err != nil {
		return err
	}
	corrected, settles, err := r.seedAgents(ctx, r.organization, statuses, read.Add(-settleTime))
	r.settles = r.settles || settles && r.why != nowAndThen // which will look again
	if corrected > 0 {
		r.logger.InfoContext(ctx, "presence states corrected", "environment", r.environment, "agents", corrected)
	}
	return err
}

// applyTimeout bounds the wait for the reader of the log.
const applyTimeout = time.Minute

// applied waits until all that is in the log now is applied.
func (p *Presence) applied(ctx context.Context) error {
	info, err := p.store.log.Info(ctx)
	if err != nil {
		return fmt.Errorf("look how far the presence log goes: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, applyTimeout)
	defer cancel()
	for p.hub.position() < info.State.LastSeq {
		if !sleep.For(ctx, 5*time.Millisecond) {
			return fmt.Errorf("wait for the presence log to be applied: %w", ctx.Err())
		}
	}
	return nil
}

// fail notes that the environment could not be read. One that has no such tables has nothing to be read.
func (r *environmentReading) fail(ctx context.Context, err error) {
	if errors.Is(err, ErrNoHistory) {
		return
	}
	r.note(ctx, Backfilled{Err: err})
}

// note counts and logs a result.
func (r *environmentReading) note(ctx context.Context, result Backfilled) {
	result.Environment, result.OrganizationID = r.environment, r.organization.ID
	r.results = append(r.results, result)
	r.readings.count(result)
	log := r.logger.With("environment", r.environment, "why", string(r.why))
	if result.Source != "" { // else it did not come so far
		log = log.With("source", result.Source, "since", result.Since, "until", result.Until,
			"rows", result.Rows, "merged", result.Merged, "doubles", result.Doubles)
	}
	switch {
	case result.Err != nil && ctx.Err() == nil:
		log.WarnContext(ctx, "presence backfill failed; it goes on from there later", "error", result.Err)
	case result.Merged > 0 || r.why == onDemand:
		log.InfoContext(ctx, "presence backfilled")
	default:
		log.DebugContext(ctx, "presence backfilled")
	}
}

// begin begins to read the sources that are asked for. Left out is what another process has just read; it is not whole where it
// cannot be told how far a source was read.
func (r *environmentReading) begin(ctx context.Context) (sources []*sourceReading, whole bool) {
	whole = true
	for _, name := range r.readableSources(r.request) {
		s := &sourceReading{environmentReading: r, name: name, source: r.config.Sources[name], key: markKey(r.organization.ID, name)}
		s.result.Source = name
		if err := s.begin(ctx); err != nil {
			s.result.Err = err
			r.note(ctx, s.result)
			whole = false
			continue
		}
		if r.why == nowAndThen && time.Since(s.mark.Completed) < r.config.Backfill.Interval/2 {
			continue
		}
		sources = append(sources, s)
	}
	return sources, whole
}

// sourceReading reads what was created of one source in one environment, once.
type sourceReading struct {
	*environmentReading
	name   string
	source Source
	key    string // of the mark
	mark   mark
	asked  time.Time // when the page that is merged was asked for
	short  bool      // it was told that the log does not go back far enough
	result Backfilled
}

// begin looks up from when on is to be read. What is never read is what was there before the first time, but for the history
// that is asked for.
func (s *sourceReading) begin(ctx context.Context) (err error) {
	if s.mark, err = s.store.marks.get(ctx, s.key); err != nil {
		return err
	}
	now := time.Now().UTC()
	if s.mark.Begin.IsZero() {
		first, err := s.store.marks.first(ctx, s.environment, s.name)
		if err != nil {
			return err
		}
		s.mark.Begin = first.Add(-s.config.Backfill.History)
		s.mark.Created = s.mark.Begin
		if err := s.store.marks.put(ctx, s.key, &s.mark); err != nil {
			return err
		}
	}
	since := s.mark.Created.Add(-s.config.Backfill.Overlap)
	if since.Before(s.mark.Begin) {
		since = s.mark.Begin
	}
	// A later one would leave out what is between, and the mark would move past it.
	if asked := s.request.Since; !asked.IsZero() && asked.Before(since) {
		since = asked
	}
	s.tellShort(ctx, since)
	if oldest := s.oldest(now); since.Before(oldest) {
		since = oldest
	}
	s.result.Since = since.UTC().Truncate(time.Second)
	return nil
}

// oldest is when the oldest record was created of which it is certain whether the log has it. The overlap stands for clocks that
// disagree.
func (s *sourceReading) oldest(now time.Time) time.Time {
	oldest := now.Add(-s.config.Retention)
	if oldest.Before(s.reach) {
		oldest = s.reach
	}
	return oldest.Add(s.config.Backfill.Overlap)
}

// tellShort logs, once, that records are left out because the log is too small to tell whether it had them.
func (s *sourceReading) tellShort(ctx context.Context, since time.Time) {
	from := s.reach.Add(s.config.Backfill.Overlap).Truncate(time.Second)
	if s.short || s.reach.IsZero() || !since.Before(from) {
		return
	}
	s.short = true
	s.logger.WarnContext(ctx, "the presence log does not go back to where this reading begins: what was created before is left out",
		"environment", s.environment, "source", s.name, "since", since, "from", from)
}

// run reads page by page. The mark follows once a page is stored.
func (s *sourceReading) run(ctx context.Context) error {
	q := CreatedQuery{OrganizationID: s.organization.ID, Entity: s.source.Entity, Since: s.result.Since, Size: s.config.Backfill.PageSize}
	if columns := s.source.Columns(); columns != nil {
		q.Fields = append(columns, businessUnitField)
		if s.source.Kind == AgentPresence {
			q.Fields = append(q.Fields, endField)
		}
	}
	until := time.Time{}
	if s.why == nowAndThen {
		until = time.Now().Add(-settleTime)
	}
	for {
		page, err := s.page(ctx, q)
		if err != nil {
			return err
		}
		more, err := s.merge(ctx, page.Records, until)
		if err != nil {
			return err
		}
		q.Next = page.Next
		if !more || q.Next == "" {
			return s.end(ctx)
		}
		if err := s.advance(ctx); err != nil {
			return err
		}
	}
}

// page reads a page, and again where that failed.
func (s *sourceReading) page(ctx context.Context, q CreatedQuery) (CreatedPage, error) {
	for try := 1; ; try++ {
		page, err := s.readPage(ctx, q)
		if err == nil || errors.Is(err, ErrNoHistory) || try == pageTries {
			return page, err
		}
		if !sleep.For(ctx, pagePause<<(try-1)) {
			return CreatedPage{}, err
		}
	}
}

func (s *sourceReading) readPage(ctx context.Context, q CreatedQuery) (CreatedPage, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	s.asked = time.Now()
	return s.reader.ListCreated(ctx, q)
}

// merge stores the records of a page. There is no more to be read where one is younger than until, which may be zero.
func (s *sourceReading) merge(ctx context.Context, records []Record, until time.Time) (more bool, err error) {
	var (
		entries []entry
		last    time.Time
	)
	if s.reach, err = s.store.reach(ctx); err != nil { // what is merged may push out what the next page would be compared with
		return false, err
	}
	s.tellShort(ctx, s.result.Since)
	more = true
	for _, record := range records {
		told := rows{record.row()}
		created := told.time(createdField)
		if created.IsZero() {
			return false, fmt.Errorf("a record of %s has no %s", s.source.Entity, createdField)
		}
		if !until.IsZero() && created.After(until) {
			more = false
			break
		}
		if entries, err = s.judge(ctx, record, told, entries); err != nil {
			return false, err
		}
		last = created
	}
	duplicates, err := s.store.appendAll(ctx, entries)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrNotStored, err)
	}
	s.result.Doubles += duplicates
	s.result.Merged += len(entries) - duplicates
	if !last.IsZero() {
		s.result.Until = last
	}
	return more, nil
}

// judge adds to entries what a delivery of the record would have stored.
func (s *sourceReading) judge(ctx context.Context, record Record, told rows, entries []entry) ([]entry, error) {
	s.result.Rows++
	switch {
	case told.time(createdField).Before(s.oldest(time.Now()).Truncate(time.Second)):
		s.result.Doubles++ // it has been, for all that the log can tell
		return entries, nil
	case told.unfit(s.source) != "":
		s.result.Filtered++
		return entries, nil
	case !told.decided(s.source):
		return entries, s.setAside(ctx, record, told, told.lacking(s.source))
	}
	e := s.entry(record, told)
	s.labels.fill(ctx, &e)
	if _, err := e.text(); err != nil {
		return entries, s.setAside(ctx, record, told, err.Error())
	}
	return append(entries, e), nil
}

// entry is what the log would say of the record's delivery, but for what only a delivery knows.
func (s *sourceReading) entry(record Record, told rows) entry {
	if s.source.Columns() == nil { // an image of all fields has only those with a value
		for name, value := range record.Values {
			if value == nil {
				delete(record.Values, name)
			}
		}
		told = rows{record.row()}
	}
	e := told.entryOf(s.name, s.source)
	e.OrganizationID, e.OrganizationName = s.organization.ID, s.organization.Name
	e.BusinessUnitID, _ = told.lookup(businessUnitField)
	e.RecordID = strings.ToLower(record.ID)
	e.ID = recordKey(s.name, s.source, e.OrganizationID, e.RecordID)
	e.Backfilled = true
	if _, isTold := record.Values[endField]; isTold && s.source.Kind == AgentPresence {
		e.Rank = rankOf(e.StartTime, told.time(endField), s.asked)
	}
	return e
}

// setAside makes a record of which no event can be made a dead letter, whose body is a delivery that tells the record's ID: to be
// read again when it is replayed.
func (s *sourceReading) setAside(ctx context.Context, record Record, told rows, reason string) error {
	body, err := webhook.Encode(&webhook.Context{
		MessageName: s.source.Message, PrimaryEntityName: s.source.Entity, PrimaryEntityID: strings.ToLower(record.ID),
		Stage: 40, Mode: webhook.Asynchronous, OperationCreatedOn: told.time(createdField),
		OrganizationID: s.organization.ID, OrganizationName: s.organization.Name,
	})
	if err != nil {
		return err
	}
	duplicate, err := s.store.setAside(ctx, s.name, reason+", read from the table", body)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotStored, err)
	}
	if duplicate {
		s.result.Doubles++
	} else {
		s.result.SetAside++
	}
	return nil
}

// advance moves the mark to the last record that is stored. It never goes back, nor beyond the present: a record may say that it
// was created whenever.
func (s *sourceReading) advance(ctx context.Context) error {
	if !s.move() {
		return nil
	}
	return s.store.marks.put(ctx, s.key, &s.mark)
}

func (s *sourceReading) move() bool {
	to, now := s.result.Until, time.Now().UTC()
	if to.After(now) {
		to = now
	}
	if !to.After(s.mark.Created) {
		return false
	}
	s.mark.Created = to
	return true
}

// end notes that the table was read to its end.
func (s *sourceReading) end(ctx context.Context) error {
	s.move()
	s.mark.Completed = time.Now().UTC()
	return s.store.marks.put(ctx, s.key, &s.mark)
}
