package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/botverse/botverse/dataverse/schema"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// errInexactNumber refuses a body with a number that would silently become another one.
var errInexactNumber = errors.New("a number has more digits than a double holds")

// doubleDigits is how many significant digits every double keeps (DBL_DIG).
const doubleDigits = 15

// newBody is a body to be read again.
func newBody(data []byte) io.Reader { return bytes.NewReader(data) }

// hasInexactNumber looks for numbers of more digits than a double keeps, and tries those. It costs one pass over the
// bytes where there are none.
func hasInexactNumber(data []byte) bool {
	inText := false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case inText && b == '\\':
			i++
		case b == '"':
			inText = !inText
		case !inText && (b == '-' || b >= '0' && b <= '9'):
			end := i + 1
			for end < len(data) && bytes.IndexByte([]byte("0123456789+-.eE"), data[end]) >= 0 {
				end++
			}
			if end-i > doubleDigits || bytes.ContainsAny(data[i:end], "eE") {
				if _, exact := exactDouble(string(data[i:end])); !exact {
					return true
				}
			}
			i = end - 1
		}
	}
	return false
}

// bodyError says all that keeps a body from being a message.
func bodyError(body []byte, message protoreflect.MessageDescriptor) error {
	node, err := parseJSON(body)
	if err != nil {
		return refusal(malformed, syntaxFault(body, err))
	}
	c := &bodyCheck{}
	c.message("", node, message)
	if len(c.faults) == 0 { // what protojson refuses for a reason that we do not know
		c.fault("", "the body does not fit %s", message.Name())
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
	default:
		return fault(malformed, "", "the body is not JSON: %v", err)
	}
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
	if node.kind == "a number" || !c.expect(path, node, "a text") {
		return
	}
	if e.Values().ByName(protoreflect.Name(node.text)) != nil {
		return
	}
	f := fault(malformed, path, "%q is none of its values", node.text)
	for i := range e.Values().Len() {
		if v := e.Values().Get(i); v.Number() != 0 {
			f.Allowed = append(f.Allowed, string(v.Name()))
		}
	}
	f.Nearest = schema.Nearest(node.text, f.Allowed)
	c.faults = append(c.faults, f)
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
	c.fault(path, "must be %s, and is %s", kind, node.kind)
	return false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
