package fetchxml

import (
	"errors"

	"github.com/botverse/botverse/dataverse/schema"
)

// Parse reads a document. Errors are *SyntaxError.
func Parse(text string) (*Fetch, error) { return nil, errors.New("unimplemented") }

// Walk visits every XML attribute and every text of a document, in order, without asking what they mean: also of a document
// that Parse refuses, so that a template where none can be is found before it is taken for a wrong value. Texts of white
// space only and comments are left out. Errors are *SyntaxError: the document is not XML.
func Walk(text string, visit func(Attr)) error { return errors.New("unimplemented") }

// XML writes the query in its one canonical form, escaped, without white space between elements; Parse reads it back to the
// same tree but for positions. What is not FetchXML is left out: when-set.
func (f *Fetch) XML() string { return "" }

// Clone returns a deep copy.
func (f *Fetch) Clone() *Fetch { return f }

// Check finds what is wrong with a query by the metadata that entity returns for a logical name, nil where there is none.
// It looks at names, types and rules, not at the texts of values.
func Check(f *Fetch, entity func(name string) *schema.Entity) []*Fault { return nil }

// LookupOperator returns the operator of that name.
func LookupOperator(name string) (Operator, bool) { return Operator{}, false }

// Aliases returns the name by which each link is known: its alias, else the one that Dataverse makes.
func (f *Fetch) Aliases() map[*Link]string { return nil }

// Type returns the link's type, "inner" where none is written.
func (l *Link) Type() string { return l.LinkType }
