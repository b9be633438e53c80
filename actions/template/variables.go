package template

import (
	"maps"
	"slices"
)

// Variables are the names of the variables that the template needs, sorted: of the path visitor.email that is visitor.
func (t *Template) Variables() []string {
	names := map[string]bool{}
	take := func(o operand) {
		if len(o.path) > 0 && !o.path[0].indexed {
			names[o.path[0].key] = true
		}
	}
	for _, p := range t.parts {
		if p.output == nil {
			continue
		}
		take(p.output.head)
		for _, c := range p.output.filters {
			for _, argument := range c.args {
				take(argument)
			}
			for _, argument := range c.named {
				take(argument)
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
