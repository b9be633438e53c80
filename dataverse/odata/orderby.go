package odata

// ParseOrderBy reads an $orderby, its percent-encoding already undone. Errors are *SyntaxError.
func ParseOrderBy(text string) ([]Order, error) { return parseOrderBy(text, nil) }

// parseOrderBy takes the texts that parameter aliases stand for: names of fields, here.
func parseOrderBy(text string, aliases map[string]string) ([]Order, error) {
	if err := checkUTF8(text); err != nil {
		return nil, err
	}
	p := newParser(text, unresolved)
	var orders []Order
	for more := true; more && p.err == nil; more = p.accept(",") {
		o := Order{Path: p.sortPath(aliases)}
		if o.Desc = p.accept("desc"); !o.Desc {
			p.accept("asc")
		}
		orders = append(orders, o)
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	return orders, nil
}

func (p *parser) sortPath(aliases map[string]string) Path {
	t := p.tok
	if t.kind != alias {
		return p.path()
	}
	p.advance()
	stands, ok := aliases[t.text]
	if !ok {
		p.fail(t.pos, "the alias %s has no value", t.text)
		return nil
	}
	named := newParser(stands, unresolved)
	path := named.path()
	if err := named.finish(); err != nil {
		p.fail(t.pos, "the alias %s does not name a field", t.text)
	}
	return path
}
