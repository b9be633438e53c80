package translate

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/template"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// translateText takes texts, numbers and yes/no values. Dataverse counts a text's length in UTF-16 units.
func translateText(f *schema.Field, v any, o Options) (any, bool, *input.Fault) {
	if f.LogicalName == documentField && !o.Search {
		wire, fault := translateDocument(f, v, o)
		return wire, false, fault
	}
	text, ok := TextOf(v)
	if !ok {
		return nil, false, Misfit(f, v, o, "it takes a text")
	}
	if fault := input.CheckPrintable(text, o.Path); fault != nil {
		return nil, false, fault
	}
	if f.MaxLength <= 0 || o.Search || len(text) <= f.MaxLength {
		if _, isText := v.(string); isText {
			return v, false, nil // and not a copy of it
		}
		return text, false, nil
	}
	length := utf16Length(text)
	switch {
	case length <= f.MaxLength:
		return text, false, nil
	case o.CutLongText:
		return cutText(text, f.MaxLength), true, nil
	}
	return nil, false, input.NewFault(input.InvalidValue, o.Path, "the text has %d characters; %s takes at most %d", length, Named(f), f.MaxLength)
}

func utf16Length(text string) int {
	n := 0
	for _, r := range text {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// cutMark ends a text that was cut, so that a reader sees that there was more.
const cutMark = "…"

// cutText is the beginning of a text that is too long, with the mark in the end: at most so many UTF-16 units. No character is
// cut in two.
func cutText(text string, units int) string {
	units -= utf16Length(cutMark)
	for i, r := range text {
		if units -= max(utf16.RuneLen(r), 1); units < 0 {
			return text[:i] + cutMark
		}
	}
	return text
}

// TextOf is a text, number or yes/no value as text; false for anything else. Numbers keep their digits.
func TextOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	}
	return template.Digits(v)
}

func translateGUID(f *schema.Field, v any, o Options) (any, *input.Fault) {
	if text, ok := v.(string); ok {
		if id, err := dataverse.ParseID(text); err == nil {
			return string(id), nil
		}
	}
	return nil, Misfit(f, v, o, "it takes a GUID, as 7d1c1a4e-0f4e-4c9b-9c53-0d6b1f0a2b11")
}

const (
	// documentField is the field of a note's file, which the metadata calls a text.
	documentField = "documentbody"
	// maxDocument is the largest file of a note that an organisation can allow, in bytes ("File size limits", 131,072 KB).
	maxDocument = 128 << 20
)

// translateDocument takes a note's file. What is in it is in no fault.
func translateDocument(f *schema.Field, v any, o Options) (any, *input.Fault) {
	text, ok := v.(string)
	text = strings.TrimSpace(text)
	if text == "" && ok {
		return text, nil
	}
	content, err := base64.StdEncoding.DecodeString(text)
	switch {
	case !ok || err != nil:
		return nil, input.NewFault(input.InvalidValue, o.Path, "%s takes a file as base64 text", Named(f))
	case len(content) > maxDocument:
		return nil, input.NewFault(input.InvalidValue, o.Path, "the file has %d bytes; %s takes at most %d", len(content), Named(f), maxDocument)
	}
	return text, nil
}

// maxImage is the largest image that Dataverse takes, in bytes (Web API, "Use image column data").
const maxImage = 30 << 20

func translateImage(f *schema.Field, v any, o Options) (any, *input.Fault) {
	text, ok := v.(string)
	text = strings.TrimSpace(text)
	if n, err := base64.StdEncoding.DecodeString(text); ok && err == nil && len(n) > 0 && len(n) <= maxImage {
		return text, nil
	}
	return nil, input.NewFault(input.InvalidValue, o.Path, "%s takes an image as base64 text, of at most 30 MB", Named(f))
}
