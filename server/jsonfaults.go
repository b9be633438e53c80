package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// What a body is refused for though it is JSON.
var (
	errInexactNumber = errors.New("a number has more digits than a double holds") // it would silently become another one
	errTooDeep       = errors.New("values are nested too deep")
)

// doubleDigits is how many significant digits every double keeps (DBL_DIG).
const doubleDigits = 15

// newBody is a body to be read again.
func newBody(data []byte) io.Reader { return bytes.NewReader(data) }

// checkBody looks for numbers of more digits than a double keeps, and for values that are nested too deep. It costs one pass
// over the bytes where there are none.
func checkBody(data []byte) error {
	inText, depth := false, 0
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case inText && b == '\\':
			i++
		case b == '"':
			inText = !inText
		case inText:
		case b == '{' || b == '[':
			if depth++; depth > maxJSONDepth {
				return errTooDeep
			}
		case b == '}' || b == ']':
			depth--
		case b == '-' || b >= '0' && b <= '9':
			end := numberEnd(data, i)
			if inexact(data[i:end]) {
				return errInexactNumber
			}
			i = end - 1
		}
	}
	return nil
}

// numberEnd is the place behind the number that begins at i.
func numberEnd(data []byte, i int) int {
	for i++; i < len(data) && bytes.IndexByte([]byte("0123456789+-.eE"), data[i]) >= 0; i++ {
	}
	return i
}

// inexact reports whether a double keeps less of a number than its text tells.
func inexact(number []byte) bool {
	if len(number) <= doubleDigits && !bytes.ContainsAny(number, "eE") {
		return false
	}
	_, exact := exactDouble(string(number))
	return !exact
}

// bodyError says all that keeps a body from being a message.
func bodyError(body []byte, message protoreflect.MessageDescriptor) error {
	if f := encodingFault(body); f != nil {
		return refusal(malformed, f)
	}
	node, err := parseJSON(body)
	if err != nil {
		return refusal(malformed, syntaxFault(body, err))
	}
	c := &bodyCheck{}
	c.message("", node, message)
	if len(c.faults) == 0 { // what protojson refuses for a reason that we do not know
		c.fault("", "the body does not fit this method's request")
	}
	return refusal(malformed, c.faults...)
}

func syntaxFault(body []byte, err error) *botversev1.ErrorDetail_Fault {
	var syntax *json.SyntaxError
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return fault(malformed, "", "the body is empty: it must be a JSON object")
	case errors.As(err, &syntax):
		line, column := position(body, int(syntax.Offset))
		return fault(malformed, "", "the body is not JSON: line %d, column %d: %v", line, column, syntax)
	case errors.Is(err, errTooDeep):
		return fault(malformed, "", "the body's values are nested too deep: %d levels are the most", maxJSONDepth)
	default:
		return fault(malformed, "", "the body is not JSON: %v", err)
	}
}

// encodingFault finds what is no text in a body: bytes that are not UTF-8, and escaped halves of a character, which Go's
// own reader of JSON replaces in silence. nil where there is none.
func encodingFault(body []byte) *botversev1.ErrorDetail_Fault {
	for i := 0; i < len(body); {
		r, size := utf8.DecodeRune(body[i:])
		what := ""
		switch {
		case r == utf8.RuneError && size == 1:
			what = "the body is not UTF-8"
		case r == '\\':
			size = escapeSize(body[i:])
			if size == 0 {
				size, what = 2, `half a character stands alone: \u escapes from D800 to DFFF come in pairs`
			}
		}
		if what != "" {
			line, column := position(body, i+1)
			return fault(malformed, "", "%s: line %d, column %d", what, line, column)
		}
		i += size
	}
	return nil
}

// escapeSize is the length of the escape that a text begins with, of both halves where it is one of a character beyond
// U+FFFF; 0 where one half is missing.
func escapeSize(text []byte) int {
	const one = len(`\u0000`)
	first, ok := unescaped(text)
	switch {
	case !ok:
		return min(2, len(text)) // another escape, or none: the parser tells
	case !utf16.IsSurrogate(first):
		return one
	}
	second, ok := unescaped(text[one:])
	if !ok || utf16.DecodeRune(first, second) == utf8.RuneError {
		return 0
	}
	return 2 * one
}

// unescaped is the UTF-16 unit that a text's escape stands for; false where it begins with no such escape.
func unescaped(text []byte) (rune, bool) {
	if len(text) < len(`\u0000`) || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}

