package translate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse/schema"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

func TestNumbersByCulture(t *testing.T) {
	t.Parallel()
	credit := standardField(t, "contact", "creditlimit")
	for _, test := range []struct{ culture, given, want string }{ // "" for a fault
		{"de", "1.234,56", "1234.56"}, {"de", "1234,56", "1234.56"}, {"de", "1.234", "1234"}, {"de", "1.234.567,5", "1234567.5"},
		{"de", "1234.56", ""}, {"de", "1.5", ""}, {"de", "1,234.56", ""}, {"de", "1.23.456", ""}, {"de", "1,2,3", ""}, {"de", ",5", ""}, {"de", "12 Euro", ""},
		{"en", "1,234.56", "1234.56"}, {"en", "1,5", ""}, {"en-US", "1234.5", "1234.5"}, {"en-IN", "12,34,567.5", "1234567.5"}, {"en-IN", "1,234,567", ""},
		{"fr", "1 234,56", "1234.56"}, {"fr", "1\u202f234,56", "1234.56"}, {"fr", "1\u00a0234,56", "1234.56"}, {"fr", "1.234,56", ""},
		{"de-CH", "1’234.50", "1234.50"}, {"de-CH", "1'234.50", "1234.50"}, {"sv", "1 234,5", "1234.5"}, {"ar", "1,234.5", "1234.5"},
	} {
		writing, fault := translate.NumbersOf(test.culture)
		if fault != nil {
			t.Errorf("%s: %s", test.culture, fault.Message)
			continue
		}
		got, fault := translate.Value(credit, test.given, translate.Options{Numbers: writing})
		switch {
		case test.want == "" && (fault == nil || !strings.Contains(fault.Message, writing.Example)):
			t.Errorf("%s in %s = %v, %+v; want a fault with %s", test.given, test.culture, got.Wire, fault, writing.Example)
		case test.want != "" && (fault != nil || got.Wire != json.Number(test.want)):
			t.Errorf("%s in %s = %v, %+v; want %s", test.given, test.culture, got.Wire, fault, test.want)
		}
	}
	for _, culture := range []string{"german, please", "xx-", "e"} {
		if _, fault := translate.NumbersOf(culture); fault == nil || fault.Field != "culture" {
			t.Errorf("the culture %q is taken", culture)
		}
	}
	if _, fault := translate.Value(credit, "1.234,56", translate.Options{}); fault == nil || !strings.Contains(fault.Message, "culture") {
		t.Errorf("without a culture: %+v, want it asked for", fault)
	}
	if got, fault := translate.Value(credit, 1234.5, translate.Options{Numbers: &translate.Numbers{}}); fault != nil || got.Wire != json.Number("1234.5") {
		t.Errorf("a number = %v, %+v: a culture is of texts only", got.Wire, fault)
	}
}

// TestNumbersOfEveryCultureAreReadBack: what CLDR's own printer writes is read as the number it was.
func TestNumbersOfEveryCultureAreReadBack(t *testing.T) {
	t.Parallel()
	cultures := []string{"bg", "cs", "da", "de", "de-AT", "de-CH", "en", "en-IN", "en-ZA", "es", "es-MX", "fi", "fr", "fr-CA", "he", "hi", "hu", "it", "ja", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sv", "tr", "uk", "zh"}
	writings, printers := map[string]*translate.Numbers{}, map[string]*message.Printer{}
	for _, culture := range cultures {
		writing, fault := translate.NumbersOf(culture)
		if fault != nil {
			t.Fatal(fault.Message)
		}
		writings[culture], printers[culture] = writing, message.NewPrinter(language.MustParse(culture+"-u-nu-latn"))
	}
	rapid.Check(t, func(t *rapid.T) {
		culture := rapid.SampledFrom(cultures).Draw(t, "culture")
		cents := rapid.Int64Range(-1e11, 1e11).Draw(t, "cents")
		written := printers[culture].Sprint(number.Decimal(float64(cents)/100, number.Scale(2)))
		written = strings.TrimPrefix(written, "\u200e") // Hebrew marks the sign's direction
		got, fault := translate.Value(extraField(schema.Double), written, translate.Options{Numbers: writings[culture]})
		value, _ := got.Wire.(json.Number)
		want, _ := translate.TextOf(float64(cents) / 100)
		if fault != nil || plainCents(value.String()) != plainCents(want) {
			t.Fatalf("%s in %s is read as %v, want %s", written, culture, got.Wire, want)
		}
	})
}

// plainCents is a number's text with two digits behind the point.
func plainCents(text string) string {
	whole, cents, _ := strings.Cut(text, ".")
	return whole + "." + (cents + "00")[:2]
}
