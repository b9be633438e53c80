package query

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse/schema"
)

// The collations of the tables' columns. RegisterFunctions makes them known to SQLite.
const (
	// textCollation compares texts as Dataverse's database does: without regard to case, accents and trailing spaces.
	textCollation = "DATAVERSE"
	// decimalCollation compares texts by the decimal number that they spell.
	decimalCollation = "DECIMAL"
)

// versionField is the field that grows with each write of a record: its entity tag.
const versionField = "versionnumber"

// StoredColumn is a column of an entity's table.
type StoredColumn struct {
	Name      string // "name"; "parentcustomerid!type"
	SQLType   string // "TEXT", "INTEGER", "REAL"
	Collation string // "" for SQLite's own
	Field     *schema.Field
	IsTarget  bool // holds the logical name of the entity that the lookup Field points at
	IsFull    bool // holds the image Field as it came, where the field itself has a thumbnail of it
}

// FullColumn is the name of the column that has an image field's image as it came.
func FullColumn(f *schema.Field) string { return f.LogicalName + "!full" }

// IsStored reports whether a field has a column of its own. Fields that only shadow another, and those whose value is
// made of other records, have none.
func IsStored(f *schema.Field) bool { return StandsAlone(f) && sqlType(f.Type) != "" }

// StandsAlone reports whether a field has a value of its own, not only another way to show one. An image and what
// comes with it, its address and its time, are noted as parts of the field with the image's ID, but are values.
func StandsAlone(f *schema.Field) bool {
	if f.AttributeOf == "" {
		return true
	}
	image := strings.TrimSuffix(strings.TrimSuffix(f.LogicalName, imageURL), imageTimestamp)
	return f.AttributeOf == image+imageID && (f.Type == schema.Image || image != f.LogicalName)
}

// What the names of the fields that come with an image end with (Dataverse, "Image columns").
const (
	imageID        = "id"
	imageURL       = "_url"
	imageTimestamp = "_timestamp"
)

// TargetColumn is the name of the column that says which entity a lookup points at; "" for a field that can point at one
// entity only, and for one that is no lookup.
func TargetColumn(f *schema.Field) string {
	if !f.IsLookup() || len(f.Targets) < 2 {
		return ""
	}
	return f.LogicalName + "!type"
}

// StoredColumns are the columns of an entity's table, in the order of its fields.
func StoredColumns(e *schema.Entity) []StoredColumn {
	columns := make([]StoredColumn, 0, len(e.Fields))
	for _, f := range e.Fields {
		if !IsStored(f) {
			continue
		}
		columns = append(columns, StoredColumn{Name: f.LogicalName, SQLType: sqlType(f.Type), Collation: collation(f.Type), Field: f})
		if f.Type == schema.Image {
			columns = append(columns, StoredColumn{Name: FullColumn(f), SQLType: "TEXT", Field: f, IsFull: true})
		}
		if name := TargetColumn(f); name != "" {
			columns = append(columns, StoredColumn{Name: name, SQLType: "TEXT", Field: f, IsTarget: true})
		}
	}
	return columns
}

// sqlType is the type of a field's column, "" where it has none.
//
// Money is an INTEGER of ten-thousandths: Dataverse's money is SQL Server's, the same 64 bits. A Decimal may have more
// digits than 64 bits hold, so it is TEXT in a form that Encode makes. A DateTime is an INTEGER of microseconds since
// 1970 in UTC; a DateOnly one the midnight of its day, a TimeZoneIndependent one its clock time taken as UTC. An Image is
// the base64 of its thumbnail.
func sqlType(t schema.Type) string {
	switch t {
	case schema.Integer, schema.BigInt, schema.Boolean, schema.Money, schema.DateTime, schema.Picklist, schema.State, schema.Status:
		return "INTEGER"
	case schema.Double:
		return "REAL"
	case schema.String, schema.Memo, schema.Decimal, schema.MultiSelectPicklist, schema.Uniqueidentifier,
		schema.Lookup, schema.Customer, schema.Owner, schema.EntityName, schema.Image:
		return "TEXT"
	}
	return ""
}

