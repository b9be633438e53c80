package query

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"modernc.org/sqlite"
)

// RegisterFunctions makes the collations and functions that tables and statements use known to SQLite. SQLite takes them
// for the whole process, and for connections opened afterwards, so call it before the first one is opened. It may be
// called any number of times, by anybody.
var RegisterFunctions = sync.OnceFunc(func() {
	sqlite.MustRegisterCollationUtf8(textCollation, compareText)
	sqlite.MustRegisterCollationUtf8(decimalCollation, compareDecimal)
	sqlite.MustRegisterDeterministicScalarFunction("dataverse_like", 2, likeFunction())
	sqlite.MustRegisterDeterministicScalarFunction("dataverse_datepart", 3, datePart())
	sqlite.MustRegisterFunction("dataverse_decimal_sum", &sqlite.FunctionImpl{NArgs: 1, Deterministic: true, MakeAggregate: newDecimalSum})
})

// folded says of each letter up to U+2FFF what it compares as: its base letter in lower case, 0 for a mark that does not
// count. Accents do not count in the collation of an English environment, which is what the local Dataverse is.
var folded = sync.OnceValue(func() *[0x3000]rune {
	table := new([0x3000]rune)
	for r := range rune(len(table)) {
		table[r] = foldSlowly(r)
	}
	for from, to := range map[rune]rune{
		'Ł': 'l', 'ł': 'l', 'Ø': 'o', 'ø': 'o', 'Đ': 'd', 'đ': 'd', 'Ð': 'd', 'ð': 'd', 'Ħ': 'h', 'ħ': 'h', 'ı': 'i',
		'Ŧ': 't', 'ŧ': 't', 'Ɨ': 'i', 'ɨ': 'i', 'ς': 'σ', '\u00a0': ' ',
	} {
		table[from] = to // letters with a stroke do not decompose
	}
	return table
})

// foldSlowly takes the base letter of a letter's canonical decomposition.
func foldSlowly(r rune) rune {
	if unicode.Is(unicode.Mn, r) {
		return 0
	}
	for _, base := range norm.NFD.String(string(r)) {
		return unicode.ToLower(base)
	}
	return r
}

// expanded are the letters that compare as two.
func expanded(r rune) (first, second rune) {
	switch r {
	case 'ß', 'ẞ':
		return 's', 's'
	case 'Æ', 'æ':
		return 'a', 'e'
	case 'Œ', 'œ':
		return 'o', 'e'
	case 'Þ', 'þ':
		return 't', 'h'
	}
	return 0, 0
}

// letters reads a text as the letters that it compares as.
type letters struct {
	table   *[0x3000]rune
	text    string
	pending rune
}

// next returns the next letter, -1 at the end.
func (l *letters) next() rune {
	if l.pending != 0 {
		r := l.pending
		l.pending = 0
		return r
	}
	for l.text != "" {
		if c := l.text[0]; c < 0x80 {
			l.text = l.text[1:]
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			return rune(c)
		}
		r, size := utf8.DecodeRuneInString(l.text)
		l.text = l.text[size:]
		if first, second := expanded(r); first != 0 {
			l.pending = second
			return first
		}
		if folded := l.fold(r); folded != 0 {
			return folded
		}
	}
	return -1
}

// fold is what one letter compares as, 0 for nothing.
func (l *letters) fold(r rune) rune {
	switch {
	case int(r) < len(l.table):
		return l.table[r]
	case 0xFF01 <= r && r <= 0xFF5E: // full-width forms of ASCII
		return l.table[r-0xFF01+'!']
	default:
		return unicode.ToLower(r)
	}
}

// compareText orders two texts without regard to case, accents and trailing spaces. It allocates nothing: SQLite calls
// it for each comparison.
func compareText(a, b string) int {
	table := folded()
	x := letters{table: table, text: strings.TrimRight(a, " ")}
	y := letters{table: table, text: strings.TrimRight(b, " ")}
	for {
		r, s := x.next(), y.next()
		switch {
		case r < s:
			return -1
		case r > s:
			return 1
		case r < 0:
			return 0
		}
	}
}
