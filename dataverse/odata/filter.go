package odata

import (
	"strings"
	"unicode/utf8"
)

const namespace = "Microsoft.Dynamics.CRM."

// ParseFilter reads a $filter, its percent-encoding already undone. Errors are *SyntaxError.
func ParseFilter(text string) (Expr, error) { return parseFilter(text, unresolved) }

func parseFilter(text string, resolve func(string) (Value, error)) (Expr, error) {
	if err := checkUTF8(text); err != nil {
		return nil, err
	}
	p := newParser(text, resolve)
	e := p.or()
	if err := p.finish(); err != nil {
		return nil, err
	}
	return e, nil
}

func checkUTF8(text string) error {
	if !utf8.ValidString(text) {
		return &SyntaxError{Text: strings.ToValidUTF8(text, "?"), Message: "the text is not UTF-8"}
	}
	return nil
}

func (p *parser) or() Expr { return p.logical(Or, p.and) }

func (p *parser) and() Expr { return p.logical(And, p.term) }

func (p *parser) logical(op Junction, term func() Expr) Expr {
	terms := []Expr{term()}
	for p.accept(string(op)) {
		terms = append(terms, term())
	}
	if len(terms) == 1 {
		return terms[0]
	}
	return &Logical{Op: op, Terms: terms}
}

func (p *parser) term() Expr {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	switch {
	case p.is("not"):
		return p.not()
	case p.accept("("):
		e := p.or()
		p.expect(")")
		return e
	case p.tok.kind == literal || p.tok.kind == alias:
		return p.reversed()
	}
	return p.named()
}

// not reads what a "not" negates: a function, a yes/no field, or a condition in parentheses, for "not" binds tighter than a
// comparison does.
func (p *parser) not() Expr {
	pos := p.tok.pos
	p.advance()
	grouped := p.is("(")
	term := p.term()
	switch c := term.(type) {
	case *QueryFunction:
		p.fail(pos, "Not operator along with the Custom Named Condition operators is not allowed")
	case *Compare:
		b, _ := c.Value.(Bool)
		if alone := bool(b) && c.Op == Eq; !grouped && !alone {
			p.fail(pos, "the comparison behind 'not' must stand in parentheses")
		}
	}
	return &Not{Term: term}
}

// reversed reads a comparison with its value on the left, or with an alias that stands for a field.
func (p *parser) reversed() Expr {
	pos := p.tok.pos
	v := p.value()
	if path, ok := v.(PathValue); ok {
		return p.compared(Path(path))
	}
	op, ok := p.comparison()
	if !ok {
		p.fail(p.tok.pos, "a comparison (eq, ne, gt, ge, lt, le) expected")
		return nil
	}
	if p.tok.kind != word {
		p.fail(pos, "a comparison needs a field on one of its sides")
		return nil
	}
	mirrored := map[Op]Op{Eq: Eq, Ne: Ne, Gt: Lt, Ge: Le, Lt: Gt, Le: Ge}
	return &Compare{Path: p.path(), Op: mirrored[op], Value: v}
}

// named reads a term that begins with a name: a function, a lambda, a comparison or a yes/no field by itself.
func (p *parser) named() Expr {
	start := p.tok
	if start.kind != word {
		p.fail(start.pos, "a condition expected")
		return nil
	}
	path := p.path()
	if p.err != nil {
		return nil
	}
	if p.is("(") {
		return p.truth(start.pos, p.function(start.pos, path))
	}
	return p.compared(path)
}

// compared reads what a field is compared with; a yes/no field may stand alone.
func (p *parser) compared(path Path) Expr {
	op, ok := p.comparison()
	if !ok {
		p.refuseOperator()
		return &Compare{Path: path, Op: Eq, Value: Bool(true)}
	}
	return &Compare{Path: path, Op: op, Value: p.operand()}
}

// field reads the name of a field, or an alias that stands for one.
func (p *parser) field() Path {
	t := p.tok
	if t.kind != alias {
		return p.path()
	}
	path, ok := p.value().(PathValue)
	if !ok {
		p.fail(t.pos, "the alias %s does not name a field", t.text)
	}
	return Path(path)
}

func (p *parser) path() Path {
	var path Path
	for more := true; more && p.err == nil; more = p.accept("/") {
		if p.tok.kind != word || strings.HasPrefix(p.tok.text, "$") {
			p.fail(p.tok.pos, "the name of a field expected")
			return nil
		}
		path = append(path, p.tok.text)
		p.advance()
	}
	return path
}

func (p *parser) comparison() (Op, bool) {
	switch op := Op(p.tok.text); op {
	case Eq, Ne, Gt, Ge, Lt, Le:
		if p.tok.kind == word {
			p.advance()
			return op, true
		}
	}
	return "", false
}

// refuseOperator explains the operators of OData that Dataverse does not have.
func (p *parser) refuseOperator() {
	if p.tok.kind != word {
		return
	}
	switch p.tok.text {
	case "in":
		p.fail(p.tok.pos, "the operator 'in' is not supported: use %sIn(PropertyName='…',PropertyValues=[…])", namespace)
	case "has", "add", "sub", "mul", "div", "mod":
		p.fail(p.tok.pos, "the operator '%s' is not supported", p.tok.text)
	}
}

// operand reads the right side of a comparison.
func (p *parser) operand() Value {
	if p.tok.kind != word {
		return p.value()
	}
	path := p.path()
	if p.is("(") {
		p.fail(p.tok.pos, "a function is not supported there")
	}
	return PathValue(path)
}

// value reads a literal, an alias or an array.
func (p *parser) value() Value {
	t := p.tok
	switch {
	case t.kind == literal:
		p.advance()
		return t.value
	case t.kind == alias:
		p.advance()
		v, err := p.resolve(t.text)
		if err != nil {
			p.fail(t.pos, "the alias %s: %v", t.text, err)
		}
		return v
	case p.is("["):
		return p.array()
	}
	p.fail(t.pos, "a value expected")
	return nil
}

func (p *parser) array() Value {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	p.expect("[")
	a := Array{}
	for !p.is("]") && p.err == nil {
		if p.tok.kind == quoted {
			a = append(a, p.tok.value)
			p.advance()
		} else {
			a = append(a, p.value())
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect("]")
	return a
}

// truth reads "eq true" and "eq false" behind a function, where many clients write them.
func (p *parser) truth(start int, e Expr) Expr {
	pos := p.tok.pos
	op, ok := p.comparison()
	if !ok {
		return e
	}
	b, isBool := p.value().(Bool)
	if !isBool || op != Eq && op != Ne {
		p.fail(pos, "a function can be compared with true and false only")
		return nil
	}
	if bool(b) == (op == Eq) {
		return e
	}
	if _, custom := e.(*QueryFunction); custom {
		p.fail(start, "Not operator along with the Custom Named Condition operators is not allowed")
	}
	return &Not{Term: e}
}
