package dataverse

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// spoken are the fields of a registration that have a better name than their own.
var spoken = map[string]string{
	"authtype":            "kind of key",
	"description":         "key",
	"isauthvalueset":      "key",
	"statecode":           "state",
	"entityalias":         "alias",
	"attributes":          "fields",
	"filteringattributes": "filtering fields",
}

// differences are the fields in which the record is other than wanted, by name. Their kind stands before each.
func (r Record) differences(kind string, want Fields) []Difference {
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(want)) {
		got := r.values[name]
		if same(name, got, want[name]) || name == "statuscode" && !same("statecode", r.values["statecode"], want["statecode"]) {
			continue
		}
		what := name
		if label := spoken[name]; label != "" {
			what = label
		}
		if kind != "" {
			what = kind + "'s " + what
		}
		all = append(all, Difference{what, spell(name, got), spell(name, want[name])})
	}
	return all
}

// same compares a value as it was read with a wanted one. The order of fields in a list does not count.
func same(name string, got, want any) bool {
	switch want := want.(type) {
	case int:
		number, ok := got.(json.Number)
		return ok && number.String() == strconv.Itoa(want)
	case string:
		text, _ := got.(string)
		return text == want || isFieldList(name) && sameNames(text, want)
	case nil:
		return got == nil || got == ""
	default:
		return got == want
	}
}

func isFieldList(name string) bool { return name == "attributes" || name == "filteringattributes" }

func sameNames(a, b string) bool {
	as, bs := strings.Split(a, ","), strings.Split(b, ",")
	slices.Sort(as)
	slices.Sort(bs)
	return slices.Equal(as, bs)
}

// spell writes a value of a registration for people.
func spell(name string, v any) string {
	switch fmt.Sprintf("%s %v", name, v) {
	case "mode 0":
		return "synchronous"
	case "mode 1":
		return "asynchronous"
	case "stage 40":
		return "after the commit (40)"
	case "statecode 0":
		return "enabled"
	case "statecode 1":
		return "disabled"
	case "isauthvalueset false":
		return "not set"
	case "isauthvalueset true":
		return "set"
	}
	text, isText := v.(string)
	switch {
	case isFieldList(name) && (v == nil || text == ""):
		return "all fields"
	case name == "description":
		if _, digits, ok := strings.Cut(text, keyMark); ok {
			return digits
		}
		return "one that Botverse did not set"
	case v == nil:
		return "nothing"
	case isText:
		return strconv.Quote(text)
	}
	return fmt.Sprint(v)
}
