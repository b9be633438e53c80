package phone_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/botverse/botverse/actions/phone"
)

func TestUsualSpellings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		number, region string
		want           []string
	}{
		{"+13175550125", "US", []string{
			"+13175550125", "13175550125", "3175550125", "(317) 555-0125", "(317)555-0125", "317-555-0125", "317.555.0125", "317 555 0125",
			"1-317-555-0125", "+1 (317) 555-0125", "+1 317-555-0125", "tel:+13175550125", "tel:+1-317-555-0125", "0013175550125",
		}},
		{"+13175550125;ext=12", "", []string{"+13175550125", "(317) 555-0125"}},
		{"+442079460958", "US", []string{
			"+442079460958", "442079460958", "02079460958", "020 7946 0958", "(020) 7946 0958", "+44 20 7946 0958", "+44 (0)20 7946 0958",
			"0044 20 7946 0958", "00442079460958", "011 44 20 7946 0958", "011442079460958",
		}},
		{"+442079460958", "JP", []string{"010 44 20 7946 0958", "010442079460958"}},
		{"+31612345678", "nl", []string{"0612345678", "06 12345678", "06-12345678", "+31 6 12345678", "+31612345678", "+31 (0)6 12345678", "0031612345678"}},
		{"+4930123456", "", []string{"030 123456", "030/123456", "030-123456", "(030) 123456", "+49 30 123456", "+49 (0)30 123456"}},
		{"+390612345678", "", []string{"06 1234 5678", "+39 06 1234 5678", "0612345678"}},
		{"+33123456789", "", []string{"01 23 45 67 89", "01.23.45.67.89", "0123456789", "+33 1 23 45 67 89"}},
		{"+4512345678", "", []string{"12345678", "+45 12345678", "+4512345678"}},
	} {
		n, err := phone.Parse(c.number, "")
		if err != nil {
			t.Fatalf("Parse(%q): %v", c.number, err)
		}
		got := n.Spellings(c.region)
		for _, want := range c.want {
			if !slices.Contains(got, want) {
				t.Errorf("%s of region %q is not written %q, but %q", c.number, c.region, want, got)
			}
		}
		if got[0] != n.E164() {
			t.Errorf("%s is first written %q, want E.164", c.number, got[0])
		}
	}
}

// Each spelling of whatever number is one that a search by its digits finds too, and no two are the same.
func TestSpellingsHaveTheDigits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		region := rapid.SampledFrom([]string{"", "US", "NL", "AR", "IT", "MX", "JP", "xx"}).Draw(t, "region")
		n, err := phone.Parse("+"+rapid.StringMatching(`[1-9][0-9]{6,13}`).Draw(t, "digits"), "")
		if err != nil {
			t.Skip(err)
		}
		got := n.Spellings(region)
		if len(got) == 0 || len(got) > 40 {
			t.Fatalf("%s has %d spellings, want up to 40", n.E164(), len(got))
		}
		for i, text := range got {
			rest := text
			for _, d := range n.Core() {
				_, after, found := strings.Cut(rest, string(d))
				if !found {
					t.Fatalf("%q of %s has not the digits %s in order", text, n.E164(), n.Core())
				}
				rest = after
			}
			if slices.Contains(got[:i], text) || strings.TrimSpace(text) != text {
				t.Fatalf("%q of %s stands there twice, or has blanks around it", text, n.E164())
			}
		}
	})
}

// BenchmarkSpellings is what the query by equality is made of.
func BenchmarkSpellings(b *testing.B) {
	n, err := phone.Parse("+442079460958", "")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(n.Spellings("US")) < 10 {
			b.Fatal("too few spellings")
		}
	}
}
