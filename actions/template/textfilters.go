package template

import (
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// onText is a filter's result for a function of the input's text alone.
func onText(a *arguments, f func(string) string) (any, error) {
	s, err := a.text()
	if err != nil {
		return nil, err
	}
	return f(s), nil
}

func downcase(a *arguments) (any, error) { return onText(a, strings.ToLower) }
func upcase(a *arguments) (any, error)   { return onText(a, strings.ToUpper) }
func strip(a *arguments) (any, error)    { return onText(a, strings.TrimSpace) }

func lstrip(a *arguments) (any, error) {
	return onText(a, func(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) })
}

func rstrip(a *arguments) (any, error) {
	return onText(a, func(s string) string { return strings.TrimRightFunc(s, unicode.IsSpace) })
}

func stripNewlines(a *arguments) (any, error) {
	return onText(a, strings.NewReplacer("\r", "", "\n", "").Replace)
}

// capitalize makes the first letter a capital and all others small, as Liquid does.
func capitalize(a *arguments) (any, error) {
	return onText(a, func(s string) string {
		r, n := utf8.DecodeRuneInString(s)
		if n == 0 || r == utf8.RuneError {
			return s
		}
		return string(unicode.ToTitle(r)) + strings.ToLower(s[n:])
	})
}

func escapeHTML(a *arguments) (any, error) { return onText(a, html.EscapeString) }
func urlEncode(a *arguments) (any, error)  { return onText(a, url.QueryEscape) }

func urlDecode(a *arguments) (any, error) {
	s, err := a.text()
	if err != nil {
		return nil, err
	}
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded, nil
	}
	return s, nil // not encoded: a lone % in a text that somebody typed is no reason to fail
}

func appendText(a *arguments) (any, error) {
	s, err := a.text()
	if err != nil {
		return nil, err
	}
	t, err := a.textAt(0, "")
	if err != nil {
		return nil, err
	}
	return s + t, nil
}

func prepend(a *arguments) (any, error) {
	s, err := a.text()
	if err != nil {
		return nil, err
	}
	t, err := a.textAt(0, "")
	if err != nil {
		return nil, err
	}
	return t + s, nil
}

func replace(a *arguments) (any, error)      { return replaceIn(a, -1) }
func replaceFirst(a *arguments) (any, error) { return replaceIn(a, 1) }
func remove(a *arguments) (any, error)       { return replaceIn(a, -1) }
func removeFirst(a *arguments) (any, error)  { return replaceIn(a, 1) }

// replaceIn replaces an argument by the next one, or by nothing, limit times. The result's size is known before it is
// made: a short text with a long replacement is how a template would fill the memory.
func replaceIn(a *arguments, limit int) (any, error) {
	s, err := a.text()
	if err != nil {
		return nil, err
	}
	from, err := a.textAt(0, "")
	if err != nil {
		return nil, err
	}
	to, err := a.textAt(1, "")
	if err != nil {
		return nil, err
	}
	n := strings.Count(s, from)
	if limit >= 0 {
		n = min(n, limit)
	}
	if len(s)+n*(len(to)-len(from)) > maxResult {
		return nil, errTooMuch
	}
	return strings.Replace(s, from, to, limit), nil
}

// toCut is a text, how much of it is to stay, unless told so much, and the mark of the cut.
func (a *arguments) toCut(usual int) (s string, keep int, mark string, err error) {
	if s, err = a.text(); err != nil {
		return "", 0, "", err
	}
	if keep, err = a.intAt(0, usual); err != nil {
		return "", 0, "", err
	}
	mark, err = a.textAt(1, "...")
	return s, keep, mark, err
}

// truncate cuts a text to a number of characters, the mark of the cut included: 50 and "..." unless told.
func truncate(a *arguments) (any, error) {
	s, length, mark, err := a.toCut(50)
	switch {
	case err != nil:
		return nil, err
	case utf8.RuneCountInString(s) <= length:
		return s, nil
	}
	keep := max(length-utf8.RuneCountInString(mark), 0)
	return s[:offset(s, keep)] + mark, nil
}

// truncateWords cuts a text to a number of words: 15 and "..." unless told.
func truncateWords(a *arguments) (any, error) {
	s, count, mark, err := a.toCut(15)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(s)
	if count = max(count, 1); len(words) <= count {
		return s, nil
	}
	return strings.Join(words[:count], " ") + mark, nil
}

// slice cuts a piece out of a text or a list: from an index, which counts from the end where it is negative, and of a
// length that is 1 unless told. A piece beyond the end is empty.
func slice(a *arguments) (any, error) {
	from, err := a.intAt(0, 0)
	if err != nil {
		return nil, err
	}
	length, err := a.intAt(1, 1)
	if err != nil {
		return nil, err
	}
	if list, ok := a.input.([]any); ok {
		start, end := bounds(from, length, len(list))
		return list[start:end:end], nil
	}
	s, err := a.text()
	if err != nil {
		return nil, err
	}
	start, end := bounds(from, length, utf8.RuneCountInString(s))
	return s[offset(s, start):offset(s, end)], nil
}

// bounds are the ends of a piece within a whole of n.
func bounds(from, length, n int) (start, end int) {
	if from < 0 {
		from += n
	}
	if from < 0 || from > n {
		return 0, 0
	}
	return from, from + min(max(length, 0), n-from)
}

// offset is where the n-th character of a text begins, in bytes.
func offset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// toJSON is a value as JSON: the way to put a list or an object into a text.
func toJSON(a *arguments) (any, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(a.input); err != nil {
		return nil, err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
