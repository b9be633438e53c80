package input

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/botverse/botverse/actions/template"
)

// RenderGiven renders a template that a search compares with. Each output must say something: a part that is null or
// blank would widen the search to records that nobody asked for. missing says what does not, as the end of a sentence; it
// is "" where nothing is amiss. Texts that come of outputs pass through escape, which may be nil, unless the output is raw. The error is a
// *template.Error.
func RenderGiven(t *template.Template, variables map[string]any, escape func(string) string) (value any, missing string, err error) {
	anyBlank := false
	v, err := t.RenderEscaped(variables, func(text string, raw bool) string {
		anyBlank = anyBlank || Blank(text)
		if escape == nil || raw {
			return text
		}
		return escape(text)
	})
	switch {
	case err != nil:
		return nil, "", err
	case v.Kind == template.Unset:
		return nil, "the variable \"" + v.Path + "\" is not set", nil
	case v.Kind == template.Null:
		return nil, "its variable is null", nil
	case anyBlank || Blank(v.V):
		return nil, "its variable is blank, or has a blank part", nil
	}
	return v.V, "", nil
}

// Blank reports whether a rendered value says nothing.
func Blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// SortedNames are a map's keys in order.
func SortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// HasTemplate reports whether a text has an output, or what was meant as one, in it.
func HasTemplate(text string) bool {
	return strings.Contains(text, "{{") || strings.Contains(text, "{%")
}

// unprintable returns the first character of a text that no XML and no text field can carry (XML 1.0, "Characters").
// Bytes that are not UTF-8 count as U+FFFD.
func unprintable(text string) (r rune, found bool) {
	for i, r := range text {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r < 0xFFFD, r >= 0x10000:
		case r == 0xFFFD && strings.HasPrefix(text[i:], "\uFFFD"):
		default:
			return r, true
		}
	}
	return 0, false
}

// CheckPrintable is the fault of a text with a character that is unprintable; nil where there is none.
func CheckPrintable(text, path string) *Fault {
	if r, found := unprintable(text); found {
		return NewFault(InvalidValue, path, "has a character that no text can hold (%U)", r)
	}
	return nil
}

const (
	// longestSearched is how many characters a text has at most that a search compares with: those of the longest field that can
	// be compared, and of the longest pattern (SQL Server, "LIKE": 8,000 bytes).
	longestSearched = 4000
	// longestQuery is how long a query is at most as it is sent: Dataverse takes an address of 65,536 characters in a $batch
	// (Web API, "Compose HTTP requests"), of which the rest of the query has some.
	longestQuery = 60_000
)

// CheckSearched is the fault of a text that no search can compare with; nil where one can.
func CheckSearched(text, path string) *Fault {
	if len(text) > longestSearched && utf8.RuneCountInString(text) > longestSearched {
		return NewFault(InvalidValue, path, "is %d characters long; a search compares with texts of %d at most", utf8.RuneCountInString(text), longestSearched)
	}
	return CheckPrintable(text, path)
}

// CheckQuery is the fault of a query, or the greater part of one, that is too long to be sent; nil where it is not.
func CheckQuery(query, path string) *Fault {
	if len(query) > longestQuery/3 && len(url.QueryEscape(query)) > longestQuery {
		return NewFault(InvalidValue, path, "makes a query of more than the %d characters that can be sent: compare with fewer or shorter values", longestQuery)
	}
	return nil
}
