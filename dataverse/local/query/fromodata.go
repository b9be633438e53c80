package query

import (
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// FromOData makes the query of the options of a request for an entity's records: $select, $filter, $orderby, $top,
// $expand, $count, $apply and $skiptoken. Errors are *Error.
//
// The root record's columns come first, as selected, without a $select all of them; then those of each $expand. Names of
// lookups are read where opts.Labels asks for them. Rows are in $orderby's order, then by the record ID.
func FromOData(s *schema.Schema, e *schema.Entity, q *odata.Query, opts Options) (*Query, error) {
	b := &builder{schema: s, opts: opts}
	if q.Apply != nil {
		return b.apply(e, q)
	}
	scope := newScope(b, e)
	query := &Query{Entity: e, statement: scope.statement, page: 1, counts: q.Count || opts.Count, PageSize: pageSize(opts.PageSize)}
	if err := query.odata(scope, q); err != nil {
		return nil, err
	}
	if err := query.odataPage(q, opts); err != nil {
		return nil, err
	}
	return query, nil
}

func pageSize(asked int) int {
	if asked <= 0 {
		return MaxPageSize
	}
	return min(asked, MaxPageSize)
}

func (q *Query) odata(s *scope, o *odata.Query) error {
	if o.Filter != nil {
		where, err := s.filter(o.Filter)
		if err != nil {
			return err
		}
		s.statement.where = append(s.statement.where, where)
	}
	out := &output{scope: s, nested: isNested(o.Expand)}
	if err := out.selected(s.root, nil, o.Select, true); err != nil {
		return err
	}
	if err := out.expand(s.root, nil, o.Expand); err != nil {
		return err
	}
	q.Columns, s.statement.columns = out.columns, out.exprs
	keys, err := s.orderKeys(o.OrderBy)
	q.keys = keys
	return err
}

// odataPage finds the place of the page. An explicit page size overrides $top (Web API, "Query data").
func (q *Query) odataPage(o *odata.Query, opts Options) error {
	if o.Top != nil && opts.PageSize <= 0 {
		q.PageSize, q.isTop = min(max(*o.Top, 0), MaxPageSize), true
	}
	if o.SkipToken == "" {
		return nil
	}
	text, page, ok := readAnnotation(o.SkipToken)
	if !ok {
		return refuse(code.UnsupportedQuery, "The $skiptoken is not one that this server has given.")
	}
	_, last, err := readCookie(text, q.keys)
	q.after, q.page = last, page
	return err
}

// orderKeys are the keys of $orderby, with the record ID last. Choices are sorted by number in OData.
func (s *scope) orderKeys(orders []odata.Order) ([]orderKey, error) {
	keys := make([]orderKey, 0, len(orders)+1)
	for _, o := range orders {
		v, err := s.resolve(o.Path)
		if err != nil {
			return nil, err
		}
		if v.kind == schema.MultiSelectPicklist {
			return nil, unfitGroup(v)
		}
		name := strings.Join(o.Path, ".")
		if v.field.IsLookup() {
			name += "name"
		}
		keys = append(keys, keyOf(s.b.sortedBy(v, false), name, o.Desc))
		if v.isKeyOf(s.root) {
			return keys, nil // what follows can order nothing any more
		}
	}
	return append(keys, s.b.idKey(s.root, s.root.entity.PrimaryID)), nil
}

func unfitGroup(v value) *Error {
	return refuse(code.AttributeTypeNotSupportedForGroupByOrderByQuery, "The attribute '%s' holds several choices: it cannot be grouped or ordered by.", v.field.LogicalName)
}

func (b *builder) idKey(t *table, name string) orderKey {
	return keyOf(b.field(t, t.entity.Field(t.entity.PrimaryID)), name, false)
}

// output gathers a statement's columns and what each of them is.
type output struct {
	scope   *scope // nil for FetchXML
	columns []Column
	exprs   []expr
	expands int
	level   int  // of the $expand that the columns are of; 0 for the root
	nested  bool // a $expand of the query stands in another
}

func (o *output) add(c Column, x expr) int {
	if c.Role != Shown || !c.isLookup() {
		c.TargetAt, c.NameAt = -1, -1
	}
	o.columns, o.exprs = append(o.columns, c), append(o.exprs, x)
	return len(o.columns) - 1
}

func (o *output) grow(n int) {
	o.columns, o.exprs = slices.Grow(o.columns, n), slices.Grow(o.exprs, n)
}

func (c Column) isLookup() bool { return c.Field != nil && c.Field.IsLookup() && c.Aggregate == "" }

// show adds a field's column, and for a lookup those of its target and, where they are asked for, its name.
func (o *output) show(b *builder, v value, c Column) {
	c.Entity, c.Field, c.TargetAt, c.NameAt = v.entity, v.field, -1, -1
	place := o.add(c, v.x)
	if !c.isLookup() {
		return
	}
	if name := TargetColumn(v.field); name != "" {
		c.Role = Target
		o.columns[place].TargetAt = o.add(c, v.table.col(name))
	}
	if b.opts.Labels {
		c.Role = Name
		o.columns[place].NameAt = o.add(c, b.lookupName(v.table, v.field))
	}
}

// selected adds what $select names of a table's record, or all of it. Where the record is one of several that may stand
// there, what tells it apart is added by the caller.
func (o *output) selected(t *table, path []string, names []string, alone bool) error {
	fields, err := selectedFields(t.entity, names)
	if err != nil {
		return err
	}
	o.grow(width(fields))
	for _, f := range fields {
		o.show(o.scope.b, o.scope.b.field(t, f), Column{
			Property: f.Property(), Path: path, Key: alone && f.LogicalName == t.entity.PrimaryID,
		})
	}
	if alone && isPrincipal(t.entity) {
		o.add(Column{Property: ownerKey, Path: path, Entity: t.entity, Field: t.entity.Field(t.entity.PrimaryID)}, t.key())
	}
	if alone {
		o.version(t, path)
	}
	return nil
}

// width is how many columns fields have, with those of a lookup's target and name, and of a record's version and key.
func width(fields []*schema.Field) int {
	n := len(fields) + 2
	for _, f := range fields {
		if f.IsLookup() {
			n += 2
		}
	}
	return n
}

// ownerKey is the key that users and teams have in common: the type principal, which both are derived from, has it (Web API,
// "Web API types and operations").
const ownerKey = "ownerid"

func isPrincipal(e *schema.Entity) bool {
	return (e.LogicalName == "systemuser" || e.LogicalName == "team") && e.Field(ownerKey) == nil
}

// version adds the number of a record's entity tag.
func (o *output) version(t *table, path []string) {
	if f := t.entity.Field(versionField); f != nil && IsStored(f) {
		o.add(Column{Role: Version, Property: versionField, Path: path, Entity: t.entity, Field: f}, t.col(versionField))
	}
}

// selectedFields are the fields that $select names and those that come with them: the record ID, the currency of an
// amount of money, the whole address of its parts (Web API, "Retrieve a table row").
func selectedFields(e *schema.Entity, names []string) ([]*schema.Field, error) {
	if len(names) == 0 || slices.Contains(names, "*") {
		return readableFields(e), nil
	}
	fields := make([]*schema.Field, 0, len(names)+2)
	add := func(f *schema.Field) {
		if f != nil && !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	for _, name := range names {
		f := property(e, name)
		if f == nil {
			return nil, noProperty(e, name)
		}
		add(f)
		add(companion(e, f))
	}
	add(e.Field(e.PrimaryID))
	return fields, nil
}

// companion is the field that is read along with another, nil for most.
func companion(e *schema.Entity, f *schema.Field) *schema.Field {
	if f.Type == schema.Money {
		return e.Field("transactioncurrencyid")
	}
	prefix, part, ok := strings.Cut(f.LogicalName, "_")
	if !ok || !strings.HasPrefix(prefix, "address") {
		return nil
	}
	switch part {
	case "line1", "line2", "line3", "city", "stateorprovince", "postalcode", "country":
		return e.Field(prefix + "_composite")
	}
	return nil
}

// readableFields are the fields that are read where nothing is selected.
func readableFields(e *schema.Entity) []*schema.Field {
	var fields []*schema.Field
	for _, f := range e.Fields {
		if IsStored(f) && (f.Readable || f.LogicalName == e.PrimaryID) {
			fields = append(fields, f)
		}
	}
	return fields
}
