package phone_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/botverse/botverse/actions/phone"
)

func TestNumbersAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, region, want string }{
		{"+1 (317) 555-0125", "", "+13175550125"},
		{"317.555.0125", "US", "+13175550125"},
		{"317.555.0125", "us", "+13175550125"},
		{"tel:+1-317-555-0125;ext=12", "", "+13175550125"},
		{"whatsapp:+13175550125", "", "+13175550125"},
		{"sip:+13175550125@pbx.example.com;user=phone", "", "+13175550125"},
		{"\u202a+31 6 12345678\u202c", "", "+31612345678"}, // as it is copied from an address book
		{"＋３１６１２３４５６７８", "", "+31612345678"},
		{"٠٦١٢٣٤٥٦٧٨", "NL", "+31612345678"},
		{"31612345678", "US", "+31612345678"}, // as WhatsApp gives numbers
		{"0031 6 12345678", "US", "+31612345678"},
		{"0031 6 12345678", "", "+31612345678"},
		{"011 31 6 12345678", "US", "+31612345678"},
		{"+44 (0)20 7946 0958", "", "+442079460958"},
		{"011 15-2345-6789", "AR", "+5491123456789"},
		{"+39 06 1234 5678", "", "+390612345678"}, // Italy keeps its zero
		{"1-800-FLOWERS", "US", "+18003569377"},
	} {
		n, err := phone.Parse(c.text, c.region)
		if err != nil || n.E164() != c.want {
			t.Errorf("Parse(%q, %q) = %v, %v, want %s", c.text, c.region, n, err, c.want)
		}
	}
}

func TestWhatIsNoNumberIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, region string
		want         error
		why          string
	}{
		{"020 7946 0958", "", phone.ErrNoCountry, "no region"},
		{"011 31 6 12345678", "", phone.ErrNoCountry, "no region"},
		{"hello", "US", phone.ErrNotANumber, "no phone number"},
		{"", "US", phone.ErrNotANumber, "no phone number"},
		{"555-0125", "US", phone.ErrNotANumber, "area code"},
		{"112", "NL", phone.ErrNotANumber, "too few"},
		{"+31 6 1234567890123", "", phone.ErrNotANumber, "too many"},
		{"+999 123456789", "", phone.ErrNotANumber, "country code"},
		{strings.Repeat("1", 1<<20), "US", phone.ErrNotANumber, "too long"},
	} {
		if _, err := phone.Parse(c.text, c.region); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("Parse(%.20q, %q) fails with %v, want %v with %q", c.text, c.region, err, c.want, c.why)
		}
	}
}

func TestStoredTextsMeanTheNumberOrNot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		number, stored, region string
		want                   bool
	}{
		{"+13175550125", "317.555.0125", "US", true},
		{"+13175550125", "1-317-555-0125", "", true},
		{"+13175550125", "3175550125 ext. 7", "US", true},
		{"+13175550125;ext=7", "3175550125 ext. 8", "US", false},
		{"+13175550125", "416.555.0125", "US", false}, // the same last seven digits
		{"+13175550125", "555-0125", "US", false},
		{"+442079460958", "020 7946 0958", "US", true}, // no number of the United States: only of the caller's own country
		{"+442079460958", "020 7946 0958", "NL", true},
		{"+31207946095", "020 794 6095", "NL", true},
		{"+44207946095", "020 794 6095", "NL", false}, // is a number of the region
		{"+447946095812", "447946095812", "NL", true},
		{"+442079460958", "0044 20 7946 0958", "US", true},
		{"+442079460958", "011 44 20 7946 0958", "NL", true},
		{"+31612345678", "06-12345678 (home)", "NL", true},
		{"+31612345678", "home 06-12345678", "NL", true},
		{"+4930123456", "030 7654321 / 030 123456", "DE", true},
		{"+4930123456", "030/123456", "DE", true},
		{"+49307654321", "030 7654321; 030 123456", "DE", true},
		{"+31612345678", "+49 6123 45678", "NL", false},
		{"+31612345678", "", "NL", false},
		{"+31612345678", strings.Repeat("+31612345678 ", 1000), "NL", false},
		{"+5491123456789", "011 15-2345-6789", "AR", true},
		{"+5491123456789", "011 2345-6789", "AR", false}, // that is a line and no mobile phone
	} {
		n, err := phone.Parse(c.number, "")
		if err != nil {
			t.Fatalf("Parse(%q): %v", c.number, err)
		}
		if got := n.In(c.stored, c.region); got != c.want {
			t.Errorf("%s in %.40q of region %q = %t, want %t", c.number, c.stored, c.region, got, c.want)
		}
	}
}

// Whatever stands in a field, it is read without harm, and E.164 means what it was made from.
func TestEveryTextIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		region := rapid.SampledFrom([]string{"", "US", "NL", "AR", "IT", "xx"}).Draw(t, "region")
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[+0-9 ().;=/x-]{0,30}`)).Draw(t, "text")
		n, err := phone.Parse(text, region)
		if err != nil {
			if n, err = phone.Parse("+31612345678", ""); err != nil {
				t.Fatal(err)
			}
			n.In(text, region)
			return
		}
		if again, err := phone.Parse(n.E164(), ""); err != nil || again.E164() != n.E164() || !n.In(n.E164(), region) {
			t.Fatalf("%q is %s, which is %v, %v", text, n.E164(), again, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := phone.Parse("+1 (317) 555-0125", ""); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCore is what a query is made of.
func BenchmarkCore(b *testing.B) {
	n, err := phone.Parse("+1 (317) 555-0125", "")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if n.Core() != "3175550125" {
			b.Fatal(n.Core())
		}
	}
}

// BenchmarkIn is the comparison with one stored text.
func BenchmarkIn(b *testing.B) {
	n, err := phone.Parse("+1 (317) 555-0125", "")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !n.In("317.555.0125", "US") {
			b.Fatal("317.555.0125 is another number")
		}
	}
}
