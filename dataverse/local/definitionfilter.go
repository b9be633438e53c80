package local

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
)

// matches reports whether a condition holds for a definition. Definitions are few and no records: they are looked at one by
// one.
func matches(where odata.Expr, d defined) (bool, error) {
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

func calls(x *odata.Call, d defined) (bool, error) {
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

func compares(x *odata.Compare, d defined) (bool, error) {
	have, err := member(d, x.Path)
	if err != nil {
		return false, err
	}
	want := jsonValue(x.Value)
	if member, ok := x.Value.(odata.Enum); ok {
		want = member.Member
	}
	same := have == nil && want == nil || have != nil && want != nil && fmt.Sprint(have) == fmt.Sprint(want)
	switch x.Op {
	case odata.Eq:
		return same, nil
	case odata.Ne:
		return !same, nil
	}
	a, ok := new(big.Rat).SetString(fmt.Sprint(have))
	b, alsoOK := new(big.Rat).SetString(fmt.Sprint(want))
	if !ok || !alsoOK {
		return false, nil // null is neither less nor more, nor is what has no order
	}
	switch order := a.Cmp(b); x.Op {
	case odata.Gt:
		return order > 0, nil
	case odata.Ge:
		return order >= 0, nil
	case odata.Lt:
		return order < 0, nil
	default:
		return order <= 0, nil
	}
}

// member is what a path names in a definition. Labels cannot be compared ("Query table definitions", filters).
func member(d defined, path odata.Path) (any, error) {
	if len(path) == 0 || !d.has(path[0]) {
		return nil, d.noProperty(strings.Join(path, "/"))
	}
	var value any = d.document
	for _, name := range path {
		object, ok := value.(document)
		if !ok {
			return nil, nil
		}
		if value, ok = object[name]; ok {
			if label, isObject := value.(document); isObject && label["LocalizedLabels"] != nil {
				return nil, refuse(code.UnsupportedQuery, "The label '%s' cannot be filtered by.", name)
			}
		}
	}
	return value, nil
}
