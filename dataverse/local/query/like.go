package query

import (
	"database/sql/driver"
	"strings"

	"modernc.org/sqlite"
)

// like is the function behind contains, begins-with and LIKE: dataverse_like(pattern, text).
func like(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	pattern, ok1 := args[0].(string)
	text, ok2 := args[1].(string)
	if !ok1 || !ok2 {
		return nil, nil // of NULL nothing is known
	}
	return matchLike(pattern, text), nil
}

// matchLike matches a text with a pattern of SQL Server's LIKE: % for any letters, _ for one, [abc], [a-f] and [^abc]
// for one of a set. Brackets are the only quoting. Case and accents do not count, trailing spaces do. A pattern whose
// bracket does not close matches nothing.
func matchLike(pattern, text string) bool {
	tokens, ok := parsePattern(pattern)
	return ok && matchTokens(tokens, foldLetters(text))
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

// parsePattern splits a pattern into tokens; it is false where a bracket does not close.
func parsePattern(pattern string) ([]token, bool) {
	var tokens []token
	for pattern != "" {
		switch pattern[0] {
		case '%':
			if len(tokens) == 0 || !tokens[len(tokens)-1].anything {
				tokens = append(tokens, token{anything: true})
			}
			pattern = pattern[1:]
		case '_':
			tokens = append(tokens, token{anyone: true})
			pattern = pattern[1:]
		case '[':
			t, rest, ok := parseSet(pattern[1:])
			if !ok {
				return nil, false
			}
			tokens, pattern = append(tokens, t), rest
		default:
			end := strings.IndexAny(pattern, "%_[")
			if end < 0 {
				end = len(pattern)
			}
			for _, r := range foldLetters(pattern[:end]) {
				tokens = append(tokens, token{letter: r})
			}
			pattern = pattern[end:]
		}
	}
	return tokens, true
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

// matchTokens matches greedily and goes back to the last % only, so that no pattern takes more than length times length.
func matchTokens(tokens []token, text []rune) bool {
	i, j := 0, 0
	star, resume := -1, 0
	for j < len(text) {
		switch {
		case i < len(tokens) && tokens[i].anything:
			star, resume = i, j
			i++
		case i < len(tokens) && tokens[i].matches(text[j]):
			i++
			j++
		case star >= 0:
			resume++
			i, j = star+1, resume
		default:
			return false
		}
	}
	for i < len(tokens) && tokens[i].anything {
		i++
	}
	return i == len(tokens)
}

// literalPrefix is the text that whatever matches the pattern must begin with, "" where there is none. It narrows a
// search to a part of an index.
func literalPrefix(pattern string) string {
	if i := strings.IndexAny(pattern, "%_["); i >= 0 {
		pattern = pattern[:i]
	}
	return strings.TrimRight(pattern, " ")
}