func collation(t schema.Type) string {
	switch t {
	case schema.String, schema.Memo:
		return textCollation
	case schema.Decimal:
		return decimalCollation
	}
	return ""
}

// CreateTables returns the statements that make the tables of a schema and their indexes, where they are not there yet:
// a table for each entity, named as it, and one for each intersect entity of a many-to-many relationship. The connection
// must have been opened after RegisterFunctions.
func CreateTables(s *schema.Schema) []string {
	var statements []string
	for _, name := range s.Names() {
		statements = append(statements, createTable(s.Entity(name))...)
	}
	for _, e := range intersects(s) {
		statements = append(statements, createTable(e)...)
	}
	return statements
}

// AddColumns returns the statements that give an entity's table the columns that it lacks: have has the names of those
// that it has.
func AddColumns(e *schema.Entity, have []string) []string {
	var statements []string
	for _, c := range StoredColumns(e) {
		if slices.Contains(have, c.Name) {
			continue
		}
		statement := fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", quote(e.LogicalName), quote(c.Name), c.SQLType)
		if c.Collation != "" {
			statement += " COLLATE " + c.Collation
		}
		statements = append(statements, statement)
	}
	return statements
}

func createTable(e *schema.Entity) []string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE IF NOT EXISTS %s (", quote(e.LogicalName))
	for i, c := range StoredColumns(e) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %s", quote(c.Name), c.SQLType)
		if c.Name == e.PrimaryID {
			b.WriteString(" PRIMARY KEY NOT NULL")
		}
		if c.Collation != "" {
			b.WriteString(" COLLATE " + c.Collation)
		}
	}
	b.WriteString(") STRICT")
	return append([]string{b.String()}, createIndexes(e)...)
}

// createIndexes makes the indexes on what people search by. Those on fields that are mostly empty leave the empty ones
// out, so that a record pays for what it has.
//
// Behind the field stand the columns of the order in which a search takes the first match, active before inactive and
// then the oldest: the first of a million records of one value is found as fast as the only one.
func createIndexes(e *schema.Entity) []string {
	var statements []string
	add := func(kind, where, name string, columns ...string) {
		quoted := make([]string, len(columns))
		for i, c := range columns {
			quoted[i] = quote(c)
		}
		statements = append(statements, fmt.Sprintf("CREATE %s IF NOT EXISTS %s ON %s (%s)%s",
			kind, quote("by "+e.LogicalName+" "+name), quote(e.LogicalName), strings.Join(quoted, ", "), where))
	}
	list := func(columns ...string) { add("INDEX", "", strings.Join(columns, " "), columns...) }
	if stored(e, "createdon") {
		list("createdon", e.PrimaryID)
		if stored(e, "statecode") {
			list("statecode", "createdon", e.PrimaryID)
		}
	}
	for _, k := range e.Keys {
		add("UNIQUE INDEX", "", strings.Join(k.Fields, " "), k.Fields...)
	}
	for _, f := range searched(e) {
		if f.LogicalName == e.PrimaryName {
			list(f.LogicalName, e.PrimaryID)
		}
		where := fmt.Sprintf(" WHERE %s IS NOT NULL", quote(f.LogicalName))
		add("INDEX", where, f.LogicalName, append([]string{f.LogicalName}, firstMatchOrder(e)...)...)
	}
	return statements
}

// searched are the fields that people search by, last those of which few records share a value: where several indexes
// serve a query alike, SQLite takes the one that was made last.
func searched(e *schema.Entity) []*schema.Field {
	var shared, own []*schema.Field
	for _, f := range e.Fields {
		switch {
		case !IsStored(f) || f.LogicalName == e.PrimaryID:
		case isNumberOrAddress(f):
			own = append(own, f)
		case f.LogicalName == e.PrimaryName || isSearched(f):
			shared = append(shared, f)
		}
	}
	return append(shared, own...)
}

