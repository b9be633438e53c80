package saved

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The definitions that the documentation shows are right, and it tells of each preset what it takes and saves.
func TestDocumentationIsTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/actions.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(examples) < 2 {
		t.Fatalf("%d examples, want some", len(examples))
	}
	for _, e := range examples {
		name := regexp.MustCompile(`(?m)^name: (\S+)$`).FindStringSubmatch(e[1])
		if name == nil {
			if _, err := ParseTests("find-customer", []byte(e[1])); err != nil {
				t.Errorf("an example that is neither a definition nor tests: %v", err)
			}
			continue
		}
		if _, err := Parse(name[1], []byte(e[1])); err != nil {
			t.Error(err)
		}
	}
	l, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, a := range l.Actions() {
		i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "| `"+a.Name+"` |") })
		if i < 0 {
			t.Errorf("%s has no row", a.Name)
			continue
		}
		for _, in := range a.Definition.Inputs {
			if !strings.Contains(lines[i], "`"+in.Name+"`") {
				t.Errorf("%s: the row lacks the input %s", a.Name, in.Name)
			}
		}
		for variable := range a.Definition.Save {
			if !strings.Contains(lines[i], "`"+variable+"`") {
				t.Errorf("%s: the row lacks the variable %s", a.Name, variable)
			}
		}
	}
	for _, kind := range InputTypes() {
		if !strings.Contains(string(text), "`"+string(kind)+"`") {
			t.Errorf("the input type %s is not told", kind)
		}
	}
}
