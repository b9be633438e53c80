package odata

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

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
	DeltaToken string // where changes are asked for: what a delta link has
	FetchXML   string // the document of fetchXml=
	SavedQuery string // the ID of a system view
	UserQuery  string // the ID of a personal view
	// Aliases has the parameter aliases as they were written, by name with the at sign: "@p1".
	Aliases map[string]string
	// Other has the options that are none of these and do not begin with a dollar sign, and $id.
	Other url.Values
}

// option is one option of a query, decoded.
type option struct{ name, value string }

// ParseQuery reads the part of a URL behind the question mark, still percent-encoded. The values of parameter aliases are put
// in their place in conditions; an alias without a value is null. Options that Dataverse does not have ($skip, $search …) are
// refused, and so is an option that comes twice. Errors are *SyntaxError.
func ParseQuery(rawQuery string) (*Query, error) {
	options, err := splitQuery(rawQuery)
	if err != nil {
		return nil, err
	}
	q := &Query{Aliases: map[string]string{}, Other: url.Values{}}
	for _, o := range options {
		if strings.HasPrefix(o.name, "@") {
			q.Aliases[o.name] = o.value
		}
	}
	for i, o := range options {
		if strings.HasPrefix(o.name, "$") && slices.ContainsFunc(options[:i], func(before option) bool { return before.name == o.name }) {
			return nil, &SyntaxError{Text: o.name, Message: "the option comes twice"}
		}
		if err := q.read(o); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// splitQuery takes the options apart. Unlike net/url it lets semicolons be, which $expand has.
func splitQuery(raw string) ([]option, error) {
	options := make([]option, 0, strings.Count(raw, "&")+1)
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err := url.QueryUnescape(name)
		if err != nil {
			return nil, &SyntaxError{Text: part, Message: "the percent-encoding is wrong"}
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return nil, &SyntaxError{Text: part, Offset: len(name) + 1, Message: "the percent-encoding is wrong"}
		}
		if err := cmp.Or(checkUTF8(n), checkUTF8(v)); err != nil {
			return nil, err
		}
		options = append(options, option{n, v})
	}
	return options, nil
}

func (q *Query) read(o option) (err error) {
	switch o.name {
	case "$select":
		q.Select, err = parseSelect(o.value)
	case "$filter":
		q.Filter, err = parseFilter(o.value, q.aliased)
	case "$orderby":
		q.OrderBy, err = parseOrderBy(o.value, q.aliased)
	case "$top":
		q.Top, err = parseTop(o.value)
	case "$count":
		q.Count, err = parseCount(o.value)
	case "$expand":
		q.Expand, err = parseExpand(o.value, 1)
	case "$apply":
		q.Apply, err = parseApply(o.value, q.aliased)
	case "$skiptoken":
		q.SkipToken = o.value
	case "$deltatoken":
		q.DeltaToken = o.value
	default:
		return q.readCustom(o)
	}
	return err
}

// readCustom reads an option that is not one of OData's.
func (q *Query) readCustom(o option) error {
	switch {
	case strings.HasPrefix(o.name, "@"): // read before all others
	case o.name == "$id": // of DELETE …/$ref?$id=…
		q.Other.Add(o.name, o.value)
	case strings.HasPrefix(o.name, "$"):
		return &SyntaxError{Text: o.name, Message: fmt.Sprintf("The query option '%s' is not supported", o.name)}
	case strings.EqualFold(o.name, "fetchXml"):
		if strings.TrimSpace(o.value) == "" { // else it would ask for all records
			return &SyntaxError{Text: o.name, Message: "the option has no document"}
		}
		q.FetchXML = o.value
	case strings.EqualFold(o.name, "savedQuery"):
		q.SavedQuery = o.value
	case strings.EqualFold(o.name, "userQuery"):
		q.UserQuery = o.value
	default:
		q.Other.Add(o.name, o.value)
	}
	return nil
}

// aliased is the value of a parameter alias. One without a value is null (Web API, "Use parameter aliases").
func (q *Query) aliased(name string) (Value, error) {
	text, ok := q.Aliases[name]
	if !ok {
		return Null{}, nil
	}
	return parseValue(text)
}

// parseValue reads what an alias stands for: a literal, or the name of a field.
func parseValue(text string) (Value, error) {
	p := newParser(text, unresolved)
	v := p.operand()
	if err := p.finish(); err != nil {
		return nil, err
	}
	if nested, ok := v.(Alias); ok {
		return nil, &SyntaxError{Text: text, Message: fmt.Sprintf("the alias %s cannot stand for another", nested)}
	}
	return v, nil
}

func parseSelect(text string) ([]string, error) {
	names := make([]string, 0, strings.Count(text, ",")+1)
	offset := 0
	for part := range strings.SplitSeq(text, ",") {
		name := strings.TrimSpace(part)
		if name != "*" && strings.Trim(name, "/") != name || name == "" || !isSelectable(name) {
			return nil, &SyntaxError{Text: text, Offset: offset, Message: "the name of a field expected"}
		}
		names = append(names, name)
		offset += len(part) + 1
	}
	return names, nil
}

func isSelectable(name string) bool {
	for i := range len(name) {
		if !isWordByte(name[i]) && name[i] != '/' && name != "*" {
			return false
		}
	}
	return true
}

func parseTop(text string) (*int, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil || n < 0 {
		return nil, &SyntaxError{Text: text, Message: "$top must be a whole number that is not negative"}
	}
	top := int(n)
	return &top, nil
}

func parseCount(text string) (bool, error) {
	switch strings.TrimSpace(text) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, &SyntaxError{Text: text, Message: "$count must be true or false"}
}
