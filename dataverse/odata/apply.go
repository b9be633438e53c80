package odata

import "strings"

// parseApply reads an $apply: filter(…), then groupby(…) or aggregate(…), with slashes between.
func parseApply(text string, resolve func(string) (Value, error)) (*Apply, error) {
	steps, err := split(text, '/')
	if err != nil {
		return nil, err
	}
	a := &Apply{}
	for i, s := range steps {
		name, inside, ok := call(strings.TrimSpace(s.text))
		last := i == len(steps)-1
		switch {
		case ok && name == "filter" && i == 0 && !last:
			a.Filter, err = parseFilter(inside, resolve)
		case ok && name == "groupby" && last:
			err = a.groupBy(inside)
		case ok && name == "aggregate" && last:
			a.Aggregates, err = parseAggregates(inside)
		default:
			err = &SyntaxError{Text: text, Offset: s.offset, Message: "$apply must be filter(…), if any, then groupby((…),aggregate(…)), groupby((…)) or aggregate(…)"}
		}
		if err != nil {
			return nil, err
		}
	}
	return a, nil
}

// groupBy reads "(a,b/c),aggregate(…)" or "(a,b/c)".
func (a *Apply) groupBy(text string) error {
	p := newParser(text, unresolved)
	p.expect("(")
	for more := true; more && p.err == nil; more = p.accept(",") {
		a.GroupBy = append(a.GroupBy, p.path())
	}
	p.expect(")")
	if p.accept(",") {
		if !p.accept("aggregate") {
			p.fail(p.tok.pos, "aggregate(…) expected")
		}
		p.expect("(")
		a.Aggregates = p.aggregates()
		p.expect(")")
	}
	return p.finish()
}

func parseAggregates(text string) ([]Aggregate, error) {
	p := newParser(text, unresolved)
	list := p.aggregates()
	return list, p.finish()
}

func (p *parser) aggregates() []Aggregate {
	var list []Aggregate
	for more := true; more && p.err == nil; more = p.accept(",") {
		list = append(list, p.aggregate())
	}
	return list
}

// aggregate reads "revenue with sum as total" or "$count as n".
func (p *parser) aggregate() Aggregate {
	g := Aggregate{Method: "count"}
	if !p.accept("$count") {
		g.Path = p.path()
		p.expect("with")
		g.Method = p.tok.text
		switch g.Method {
		case "sum", "average", "min", "max":
			p.advance()
		default:
			p.fail(p.tok.pos, "a method expected: sum, average, min or max")
		}
	}
	p.expect("as")
	if p.tok.kind != word {
		p.fail(p.tok.pos, "the name of a result expected")
	}
	g.As = p.tok.text
	p.advance()
	return g
}
