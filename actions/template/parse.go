package template

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parse parses a template. The error is an *Error: a tag, an output that is not closed, an unknown filter, a filter with
// too few or too many arguments.
func Parse(source string) (*Template, error) {
	if len(source) > maxTemplate {
		return nil, position{1, 1}.errorf("the template is longer than %d bytes", maxTemplate)
	}
	p := &parser{source: source}
	t := &Template{}
	outputs, trim := 0, false
	for p.at < len(source) {
		text := p.text()
		if trim {
			text = strings.TrimLeft(text, blanks)
		}
		if p.at == len(source) {
			t.add(text)
			break
		}
		if source[p.at+1] == '%' {
			return nil, p.errorf("tags ({%% … %%}) are not part of a template: only outputs ({{ … }}) are")
		}
		if outputs++; outputs > maxOutputs {
			return nil, p.errorf("the template has more than %d outputs", maxOutputs)
		}
		start := p.position()
		p.at += len("{{")
		if p.take("-") {
			text = strings.TrimRight(text, blanks)
		}
		t.add(text)
		o, err := p.output(start)
		if err != nil {
			return nil, err
		}
		trim = p.closedWithDash
		t.parts = append(t.parts, part{output: o})
	}
	return t, nil
}

func (t *Template) add(text string) {
	if text != "" {
		t.parts = append(t.parts, part{text: text})
	}
}

const blanks = " \t\r\n"

// parser reads a template from left to right.
type parser struct {
	source         string
	at             int
	closedWithDash bool // whether the last output ended in -}}

	// A place already counted, so that positions cost one pass in all.
	counted position
	until   int
}

// text reads up to the next {{ or {% or the end.
func (p *parser) text() string {
	start := p.at
	for i := p.at; ; i++ {
		n := strings.IndexByte(p.source[i:], '{')
		if n < 0 || i+n+1 >= len(p.source) {
			p.at = len(p.source)
			return p.source[start:]
		}
		if i += n; p.source[i+1] == '{' || p.source[i+1] == '%' {
			p.at = i
			return p.source[start:i]
		}
	}
}

// output reads the rest of an output, its closing braces included.
func (p *parser) output(start position) (*output, error) {
	o := &output{at: start}
	p.blank()
	if p.closes() {
		return nil, start.errorf("the output is empty: a variable's name must stand between {{ and }}")
	}
	var err error
	if o.head, err = p.operand(start); err != nil {
		return nil, err
	}
	for {
		p.blank()
		switch {
		case p.close():
			return o, nil
		case p.take("|"):
			c, err := p.filter(start)
			if err != nil {
				return nil, err
			}
			if o.filters = append(o.filters, c); len(o.filters) > maxFilters {
				return nil, c.at.errorf("the output has more than %d filters", maxFilters)
			}
		case p.at == len(p.source):
			return nil, unclosed(start)
		default:
			return nil, p.errorf("unexpected %s: after a value comes | and a filter, or }}", p.shown())
		}
	}
}

func unclosed(start position) *Error { return start.errorf("the output is not closed: }} is missing") }

// filter reads a filter's name and arguments: "default: 'friend'", "truncate: 20, '…'", "default: x, allow_false: true".
func (p *parser) filter(start position) (call, error) {
	p.blank()
	c := call{at: p.position(), name: p.name()}
	if c.name == "" {
		return c, p.missing(start, "a filter's name must follow |")
	}
	f, ok := filters[c.name]
	if !ok {
		return c, c.at.errorf("there is no filter %q; there are %s", c.name, strings.Join(Filters(), ", "))
	}
	c.filter = f
	p.blank()
	if p.take(":") {
		if err := p.arguments(&c, start); err != nil {
			return c, err
		}
	}
	if len(c.args) < f.least || len(c.args) > f.most {
		return c, c.at.errorf("the filter %s takes %s, not %d", c.name, f.arity(), len(c.args))
	}
	return c, nil
}

func (p *parser) arguments(c *call, start position) error {
	for {
		p.blank()
		name, named := p.argumentName()
		p.blank()
		at := p.position()
		v, err := p.operand(start)
		if err != nil {
			return err
		}
		switch {
		case !named:
			c.args = append(c.args, v)
		case !slices.Contains(c.filter.named, name):
			return at.errorf("the filter %s has no argument named %q", c.name, name)
		default:
			if c.named == nil {
				c.named = map[string]operand{}
			}
			c.named[name] = v
		}
		if p.blank(); !p.take(",") {
			return nil
		}
	}
}

// argumentName reads "name:" where it stands.
func (p *parser) argumentName() (string, bool) {
	from := p.at
	name := p.name()
	if p.blank(); name != "" && p.take(":") {
		return name, true
	}
	p.at = from
	return "", false
}

