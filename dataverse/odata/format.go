package odata

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// writer writes query text, percent-encoded or not. What comes from values is encoded strictly, so that it can never end
// the literal, the option or the URL.
type writer struct {
	strings.Builder
	encode bool
}

const hexDigits = "0123456789ABCDEF"

// safe reports whether a byte needs no encoding. The signs of the language's own punctuation may stay in it, as people
// write them.
func safe(c byte, punctuation string) bool {
	return isWordByte(c) || c == '-' || c == '~' || strings.IndexByte(punctuation, c) >= 0
}

func (w *writer) put(s, punctuation string) {
	for i := range len(s) {
		if !w.encode || safe(s[i], punctuation) {
			w.WriteByte(s[i])
			continue
		}
		w.Write([]byte{'%', hexDigits[s[i]>>4], hexDigits[s[i]&15]})
	}
}

// raw writes what belongs to the language.
func (w *writer) raw(s string) { w.put(s, "'(),/:=;$@*") }

// data writes what comes from a value.
func (w *writer) data(s string) { w.put(s, "'") }

// EscapeString doubles the quotes of a text, as it must stand between the quotes of a literal.
func EscapeString(text string) string { return strings.ReplaceAll(text, "'", "''") }

// EscapeWildcards brackets the signs that contains, startswith and endswith take for wildcards, so that a text is found as
// it is (Web API, "Use wildcard characters in conditions using string values").
func EscapeWildcards(text string) string {
	return strings.NewReplacer("[", "[[]", "%", "[%]", "_", "[_]").Replace(text)
}

// FormatFilter writes a condition as $filter text, not percent-encoded. ParseFilter reads it back to the same tree.
func FormatFilter(e Expr) string {
	w := &writer{}
	w.expr(e)
	return w.String()
}

func (w *writer) expr(e Expr) {
	switch e := e.(type) {
	case *Compare:
		w.path(e.Path)
		w.raw(" " + string(e.Op) + " ")
		w.value(e.Value)
	case *Logical:
		for i, t := range e.Terms {
			if i > 0 {
				w.raw(" " + string(e.Op) + " ")
			}
			w.term(t)
		}
	case *Not:
		w.raw("not ")
		w.negated(e.Term)
	case *Call:
		w.raw(e.Func + "(")
		w.path(e.Path)
		w.raw(",")
		w.value(e.Value)
		w.raw(")")
	case *Lambda:
		w.lambda(e)
	case *QueryFunction:
		w.queryFunction(e)
	}
}

// term writes an operand of "and" or "or".
func (w *writer) term(e Expr) {
	if _, ok := e.(*Logical); ok {
		w.group(e)
		return
	}
	w.expr(e)
}

// negated writes what stands behind "not", which binds tighter than comparisons do.
func (w *writer) negated(e Expr) {
	switch e.(type) {
	case *Compare, *Logical:
		w.group(e)
	default:
		w.expr(e)
	}
}

func (w *writer) group(e Expr) {
	w.raw("(")
	w.expr(e)
	w.raw(")")
}

func (w *writer) lambda(l *Lambda) {
	w.path(l.Collection)
	w.raw("/" + l.Kind + "(")
	if l.Body != nil {
		w.raw(l.Variable + ":")
		w.expr(l.Body)
	}
	w.raw(")")
}

func (w *writer) queryFunction(f *QueryFunction) {
	w.raw(namespace + f.Name + "(")
	for i, p := range f.Params {
		if i > 0 {
			w.raw(",")
		}
		w.raw(p.Name + "=")
		w.value(p.Value)
	}
	w.raw(")")
}

func (w *writer) path(p Path) { w.raw(strings.Join(p, "/")) }

func (w *writer) value(v Value) {
	switch v := v.(type) {
	case nil, Null:
		w.raw("null")
	case Bool:
		w.raw(strconv.FormatBool(bool(v)))
	case Number:
		w.data(string(v))
	case String:
		w.raw("'")
		w.data(EscapeString(string(v)))
		w.raw("'")
	case GUID:
		w.data(string(v))
	case DateTime:
		w.data(string(v))
	case Date:
		w.data(string(v))
	case Enum:
		w.raw(v.Type + "'")
		w.data(EscapeString(v.Member))
		w.raw("'")
	case Array:
		w.array(v)
	case JSON:
		w.data(string(v))
	case PathValue:
		w.path(Path(v))
	case Alias:
		w.raw(string(v))
	}
}

// array writes texts as JSON has them, in double quotes: there a single quote is not doubled.
func (w *writer) array(a Array) {
	w.raw("[")
	for i, v := range a {
		if i > 0 {
			w.raw(",")
		}
		if s, ok := v.(String); ok {
			w.data(quoteJSON(string(s)))
			continue
		}
		w.value(v)
	}
	w.raw("]")
}

func quoteJSON(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}
