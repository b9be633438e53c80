// Package order makes the order of a search's records total, so that the first match is the same every time, and says which it is.
package order

import (
	"fmt"
	"slices"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// By is one field to sort by.
type By struct {
	Link       string // in FetchXML: the alias of the link whose field it is; "" for the record's own
	Field      *schema.Field
	Descending bool
}

// String is the order as an answer's OrderedBy has it.
func (o By) String() string {
	name, direction := o.Field.LogicalName, "asc"
	if o.Link != "" {
		name = o.Link + "." + name
	}
	if o.Descending {
		direction = "desc"
	}
	return name + " " + direction
}

// Parse reads the orders that a request names.
func Parse(e *schema.Entity, texts []string) ([]By, []input.Fault) {
	var orders []By
	var faults []input.Fault
	for i, text := range texts {
		o, fault := parseOrder(e, text, fmt.Sprintf("order_by[%d]", i))
		if fault == nil && slices.ContainsFunc(orders, func(before By) bool { return before.Field == o.Field }) {
			fault = input.NewFault(input.InvalidRequest, fmt.Sprintf("order_by[%d]", i), "%q is ordered by already", o.Field.LogicalName)
		}
		if fault != nil {
			faults = append(faults, *fault)
			continue
		}
		orders = append(orders, o)
	}
	return orders, faults
}

func parseOrder(e *schema.Entity, text, path string) (By, *input.Fault) {
	name, direction := splitOrder(e, text)
	switch {
	case name == "":
		return By{}, input.NewFault(input.InvalidRequest, path, "is no order: write a field and \"asc\" or \"desc\", as \"createdon desc\"")
	case direction != "" && direction != "asc" && direction != "desc":
		return By{}, input.NewFault(input.InvalidRequest, path, "the direction of an order is \"asc\" or \"desc\", not %q", direction)
	}
	f := translate.Field(e, name)
	if f == nil {
		return By{}, translate.UnknownField(e, name, path)
	}
	if !Sortable(f) {
		return By{}, input.NewFault(input.InvalidField, path, "Dataverse cannot sort by %s.%s (%s)", e.LogicalName, f.LogicalName, f.Type)
	}
	return By{Field: f, Descending: direction == "desc"}, nil
}

// splitOrder is the field that an order names, by its logical name or by its label, and what stands behind it. Where there is no
// such field, all but a direction is its name.
func splitOrder(e *schema.Entity, text string) (name, direction string) {
	words := strings.Fields(text)
	for n := len(words); n > 0; n-- {
		if name := strings.Join(words[:n], " "); translate.Field(e, name) != nil {
			return name, strings.Join(words[n:], " ")
		}
	}
	if last := len(words) - 1; last > 0 && (words[last] == "asc" || words[last] == "desc") {
		return strings.Join(words[:last], " "), words[last]
	}
	return strings.Join(words, " "), ""
}

// Sortable reports whether Dataverse sorts by the field. It refuses multi-select choices with 0x80050224.
func Sortable(f *schema.Field) bool {
	return translate.Searchable(f) && f.Type != schema.MultiSelectPicklist
}

// Total makes the order of records total: without an order of the author's, active records come first and then the
// oldest; the primary key comes last in every case.
func Total(e *schema.Entity, author []By) []By {
	orders := author
	if len(author) == 0 {
		orders = defaultOrder(e)
	}
	if slices.ContainsFunc(orders, func(o By) bool { return o.Link == "" && o.Field.LogicalName == e.PrimaryID }) {
		return orders
	}
	if key := e.Field(e.PrimaryID); key != nil {
		orders = append(orders, By{Field: key})
	}
	return orders
}

// defaultOrder sorts active records first and then by age, as far as the entity has both.
func defaultOrder(e *schema.Entity) []By {
	var orders []By
	for _, name := range []string{"statecode", "createdon"} {
		if f := e.Field(name); f != nil && Sortable(f) {
			orders = append(orders, By{Field: f})
		}
	}
	return orders
}

// Texts is orders as an answer's OrderedBy has them.
func Texts(orders []By) []string {
	texts := make([]string, len(orders))
	for i, o := range orders {
		texts[i] = o.String()
	}
	return texts
}

// OData is orders as $orderby has them.
func OData(orders []By) []odata.Order {
	terms := make([]odata.Order, len(orders))
	for i, o := range orders {
		terms[i] = odata.Order{Path: odata.Path{o.Field.Property()}, Desc: o.Descending}
	}
	return terms
}
