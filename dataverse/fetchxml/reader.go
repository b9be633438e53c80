package fetchxml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/botverse/botverse/dataverse/code"
)

// event is what the reader finds next in a document. Comments and processing instructions are no events.
type event struct {
	kind  eventKind
	name  string // of an element
	attrs []Attr // of an element that begins; those of namespaces are left out
	text  string
	pos   Pos
}

type eventKind int

const (
	eventEnd  eventKind = iota // of the document
	eventOpen                  // an element begins
	eventClose
	eventText
)

// reader finds the events of a document with their positions. It refuses what a document from elsewhere could do harm with:
// a DTD, and with it all entities but XML's own five.
type reader struct {
	text      string
	decoder   *xml.Decoder
	namespace string // the document's default one, which makes no difference
	// The last position asked for, from where the next is counted.
	offset int
	pos    Pos
}

func newReader(text string) *reader {
	text = strings.TrimPrefix(text, "\ufeff")
	d := xml.NewDecoder(strings.NewReader(text))
	// The text is UTF-8 by now, whatever its declaration says it was.
	d.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	return &reader{text: text, decoder: d, pos: Pos{Line: 1, Column: 1}}
}

// at is the position of an offset.
func (r *reader) at(offset int) Pos {
	if offset < r.offset {
		r.offset, r.pos = 0, Pos{Line: 1, Column: 1}
	}
	between := r.text[r.offset:offset]
	if i := strings.LastIndexByte(between, '\n'); i >= 0 {
		r.pos.Line += strings.Count(between, "\n")
		r.pos.Column = 1
		between = between[i+1:]
	}
	r.pos.Column += utf8.RuneCountInString(between)
	r.offset = offset
	return r.pos
}

func fail(pos Pos, c code.Code, format string, args ...any) *SyntaxError {
	return &SyntaxError{Line: pos.Line, Column: pos.Column, Code: c, Message: fmt.Sprintf(format, args...)}
}

// next finds the next event. Its errors are *SyntaxError.
func (r *reader) next() (event, error) {
	for {
		start := int(r.decoder.InputOffset())
		token, err := r.decoder.Token()
		if errors.Is(err, io.EOF) {
			return event{kind: eventEnd, pos: r.at(len(r.text))}, nil
		}
		if err != nil {
			return event{}, r.notXML(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			return r.open(t, start)
		case xml.EndElement:
			return event{kind: eventClose, name: t.Name.Local, pos: r.at(start)}, nil
		case xml.CharData:
			return event{kind: eventText, text: string(t), pos: r.at(r.textStart(start))}, nil
		case xml.Directive:
			return event{}, fail(r.at(start), code.InvalidXML, "a document type declaration is not allowed")
		}
	}
}

// notXML turns an error of the decoder into ours, with a column.
func (r *reader) notXML(err error) error {
	message := err.Error()
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		message = syntax.Msg
	}
	return fail(r.at(min(int(r.decoder.InputOffset()), len(r.text))), code.InvalidXML, "the text is not XML: %s", message)
}

const cdata = "<![CDATA["

func (r *reader) textStart(start int) int {
	if strings.HasPrefix(r.text[start:], cdata) {
		return start + len(cdata)
	}
	return start
}

func (r *reader) open(t xml.StartElement, start int) (event, error) {
	e := event{kind: eventOpen, name: t.Name.Local, pos: r.at(start)}
	values := rawValues(r.text[start:r.decoder.InputOffset()])
	if len(values) != len(t.Attr) {
		return event{}, fail(e.pos, code.InvalidXML, "the attributes of <%s> cannot be read", e.name)
	}
	seen := map[xml.Name]bool{}
	for i, a := range t.Attr {
		pos := r.at(start + values[i].offset)
		if seen[a.Name] {
			return event{}, fail(pos, code.InvalidXML, "the attribute '%s' comes twice", a.Name.Local)
		}
		seen[a.Name] = true
		if a.Name.Space == "" && a.Name.Local == "xmlns" && r.namespace == "" {
			r.namespace = a.Value
		}
		if a.Name.Space == "" && a.Name.Local != "xmlns" {
			e.attrs = append(e.attrs, Attr{Element: e.name, Name: a.Name.Local, Value: normalized(a.Value, values[i].text), Pos: pos})
		}
	}
	if t.Name.Space != "" && t.Name.Space != r.namespace {
		e.name = t.Name.Space + ":" + e.name // no element of ours has a prefix
	}
	return e, nil
}

// rawValue is the value of an attribute as it stands in the document, and where it stands in its tag.
type rawValue struct {
	text   string
	offset int
}

// rawValues finds the values of a tag that the decoder has read before.
func rawValues(tag string) []rawValue {
	var values []rawValue
	for i := 0; ; {
		n := strings.IndexAny(tag[i:], `"'`)
		if n < 0 {
			return values
		}
		start := i + n + 1
		length := strings.IndexByte(tag[start:], tag[start-1])
		if length < 0 {
			return values
		}
		values = append(values, rawValue{tag[start : start+length], start})
		i = start + length + 1
	}
}

// normalized is the value of an attribute with white space as XML wants it: a line break or tab that was written as such is
// a space, one that was written as a character reference stays (XML 1.0, 3.3.3). The decoder leaves them all.
func normalized(value, raw string) string {
	if !strings.ContainsAny(raw, "\t\r\n") {
		return value
	}
	raw = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ", "\t", " ", `"`, "&#34;").Replace(raw)
	token, err := xml.NewDecoder(strings.NewReader(`<a v="` + raw + `"/>`)).Token()
	if start, ok := token.(xml.StartElement); err == nil && ok && len(start.Attr) == 1 {
		return start.Attr[0].Value
	}
	return value
}
