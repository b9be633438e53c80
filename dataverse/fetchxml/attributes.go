package fetchxml

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// setter puts the value of an XML attribute where it belongs.
type setter func(Attr) error

// settings says what the attributes of an element are.
type settings map[string]setter

// ignored are attributes that editors and apps add and that change nothing, and those of the old schema that the service
// does not use.
func ignored(name string) bool {
	switch name {
	case "version", "output-format", "savedqueryid", "build", "addedby", "uiname", "uitype", "uihidden", "visible",
		"enableprefiltering", "prefilterparametername", "column":
		return true
	}
	return false
}

// node reads the attributes of an element. One that is not known is kept, as the service knows more than we do, but not one
// that looks like a slip: it would be ignored in silence.
func (s settings) node(e event) (Node, error) {
	n := Node{Pos: e.pos, Attrs: e.attrs}
	for _, a := range e.attrs {
		set, known := s[a.Name]
		if known {
			if err := set(a); err != nil {
				return Node{}, err
			}
			continue
		}
		if ignored(a.Name) {
			continue
		}
		if near := schema.Nearest(a.Name, slices.Collect(maps.Keys(s))); len(near) > 0 {
			return Node{}, fail(a.Pos, code.QueryBuilderInvalidAttributeValue, "<%s> has no attribute '%s'; did you mean %s?", e.name, a.Name, near[0])
		}
		n.Extra = append(n.Extra, a)
	}
	return n, nil
}

// require fails where an attribute that an element must have is missing or empty.
func require(e event, names ...string) error {
	for _, name := range names {
		i := slices.IndexFunc(e.attrs, func(a Attr) bool { return a.Name == name })
		if i < 0 || e.attrs[i].Value == "" {
			return fail(e.pos, code.QueryBuilderAttributeNotFound, "<%s> needs the attribute '%s'", e.name, name)
		}
	}
	return nil
}

func text(into *string) setter {
	return func(a Attr) error {
		*into = a.Value
		return nil
	}
}

// nothing takes an attribute that is known and changes nothing.
func nothing(Attr) error { return nil }

// boolean takes "true", "false", "1" and "0"; c is the code that Dataverse refuses others with.
func boolean(into *bool, c code.Code) setter {
	return func(a Attr) error {
		switch a.Value {
		case "true", "1":
			*into = true
		case "false", "0":
			*into = false
		default:
			return fail(a.Pos, c, "'%s' must be true, false, 1 or 0, not '%s'", a.Name, a.Value)
		}
		return nil
	}
}

// whole takes a number from 1 to most.
func whole(into **int, most int) setter {
	return func(a Attr) error {
		n, err := strconv.ParseInt(strings.TrimSpace(a.Value), 10, 32)
		switch {
		case err != nil:
			return fail(a.Pos, code.QueryBuilderInvalidAttributeValue, "'%s' must be a whole number, not '%s'", a.Name, a.Value)
		case n < 1:
			return fail(a.Pos, code.QueryBuilderValueGreaterThanZero, "'%s' must be 1 or more, not %d", a.Name, n)
		case n > int64(most):
			return fail(a.Pos, code.InvalidArgument, "'%s' can be %d at most, not %d", a.Name, most, n)
		}
		v := int(n)
		*into = &v
		return nil
	}
}

// oneOf takes one of several words; c is the code that Dataverse refuses others with.
func oneOf(into *string, c code.Code, words ...string) setter {
	return func(a Attr) error {
		if !slices.Contains(words, a.Value) {
			return fail(a.Pos, c, "'%s' must be one of %s, not '%s'", a.Name, strings.Join(words, ", "), a.Value)
		}
		*into = a.Value
		return nil
	}
}
