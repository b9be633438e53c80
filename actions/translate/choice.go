package translate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/schema"
)

// YesNo is what a word for yes or no says; known is false for any other.
func YesNo(word string) (yes, known bool) {
	yes, known = yesNoWords[strings.ToLower(strings.TrimSpace(word))]
	return yes, known
}

// yesNoWords are words for yes and no beside a field's own labels, which go first: a label "No" may well stand for true.
var yesNoWords = map[string]bool{
	"true": true, "yes": true, "y": true, "on": true, "1": true,
	"false": false, "no": false, "n": false, "off": false, "0": false,
}

// translateYesNo takes true and false, 1 and 0, the words for them, and the field's labels.
func translateYesNo(f *schema.Field, v any, o Options) (any, *input.Fault) {
	if b, ok := v.(bool); ok {
		return b, nil
	}
	if text, ok := TextOf(v); ok {
		yes, no := f.TrueLabel.Is(text), f.FalseLabel.Is(text)
		if yes != no {
			return yes, nil
		}
		if b, known := YesNo(text); known {
			return b, nil
		}
	}
	fault := Misfit(f, v, o, "it takes true or false, yes or no, or one of its labels")
	for _, label := range []schema.Label{f.TrueLabel, f.FalseLabel} {
		if label.String() != "" {
			fault.Allowed = append(fault.Allowed, label.String())
		}
	}
	return nil, fault
}

// maxAllowed bounds the labels that a fault lists.
const maxAllowed = 50

// translateChoice takes an option's label in any installed language, or its number.
func translateChoice(f *schema.Field, v any, o Options) (any, *input.Fault) {
	text, ok := TextOf(v)
	if _, isBool := v.(bool); !ok || isBool {
		return nil, noOption(f, v, o)
	}
	if _, isText := v.(string); isText {
		var found []int
		for _, option := range f.Options {
			if option.Label.Is(text) {
				found = append(found, option.Value)
			}
		}
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return nil, Misfit(f, v, o, "several options have that label; give one of their numbers: %s", joinInts(found))
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil || len(f.Options) > 0 && f.Option(int(n)) == nil {
		return nil, noOption(f, v, o)
	}
	return int(n), nil
}

// noOption is the fault of a value that is no option, with the labels that are.
func noOption(f *schema.Field, v any, o Options) *input.Fault {
	var labels, allowed []string
	for _, option := range f.Options {
		label := option.Label.String()
		labels = append(labels, label)
		if label == "" {
			label = strconv.Itoa(option.Value)
		}
		allowed = append(allowed, label)
	}
	right := "it takes an option's label or number"
	switch {
	case len(allowed) == 0:
		right = "its options are not known; give the option's number"
	case len(allowed) <= maxAllowed:
		right += ": " + strings.Join(allowed, ", ")
	}
	fault := Misfit(f, v, o, "%s", right)
	fault.Allowed = allowed[:min(len(allowed), maxAllowed)]
	if text, ok := v.(string); ok {
		fault.Nearest = schema.Nearest(text, labels)
	}
	return fault
}

// maxChosen is how many options a multi-select choice takes (Web API, "Multi-select choices").
const maxChosen = 150

// translateChoices takes a list of labels or numbers, one of them, or several in a text, separated by semicolons or
// commas.
func translateChoices(f *schema.Field, v any, o Options) (any, *input.Fault) {
	elements, ok := v.([]any)
	if !ok {
		elements = splitChoices(f, v)
	}
	chosen := []int{}
	for _, element := range elements {
		n, fault := translateChoice(f, element, o)
		if fault != nil {
			return nil, fault
		}
		if !slices.Contains(chosen, n.(int)) {
			chosen = append(chosen, n.(int))
		}
	}
	if len(chosen) == 0 || len(chosen) > maxChosen {
		return nil, Misfit(f, v, o, "it takes from 1 to %d options; null for none", maxChosen)
	}
	return chosen, nil
}

// splitChoices takes a text apart, unless it is a label as it stands: labels may have commas.
func splitChoices(f *schema.Field, v any) []any {
	text, ok := v.(string)
	if !ok || slices.ContainsFunc(f.Options, func(option schema.Option) bool { return option.Label.Is(text) }) {
		return []any{v}
	}
	separator := ","
	if strings.Contains(text, ";") {
		separator = ";"
	}
	var elements []any
	for piece := range strings.SplitSeq(text, separator) {
		elements = append(elements, strings.TrimSpace(piece))
	}
	return elements
}

// ChosenText is a multi-select choice's options as the Web API has them: "1,2".
func ChosenText(options []int) string { return strings.ReplaceAll(joinInts(options), " ", "") }

func joinInts(numbers []int) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = fmt.Sprint(n)
	}
	return strings.Join(texts, ", ")
}
