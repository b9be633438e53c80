package actions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// order is one field to sort by.
type order struct {
	link       string // in FetchXML: the alias of the link whose field it is; "" for the record's own
	field      *schema.Field
	descending bool
}

// String is the order as an answer's OrderedBy has it.
func (o order) String() string {
	name, direction := o.field.LogicalName, "asc"
	if o.link != "" {
		name = o.link + "." + name
	}
	if o.descending {
		direction = "desc"
	}
	return name + " " + direction
}

// parseOrders reads the orders that a request names.
func parseOrders(e *schema.Entity, texts []string) ([]order, []input.Fault) {
	var orders []order
	var faults []input.Fault
	for i, text := range texts {
		o, fault := parseOrder(e, text, fmt.Sprintf("order_by[%d]", i))
		if fault == nil && slices.ContainsFunc(orders, func(before order) bool { return before.field == o.field }) {
			fault = input.NewFault(input.InvalidRequest, fmt.Sprintf("order_by[%d]", i), "%q is ordered by already", o.field.LogicalName)
		}
		if fault != nil {
			faults = append(faults, *fault)
			continue
		}
		orders = append(orders, o)
	}
	return orders, faults
}

func parseOrder(e *schema.Entity, text, path string) (order, *input.Fault) {
	name, direction := splitOrder(e, text)
	switch {
	case name == "":
		return order{}, input.NewFault(input.InvalidRequest, path, "is no order: write a field and \"asc\" or \"desc\", as \"createdon desc\"")
	case direction != "" && direction != "asc" && direction != "desc":
		return order{}, input.NewFault(input.InvalidRequest, path, "the direction of an order is \"asc\" or \"desc\", not %q", direction)
	}
	f := translate.Field(e, name)
	if f == nil {
		return order{}, translate.UnknownField(e, name, path)
	}
	if !sortable(f) {
		return order{}, input.NewFault(input.InvalidField, path, "Dataverse cannot sort by %s.%s (%s)", e.LogicalName, f.LogicalName, f.Type)
	}
	return order{field: f, descending: direction == "desc"}, nil
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

// sortable reports whether Dataverse sorts by the field. It refuses multi-select choices with 0x80050224.
func sortable(f *schema.Field) bool {
	return translate.Searchable(f) && f.Type != schema.MultiSelectPicklist
}

// totalOrder makes the order of records total: without an order of the author's, active records come first and then the
// oldest; the primary key comes last in every case.
func totalOrder(e *schema.Entity, author []order) []order {
	orders := author
	if len(author) == 0 {
		orders = defaultOrder(e)
	}
	if slices.ContainsFunc(orders, func(o order) bool { return o.link == "" && o.field.LogicalName == e.PrimaryID }) {
		return orders
	}
	if key := e.Field(e.PrimaryID); key != nil {
		orders = append(orders, order{field: key})
	}
	return orders
}

// defaultOrder sorts active records first and then by age, as far as the entity has both.
func defaultOrder(e *schema.Entity) []order {
	var orders []order
	for _, name := range []string{"statecode", "createdon"} {
		if f := e.Field(name); f != nil && sortable(f) {
			orders = append(orders, order{field: f})
		}
	}
	return orders
}

// orderTexts is orders as an answer's OrderedBy has them.
func orderTexts(orders []order) []string {
	texts := make([]string, len(orders))
	for i, o := range orders {
		texts[i] = o.String()
	}
	return texts
}

// odataOrders is orders as $orderby has them.
func odataOrders(orders []order) []odata.Order {
	terms := make([]odata.Order, len(orders))
	for i, o := range orders {
		terms[i] = odata.Order{Path: odata.Path{o.field.Property()}, Desc: o.descending}
	}
	return terms
}
