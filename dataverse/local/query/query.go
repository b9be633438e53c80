package query

import (
	"time"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// Options is what a query needs to know of its caller and of the reply that is wanted.
type Options struct {
	Now            time.Time      // of relative dates
	Location       *time.Location // the caller's zone; nil is UTC
	Language       int            // of labels that are sorted by or compared; 0 is the environment's own
	UserID         string         // the caller, for eq-userid
	BusinessUnitID string         // the caller's business unit, for eq-businessid
	Hierarchy      Hierarchy      // who is below the caller
	Fiscal         Fiscal         // the organization's fiscal calendar
	Labels         bool           // read the names of the records that lookups point at, for formatted values
	PageSize       int            // rows of a page; 0 and more than MaxPageSize is MaxPageSize. FetchXML's count comes first
	Where          odata.Expr     // what the root records of a FetchXML document must meet beside it, as being in a collection; nil for nothing
	Count          bool           // count all rows also where the query itself does not ask for it, up to MaxCount
}

// The limits of Dataverse (Web API, "Query data using the Web API"; FetchXML, "Page results").
const (
	MaxPageSize      = 5000
	MaxCount         = 5000  // of counted rows; more are "limit exceeded"
	maxSimplePaging  = 50000 // rows that can be reached without a paging cookie
	maxAggregateRows = 50000
)

// Query is one question to the database, made by FromOData or FromFetchXML. It is not changed afterwards.
type Query struct {
	Entity *schema.Entity // the root
	// Columns describes the values of each row of the result.
	Columns []Column
	// PageSize is how many rows a page has at most.
	PageSize int

	statement *statement
	keys      []orderKey // what rows are ordered by, the order being total; nil where pages go by number
	after     []any      // the keys' values of the last row before the page; nil for the first page
	skip      int        // rows to skip behind those
	page      int        // from 1
	isTop     bool       // no page follows
	noCookie  bool       // the next page is asked for by its number
	counts    bool       // the number of all rows is asked for
	maxInput  int        // most rows that an aggregate may read; 0 where it is none
}

// Role says what a column of a result is for.
type Role int

// The roles.
const (
	Shown   Role = iota // a value of the reply
	Target              // of a lookup: the logical name of the entity it points at
	Name                // of a lookup: the name of the record it points at
	Version             // of a record: the number of its entity tag
	Hidden              // what paging and counting need
)

// Column describes one column of a query's result. Columns of other roles than Shown follow those they belong to.
type Column struct {
	Role Role
	// Property is the name in the reply: "name", "_ownerid_value", "c.fullname", or an alias.
	Property string
	// Path has the navigation properties of $expand that lead from the root record to the one the column is of.
	Path []string
	// Entity and Field are what the column is of, also behind an alias. Field is nil for the count of rows.
	Entity *schema.Entity
	Field  *schema.Field
	// LinkAlias is the alias of the FetchXML link that the field is of; "" for the root.
	LinkAlias string
	// Aliased says that Property is an alias, or a link's, so that the reply tells the field's name beside it.
	Aliased bool
	// Key marks the record ID of the record at Path: where it is NULL there is no such record.
	Key bool
	// Ref says that only the reference to the record is wanted.
	Ref bool
	// Aggregate and DateGrouping are FetchXML's and $apply's: "sum", "month". Grouped marks a group's key.
	Aggregate    string
	DateGrouping string
	Grouped      bool
	// TargetAt and NameAt are the places of the columns with the lookup's target and its name, -1 where there are none. A
	// lookup that can point at one entity only has no target column: Field.Targets names it.
	TargetAt, NameAt int
	// Rows describes the records of a collection that $expand asked for: the value is a Collection of these columns.
	Rows []Column
	// Options are the options of a request for the collection itself, percent-encoded.
	Options string
	// HasRest says that the collection may have more records than the reply: it has a link to them.
	HasRest bool

	keys      []orderKey // of a collection that comes in pages
	pageSize  int
	fiscal    *Fiscal // of a DateGrouping
	longMoney bool    // has nine digits after the point, as $apply has them
}
