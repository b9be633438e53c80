package odata

import (
	"net/url"
	"strings"
)

// ResourcePath is what a request addresses, below the service root.
type ResourcePath struct{ Segments []Segment }

// Segment is one step of a path: a name, and the key or the parameters behind it in parentheses.
type Segment struct {
	Name      string // "accounts", "$ref", "Microsoft.Dynamics.CRM.QualifyLead"; "$1" for the reference to a part of a batch
	Keys      []KeyValue
	HasParens bool
}

// KeyValue is one value of a key or one parameter of a function. Its name is empty where only the value was given, as the
// GUID in accounts(guid).
type KeyValue struct {
	Name  string
	Value Value
}

// Key returns the value of that name, nil where the segment has none. The name of a key without one is "".
func (s Segment) Key(name string) Value {
	for _, k := range s.Keys {
		if k.Name == name {
			return k.Value
		}
	}
	return nil
}

// RecordPath is the path of a record: "accounts(5d68b37f-aae9-4ac6-8e84-1d9d9f5a1f1a)".
func RecordPath(set, id string) string {
	return (&ResourcePath{Segments: []Segment{{Name: set, HasParens: true, Keys: []KeyValue{{Value: GUID(id)}}}}}).String()
}

// ParsePath reads a path below the service root, still percent-encoded: of a request, or of an @odata.bind. A slash before
// or behind it does not count; the empty path has no segments. Errors are *SyntaxError.
func ParsePath(path string) (*ResourcePath, error) {
	text, err := url.PathUnescape(path)
	if err != nil {
		return nil, &SyntaxError{Text: path, Message: "the percent-encoding is wrong"}
	}
	if err := checkUTF8(text); err != nil {
		return nil, err
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "/"), "/")
	p := newParser(text, unresolved)
	r := &ResourcePath{}
	if p.err == nil && p.tok.kind == end {
		return r, nil
	}
	for more := true; more && p.err == nil; more = p.accept("/") {
		r.Segments = append(r.Segments, p.segment())
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	return r, nil
}

func (p *parser) segment() Segment {
	if p.tok.kind != word {
		p.fail(p.tok.pos, "a name expected")
		return Segment{}
	}
	s := Segment{Name: p.tok.text}
	p.advance()
	if !p.accept("(") {
		return s
	}
	s.HasParens = true
	for !p.is(")") && p.err == nil {
		s.Keys = append(s.Keys, p.keyValue())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return s
}

func (p *parser) keyValue() KeyValue {
	if p.tok.kind != word {
		return KeyValue{Value: p.value()}
	}
	k := KeyValue{Name: p.tok.text}
	p.advance()
	p.expect("=")
	k.Value = p.value()
	return k
}

// String is the path, percent-encoded, without a slash before it.
func (r *ResourcePath) String() string {
	w := &writer{encode: true}
	for i, s := range r.Segments {
		if i > 0 {
			w.raw("/")
		}
		w.segment(s)
	}
	return w.String()
}

func (w *writer) segment(s Segment) {
	w.raw(s.Name)
	if !s.HasParens && len(s.Keys) == 0 {
		return
	}
	w.raw("(")
	for i, k := range s.Keys {
		if i > 0 {
			w.raw(",")
		}
		if k.Name != "" {
			w.raw(k.Name + "=")
		}
		w.value(k.Value)
	}
	w.raw(")")
}
