package webhook

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecode wants that whatever is read can be written, and reads the same again.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"MessageName":"Create","SharedVariables":[{"key":"x","value":[{"Value":null},{"Value":1.5},[],{}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		first, err := Decode(body)
		if err != nil {
			return
		}
		text, err := Encode(first)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		second, err := Decode(text)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, text)
		}
		again, err := Encode(second)
		if err != nil || string(again) != string(text) {
			t.Errorf("it reads otherwise the second time (%v):\n%s", err, cmp.Diff(string(text), string(again)))
		}
	})
}
