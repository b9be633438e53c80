package odata

import "net/url"

// Query is the options of a request, as read from or written to the part of its URL behind the question mark.
type Query struct {
	Select     []string
	Filter     Expr
	OrderBy    []Order
	Top        *int
	Count      bool
	Expand     []Expand
	Apply      *Apply
	SkipToken  string
	FetchXML   string // the document of fetchXml=
	SavedQuery string // the ID of a system view
	UserQuery  string // the ID of a personal view
	// Aliases has the parameter aliases as they were written, by name with the at sign: "@p1".
	Aliases map[string]string
	// Other has the options that are none of these and do not begin with a dollar sign.
	Other url.Values
}
