package fetchxml

import "github.com/botverse/botverse/dataverse/schema"

// Check finds what is wrong with a query by the metadata that entity returns for a logical name, nil where there is none.
// It looks at names, types and rules, not at the texts of values.
func Check(f *Fetch, entity func(name string) *schema.Entity) []*Fault { return nil }