// position is the line and column of the byte before an offset, both from 1.
func position(body []byte, offset int) (line, column int) {
	before := body[:min(max(offset, 1), len(body))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - (bytes.LastIndexByte(before, '\n') + 1)
}

// bodyCheck collects the faults of a body.
type bodyCheck struct {
	faults []*botversev1.ErrorDetail_Fault
}

func (c *bodyCheck) fault(path, format string, args ...any) {
	c.faults = append(c.faults, fault(malformed, path, format, args...))
}

// message holds an object to a message's members.
func (c *bodyCheck) message(path string, node *jsonNode, m protoreflect.MessageDescriptor) {
	if m.FullName().Parent() == "google.protobuf" { // Struct and Value: any JSON
		c.free(path, node, m.Name() == "Struct")
		return
	}
	if !c.expect(path, node, "an object") {
		return
	}
	known := map[string]protoreflect.FieldDescriptor{}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		known[f.JSONName()], known[f.TextName()] = f, f
	}
	seen := map[protoreflect.Name]bool{}
	for _, member := range node.members {
		at := join(path, member.name)
		f, ok := known[member.name]
		switch {
		case !ok:
			c.faults = append(c.faults, unknownName(at, "member", jsonNames(known)))
		case seen[f.Name()]:
			c.fault(at, "is given more than once")
		case member.value.kind != "null":
			c.field(at, member.value, f)
		}
		if ok {
			seen[f.Name()] = true
		}
	}
}

func (c *bodyCheck) field(path string, node *jsonNode, f protoreflect.FieldDescriptor) {
	switch {
	case f.IsMap():
		if c.expect(path, node, "an object") {
			c.doubled(path, node)
			for _, member := range node.members {
				c.single(join(path, member.name), member.value, f.MapValue())
			}
		}
	case f.IsList():
		if c.expect(path, node, "a list") {
			for i, element := range node.elements {
				c.single(path+"["+strconv.Itoa(i)+"]", element, f)
			}
		}
	default:
		c.single(path, node, f)
	}
}

func (c *bodyCheck) single(path string, node *jsonNode, f protoreflect.FieldDescriptor) {
	switch f.Kind() {
	case protoreflect.MessageKind:
		c.message(path, node, f.Message())
	case protoreflect.StringKind:
		c.expect(path, node, "a text")
	case protoreflect.BoolKind:
		c.expect(path, node, "true or false")
	case protoreflect.EnumKind:
		c.enum(path, node, f.Enum())
	case protoreflect.Int32Kind:
		if !isInt32(node.text) {
			c.fault(path, "must be a whole number of 32 bits, and is %s", node.kind)
		}
	}
}

func (c *bodyCheck) enum(path string, node *jsonNode, e protoreflect.EnumDescriptor) {
	if node.kind == "a number" {
		if !isInt32(node.text) {
			c.fault(path, "must be one of its values by name")
		}
		return
	}
	if !c.expect(path, node, "a text") {
		return
	}
	if e.Values().ByName(protoreflect.Name(node.text)) != nil {
		return
	}
	c.faults = append(c.faults, unknownValue(path, node.text, e))
}

// free checks what any JSON must keep to: no name twice, no number that a double cannot hold.
func (c *bodyCheck) free(path string, node *jsonNode, object bool) {
	if object && !c.expect(path, node, "an object") {
		return
	}
	if node.kind == "a number" {
		if _, exact := exactDouble(node.text); !exact {
			c.fault(path, "the number has more digits than JSON's numbers keep: send it as a text, in quotes")
		}
	}
	c.doubled(path, node)
	for _, member := range node.members {
		c.free(join(path, member.name), member.value, false)
	}
	for i, element := range node.elements {
		c.free(path+"["+strconv.Itoa(i)+"]", element, false)
	}
}

func (c *bodyCheck) doubled(path string, node *jsonNode) {
	seen := map[string]bool{}
	for _, member := range node.members {
		if seen[member.name] {
			c.fault(join(path, member.name), "is given more than once")
		}
		seen[member.name] = true
	}
}

// expect reports whether a value is of a kind, and takes note where it is not.
func (c *bodyCheck) expect(path string, node *jsonNode, kind string) bool {
	if node.kind == kind {
		return true
	}
	what := ""
	if path == "" {
		what = "the body "
	}
	c.fault(path, "%smust be %s, and is %s", what, kind, node.kind)
	return false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
