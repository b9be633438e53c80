package fetchxml

import (
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

func (c *checker) filter(s scope, f *Filter) {
	for _, condition := range f.Conditions {
		c.condition(s, condition)
	}
	for _, inner := range f.Filters {
		c.filter(s, inner)
	}
	for _, l := range f.Links {
		c.link(s, l)
	}
}

// named is the entity of the link that an entityname means; ok is false, with a fault, where there is none. The entity is nil
// where the link's entity is unknown.
func (c *checker) named(s scope, name string, pos Pos) (e *schema.Entity, ok bool) {
	if !s.root {
		c.fault(pos, code.QueryBuilderAliasDoesNotExist, "'entityname' can stand below the root <entity> only, not in a <link-entity>")
		return nil, false
	}
	l := c.fetch.LinkNamed(name)
	if l == nil {
		c.unknown(name, c.linkNames(), pos, code.QueryBuilderAliasDoesNotExist, "Link entity with name or alias %s is not found", name)
		return nil, false
	}
	return c.entities[l], true
}

func (c *checker) linkNames() []string {
	var names []string
	for _, l := range rowLinks(&c.fetch.Entity.Contents) {
		if l.Alias != "" {
			names = append(names, l.Alias)
		} else {
			names = append(names, l.Name)
		}
	}
	return names
}

func (c *checker) condition(s scope, n *Condition) {
	e := s.entity
	if n.EntityName != "" {
		var ok bool
		if e, ok = c.named(s, n.EntityName, n.PosOf("entityname")); !ok {
			return
		}
	}
	f := c.field(e, n.Attribute, n.PosOf("attribute"))
	o, ok := LookupOperator(n.Operator)
	if !ok {
		c.unknown(n.Operator, OperatorNames(), n.PosOf("operator"), code.QueryBuilderInvalidConditionOperator, "The condition operator '%s' is not supported.%s", n.Operator, advice(n.Operator))
		return
	}
	if f != nil {
		c.fits(o, f, n)
	}
	if n.ValueOf != "" {
		c.valueOf(s, o, f, n)
		return
	}
	if operands := len(n.Operands()); !o.Operands.takes(operands) {
		c.fault(n.Pos, code.QueryBuilderBadCondition, "The condition operator '%s' requires %s, not %d.", o.Name, o.Operands, operands)
	}
}

// advice names the right operator for those that other languages have.
func advice(operator string) string {
	right := map[string]string{
		"contains": "like with '%' around the value", "does-not-contain": "not-like with '%' around the value",
		"not-begins-with": "not-begin-with", "not-ends-with": "not-end-with", "does-not-contain-values": "not-contain-values",
		"=": "eq", "!=": "ne", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
	}[operator]
	if right == "" {
		return ""
	}
	return " Use " + right + "."
}

// String says how many values it takes: "1 value".
func (a Arity) String() string {
	switch a {
	case None:
		return "no value"
	case One:
		return "1 value"
	case Two:
		return "2 values"
	}
	return "at least 1 value"
}

// fits checks that an operator can test a field.
func (c *checker) fits(o Operator, f *schema.Field, n *Condition) {
	kind := KindOf(f)
	switch {
	case o.Kinds&kind == 0:
		c.fault(n.PosOf("operator"), code.QueryBuilderBadCondition, "The condition operator '%s' cannot test '%s', which is a %s field.%s", o.Name, f.LogicalName, f.Type, instead(o, kind))
	case o.Hours && f.Behavior == schema.DateOnly:
		c.fault(n.PosOf("operator"), code.QueryBuilderBadCondition, "The condition operator '%s' cannot test '%s', which is a date without a time.", o.Name, f.LogicalName)
	}
}

func instead(o Operator, kind Kinds) string {
	switch {
	case kind == Multi && o.Operands == One:
		return " Use contain-values."
	case kind == Choices && o.Kinds&Texts != 0:
		return " Choices are compared by number."
	}
	return ""
}

// valueOf checks a comparison of two fields: both of the condition's own record, or one of a link's that has an alias.
func (c *checker) valueOf(s scope, o Operator, left *schema.Field, n *Condition) {
	pos := n.PosOf("valueof")
	switch {
	case !o.ValueOf:
		c.fault(pos, code.QueryBuilderBadCondition, "The condition operator '%s' cannot compare with 'valueof'; eq, ne, gt, ge, lt and le can.", o.Name)
		return
	case len(n.Operands()) > 0: // (FetchXML Builder, issue 773)
		c.silent(pos, code.QueryBuilderBadCondition, "a condition has a value or 'valueof', not both")
		return
	}
	right, ok := c.valueOfField(s, n, pos)
	if !ok || left == nil || right == nil {
		return
	}
	if KindOf(left)&(Multi|Others) != 0 || !canEqual(left, right) {
		c.fault(pos, code.QueryBuilderBadCondition, "'%s', a %s field, cannot be compared with '%s', a %s field", left.LogicalName, left.Type, right.LogicalName, right.Type)
	}
}

func (c *checker) valueOfField(s scope, n *Condition, pos Pos) (*schema.Field, bool) {
	alias, name, joined := strings.Cut(n.ValueOf, ".")
	if !joined {
		e := s.entity
		if n.EntityName != "" {
			e = c.entities[c.fetch.LinkNamed(n.EntityName)]
		}
		f := c.field(e, n.ValueOf, pos)
		return f, f != nil
	}
	for _, l := range rowLinks(&c.fetch.Entity.Contents) {
		if l.Alias == alias {
			f := c.field(c.entities[l], name, pos)
			return f, f != nil
		}
	}
	c.fault(pos, code.QueryBuilderAliasDoesNotExist, "no <link-entity> has the alias '%s'", alias)
	return nil, false
}
