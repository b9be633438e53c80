package local

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// rule is a published duplicate detection rule. All its conditions must hold; one rule that matches makes a duplicate.
type rule struct {
	base, matching  string
	caseSensitive   bool
	excludeInactive bool
	conditions      []condition
}

type condition struct {
	base, matching string // fields
	operator       int64
	characters     int64
	ignoreBlank    bool
}

// The comparisons of duplicaterulecondition.operatorcode.
const (
	exactMatch          = 0
	sameFirstCharacters = 1
	sameLastCharacters  = 2
	sameDate            = 3
	sameDateAndTime     = 4
	sameLabel           = 5
	sameValue           = 6
)

const publishedRule = 2 // duplicaterule.statuscode

func loadRules(ctx context.Context, c *conn) (map[string][]rule, error) {
	byBase := map[string][]rule{}
	at := map[string]*rule{}
	var ids []string
	err := c.query(ctx, `SELECT duplicateruleid, baseentityname, matchingentityname, coalesce(iscasesensitive, 0), coalesce(excludeinactiverecords, 0)
		FROM duplicaterule WHERE statuscode = ? ORDER BY createdon, duplicateruleid`, []any{publishedRule}, func(row []any) error {
		r := record{"id": row[0], "base": row[1], "matching": row[2], "case": row[3], "inactive": row[4]}
		at[r.text("id")] = &rule{base: r.text("base"), matching: r.text("matching"), caseSensitive: r.truth("case"), excludeInactive: r.truth("inactive")}
		ids = append(ids, r.text("id"))
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = c.query(ctx, `SELECT regardingobjectid, baseattributename, matchingattributename, operatorcode, operatorparam, coalesce(ignoreblankvalues, 0)
		FROM duplicaterulecondition ORDER BY duplicateruleconditionid`, nil, func(row []any) error {
		r := record{"rule": row[0], "base": row[1], "matching": row[2], "operator": row[3], "param": row[4], "blank": row[5]}
		if owner := at[r.text("rule")]; owner != nil {
			owner.conditions = append(owner.conditions, condition{
				base: r.text("base"), matching: r.text("matching"), operator: r.number("operator"), characters: r.number("param"), ignoreBlank: r.truth("blank"),
			})
		}
		return nil
	})
	for _, id := range ids {
		byBase[at[id].base] = append(byBase[at[id].base], *at[id])
	}
	return byBase, err
}

// refuseDuplicate refuses a record that a published rule calls a duplicate. On an update, changed are the values written:
// rules that read none of them do not apply.
func (m *mutation) refuseDuplicate(ctx context.Context, t *table, r, changed record) error {
	settings := m.s.settings.Load()
	if !settings.detectDuplicates || !t.DuplicateDetection {
		return nil
	}
	for _, rule := range settings.rules[t.LogicalName] {
		if changed != nil && !rule.reads(changed) {
			continue
		}
		ids, err := m.s.duplicates(ctx, m.conn, rule, t, r, 1)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			return refuse(code.DuplicateRecordsFound, "A record was not created or updated because a duplicate of the current record already exists.")
		}
	}
	return nil
}

func (r rule) reads(changed record) bool {
	return slices.ContainsFunc(r.conditions, func(c condition) bool { _, ok := changed[c.base]; return ok })
}

// duplicates returns the IDs of the records that a rule calls duplicates of r, oldest first; at most limit.
func (s *Server) duplicates(ctx context.Context, c *conn, rule rule, t *table, r record, limit int) ([]string, error) {
	matching := s.tables[rule.matching]
	if matching == nil || len(rule.conditions) == 0 {
		return nil, nil
	}
	var (
		where []string
		args  []any
	)
	for _, condition := range rule.conditions {
		text, values, possible := condition.where(rule, t, matching, r)
		if !possible {
			return nil, nil
		}
		where, args = append(where, text), append(args, values...)
	}
	if id := r.text(t.PrimaryID); rule.matching == t.LogicalName && id != "" {
		where, args = append(where, quote(matching.PrimaryID)+" <> ?"), append(args, id)
	}
	if rule.excludeInactive && matching.has("statecode") {
		where = append(where, "statecode = 0")
	}
	order := quote(matching.PrimaryID)
	if matching.has("createdon") && limit > 1 {
		order = "createdon, " + order
	}
	var ids []string
	err := c.query(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT %d", quote(matching.PrimaryID), quote(rule.matching), strings.Join(where, " AND "), order, limit), args, func(row []any) error {
		id, _ := row[0].(string)
		ids = append(ids, id)
		return nil
	})
	return ids, err
}

// where is the condition in SQL; it is not possible where the record's value is blank and blanks are no duplicates, or
// where a field is not there.
func (c condition) where(rule rule, t, matching *table, r record) (text string, args []any, possible bool) {
	if !t.has(c.base) || !matching.has(c.matching) {
		return "", nil, false
	}
	column, value := quote(c.matching), r[c.base]
	if value == nil {
		// A rule of one condition never takes two blanks for the same ("Detect duplicate data using code").
		return column + " IS NULL", nil, !c.ignoreBlank && len(rule.conditions) > 1
	}
	switch n, isNumber := value.(int64); {
	case c.operator == sameFirstCharacters:
		return c.characterMatch(rule, column, "1, %[1]d"), []any{value}, true
	case c.operator == sameLastCharacters:
		return c.characterMatch(rule, column, "-%[1]d"), []any{value}, true
	case c.operator == sameDate && isNumber:
		return span(column, n, 24*time.Hour)
	case c.operator == sameDateAndTime && isNumber:
		return span(column, n, time.Second)
	case c.operator == sameLabel && isNumber:
		return labelMatch(column, t.Field(c.base), matching.Field(c.matching), int(n))
	case rule.caseSensitive && matching.Field(c.matching).IsText():
		return column + " = ? AND " + column + " COLLATE BINARY = ?", []any{value, value}, true
	}
	return column + " = ?", []any{value}, true
}

// characterMatch compares the first or last characters.
func (c condition) characterMatch(rule rule, column, part string) string {
	collation := "DATAVERSE"
	if rule.caseSensitive {
		collation = "BINARY"
	}
	part = fmt.Sprintf(part, max(c.characters, 1))
	return fmt.Sprintf("substr(%s, %s) = substr(?, %s) COLLATE %s", column, part, part, collation)
}

// span is the stretch of time, in microseconds, that a time lies in.
func span(column string, at int64, length time.Duration) (string, []any, bool) {
	size := length.Microseconds()
	start := at - ((at%size)+size)%size
	return column + " >= ? AND " + column + " < ?", []any{start, start + size}, true
}

// labelMatch compares choices of different fields by what they are called.
func labelMatch(column string, base, matching *schema.Field, value int) (string, []any, bool) {
	option := base.Option(value)
	if option == nil {
		return column + " = ?", []any{value}, true
	}
	var (
		places []string
		args   []any
	)
	for _, o := range matching.Options {
		if o.Label.Is(option.Label.String()) {
			places, args = append(places, "?"), append(args, o.Value)
		}
	}
	return column + " IN (" + strings.Join(places, ", ") + ")", args, len(args) > 0
}

// findDuplicates returns the IDs of the records of matching that any published rule calls duplicates of r.
func (s *Server) findDuplicates(ctx context.Context, c *conn, t *table, r record, matching string) ([]string, error) {
	found := map[string]bool{}
	for _, rule := range s.settings.Load().rules[t.LogicalName] {
		if rule.matching != matching {
			continue
		}
		ids, err := s.duplicates(ctx, c, rule, t, r, maxPageSize)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			found[id] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}
