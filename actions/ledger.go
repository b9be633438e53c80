package actions

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// Ledger remembers request IDs, for as long as callers may repeat a call: a call writes its intent down before it writes to
// Dataverse, and its outcome afterwards. All that it is given are hashes, outcomes and record IDs. Any number of
// goroutines and processes may use one ledger.
type Ledger interface {
	// Begin notes the intent of a call. Where the key has an entry already, it is returned and nothing is changed.
	Begin(ctx context.Context, key string, intent LedgerEntry) (earlier *LedgerEntry, err error)
	// Settle notes the outcome. Where the key's entry has one, that stays: the first outcome is what repeats are told.
	Settle(ctx context.Context, key string, entry LedgerEntry) error
	// Release forgets the intent of a call that wrote nothing. An entry with an outcome stays.
	Release(ctx context.Context, key string) error
}

// LedgerEntry is what a Ledger has of a request ID.
type LedgerEntry struct {
	Content  Content `json:"content"`
	Outcome  Outcome `json:"outcome,omitempty"`  // "" while it is not known
	RecordID string  `json:"recordId,omitempty"` // of the record that the call made, changed or answered with
}

// Content is what a call asks for, part by part, so that a repeat with other content can be told what differs. All parts
// but Action are hashes that nobody can undo who does not know the request ID.
type Content struct {
	Action  string `json:"action"`
	Names   string `json:"names"`   // of the fields
	Values  string `json:"values"`  // of the fields
	Target  string `json:"target"`  // which record is meant
	Options string `json:"options"` // what to do about duplicates, unset variables, and so on
}

// differences say, for a sentence, how a call differs from an earlier one.
func (c Content) differences(earlier Content) string {
	if c.Action != earlier.Action {
		return "it was another action"
	}
	var texts []string
	for _, part := range []struct {
		differs bool
		text    string
	}{
		{c.Names != earlier.Names, "other fields were given"},
		{c.Names == earlier.Names && c.Values != earlier.Values, "the fields had other values"},
		{c.Target != earlier.Target, "another record was meant"},
		{c.Options != earlier.Options, "the options were others"},
	} {
		if part.differs {
			texts = append(texts, part.text)
		}
	}
	return strings.Join(texts, ", and ")
}

// request is what makes a call that writes recognizable when it is repeated.
type request struct {
	action    string
	namespace string
	id        string // "" for a call that is not to be recognized
	variables map[string]any
	fields    map[string]any
	target    map[string]any // what says which record is meant: nil for a new one
	options   any
}

// claim is a call's hold on its request ID. The zero claim, of a call without one, remembers nothing.
type claim struct {
	ledger  Ledger // nil for none
	key     string
	content Content
	earlier *LedgerEntry // of an earlier call with the same content
	lost    bool         // whether the ledger could not be reached
}

// ledgerPatience bounds how long a call waits for the ledger.
const ledgerPatience = 2 * time.Second

// claim notes the intent of a call. Content other than that of an earlier call with the same request ID is an *input.Error.
//
// A ledger that cannot be reached stops no call: a creation still sends the ID that follows from its request ID, so that
// Dataverse itself refuses a second record, and a merge that is repeated finds nothing left to change. What is lost
// meanwhile is that other content is noticed, and that a record which was deleted is not made again. The answer warns.
func (r *Runtime) claim(ctx context.Context, client *dataverse.Client, organization dataverse.ID, e *schema.Entity, req request) (claim, error) {
	if r.Ledger == nil || req.id == "" {
		return claim{}, nil
	}
	place := joinParts(spaceOf(organization, client).String(), req.namespace, e.LogicalName, req.id)
	key := sha256.Sum256(place)
	c := claim{ledger: r.Ledger, key: hex.EncodeToString(key[:]), content: r.content(e, req)}
	ctx, cancel := context.WithTimeout(ctx, ledgerPatience)
	defer cancel()
	earlier, err := c.ledger.Begin(ctx, c.key, LedgerEntry{Content: c.content})
	if err != nil {
		c.lost = true
		return c, nil
	}
	if earlier != nil && earlier.Content != c.content {
		return claim{}, input.ErrorOf([]input.Fault{*input.NewFault(input.KeyReused, "request_id",
			"was used before for other content (%s); a repeat must be the same in all parts, and another call needs a request_id of its own",
			c.content.differences(earlier.Content))})
	}
	c.earlier = earlier
	return c, nil
}