// operand reads a literal or a path.
func (p *parser) operand(start position) (operand, error) {
	if p.at == len(p.source) {
		return operand{}, unclosed(start)
	}
	switch c := p.source[p.at]; {
	case c == '"' || c == '\'':
		s, err := p.quoted()
		return operand{literal: s, text: "the text"}, err
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	return p.path(start)
}

// path reads a path, or one of the words that stand for a value. A variable whose name is none may stand in brackets:
// ["first name"].
func (p *parser) path(start position) (operand, error) {
	from := p.at
	first := step{key: p.name()}
	if first.key == "" {
		var err error
		if !p.take("[") {
			return operand{}, p.missing(start, "a variable's name, a text in quotes or a number must stand here")
		}
		if first, err = p.bracketed(start); err != nil {
			return operand{}, err
		}
	}
	steps, err := p.steps(first, start)
	if err != nil {
		return operand{}, err
	}
	text := p.source[from:p.at]
	if v, ok := words[text]; ok {
		return operand{literal: v, text: text}, nil
	}
	return operand{path: steps, text: text}, nil
}

var words = map[string]any{"true": true, "false": false, "nil": nil, "null": nil, "empty": "", "blank": ""}

// steps reads what follows a path's first name.
func (p *parser) steps(first step, start position) ([]step, error) {
	steps := []step{first}
	for {
		if len(steps) > maxPath {
			return nil, p.errorf("the path has more than %d steps", maxPath)
		}
		switch {
		case p.take("."):
			name := p.name()
			if name == "" {
				return nil, p.missing(start, "a name must follow the dot")
			}
			steps = append(steps, step{key: name})
		case p.take("["):
			s, err := p.bracketed(start)
			if err != nil {
				return nil, err
			}
			steps = append(steps, s)
		default:
			return steps, nil
		}
	}
}

// bracketed reads what follows [, the closing ] included: an index, or a key in quotes.
func (p *parser) bracketed(start position) (step, error) {
	p.blank()
	if p.at == len(p.source) {
		return step{}, unclosed(start)
	}
	var s step
	if c := p.source[p.at]; c == '"' || c == '\'' {
		key, err := p.quoted()
		if err != nil {
			return s, err
		}
		s.key = key
	} else {
		at := p.position()
		from := p.at
		p.take("-")
		p.while(isDigit)
		n, err := strconv.Atoi(p.source[from:p.at])
		if err != nil {
			return s, at.errorf("between [ and ] stands a number, or a key in quotes")
		}
		s.index, s.indexed = n, true
	}
	if p.blank(); !p.take("]") {
		return s, p.missing(start, "] is missing")
	}
	return s, nil
}

// quoted reads a text in single or double quotes, which has no escapes, as in Liquid.
func (p *parser) quoted() (string, error) {
	quote := p.source[p.at]
	n := strings.IndexByte(p.source[p.at+1:], quote)
	if n < 0 {
		return "", p.errorf("the text is not closed: %c is missing", quote)
	}
	s := p.source[p.at+1 : p.at+1+n]
	p.at += n + len(`""`)
	return s, nil
}

// number reads a number; it stays as written.
func (p *parser) number() (operand, error) {
	start, from := p.position(), p.at
	p.take("-")
	whole := p.while(isDigit)
	if rest := p.source[p.at:]; len(rest) > 1 && rest[0] == '.' && isDigit(rest[1]) {
		p.at++
		p.while(isDigit)
	}
	s := p.source[from:p.at]
	if whole == 0 || len(s) > maxNumber {
		return operand{}, start.errorf("the number is not one: as 3, -2 or 1.5, of at most %d digits", maxNumber)
	}
	return operand{literal: json.Number(s), text: "the number"}, nil
}

// name reads a name: letters, digits, _ and -; it does not begin with a digit. A dash before }} is not part of it.
func (p *parser) name() string {
	from := p.at
	for p.at < len(p.source) {
		c := p.source[p.at]
		inside := isDigit(c) || c == '-' && !strings.HasPrefix(p.source[p.at:], "-}}")
		if !isLetter(c) && (p.at == from || !inside) {
			break
		}
		p.at++
	}
	return p.source[from:p.at]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isLetter takes each byte of a letter beyond ASCII for one, so that names may be of any script.
func isLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}

func (p *parser) while(is func(byte) bool) int {
	from := p.at
	for p.at < len(p.source) && is(p.source[p.at]) {
		p.at++
	}
	return p.at - from
}

func (p *parser) blank() {
	p.while(func(c byte) bool { return strings.IndexByte(blanks, c) >= 0 })
}

func (p *parser) take(s string) bool {
	if !strings.HasPrefix(p.source[p.at:], s) {
		return false
	}
	p.at += len(s)
	return true
}

func (p *parser) closes() bool {
	return strings.HasPrefix(p.source[p.at:], "}}") || strings.HasPrefix(p.source[p.at:], "-}}")
}

func (p *parser) close() bool {
	p.closedWithDash = p.take("-}}")
	return p.closedWithDash || p.take("}}")
}

// missing is the error of something that does not stand here: that the output is not closed, where nothing does.
func (p *parser) missing(start position, message string) *Error {
	if p.at == len(p.source) {
		return unclosed(start)
	}
	return p.errorf("unexpected %s: %s", p.shown(), message)
}

// shown is the character at hand, for messages.
func (p *parser) shown() string {
	r, _ := utf8.DecodeRuneInString(p.source[p.at:])
	return strconv.QuoteRune(r)
}

func (p *parser) errorf(format string, args ...any) *Error {
	return p.position().errorf(format, args...)
}

// position counts lines and characters up to the place at hand.
func (p *parser) position() position {
	if p.until == 0 || p.until > p.at {
		p.counted, p.until = position{1, 1}, 0
	}
	for _, r := range p.source[p.until:p.at] {
		if p.counted.column++; r == '\n' {
			p.counted = position{p.counted.line + 1, 1}
		}
	}
	p.until = p.at
	return p.counted
}
