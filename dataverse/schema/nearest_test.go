package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/schema"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	contact := schema.Standard().Entity("contact").FieldNames()
	tests := []struct {
		name string
		want string // the first
	}{
		{"emailadress1", "emailaddress1"},
		{"fristname", "firstname"}, // two neighbours swapped are one mistake
		{"FirstName", "firstname"},
		{"lastnam", "lastname"},
		{"zzzzzzzzz", ""},
		{"", ""},
	}
	for _, test := range tests {
		got := schema.Nearest(test.name, contact)
		if test.want == "" && got != nil || test.want != "" && (len(got) == 0 || got[0] != test.want) {
			t.Errorf("Nearest(%q) = %v, want %q first", test.name, got, test.want)
		}
		if len(got) > 3 {
			t.Errorf("Nearest(%q) has %d names, want three at most", test.name, len(got))
		}
	}
}

func TestNearestIsOrderedAndWithoutRepeats(t *testing.T) {
	t.Parallel()
	got := schema.Nearest("name", []string{"nam", "game", "name2", "name", "names", "nam"})
	if want := []string{"name", "game", "nam"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNearestOfWhatIsNoName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	if got := schema.Nearest(long+"y", []string{"x", long}); got != nil {
		t.Errorf("%d names, want none", len(got))
	}
	if got := schema.Nearest("x", []string{long}); got != nil {
		t.Errorf("%d names, want none", len(got))
	}
}