// firstMatchOrder are the columns that say which of several records is the first, as far as the entity has them.
func firstMatchOrder(e *schema.Entity) []string {
	var columns []string
	for _, name := range []string{"statecode", "createdon"} {
		if stored(e, name) {
			columns = append(columns, name)
		}
	}
	return append(columns, e.PrimaryID)
}

// isSearched reports whether people search by a field of which many records share a value: names, and what points at another record, but
// for what every record has.
func isSearched(f *schema.Field) bool {
	switch f.LogicalName {
	case "createdby", "createdonbehalfby", "modifiedby", "modifiedonbehalfby", "owningbusinessunit", "owninguser", "owningteam",
		"transactioncurrencyid", "organizationid":
		return false
	case "firstname", "lastname", "objectid", "principalid":
		return true
	}
	return f.IsLookup()
}

// isNumberOrAddress reports whether a field has what tells one record from others: an e-mail address, a phone number, a
// number that a person may say.
func isNumberOrAddress(f *schema.Field) bool {
	switch f.LogicalName {
	case "accountnumber", "ticketnumber", "domainname", "msdyn_ocliveworkitemid", "msdyn_sessionid":
		return true
	}
	isContact := f.Format == "Email" || f.Format == "Phone" || strings.Contains(f.LogicalName, "emailaddress") ||
		strings.Contains(f.LogicalName, "telephone") || f.LogicalName == "mobilephone"
	return f.Type == schema.String && isContact
}

// isAlwaysSet reports whether every record has a value in a column: its ID, and what the server itself sets.
func isAlwaysSet(e *schema.Entity, column string) bool {
	switch column {
	case e.PrimaryID, "createdon", "modifiedon", versionField:
		return true
	}
	return false
}

func stored(e *schema.Entity, name string) bool {
	f := e.Field(name)
	return f != nil && IsStored(f)
}

// Intersect returns the entity of a many-to-many relationship's intersect table: the schema's own where it describes
// it, else one made of the relationship with the key "<name>id" and the two sides. It is nil for any other name.
func Intersect(s *schema.Schema, name string) *schema.Entity {
	if e := s.Entity(name); e != nil {
		return e
	}
	for _, entity := range s.Names() {
		for _, r := range s.Entity(entity).ManyToMany {
			if r.IntersectEntity == name {
				return intersectEntity(r)
			}
		}
	}
	return nil
}

// intersects are the intersect entities that the schema does not describe, by name.
func intersects(s *schema.Schema) []*schema.Entity {
	byName := map[string]*schema.Entity{}
	for _, name := range s.Names() {
		for _, r := range s.Entity(name).ManyToMany {
			if s.Entity(r.IntersectEntity) == nil && byName[r.IntersectEntity] == nil {
				byName[r.IntersectEntity] = intersectEntity(r)
			}
		}
	}
	entities := make([]*schema.Entity, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		entities = append(entities, byName[name])
	}
	return entities
}

func intersectEntity(r schema.ManyToMany) *schema.Entity {
	id := r.IntersectEntity + "id"
	e := &schema.Entity{LogicalName: r.IntersectEntity, SchemaName: r.IntersectEntity, PrimaryID: id, Ownership: "None", Intersect: true}
	for _, name := range []string{id, r.Field1, r.Field2} {
		e.Fields = append(e.Fields, &schema.Field{LogicalName: name, SchemaName: name, Type: schema.Uniqueidentifier, Readable: true})
	}
	e.Keys = []schema.Key{{Name: id, Fields: []string{r.Field1, r.Field2}}, {Name: id + "2", Fields: []string{r.Field2, r.Field1}}}
	e.Index()
	return e
}

// quote makes an SQL identifier of a name. Names come from metadata only, but one with a quote must not end it.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
