package odata

// Expr is a condition of $filter: *Compare, *Logical, *Not, *Call, *Lambda or *QueryFunction.
type Expr interface{ isExpr() }

// Path names a field, also of a related record: {"primarycontactid", "fullname"}. Within a Lambda's body the paths of the
// related records begin with its variable: {"t", "subject"}.
type Path []string

// Op is a comparison.
type Op string

// The comparisons that Dataverse has.
const (
	Eq Op = "eq"
	Ne Op = "ne"
	Gt Op = "gt"
	Ge Op = "ge"
	Lt Op = "lt"
	Le Op = "le"
)

// Compare compares a field with a value, or with another field of the same record where Value is a PathValue. The field is
// always on the left: "5 lt revenue" is read as "revenue gt 5".
type Compare struct {
	Path  Path
	Op    Op
	Value Value
}

// Junction joins the terms of a Logical.
type Junction string

// The junctions. "and" binds tighter than "or".
const (
	And Junction = "and"
	Or  Junction = "or"
)

// Logical joins two or more terms.
type Logical struct {
	Op    Junction
	Terms []Expr
}

// Not negates a condition. It never stands before a QueryFunction, which Dataverse cannot negate.
type Not struct{ Term Expr }

// Call is one of the string functions "contains", "startswith" and "endswith". In the value %, _ and [] are wildcards to
// Dataverse, see EscapeWildcards.
type Call struct {
	Func  string
	Path  Path
	Value Value
}

// Lambda is true for a record whose related records match: any of them ("any"), all of them ("all"). An "any" without a
// body asks whether there is one.
type Lambda struct {
	Collection Path // the collection-valued navigation property
	Kind       string
	Variable   string // "" without a body
	Body       Expr   // nil without a body
}

// QueryFunction is one of Dataverse's own conditions, as Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=7).
type QueryFunction struct {
	Name   string // "LastXDays", without the namespace
	Params []Param
}

// Param is a named parameter of a function.
type Param struct {
	Name  string
	Value Value
}

// Param returns the value of a parameter, nil where the call has none of that name.
func (f *QueryFunction) Param(name string) Value {
	for _, p := range f.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

func (*Compare) isExpr()       {}
func (*Logical) isExpr()       {}
func (*Not) isExpr()           {}
func (*Call) isExpr()          {}
func (*Lambda) isExpr()        {}
func (*QueryFunction) isExpr() {}

// Value is a literal of a query or of a key: Null, Bool, Number, String, GUID, DateTime, Date, Enum, Array, JSON, PathValue or Alias.
type Value interface{ isValue() }

// Null is the literal null.
type Null struct{}

// Bool is true or false.
type Bool bool

// Number is a number as it was written, so that no digit is lost.
type Number string

// String is a text, its quotes removed.
type String string

// GUID is a record ID in lower case, without braces.
type GUID string

// DateTime is a point in time as it was written, RFC 3339 or the same without an offset.
type DateTime string

// Date is a day, as 2031-05-17.
type Date string

// Enum is a member of an enumeration, as Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'.
type Enum struct{ Type, Member string }

// Array is a list of literals, as the PropertyValues of a QueryFunction.
type Array []Value

// JSON is an object as it was written, as the BusinessEntity of RetrieveDuplicates.
type JSON string

// PathValue is a field on the right side of a comparison.
type PathValue Path

// Alias is a parameter alias that stands for a value given elsewhere, with its at sign: "@p1". ParseQuery puts the values
// in their place; only ParseFilter and ParsePath, which cannot see them, return an Alias.
type Alias string

func (Null) isValue()      {}
func (Bool) isValue()      {}
func (Number) isValue()    {}
func (String) isValue()    {}
func (GUID) isValue()      {}
func (DateTime) isValue()  {}
func (Date) isValue()      {}
func (Enum) isValue()      {}
func (Array) isValue()     {}
func (JSON) isValue()      {}
func (PathValue) isValue() {}
func (Alias) isValue()     {}

// Order is one term of $orderby.
type Order struct {
	Path Path
	Desc bool
}

// Expand is one term of $expand: a navigation property and what is wanted of the records behind it.
type Expand struct {
	Navigation string
	Ref        bool // only the reference: "primarycontactid/$ref"
	Select     []string
	Filter     Expr
	OrderBy    []Order
	Top        *int
	Count      bool
	Expand     []Expand
}

// Apply is $apply: records filtered, then grouped, then aggregated; each step may be absent but one of the last two is there.
type Apply struct {
	Filter     Expr
	GroupBy    []Path
	Aggregates []Aggregate
}

// Aggregate is one result of $apply. With the method "count" it counts records and has no path.
type Aggregate struct {
	Path   Path
	Method string // "sum", "average", "min", "max" or "count"
	As     string
}
