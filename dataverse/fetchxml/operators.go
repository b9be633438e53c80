package fetchxml

// Arity says how many operands an operator takes.
type Arity int

// The arities.
const (
	None       Arity = iota // it ignores a value
	One                     // exactly one
	Two                     // exactly two
	AtLeastOne              // one or more
)

// Kinds is a set of kinds of fields.
type Kinds uint16

// The kinds of fields that operators tell apart.
const (
	Texts    Kinds = 1 << iota // String, Memo
	Numbers                    // Integer, BigInt, Decimal, Double, Money
	Dates                      // DateTime
	Choices                    // Picklist, State, Status, Boolean, EntityName
	Multi                      // MultiSelectPicklist
	IDs                        // Uniqueidentifier, Lookup, Customer
	Owners                     // Owner
	AllKinds = Texts | Numbers | Dates | Choices | Multi | IDs | Owners
)

// Operator is one of the operators that a condition can have.
type Operator struct {
	Name     string
	Operands Arity
	Kinds    Kinds // of the fields it can test
	Negative bool  // it also matches records where the field has no value
	ValueOf  bool  // it can compare two fields
	Hours    bool  // it counts hours or minutes, which a field without a time does not have
}
