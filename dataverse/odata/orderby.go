package odata

// ParseOrderBy reads an $orderby, its percent-encoding already undone. Errors are *SyntaxError.
func ParseOrderBy(text string) ([]Order, error) { return parseOrderBy(text, unresolved) }

func parseOrderBy(text string, resolve func(string) (Value, error)) ([]Order, error) {
	if err := checkUTF8(text); err != nil {
		return nil, err
	}
	p := newParser(text, resolve)
	var orders []Order
	for more := true; more && p.err == nil; more = p.accept(",") {
		o := Order{Path: p.field()}
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
