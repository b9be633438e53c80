package local

import (
	"fmt"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
)

// matches reports whether a condition holds for a definition. Definitions are few and no records: they are looked at one by
// one.
func matches(where odata.Expr, d document) (bool, error) {
	switch x := where.(type) {
	case nil:
		return true, nil
	case *odata.Not:
		ok, err := matches(x.Term, d)
		return !ok, err
	case *odata.Logical:
		for _, term := range x.Terms {
			ok, err := matches(term, d)
			if err != nil || ok == (x.Op == odata.Or) {
				return ok, err
			}
		}
		return x.Op == odata.And, nil
	case *odata.Call:
		return calls(x, d)
	case *odata.Compare:
		return compares(x, d)
	}
	return false, refuse(code.UnsupportedQuery, "The query of definitions has a condition that is not supported.")
}

func calls(x *odata.Call, d document) (bool, error) {
	have, err := member(d, x.Path)
	if err != nil {
		return false, err
	}
	text, value := strings.ToLower(fmt.Sprint(have)), strings.ToLower(fmt.Sprint(jsonValue(x.Value)))
	switch x.Func {
	case "contains":
		return strings.Contains(text, value), nil
	case "startswith":
		return strings.HasPrefix(text, value), nil
	}
	return strings.HasSuffix(text, value), nil
}

func compares(x *odata.Compare, d document) (bool, error) {
	have, err := member(d, x.Path)
	if err != nil {
		return false, err
	}
	want := jsonValue(x.Value)
	if member, ok := x.Value.(odata.Enum); ok {
		want = member.Member
	}
	same := have == nil && want == nil || have != nil && want != nil && fmt.Sprint(have) == fmt.Sprint(want)
	if x.Op != odata.Eq && x.Op != odata.Ne {
		return false, refuse(code.UnsupportedQuery, "The query of definitions compares by eq and ne only.")
	}
	return same == (x.Op == odata.Eq), nil
}

// member is what a path names in a definition.
func member(d document, path odata.Path) (any, error) {
	var value any = d
	for _, name := range path {
		object, ok := value.(document)
		if !ok {
			return nil, nil
		}
		value, ok = object[name]
		if !ok && !slices.Contains([]string{"Value"}, name) {
			return nil, refuse(0, "Could not find a property named '%s' on type 'Microsoft.Dynamics.CRM.MetadataBase'.", name)
		}
	}
	return value, nil
}
