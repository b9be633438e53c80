package saved

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// AnyValue stands in an expectation for any value but null.
const AnyValue = "@set"

// Differences says how an answer differs from what is expected of it; nothing where it does not. Of an object the expected
// members count, whatever others there are; lists have the same length. Numbers compare by value. The text AnyValue is equal to
// whatever is not null. Null, false, 0, "" and an empty list or object may as well not be there: answers leave them out.
func Differences(expected, answered any) []string {
	return differences("", plain(expected), plain(answered))
}

// plain is a value as JSON has it, with the digits of numbers.
func plain(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return value
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var out any
	if d.Decode(&out) != nil {
		return value
	}
	return out
}

func differences(path string, expected, answered any) []string {
	switch want := expected.(type) {
	case map[string]any:
		got, _ := answered.(map[string]any)
		if answered != nil && got == nil {
			break
		}
		var all []string
		for _, name := range slices.Sorted(maps.Keys(want)) {
			all = append(all, differences(join(path, name), want[name], got[name])...)
		}
		return all
	case []any:
		got, isList := answered.([]any)
		if answered != nil && !isList || len(got) != len(want) {
			break
		}
		var all []string
		for i := range want {
			all = append(all, differences(path+"["+strconv.Itoa(i)+"]", want[i], got[i])...)
		}
		return all
	}
	if same(expected, answered) {
		return nil
	}
	return []string{fmt.Sprintf("%s is %s, not %s", path, show(answered), show(expected))}
}

func same(expected, answered any) bool {
	if expected == AnyValue {
		return answered != nil
	}
	if empty(expected) && empty(answered) {
		return true
	}
	if want, ok := number(expected); ok {
		got, ok := number(answered)
		return ok && want.Cmp(got) == 0
	}
	switch expected.(type) {
	case map[string]any, []any:
		return false
	}
	return expected == answered
}

// empty reports whether an answer may leave a value out.
func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	n, ok := number(value)
	return ok && n.Sign() == 0
}

func number(value any) (*big.Rat, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return nil, false
	}
	return new(big.Rat).SetString(n.String())
}

func show(value any) string {
	if value == AnyValue {
		return "any value"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
