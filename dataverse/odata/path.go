package odata

// ResourcePath is what a request addresses, below the service root.
type ResourcePath struct{ Segments []Segment }

// Segment is one step of a path: a name, and the key or the parameters behind it in parentheses.
type Segment struct {
	Name      string // "accounts", "$ref", "Microsoft.Dynamics.CRM.QualifyLead"; "$1" for the reference to a part of a batch
	Keys      []KeyValue
	HasParens bool
}

// KeyValue is one value of a key or one parameter of a function. Its name is empty where only the value was given, as the
// GUID in accounts(guid).
type KeyValue struct {
	Name  string
	Value Value
}