// settled is the entry of an earlier call whose outcome is known; nil for none.
func (c *claim) settled() *LedgerEntry {
	if c.earlier == nil || c.earlier.Outcome == "" {
		return nil
	}
	return c.earlier
}

// end notes what became of the call. wrote says that it has written, or may have. What wrote nothing gives the request ID
// free: it may be used again with what was wrong put right.
func (c *claim) end(ctx context.Context, result Result, err error, wrote bool) {
	if c.ledger == nil {
		return
	}
	ctx, cancel := toTheEnd(ctx)
	defer cancel()
	var failed error
	switch outcome := firstOutcome(result.Outcome); {
	case err == nil && outcome != "" && result.Record != nil:
		failed = c.ledger.Settle(ctx, c.key, LedgerEntry{Content: c.content, Outcome: outcome, RecordID: result.Record.ID})
	case !wrote && c.earlier == nil && result.Outcome != InDoubt:
		failed = c.ledger.Release(ctx, c.key)
	}
	c.lost = c.lost || failed != nil
}

// toTheEnd is a context in which what was done is noted, even if the caller has gone meanwhile, or its time is over: there is
// still the part of it that is kept for the answer.
func toTheEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	patience := ledgerPatience
	if deadline, ok := ctx.Deadline(); ok {
		patience = max(min(patience, time.Until(deadline)), leastReserve/2)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), patience)
}

// firstOutcome is what the first of several calls with one request ID was answered; "" where that is for the next one to
// find out.
func firstOutcome(o Outcome) Outcome {
	switch o {
	case Created, AlreadyCreated:
		return Created
	case Existing, Updated, Unchanged:
		return o
	}
	return ""
}

// repeatedOutcome is what a repeat of a call with an outcome is answered.
func repeatedOutcome(o Outcome) Outcome {
	if o == Created {
		return AlreadyCreated
	}
	return o
}

// warnings tell that the ledger could not be reached.
func (c *claim) warnings() []Warning {
	if !c.lost {
		return nil
	}
	return []Warning{{
		Code: LedgerUnavailable, Field: "request_id",
		Message: "the ledger of request IDs could not be reached: a repeat is recognized by the record alone, not by what was asked for",
	}}
}

// content is what a call asks for, in hashes.
func (r *Runtime) content(e *schema.Entity, req request) Content {
	secret := joinParts(req.namespace, req.id) // so that nobody can try values against what the ledger has
	names := make(map[string]any, len(req.fields))
	for name := range req.fields {
		names[fieldKey(e, name)] = nil
	}
	return Content{
		Action: req.action, Names: digest(secret, names), Values: digest(secret, r.rendered(e, req.fields, req.variables)),
		Target: digest(secret, r.rendered(e, req.target, req.variables)), Options: digest(secret, req.options),
	}
}

// rendered is values with their templates replaced. A value that a date filter makes may be of the clock, and differ in
// every call: it counts by its template.
func (r *Runtime) rendered(e *schema.Entity, values, variables map[string]any) map[string]any {
	all := make(map[string]any, len(values))
	for name, value := range values {
		if rendered, fault := r.renderer.Render(value, variables, name); fault == nil && !tellsTime(value) {
			value = []any{rendered.State, rendered.Value}
		}
		all[fieldKey(e, name)] = value
	}
	return all
}

// fieldKey is a field's name in the one form that all ways of writing it have in common.
func fieldKey(e *schema.Entity, name string) string {
	if f := translate.Field(e, name); f != nil {
		return f.LogicalName
	}
	return name
}

// tellsTime reports whether a value has a template with a date filter in it.
func tellsTime(value any) bool {
	switch v := value.(type) {
	case string:
		return input.HasTemplate(v) && strings.Contains(v, "date")
	case map[string]any:
		for _, member := range v {
			if tellsTime(member) {
				return true
			}
		}
	case []any:
		for _, element := range v {
			if tellsTime(element) {
				return true
			}
		}
	}
	return false
}

// digest is the hash of a value's JSON.
func digest(secret []byte, value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		text = []byte(err.Error()) // a value that JSON does not have is refused by the translation
	}
	h := hmac.New(sha256.New, secret)
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil)[:16])
}
