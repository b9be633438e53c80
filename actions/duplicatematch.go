package actions

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// reason is what found an existing record.
type reason struct {
	rules, undecided []DuplicateRule
	matchOn, key     []string
}

// join adds what else found the record.
func (r *reason) join(other reason) {
	r.rules, r.undecided = append(r.rules, other.rules...), append(r.undecided, other.undecided...)
	r.matchOn, r.key = append(r.matchOn, other.matchOn...), append(r.key, other.key...)
}

// verdict says whether a condition holds, or a rule finds a record.
type verdict int

const (
	unknown verdict = iota // what is known does not tell
	yes
	no
)

func verdictOf(is bool) verdict {
	if is {
		return yes
	}
	return no
}

// ruleReason tells which of the rules for an entity found a record of it, which Dataverse has said that some rule did. So where
// all but one are excluded, it was that one.
func (c *creation) ruleReason(matching *schema.Entity, row dataverse.Record) (r reason) {
	var all []DuplicateRule
	for _, rule := range c.rules.Rules {
		if rule.MatchingEntity != matching.LogicalName {
			continue
		}
		described := c.describeRule(rule)
		all = append(all, described)
		switch c.finds(rule, matching, row) {
		case yes:
			r.rules = append(r.rules, described)
		case unknown:
			r.undecided = append(r.undecided, described)
		}
	}
	switch {
	case len(r.rules) == 0 && len(r.undecided) == 1:
		r.rules, r.undecided = r.undecided, nil
	case len(r.rules) == 0 && len(r.undecided) == 0: // the rules are newer than what is remembered of them
		r.undecided = all
	}
	return r
}

// finds says whether a rule finds a record of the matching entity: where all its conditions hold.
func (c *creation) finds(rule dataverse.DuplicateRule, matching *schema.Entity, row dataverse.Record) verdict {
	if rule.ExcludeInactive && matching.HasState() {
		if state, told := row.Value(stateField); told && state != json.Number("0") {
			return no
		}
	}
	all := verdictOf(len(rule.Conditions) > 0)
	for _, condition := range rule.Conditions {
		switch c.holdsFor(rule, condition, matching, row) {
		case no:
			return no
		case unknown:
			all = unknown
		}
	}
	return all
}

// holdsFor says whether a condition of a rule holds between the new record and one that exists.
func (c *creation) holdsFor(rule dataverse.DuplicateRule, condition dataverse.DuplicateCondition, matching *schema.Entity, row dataverse.Record) verdict {
	value, known := c.knownValue(condition.BaseField)
	base, f := c.entity.Field(condition.BaseField), matching.Field(condition.MatchingField)
	if !known || base == nil || f == nil {
		return unknown
	}
	raw, told := row.Value(f.Property())
	switch {
	case !told:
		return unknown
	case isBlank(value) && isBlank(raw):
		return verdictOf(!condition.IgnoreBlank)
	case isBlank(value) || isBlank(raw):
		return no
	}
	switch condition.Operator {
	case dataverse.SameFirst, dataverse.SameLast:
		return samePart(condition, rule.CaseSensitive, raw, value)
	case dataverse.SameDate, dataverse.SameDateAndTime:
		return sameTime(condition.Operator, raw, value)
	case dataverse.SameChoiceLabel:
		return sameLabel(base, f, row, value)
	case dataverse.SameValue, dataverse.SameChoiceNumber:
		return sameValue(base, f, row, value, rule.CaseSensitive)
	}
	return unknown
}

// sameValue compares values whole.
func sameValue(base, f *schema.Field, row dataverse.Record, value any, caseSensitive bool) verdict {
	raw, _ := row.Value(f.Property())
	there, isText := raw.(string)
	text, bothText := value.(string)
	switch {
	case isText && bothText && base.IsText() && f.IsText():
		return sameTexts(there, text, caseSensitive)
	case base.Type != f.Type && (!base.IsLookup() || !f.IsLookup()):
		return unknown
	}
	return verdictOf(holds(f, row, value))
}

// sameTexts compares texts as Dataverse's rules do: without regard to case, unless the rule says otherwise. Texts that differ in
// accents or in blanks at their ends alone, Dataverse may take for the same or not: its collation decides.
func sameTexts(a, b string, caseSensitive bool) verdict {
	same := strings.EqualFold
	if caseSensitive {
		same = func(a, b string) bool { return a == b }
	}
	switch {
	case same(a, b):
		return yes
	case same(withoutAccents(a), withoutAccents(b)):
		return unknown
	}
	return no
}

// withoutAccents is a text without accents and without blanks at its ends.
func withoutAccents(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(strings.TrimSpace(text)))
}

// samePart compares the first or the last characters of texts.
func samePart(condition dataverse.DuplicateCondition, caseSensitive bool, raw, value any) verdict {
	a, aText := raw.(string)
	b, bText := value.(string)
	if !aText || !bText {
		return unknown
	}
	return sameTexts(part(condition, a), part(condition, b), caseSensitive)
}

func part(condition dataverse.DuplicateCondition, text string) string {
	runes := []rune(text)
	n := min(max(condition.Characters, 1), len(runes))
	if condition.Operator == dataverse.SameLast {
		return string(runes[len(runes)-n:])
	}
	return string(runes[:n])
}

// sameTime compares dates and points in time. Which day a point in time is of depends on a time zone that is not ours to know.
func sameTime(operator dataverse.DuplicateOperator, raw, value any) verdict {
	there, _ := raw.(string)
	text, _ := value.(string)
	if there == text {
		return yes
	}
	a, errA := time.Parse(time.RFC3339, there)
	b, errB := time.Parse(time.RFC3339, text)
	apart, least := a.Sub(b).Abs(), time.Second
	if operator == dataverse.SameDate {
		least = 24 * time.Hour
	}
	switch {
	case errA != nil && errB != nil: // two dates, which are written in one way
		return no
	case errA != nil || errB != nil:
		return unknown
	case apart == 0:
		return yes
	case apart >= least:
		return no
	}
	return unknown
}

// sameLabel compares choices by what they are called.
func sameLabel(base, f *schema.Field, row dataverse.Record, value any) verdict {
	number, isNumber := value.(int)
	if !isNumber || !base.IsChoice() {
		return unknown
	}
	option, label := base.Option(number), row.Formatted(f.Property())
	if option == nil || label == "" {
		return unknown
	}
	return verdictOf(option.Label.Is(label))
}

// matches pairs the records of a list with what found them, as an answer has them.
func (l rowList) matches() []DuplicateMatch {
	matches := make([]DuplicateMatch, len(l.records))
	for i, record := range l.records {
		r := l.reasons[i]
		matches[i] = DuplicateMatch{Record: record, Rules: r.rules, Undecided: r.undecided, MatchOn: slices.Clone(r.matchOn), Key: r.key}
	}
	return matches
}
