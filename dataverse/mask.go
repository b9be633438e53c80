package dataverse

import (
	"bytes"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMessage bounds a message that is kept, in bytes.
const maxMessage = 1000

// masked stands where a value stood.
const masked = "[…]"

// mask replaces each of the values in a text from outside. Short values are replaced where they stand as a word: a sent "1"
// must not make a code unreadable.
func mask(text string, values []string) string {
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) }) // a value may contain another
	for _, v := range values {
		if len(v) >= 4 {
			text = strings.ReplaceAll(text, v, masked)
		} else if v != "" {
			text = maskWord(text, v)
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}

func maskWord(text, word string) string {
	var b strings.Builder
	done := 0 // how much of text is written
	for {
		at := strings.Index(text[done:], word)
		if at < 0 {
			b.WriteString(text[done:])
			return b.String()
		}
		at += done
		b.WriteString(text[done:at])
		done = at + len(word)
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[done:])
		if partOfWord(before) || partOfWord(after) {
			b.WriteString(word)
		} else {
			b.WriteString(masked)
		}
	}
}

func partOfWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// sentValues are the values in a request, as far as they could be somebody's: texts and numbers, but no record IDs, which
// an operator needs to see, and no names of fields.
func sentValues(body []byte, query string) []string {
	var values []string
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var members any
	if decoder.Decode(&members) == nil {
		values = leaves(values, members)
	}
	for option := range strings.SplitSeq(query, "&") {
		name, encoded, _ := strings.Cut(option, "=")
		text, err := url.QueryUnescape(encoded)
		if err != nil {
			continue // not written by us
		}
		if found := optionValues(name, text); len(found) > 0 {
			values = append(append(values, found...), encoded) // a message may have the whole URL
		}
	}
	for _, v := range slices.Clone(values) {
		values = append(values, html.EscapeString(v), url.PathEscape(v), url.QueryEscape(v), quoted(v))
	}
	values = slices.DeleteFunc(values, func(v string) bool { return strings.TrimSpace(v) == "" || isGUID(v) })
	slices.Sort(values)
	return slices.Compact(values)
}

// quoted is a text as it stands in JSON.
func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b[1 : len(b)-1])
}

func leaves(values []string, v any) []string {
	switch v := v.(type) {
	case string:
		return append(values, v)
	case json.Number:
		return append(values, v.String())
	case []any:
		for _, item := range v {
			values = leaves(values, item)
		}
	case map[string]any:
		for name, item := range v {
			if !strings.Contains(name, "@") { // an annotation: a bound record, a type
				values = leaves(values, item)
			}
		}
	}
	return values
}

// Where values stand in $filter and in FetchXML. Names must stay legible: an error is about them.
var (
	filterLiteral = regexp.MustCompile(`(PropertyName=)?'((?:[^']|'')*)'|"((?:[^"\\]|\\.)*)"|\b([0-9][0-9.:TZ+-]*)`)
	fetchLiteral  = regexp.MustCompile(`\bvalue\s*=\s*(?:'([^']*)'|"([^"]*)")|<value\b[^>]*>([^<]*)<`)
)

// optionValues are the values in one option of a query.
func optionValues(name, text string) []string {
	var values []string
	switch {
	case strings.HasPrefix(name, "@"):
		var v any
		if json.Unmarshal([]byte(text), &v) == nil {
			values = leaves(values, v)
		}
	case name == "fetchXml":
		for _, groups := range fetchLiteral.FindAllStringSubmatch(text, -1) {
			for _, v := range groups[1:] {
				values = append(values, v, html.UnescapeString(v))
			}
		}
	case name == "$filter" || name == "$expand":
		for _, groups := range filterLiteral.FindAllStringSubmatch(text, -1) {
			if groups[1] == "" {
				values = append(values, groups[2], strings.ReplaceAll(groups[2], "''", "'"), groups[3], groups[4], unquoted(groups[3]))
			}
		}
	}
	return values
}

func unquoted(text string) (s string) {
	_ = json.Unmarshal([]byte(`"`+text+`"`), &s) // what is no JSON text stays as it is in the query
	return s
}
