package local_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestChecklistNamesWhatIsThere holds that the tests and cases that checklist.md names exist.
func TestChecklistNamesWhatIsThere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("checklist.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, dir := range []string{".", "query", "../odata", "../fetchxml", "../webhook"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(b)
		}
	}
	for _, name := range regexp.MustCompile(`\bTest[A-Z][A-Za-z]*`).FindAllString(string(text), -1) {
		if !strings.Contains(tests.String(), "\nfunc "+name+"(") {
			t.Errorf("there is no %s", name)
		}
	}
	for _, list := range regexp.MustCompile(`cases ([a-z-]+(?:, [a-z-]+)*)`).FindAllStringSubmatch(string(text), -1) {
		for name := range strings.SplitSeq(list[1], ", ") {
			if _, err := os.Stat(filepath.Join("testdata", name+".txtar")); err != nil {
				t.Errorf("there is no file of cases %q", name)
			}
		}
	}
}
