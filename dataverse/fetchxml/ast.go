package fetchxml

// Node is what all elements have: where they begin, and their XML attributes as they were written.
type Node struct {
	Pos   Pos
	Attrs []Attr // all of them, for their positions; changing them changes nothing
	Extra []Attr // those that this package knows nothing of; they are written back
}

// Attr is a value in the document as it was written, entities resolved: an XML attribute, or a text.
type Attr struct {
	Element string // "condition"
	Name    string // "value"; "" for a text between tags
	Value   string
	Pos     Pos // of the value's first character
}

// PosOf returns where the value of an XML attribute begins, and where the element begins if it was written without it.
func (n Node) PosOf(attribute string) Pos {
	for _, a := range n.Attrs {
		if a.Name == attribute {
			return a.Pos
		}
	}
	return n.Pos
}

// Fetch is a query.
type Fetch struct {
	Node
	Top, Count, Page       *int
	AggregateLimit         *int
	PagingCookie           string // of the page before, not escaped
	Distinct               bool
	Aggregate              bool
	ReturnTotalRecordCount bool
	NoLock                 bool
	LateMaterialize        bool
	UseRawOrderBy          bool   // sort choices by number, not by label
	DataSource             string // "retained"
	Options                string // SQL hints
	Entity                 *Entity
}

// Contents is what an entity and a link have in common: what is selected, sorted by, filtered and joined. Several filters
// are joined by "and".
type Contents struct {
	Attributes    []Attribute
	AllAttributes bool
	NoAttributes  bool
	Orders        []Order
	Filters       []*Filter
	Links         []*Link
}

// Entity is the root of a query.
type Entity struct {
	Node
	Name string
	Contents
}

// Link joins an entity to the one around it.
type Link struct {
	Node
	Name      string
	From      string // a field of the entity named here; "" where left to the relationship
	To        string // a field of the entity around
	Alias     string // "" where left to the server, see Fetch.Aliases
	LinkType  string // as written; "" is inner. See Type
	Intersect bool
	Visible   bool
	Contents
}

// Attribute selects a field.
type Attribute struct {
	Node
	Name         string
	Alias        string
	Aggregate    string // "count", "countcolumn", "sum", "avg", "min", "max"
	GroupBy      bool
	Distinct     bool
	DateGrouping string // "day", "week", "month", "quarter", "year", "fiscal-period", "fiscal-year"
	UserTimeZone *bool  // of a date grouping: nil and true are the caller's zone, false is UTC
	RowAggregate string // "CountChildren"
}

// Order sorts by a field, or in an aggregate query by an alias.
type Order struct {
	Node
	Attribute  string
	Alias      string
	EntityName string // of a root order: the alias of the link whose field it is
	Descending bool
}

// Filter joins conditions.
type Filter struct {
	Node
	Type              string // "and" or "or"
	Conditions        []*Condition
	Filters           []*Filter
	Links             []*Link // "any", "not any", "all", "not all"
	Hint              string
	IsQuickFindFields bool
	QuickFindLimitOn  bool   // overridequickfindrecordlimitenabled
	QuickFindLimitOff bool   // overridequickfindrecordlimitdisabled
	WhenSet           string // not FetchXML: the filter counts only when this is set; never written to the wire
}

// Condition tests a field.
type Condition struct {
	Node
	EntityName string // the alias of the link whose field it is
	Attribute  string
	Operator   string
	Value      string
	HasValue   bool // whether a value attribute was there, as an empty one is a value
	ValueOf    string
	Values     []Text // the value elements
	ValuePos   Pos    // where Value begins
	WhenSet    string // not FetchXML: the condition counts only when this is set; never written to the wire
}

// Text is the text of a value element, its white space kept.
type Text struct {
	Text string
	Pos  Pos // of the text's first character
}

// Operands are the values that the condition compares with: the value elements, else the value attribute, which does not
// count beside them.
func (c *Condition) Operands() []Text {
	if len(c.Values) > 0 {
		return c.Values
	}
	if c.HasValue {
		return []Text{{Text: c.Value, Pos: c.ValuePos}}
	}
	return nil
}
