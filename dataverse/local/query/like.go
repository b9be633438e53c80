package query

import (
	"database/sql/driver"
	"strings"
	"sync/atomic"

	"modernc.org/sqlite"
)

// likeFunction makes the function behind contains, begins-with and LIKE: dataverse_like(pattern, text). It keeps the last
// pattern parsed, for a search asks for one pattern of many texts.
func likeFunction() func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
	var last atomic.Pointer[pattern]
	return func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		wanted, ok1 := args[0].(string)
		text, ok2 := args[1].(string)
		if !ok1 || !ok2 {
			return nil, nil // of NULL nothing is known
		}
		p := last.Load()
		if p == nil || p.text != wanted {
			p = parsePattern(wanted)
			last.Store(p)
		}
		return p.matches(text), nil
	}
}

// pattern is a pattern of SQL Server's LIKE: % for any letters, _ for one, [abc], [a-f] and [^abc] for one of a set.
// Brackets are the only quoting. Case and accents do not count, trailing spaces do.
type pattern struct {
	text   string
	tokens []token
	broken bool // a bracket does not close: it matches nothing
}

// token is one part of a pattern: any letters, or one letter, of a set where it has ranges.
type token struct {
	anything bool
	anyone   bool
	negated  bool
	letter   rune
	ranges   [][2]rune // nil for a plain letter
	isSet    bool
}

func (t token) matches(r rune) bool {
	if !t.isSet {
		return t.anyone || t.letter == r
	}
	for _, span := range t.ranges {
		if span[0] <= r && r <= span[1] {
			return !t.negated
		}
	}
	return t.negated
}

func foldLetters(text string) []rune {
	l := letters{table: folded(), text: text}
	runes := make([]rune, 0, len(text))
	for r := l.next(); r >= 0; r = l.next() {
		runes = append(runes, r)
	}
	return runes
}

// parsePattern splits a pattern into tokens.
func parsePattern(text string) *pattern {
	p := &pattern{text: text}
	for rest := text; rest != ""; {
		switch rest[0] {
		case '%':
			if len(p.tokens) == 0 || !p.tokens[len(p.tokens)-1].anything {
				p.tokens = append(p.tokens, token{anything: true})
			}
			rest = rest[1:]
		case '_':
			p.tokens = append(p.tokens, token{anyone: true})
			rest = rest[1:]
		case '[':
			t, after, ok := parseSet(rest[1:])
			if !ok {
				return &pattern{text: text, broken: true}
			}
			p.tokens, rest = append(p.tokens, t), after
		default:
			end := strings.IndexAny(rest, "%_[")
			if end < 0 {
				end = len(rest)
			}
			for _, r := range foldLetters(rest[:end]) {
				p.tokens = append(p.tokens, token{letter: r})
			}
			rest = rest[end:]
		}
	}
	return p
}

// parseSet reads what follows an opening bracket, to the closing one.
func parseSet(s string) (t token, rest string, ok bool) {
	body, rest, ok := strings.Cut(s, "]")
	if !ok {
		return token{}, "", false
	}
	t = token{isSet: true}
	if after, found := strings.CutPrefix(body, "^"); found && after != "" {
		t.negated, body = true, after
	}
	set := foldLetters(body)
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			t.ranges = append(t.ranges, [2]rune{set[i], set[i+2]})
			i += 2
			continue
		}
		t.ranges = append(t.ranges, [2]rune{set[i], set[i]})
	}
	return t, rest, true
}

// matches reports whether a text is like the pattern. It goes back to the last % only, so that no pattern takes more than
// length times length, and it allocates nothing.
func (p *pattern) matches(text string) bool {
	if p.broken {
		return false
	}
	here := letters{table: folded(), text: text}
	i, star := 0, -1
	var resume letters
	for {
		if i < len(p.tokens) && p.tokens[i].anything {
			star, resume = i, here
			i++
			continue
		}
		ahead := here
		r := ahead.next()
		switch {
		case r < 0:
			return i == len(p.tokens)
		case i < len(p.tokens) && p.tokens[i].matches(r):
			i, here = i+1, ahead
		case star >= 0:
			resume.next()
			i, here = star+1, resume
		default:
			return false
		}
	}
}

// literalPrefix is the text that whatever matches the pattern must begin with, "" where there is none. It narrows a
// search to a part of an index.
func literalPrefix(pattern string) string {
	if i := strings.IndexAny(pattern, "%_["); i >= 0 {
		pattern = pattern[:i]
	}
	return strings.TrimRight(pattern, " ")
}
