package odata

import "strings"

// function reads what stands in the parentheses behind a name or path.
func (p *parser) function(pos int, path Path) Expr {
	last := path[len(path)-1]
	switch {
	case len(path) > 1 && (last == "any" || last == "all"):
		return p.lambda(path[:len(path)-1], last)
	case len(path) > 1:
		p.fail(pos, "'%s' is not a function: any(…) or all(…) can follow a path", last)
		return nil
	case strings.HasPrefix(last, namespace):
		return p.queryFunction(strings.TrimPrefix(last, namespace))
	}
	switch last {
	case "contains", "startswith", "endswith":
		return p.call(last)
	}
	p.fail(pos, "the function '%s' is not supported: contains, startswith, endswith and those of %s* are", last, strings.TrimSuffix(namespace, "."))
	return nil
}

func (p *parser) call(name string) Expr {
	p.expect("(")
	c := &Call{Func: name, Path: p.field()}
	p.expect(",")
	c.Value = p.value()
	p.expect(")")
	return c
}

func (p *parser) lambda(collection Path, kind string) Expr {
	l := &Lambda{Collection: collection, Kind: kind}
	p.expect("(")
	if kind == "any" && p.accept(")") {
		return l
	}
	l.Variable = p.tok.text
	if p.tok.kind != word || strings.Contains(l.Variable, ".") {
		p.fail(p.tok.pos, "the name of a variable expected, as t in any(t:…)")
		return nil
	}
	p.advance()
	p.expect(":")
	l.Body = p.or()
	p.expect(")")
	return l
}

func (p *parser) queryFunction(name string) Expr {
	f := &QueryFunction{Name: name}
	p.expect("(")
	for !p.is(")") && p.err == nil {
		f.Params = append(f.Params, p.param())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return f
}

func (p *parser) param() Param {
	t := p.tok
	if t.kind != word {
		p.fail(t.pos, "the name of a parameter expected")
		return Param{}
	}
	p.advance()
	p.expect("=")
	return Param{Name: t.text, Value: p.value()}
}
