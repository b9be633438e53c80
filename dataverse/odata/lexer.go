package odata

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

type kind int

const (
	end     kind = iota
	word         // a name or keyword, dots in it
	literal      // a value
	quoted       // a text in double quotes, only for arrays
	alias        // "@p1"
	punct        // one of ( ) [ ] , / : = ;
)

type token struct {
	kind  kind
	text  string
	value Value
	pos   int
}

// parser reads one text. Its first error stays: from then on all tokens are the end, so that callers may check it late.
type parser struct {
	text string
	pos  int // behind tok
	tok  token
	err  *SyntaxError
	deep int
	// resolve gives the value of a parameter alias.
	resolve func(name string) (Value, error)
}

func newParser(text string, resolve func(string) (Value, error)) *parser {
	p := &parser{text: text, resolve: resolve}
	p.advance()
	return p
}

// unresolved leaves aliases to whoever knows their values.
func unresolved(name string) (Value, error) { return Alias(name), nil }

func (p *parser) fail(pos int, format string, args ...any) {
	if p.err == nil {
		p.err = &SyntaxError{Text: p.text, Offset: pos, Message: fmt.Sprintf(format, args...)}
	}
	p.tok = token{kind: end, pos: pos}
}

// failed is the parser's error as an error; nil as long as there is none.
func (p *parser) failed() error {
	if p.err == nil {
		return nil
	}
	return p.err
}

// finish fails where text is left over.
func (p *parser) finish() error {
	if p.err == nil && p.tok.kind != end {
		p.fail(p.tok.pos, "'%s' was not expected", p.tok.text)
	}
	return p.failed()
}

// enter counts a level of nesting; it reports false, with an error, where there are too many.
func (p *parser) enter() bool {
	if p.deep++; p.deep > maxDepth {
		p.fail(p.tok.pos, "more than %d levels of nesting", maxDepth)
	}
	return p.err == nil
}

func (p *parser) leave() { p.deep-- }

func (p *parser) is(text string) bool {
	return (p.tok.kind == word || p.tok.kind == punct) && p.tok.text == text
}

// accept takes a keyword or sign if it comes next.
func (p *parser) accept(text string) bool {
	if !p.is(text) {
		return false
	}
	p.advance()
	return true
}

// expect takes a sign that must come next.
func (p *parser) expect(text string) {
	if !p.accept(text) && p.err == nil {
		p.fail(p.tok.pos, "'%s' expected", text)
	}
}

func (p *parser) advance() {
	if p.err != nil {
		return
	}
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	start := p.pos
	if start == len(p.text) {
		p.tok = token{kind: end, pos: start}
		return
	}
	p.tok = p.scan()
	p.tok.pos = start
	if p.err == nil && p.tok.text == "" {
		p.tok.text = p.text[start:p.pos]
	}
}

func (p *parser) scan() token {
	switch c := p.text[p.pos]; {
	case c == '\'':
		text, ok := p.singleQuoted()
		if !ok {
			return p.tok
		}
		return token{kind: literal, value: String(text)}
	case c == '"':
		return p.doubleQuoted()
	case c == '{':
		return p.braced()
	case c == '@':
		return p.aliasName()
	case strings.IndexByte("()[],/:=;", c) >= 0:
		p.pos++
		return token{kind: punct}
	}
	return p.wordOrLiteral()
}

func (p *parser) aliasName() token {
	p.pos++
	name := p.run(isWordByte)
	if name == "" {
		p.fail(p.pos, "the name of a parameter alias expected, as @p1")
	}
	return token{kind: alias, text: "@" + name}
}

// run takes the longest run of bytes that belong.
func (p *parser) run(belongs func(byte) bool) string {
	start := p.pos
	for p.pos < len(p.text) && belongs(p.text[p.pos]) {
		p.pos++
	}
	return p.text[start:p.pos]
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.'
}

