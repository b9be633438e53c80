package fetchxml

import (
	"maps"
	"slices"

	"github.com/botverse/botverse/dataverse/schema"
)

// Arity says how many operands an operator takes.
type Arity int

// The arities.
const (
	None       Arity = iota // it ignores a value
	One                     // exactly one
	Two                     // exactly two
	AtLeastOne              // one or more
)

// takes reports whether n operands are right.
func (a Arity) takes(n int) bool {
	switch a {
	case One:
		return n == 1
	case Two:
		return n == 2
	case AtLeastOne:
		return n >= 1
	}
	return true
}

// Kinds is a set of kinds of fields.
type Kinds uint16

// The kinds of fields that operators tell apart.
const (
	Texts    Kinds = 1 << iota // String, Memo and the name fields of lookups and choices
	Numbers                    // Integer, BigInt, Decimal, Double, Money
	Dates                      // DateTime
	Choices                    // Picklist, State, Status, Boolean, EntityName
	Multi                      // MultiSelectPicklist
	IDs                        // Uniqueidentifier, Lookup, Customer
	Owners                     // Owner
	Others                     // what has nothing to compare: images, files, party lists
	AllKinds = Texts | Numbers | Dates | Choices | Multi | IDs | Owners
)

// KindOf is the kind of a field.
func KindOf(f *schema.Field) Kinds {
	switch f.Type {
	case schema.String, schema.Memo:
		return Texts
	case schema.Integer, schema.BigInt, schema.Decimal, schema.Double, schema.Money:
		return Numbers
	case schema.DateTime:
		return Dates
	case schema.Picklist, schema.State, schema.Status, schema.Boolean, schema.EntityName:
		return Choices
	case schema.MultiSelectPicklist:
		return Multi
	case schema.Uniqueidentifier, schema.Lookup, schema.Customer:
		return IDs
	case schema.Owner:
		return Owners
	case schema.Virtual:
		if f.AttributeOf != "" {
			return Texts // "statuscodename": the label
		}
	}
	return Others
}

// Operator is one of the 83 operators that a condition can have (FetchXML reference, "operators").
type Operator struct {
	Name     string
	Operands Arity
	Kinds    Kinds // of the fields it can test
	Negative bool  // it also matches records where the field has no value
	ValueOf  bool  // it can compare two fields
	Hours    bool  // it counts hours or minutes, which a field without a time does not have
}

// LookupOperator returns the operator of that name.
func LookupOperator(name string) (Operator, bool) {
	o, ok := operators[name]
	return o, ok
}

// OperatorNames returns the names of all operators, sorted.
func OperatorNames() []string { return slices.Sorted(maps.Keys(operators)) }

// operators is read only.
var operators = func() map[string]Operator {
	m := map[string]Operator{}
	add := func(o Operator, names ...string) {
		for _, n := range names {
			o.Name = n
			m[n] = o
		}
	}
	const ordered = Texts | Numbers | Dates | Choices
	add(Operator{Operands: One, Kinds: AllKinds, ValueOf: true}, "eq")
	// A negation also matches where there is no value: FetchXML is not SQL there.
	add(Operator{Operands: One, Kinds: AllKinds, ValueOf: true, Negative: true}, "ne")
	add(Operator{Operands: One, Kinds: AllKinds, Negative: true}, "neq")
	add(Operator{Operands: One, Kinds: ordered, ValueOf: true}, "gt", "ge", "lt", "le")
	add(Operator{Operands: Two, Kinds: ordered}, "between")
	add(Operator{Operands: Two, Kinds: ordered, Negative: true}, "not-between")
	add(Operator{Operands: AtLeastOne, Kinds: AllKinds}, "in")
	add(Operator{Operands: AtLeastOne, Kinds: AllKinds, Negative: true}, "not-in")
	add(Operator{Operands: None, Kinds: AllKinds | Others}, "null", "not-null")

	const named = Texts | IDs | Owners // a lookup is tested by the name of what it points at
	add(Operator{Operands: One, Kinds: named}, "like", "begins-with", "ends-with")
	add(Operator{Operands: One, Kinds: named, Negative: true}, "not-like", "not-begin-with", "not-end-with")

	add(Operator{Operands: None, Kinds: Dates}, "yesterday", "today", "tomorrow", "last-seven-days", "next-seven-days",
		"last-week", "this-week", "next-week", "last-month", "this-month", "next-month", "last-year", "this-year", "next-year")
	add(Operator{Operands: One, Kinds: Dates, Hours: true}, "last-x-hours", "next-x-hours", "olderthan-x-minutes", "olderthan-x-hours")
	add(Operator{Operands: One, Kinds: Dates}, "last-x-days", "next-x-days", "last-x-weeks", "next-x-weeks", "last-x-months",
		"next-x-months", "last-x-years", "next-x-years", "olderthan-x-days", "olderthan-x-weeks", "olderthan-x-months", "olderthan-x-years")
	add(Operator{Operands: One, Kinds: Dates}, "on", "on-or-before", "on-or-after")
	add(Operator{Operands: None, Kinds: Dates}, "this-fiscal-year", "last-fiscal-year", "next-fiscal-year",
		"this-fiscal-period", "last-fiscal-period", "next-fiscal-period")
	add(Operator{Operands: One, Kinds: Dates}, "last-x-fiscal-years", "next-x-fiscal-years", "last-x-fiscal-periods",
		"next-x-fiscal-periods", "in-fiscal-year", "in-fiscal-period")
	add(Operator{Operands: Two, Kinds: Dates}, "in-fiscal-period-and-year", "in-or-before-fiscal-period-and-year", "in-or-after-fiscal-period-and-year")

	add(Operator{Operands: None, Kinds: IDs | Owners}, "eq-userid", "eq-userteams", "eq-useroruserteams", "eq-useroruserhierarchy",
		"eq-useroruserhierarchyandteams", "eq-businessid")
	add(Operator{Operands: None, Kinds: IDs | Owners, Negative: true}, "ne-userid", "ne-businessid")
	add(Operator{Operands: None, Kinds: Numbers | Choices}, "eq-userlanguage")

	add(Operator{Operands: One, Kinds: IDs | Owners}, "above", "eq-or-above", "under", "eq-or-under")
	add(Operator{Operands: One, Kinds: IDs | Owners, Negative: true}, "not-under")
	add(Operator{Operands: AtLeastOne, Kinds: Multi}, "contain-values")
	add(Operator{Operands: AtLeastOne, Kinds: Multi, Negative: true}, "not-contain-values")
	return m
}()
