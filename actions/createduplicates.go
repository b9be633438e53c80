package actions

import (
	"context"
	"fmt"
	"slices"

	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// ruleWarnings tell where duplicates cannot be found though they are to be: a misspelt variable must not switch a rule
// off in silence.
func (c *creation) ruleWarnings() []Warning {
	if !c.rules.InForce {
		return []Warning{{Code: NoDuplicateRule, Message: "duplicates are not looked for: " + c.rules.Why}}
	}
	var warnings []Warning
	for _, field := range c.leftOut() {
		for _, rule := range c.rules.Rules {
			if slices.Contains(baseFields(rule), field) {
				warnings = append(warnings, Warning{
					Code: DuplicateRuleNotApplied, Field: c.values.path(field),
					Message: fmt.Sprintf("the duplicate rule %q reads this field, which was left out: the rule may not have applied", rule.Name),
				})
			}
		}
	}
	return warnings
}

// leftOut are the fields that the request names and the record does not get.
func (c *creation) leftOut() []string {
	fields := slices.Clone(c.values.omitted)
	for name := range c.values.lookups {
		if c.values.values[name] == nil {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	return fields
}

func baseFields(rule dataverse.DuplicateRule) []string {
	var fields []string
	for _, condition := range rule.Conditions {
		fields = append(fields, condition.BaseField)
	}
	return fields
}

// duplicate is the answer of a refusal because of records that exist. A refusal by a rule can be overruled by
// CreateDuplicate; one by a key or a unique index cannot.
func (c *creation) duplicate(ctx context.Context, refusal error) (Result, error) {
	var found rowList
	byRule := codeOf(refusal) == code.DuplicateRecordsFound
	if byRule {
		found, _ = c.matches(ctx)
	} else {
		found = c.sameKey(ctx)
	}
	readable := len(found.records) > 0
	switch {
	case !readable && byRule:
		c.warn(DuplicatesNotReadable, "", "Dataverse refused the record as a duplicate, and the records that match could not be read")
	case !readable:
		c.warn(DuplicatesNotReadable, "", "a key or a unique index of the entity refused the record, which CREATE_DUPLICATE cannot overrule; the record that has the same values could not be read")
	}
	return c.meet(ctx, found)
}

// matches are the records that the rules in force find, of the entity itself first: as far as they can be read. The error says
// that some may be missing.
func (c *creation) matches(ctx context.Context) (found rowList, missing error) {
	for _, name := range c.matchingEntities() {
		matching := c.entity
		if name != c.entity.LogicalName {
			var err error
			if matching, err = c.client.Entity(ctx, name); err != nil {
				missing = err
				continue
			}
		}
		fields := c.ruleFields(name)
		if len(fields) == 0 {
			continue // the rules read nothing that the record has
		}
		rows, err := c.client.RetrieveDuplicates(ctx, c.entity, fields, matching)
		if err != nil {
			missing = err
			continue
		}
		found.add(c.client, matching, rows, func(row dataverse.Record) reason { return c.ruleReason(matching, row) })
	}
	return found, missing
}

// matchingEntities are the entities that the rules compare with, the record's own first. Where the rules are not known,
// it is that alone.
func (c *creation) matchingEntities() []string {
	names := []string{c.entity.LogicalName}
	own := len(c.rules.Rules) == 0
	for _, rule := range c.rules.Rules {
		own = own || rule.MatchingEntity == c.entity.LogicalName
		if !slices.Contains(names, rule.MatchingEntity) {
			names = append(names, rule.MatchingEntity)
		}
	}
	if !own {
		return names[1:]
	}
	return names
}

// ruleFields are the values that the rules for a matching entity read, and no others: they travel in a URL. Where the
// rules are not known, these are all that are short.
func (c *creation) ruleFields(matching string) dataverse.Fields {
	fields := dataverse.Fields{}
	for _, rule := range c.rules.Rules {
		if rule.MatchingEntity != matching {
			continue
		}
		for _, field := range baseFields(rule) {
			c.copyField(fields, field)
		}
	}
	if len(c.rules.Rules) == 0 {
		for field, value := range c.values.values {
			if text, isText := value.(string); !isText || len(text) <= maxShortText {
				c.copyField(fields, field)
			}
		}
	}
	return fields
}

// maxShortText is the length up to which a text may travel in a URL among others, in bytes.
const maxShortText = 200

// copyField copies what is sent for a field, where something is.
func (c *creation) copyField(to dataverse.Fields, field string) {
	f := c.entity.Field(field)
	if f == nil || c.values.values[field] == nil {
		return
	}
	property := field
	if ref, ok := c.values.values[field].(translate.Reference); ok {
		property = bindProperty(f, ref)
	}
	to[property] = c.fields[property]
}

// sameKey are the records that have the values of an alternate key of the entity.
func (c *creation) sameKey(ctx context.Context) (found rowList) {
	for _, key := range c.entity.Keys {
		filter, ok := c.equal(key.Fields)
		if !ok {
			continue
		}
		query := c.selected()
		query.Filter = filter
		page, err := c.client.ListRecords(ctx, c.entity, query)
		if err == nil {
			found.add(c.client, c.entity, page.Records, func(dataverse.Record) reason { return reason{key: key.Fields} })
		}
	}
	return found
}

// rowList is records as they were read, as the answer names them, and what found them, each once.
type rowList struct {
	records []Record
	rows    []dataverse.Record
	reasons []reason
}

// add adds rows of an entity; why tells what found one.
func (l *rowList) add(client *dataverse.Client, e *schema.Entity, rows []dataverse.Record, why func(dataverse.Record) reason) {
	for _, row := range rows {
		l.join(rowList{records: []Record{recordOf(client, e, row)}, rows: []dataverse.Record{row}, reasons: []reason{why(row)}})
	}
}

// join adds the records of another list, and what else found those that are there.
func (l *rowList) join(other rowList) {
	for i, record := range other.records {
		at := slices.IndexFunc(l.records, func(r Record) bool { return r.Entity == record.Entity && r.ID == record.ID })
		if at >= 0 {
			l.reasons[at].join(other.reasons[i])
			continue
		}
		l.records, l.rows, l.reasons = append(l.records, record), append(l.rows, other.rows[i]), append(l.reasons, other.reasons[i])
	}
}

// of is the records of one entity.
func (l rowList) of(entity string) (own rowList) {
	for i, record := range l.records {
		if record.Entity == entity {
			own.records, own.rows, own.reasons = append(own.records, record), append(own.rows, l.rows[i]), append(own.reasons, l.reasons[i])
		}
	}
	return own
}

// at is a list of one of the records.
func (l rowList) at(i int) rowList {
	return rowList{records: l.records[i : i+1], rows: l.rows[i : i+1], reasons: l.reasons[i : i+1]}
}

// only is the record of a list of one; nil where there are none or several.
func (l rowList) only() (*Record, *dataverse.Record) {
	if len(l.records) != 1 {
		return nil, nil
	}
	return &l.records[0], &l.rows[0]
}
