package query

import (
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// FromFetchXML makes the query of a FetchXML document, which it checks against the schema first. Errors are *Error.
//
// Without a paging cookie, pages go by number; where rows are ordered by a joined record's field, are distinct or are
// groups, they always do, as in Dataverse (FetchXML, "Page results").
func FromFetchXML(s *schema.Schema, f *fetchxml.Fetch, opts Options) (*Query, error) {
	entity := func(name string) *schema.Entity { return Intersect(s, name) }
	for _, fault := range fetchxml.Check(f, entity) {
		if !fault.Silent {
			return nil, &Error{Code: fault.Code, Message: fault.Message}
		}
	}
	root := entity(f.Entity.Name)
	if root == nil {
		return nil, noEntity(f.Entity.Name)
	}
	t := newTranslation(s, f, opts)
	t.root = t.b.table(root)
	t.statement = &statement{from: t.root}
	q := &Query{Entity: root, statement: t.statement, page: 1, counts: f.ReturnTotalRecordCount || opts.Count}
	if err := t.joinsAndFilters(); err != nil {
		return nil, err
	}
	if err := t.results(q); err != nil {
		return nil, err
	}
	return q, t.page(q)
}

func noEntity(name string) *Error {
	return refuse(code.QueryBuilderNoEntity, "The entity with a name = '%s' with namemapping = 'Logical' was not found in the MetadataCache.", name)
}

func noAttribute(e *schema.Entity, name string) *Error {
	return refuse(code.QueryBuilderNoAttribute, "'%s' entity doesn't contain attribute with Name = '%s' and NameMapping = 'Logical'.", e.LogicalName, name)
}

// translation is a FetchXML document on its way to a statement.
type translation struct {
	b         *builder
	fetch     *fetchxml.Fetch
	statement *statement
	root      *table
	aliases   map[*fetchxml.Link]string
	tables    map[*fetchxml.Link]*table
	named     map[string]*table // by the link's alias, and by its entity where that is not ambiguous
	byID      bool              // whether an order is by the root's record ID
	hidden    []*table          // joined records that are not told apart by the root's ID
}

func newTranslation(s *schema.Schema, f *fetchxml.Fetch, opts Options) *translation {
	return &translation{
		b: &builder{schema: s, opts: opts}, fetch: f, aliases: f.Aliases(),
		tables: map[*fetchxml.Link]*table{}, named: map[string]*table{},
	}
}

// joinsAndFilters builds the statement behind FROM: joins parent first and depth first, then the root's filters, which
// may speak of any of them.
func (t *translation) joinsAndFilters() error {
	for _, link := range t.fetch.Entity.Links {
		if err := t.join(t.statement, t.root, link); err != nil {
			return err
		}
	}
	for _, filter := range t.fetch.Entity.Filters {
		where, err := t.filter(t.root, filter, true)
		if err != nil {
			return err
		}
		t.statement.where = append(t.statement.where, where)
	}
	return t.narrow()
}

// narrow adds the condition of the options, which is OData's and of the root.
func (t *translation) narrow() error {
	if t.b.opts.Where == nil {
		return nil
	}
	s := &scope{b: t.b, root: t.root, statement: t.statement, joins: map[string]*table{}}
	where, err := s.filter(t.b.opts.Where)
	if err != nil {
		return err
	}
	t.statement.where = append(t.statement.where, where)
	return nil
}

func (t *translation) results(q *Query) error {
	if t.fetch.Aggregate {
		return t.aggregates(q)
	}
	if err := t.columns(q); err != nil {
		return err
	}
	return t.orders(q)
}

// field finds a field of a table.
func (t *translation) field(of *table, name string) (value, error) {
	f := of.entity.Field(name)
	if f == nil {
		return value{}, noAttribute(of.entity, name)
	}
	return t.b.field(of, f), nil
}

// filter makes the condition of a filter; what it holds is joined by its type.
func (t *translation) filter(of *table, f *fetchxml.Filter, isRoot bool) (expr, error) {
	var terms []expr
	for _, c := range f.Conditions {
		term, err := t.condition(of, c, isRoot)
		if err != nil {
			return nil, err
		}
		terms = append(terms, term)
	}
	for _, inner := range f.Filters {
		term, err := t.filter(of, inner, isRoot)
		if err != nil {
			return nil, err
		}
		terms = append(terms, term)
	}
	for _, link := range f.Links {
		term, err := t.quantified(of, link)
		if err != nil {
			return nil, err
		}
		terms = append(terms, term)
	}
	if f.Type == "or" && len(terms) > 0 {
		return or(terms...), nil
	}
	return and(terms...), nil // an empty filter restricts nothing
}

func (t *translation) condition(of *table, c *fetchxml.Condition, isRoot bool) (expr, error) {
	if c.EntityName != "" {
		linked := t.named[c.EntityName]
		if linked == nil || !isRoot {
			return nil, refuse(code.QueryBuilderAliasDoesNotExist, "Link entity with name or alias %s is not found", c.EntityName)
		}
		of = linked
	}
	v, err := t.field(of, c.Attribute)
	if err != nil {
		return nil, err
	}
	op, ok := fetchxml.LookupOperator(c.Operator)
	if !ok {
		return nil, refuse(code.QueryBuilderInvalidConditionOperator, "The condition operator '%s' is not supported.", c.Operator)
	}
	if c.ValueOf != "" {
		return t.compareFields(of, v, op, c)
	}
	operands := c.Operands()
	texts := make([]string, len(operands))
	for i, o := range operands {
		texts[i] = o.Text
	}
	if op.Operands == fetchxml.None {
		texts = nil
	}
	return t.b.condition(v, op, texts)
}

// compareFields compares two fields: of one record, or, as "alias.field", of joined ones. Of a negation only the left side
// may be without a value.
func (t *translation) compareFields(of *table, v value, op fetchxml.Operator, c *fetchxml.Condition) (expr, error) {
	if !op.ValueOf {
		return nil, refuse(code.QueryBuilderBadCondition, "The condition operator '%s' cannot compare two fields.", op.Name)
	}
	name := c.ValueOf
	if alias, inner, ok := strings.Cut(name, "."); ok {
		if of = t.named[alias]; of == nil {
			return nil, refuse(code.QueryBuilderAliasDoesNotExist, "Link entity with name or alias %s is not found", alias)
		}
		name = inner
	}
	other, err := t.field(of, name)
	if err != nil {
		return nil, err
	}
	if len(c.Operands()) > 0 {
		return sqlFalse, nil // a value beside it: Dataverse finds nothing then (FetchXML Builder, issue 773)
	}
	x := expr(compared{sqlOperators[op.Name], v.x, other.x})
	if op.Negative {
		x = or(x, isNull{x: v.x})
	}
	return x, nil
}