func isLiteralByte(c byte) bool { return isWordByte(c) || c == '-' || c == '+' || c == ':' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// singleQuoted takes a text in single quotes, where a quote is doubled.
func (p *parser) singleQuoted() (string, bool) {
	start := p.pos
	var b strings.Builder
	for i := start + 1; i < len(p.text); i++ {
		if p.text[i] != '\'' {
			b.WriteByte(p.text[i])
			continue
		}
		if i+1 < len(p.text) && p.text[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		p.pos = i + 1
		return b.String(), true
	}
	p.fail(start, "There is an unterminated literal")
	return "", false
}

func (p *parser) doubleQuoted() token {
	start := p.pos
	for i := start + 1; i < len(p.text); i++ {
		switch p.text[i] {
		case '\\':
			i++
		case '"':
			p.pos = i + 1
			var s string
			if err := json.Unmarshal([]byte(p.text[start:p.pos]), &s); err != nil {
				p.fail(start, "a text in double quotes is not a JSON string")
				return p.tok
			}
			return token{kind: quoted, value: String(s)}
		}
	}
	p.fail(start, "There is an unterminated literal")
	return p.tok
}

// braced takes a GUID in braces, or a JSON object.
func (p *parser) braced() token {
	rest := p.text[p.pos:]
	if len(rest) >= 38 && rest[37] == '}' {
		if id, ok := guid(rest[1:37]); ok {
			p.pos += 38
			return token{kind: literal, value: id}
		}
	}
	n, ok := balanced(rest)
	if !ok {
		p.fail(p.pos, "There is an unterminated literal")
		return p.tok
	}
	p.pos += n
	return token{kind: literal, value: JSON(rest[:n])}
}

// balanced is the length of the bracketed text that s begins with: up to the bracket that closes its first one. Brackets in
// quotes do not count.
func balanced(s string) (int, bool) {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 {
				return i + 1, true
			}
		case '\'', '"':
			n := quotedLength(s[i:])
			if n == 0 {
				return 0, false
			}
			i += n - 1
		}
	}
	return 0, false
}

// quotedLength is the length of the quoted text that s begins with, 0 where it does not end. Two single quotes in a row read
// as the end of a text and the beginning of the next, which comes to the same length.
func quotedLength(s string) int {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quote == '"':
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return 0
}

func (p *parser) wordOrLiteral() token {
	start := p.pos
	c := p.text[start]
	if rest := p.text[start:]; len(rest) >= 36 && (len(rest) == 36 || !isLiteralByte(rest[36])) {
		if id, ok := guid(rest[:36]); ok {
			p.pos += 36
			return token{kind: literal, value: id}
		}
	}
	if isDigit(c) || c == '-' {
		run := p.run(isLiteralByte)
		v := numberOrTime(run)
		if v == nil {
			p.fail(start, "'%s' is not a number, date or ID", run)
		}
		return token{kind: literal, value: v}
	}
	if c == '$' {
		p.pos++
		return token{kind: word, text: "$" + p.run(isWordByte)}
	}
	name := p.run(isWordByte)
	switch {
	case name == "":
		sign, _ := utf8.DecodeRuneInString(p.text[start:])
		p.fail(start, "Syntax error: character '%c' is not valid", sign)
		return p.tok
	case strings.Contains(name, ".") && p.pos < len(p.text) && p.text[p.pos] == '\'':
		member, _ := p.singleQuoted()
		return token{kind: literal, value: Enum{Type: name, Member: member}}
	}
	return p.keywordValue(name)
}

func (p *parser) keywordValue(name string) token {
	switch name {
	case "null":
		return token{kind: literal, text: name, value: Null{}}
	case "true", "false":
		return token{kind: literal, text: name, value: Bool(name == "true")}
	}
	return token{kind: word, text: name}
}

// guid reads the 36 characters of a GUID, in any case.
func guid(s string) (GUID, bool) {
	if len(s) != 36 || s[8] != '-' {
		return "", false
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return "", false
	}
	return GUID(id.String()), true
}

// numberOrTime reads a literal that begins with a digit or a minus; nil where it is none.
func numberOrTime(s string) Value {
	if json.Valid([]byte(s)) { // JSON's numbers are OData's
		return Number(s)
	}
	if _, err := time.Parse(time.DateOnly, s); err == nil {
		return Date(s)
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04"} {
		if _, err := time.Parse(layout, s); err == nil {
			return DateTime(s)
		}
	}
	return nil
}
