package query

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

func fieldOf(t testing.TB, name string) (*schema.Entity, *schema.Field) {
	t.Helper()
	entity, field, _ := strings.Cut(name, ".")
	e := schema.Standard().Entity(entity)
	f := e.Field(field)
	if f == nil {
		t.Fatalf("no field %s", name)
	}
	return e, f
}

// TestValuesRoundTrip is what the column holds, and what is read back and shown of it.
func TestValuesRoundTrip(t *testing.T) {
	t.Parallel()
	tests := []struct {
		field            string
		in, column, json any
		text             string
	}{
		{"contact.firstname", "Ada", "Ada", "Ada", ""},
		{"contact.firstname", "", nil, nil, ""},
		{"contact.description", "a\nb", "a\nb", "a\nb", ""},
		{"account.numberofemployees", json.Number("1500"), int64(1500), json.Number("1500"), "1,500"},
		{"account.numberofemployees", "200", int64(200), json.Number("200"), "200"},
		{"account.numberofemployees", 7, int64(7), json.Number("7"), "7"},
		{"account.versionnumber", json.Number("9007199254740993"), int64(9007199254740993), json.Number("9007199254740993"), "9,007,199,254,740,993"},
		{"account.revenue", json.Number("5000000"), int64(50000000000), json.Number("5000000.0000"), "$5,000,000.00"},
		{"account.revenue", json.Number("0.00005"), int64(1), json.Number("0.0001"), "$0.00"},
		{"account.revenue_base", json.Number("-12.5"), int64(-125000), json.Number("-12.5000"), "($12.5000)"},
		{"account.exchangerate", json.Number("1.25"), "1.25", json.Number("1.250000000000"), "1.250000000000"},
		{"account.exchangerate", json.Number("12345678901.000000000001"), "12345678901.000000000001", json.Number("12345678901.000000000001"), "12,345,678,901.000000000001"},
		{"account.address1_latitude", json.Number("47.25"), 47.25, json.Number("47.25"), "47.25000"},
		{"contact.donotemail", true, int64(1), true, "Do Not Allow"},
		{"contact.donotemail", "False", int64(0), false, "Allow"},
		{"contact.gendercode", json.Number("2"), int64(2), json.Number("2"), "Female"},
		{"contact.gendercode", "2", int64(2), json.Number("2"), "Female"},
		{"contact.statecode", json.Number("1"), int64(1), json.Number("1"), "Inactive"},
		{"contact.birthdate", "1990-08-17", int64(650851200000000), "1990-08-17", "8/17/1990"},
		{"contact.lastonholdtime", "2031-05-17T15:30:00+02:00", int64(1936791000000000), "2031-05-17T13:30:00Z", "5/17/2031 6:30 AM"},
		{"contact.lastonholdtime", "2031-05-17T15:30:00", int64(1936798200000000), "2031-05-17T15:30:00Z", "5/17/2031 8:30 AM"},
		{"contact.lastonholdtime", "1753-01-01T00:00:00.123456Z", int64(-6847804799876544), "1753-01-01T00:00:00Z", "12/31/1752 4:07 PM"},
		{"contact.contactid", strings.ToUpper(ada), ada, ada, ""},
		{"contact.parentcustomerid", contoso, contoso, contoso, ""},
		{"contact.firstname", nil, nil, nil, ""},
	}
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.field, " ", tt.in), func(t *testing.T) {
			t.Parallel()
			e, f := fieldOf(t, tt.field)
			column, err := Encode(e, f, tt.in)
			if err != nil || column != tt.column {
				t.Fatalf("column = %v (%T), %v, want %v", column, column, err, tt.column)
			}
			if got := Decode(f, column); got != tt.json {
				t.Errorf("reply = %v, want %v", got, tt.json)
			}
			if got := Formatted(f, column, Format{Location: zone}); got != tt.text {
				t.Errorf("shown as %q, want %q", got, tt.text)
			}
		})
	}
}

func TestMultiSelectValues(t *testing.T) {
	t.Parallel()
	f := &schema.Field{LogicalName: "colours", Type: schema.MultiSelectPicklist, Options: []schema.Option{
		{Value: 1, Label: schema.EnglishLabel("Red")}, {Value: 9, Label: schema.EnglishLabel("Blue")},
	}}
	e := &schema.Entity{LogicalName: "thing"}
	column, err := Encode(e, f, "9, 1,9")
	if err != nil || column != ",1,9," {
		t.Fatalf("column = %v, %v, want ,1,9,", column, err)
	}
	if got := Decode(f, column); got != "1,9" {
		t.Errorf("reply = %v, want 1,9", got)
	}
	if got := Formatted(f, column, Format{}); got != "Red; Blue" {
		t.Errorf("shown as %q, want Red; Blue", got)
	}
	if column, err := Encode(e, f, ""); column != nil || err != nil {
		t.Errorf("nothing selected = %v, %v, want no value", column, err)
	}
	if _, err := Encode(e, f, "2"); err == nil {
		t.Error("an unknown option is taken")
	}
}

func TestEncodeRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		field string
		in    any
		want  code.Code
	}{
		{"contact.firstname", json.Number("5"), code.InvalidPayload},
		{"contact.firstname", strings.Repeat("a", 51), code.StringLengthTooLong},
		{"contact.firstname", strings.Repeat("😀", 26), code.StringLengthTooLong}, // in UTF-16 units
		{"contact.firstname", "a\x00b", code.InvalidCharactersInField},
		{"account.numberofemployees", "many", code.InvalidPayload},
		{"account.numberofemployees", json.Number("1.5"), code.InvalidPayload},
		{"account.numberofemployees", json.Number("-1"), code.IntegerValueOutOfRange},
		{"account.revenue", json.Number("1e30"), code.MoneySizeExceeded},
		{"account.revenue", json.Number("-1"), code.MoneySizeExceeded},
		{"account.exchangerate", json.Number("-5"), code.DecimalValueOutOfRange},
		{"account.exchangerate", "1/3", code.InvalidPayload},
		{"account.exchangerate", "1e999999999", code.InvalidPayload},
		{"contact.donotemail", json.Number("1"), 0},
		{"contact.gendercode", json.Number("77"), code.PicklistValueOutOfRange},
		{"contact.gendercode", "Female", code.InvalidPayload},
		{"contact.birthdate", "1990-08-17T10:00:00Z", code.InvalidPayload},
		{"contact.birthdate", "1700-01-01", code.InvalidDateTime},
		{"contact.lastonholdtime", "tomorrow", code.InvalidPayload},
		{"contact.parentcustomerid", "Contoso", code.InvalidPayload},
		{"contact.contactid", "{" + ada, code.InvalidPayload},
	}
	for _, tt := range tests {
		e, f := fieldOf(t, tt.field)
		_, err := Encode(e, f, tt.in)
		var refused *Error
		if !errors.As(err, &refused) || refused.Code != tt.want {
			t.Errorf("%s = %.20v: error = %v, want code %v", tt.field, tt.in, err, tt.want)
		}
	}
}

func TestTextsCompareWithoutCaseAndAccents(t *testing.T) {
	t.Parallel()
	equal := [][2]string{
		{"jose", "JOSÉ"}, {"e\u0301", "É"}, {"Straße", "STRASSE"}, {"Æsop", "aesop"}, {"Łódź", "lodz"}, {"Ørsted", "orsted"},
		{"a  ", "a"}, {"", "  "}, {"ΣΊΣΥΦΟΣ", "σίσυφος"}, {"Ａｂｃ", "abc"}, {"Đà Nẵng", "da nang"},
	}
	for _, pair := range equal {
		if compareText(pair[0], pair[1]) != 0 {
			t.Errorf("%q and %q differ", pair[0], pair[1])
		}
	}
	ascending := []string{"", "a", "A b", "ab", "Äc", "b", "é", "f", "ß", "su"}
	for i := 1; i < len(ascending); i++ {
		if compareText(ascending[i-1], ascending[i]) >= 0 {
			t.Errorf("%q does not come before %q", ascending[i-1], ascending[i])
		}
	}
	if compareText(" a", "a") == 0 {
		t.Error("a leading space does not count")
	}
}

// TestCollationIsAnOrder holds what SQLite's indexes rely on.
func TestCollationIsAnOrder(t *testing.T) {
	t.Parallel()
	text := rapid.StringOf(rapid.RuneFrom([]rune("aAäbß sSzØ\u0301é中\u00a0ı"))).AsAny()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := text.Draw(t, "a").(string), text.Draw(t, "b").(string), text.Draw(t, "c").(string)
		if compareText(a, b) != -compareText(b, a) {
			t.Fatalf("%q and %q compare as %d and back as %d", a, b, compareText(a, b), compareText(b, a))
		}
		if compareText(a, b) <= 0 && compareText(b, c) <= 0 && compareText(a, c) > 0 {
			t.Fatalf("%q, %q and %q have no order", a, b, c)
		}
	})
}

func TestCollationAllocatesNothing(t *testing.T) {
	like := parsePattern("%n_n%z")
	if n := testing.AllocsPerRun(100, func() { compareText("José Núñez", "jose nunes"); like.matches("José Núñez") }); n > 0 {
		t.Errorf("%v allocations a comparison", n)
	}
}

func TestLike(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"ada", "ADA", true}, {"ada", "ada ", false}, {"a%", "Ada", true}, {"%d%", "Ada", true}, {"%da", "Ada", true}, {"d%", "Ada", false},
		{"_da", "Ada", true}, {"__da", "Ada", false}, {"%", "", true}, {"_", "", false}, {"", "", true}, {"", "a", false},
		{"jose%", "José Núñez", true}, {"%nuñ%", "José Núñez", true},
		{"[abc]da", "Ada", true}, {"[b-d]da", "Ada", false}, {"[^b-d]da", "Ada", true}, {"[^a]da", "Ada", false},
		{"50[%]", "50%", true}, {"50[%]", "505", false}, {"a[_]b", "a_b", true}, {"a[_]b", "axb", false}, {"[[]x]", "[x]", true},
		{"a]b", "a]b", true}, {"[a", "a", false}, {"[a", "[a", false}, {"[-a]", "-", true}, {"[a-]", "-", true},
		{"%a%b%c%", "xxaxxbxxcxx", true}, {"%a%b%c%", "xxcxxbxxaxx", false}, {"a%b", "a\nb", true}, {"a.c", "abc", false},
		{"%ss%", "Straße", true}, {"[^^]", "^", false},
	}
	for _, tt := range tests {
		if got := parsePattern(tt.pattern).matches(tt.text); got != tt.want {
			t.Errorf("%q like %q = %v, want %v", tt.text, tt.pattern, got, tt.want)
		}
	}
}

// TestPrefixNarrowsOnly holds that the range an index is searched in never leaves out what the pattern matches.
func TestPrefixNarrowsOnly(t *testing.T) {
	t.Parallel()
	letters := rapid.StringOf(rapid.RuneFrom([]rune("aAäbß s\u0301é")))
	rapid.Check(t, func(t *rapid.T) {
		pattern := letters.Draw(t, "pattern") + rapid.SampledFrom([]string{"", "%", "_%", "[a-c]%"}).Draw(t, "rest")
		text := letters.Draw(t, "text")
		prefix := literalPrefix(pattern)
		if prefix == "" || !parsePattern(pattern).matches(text) {
			return
		}
		if compareText(text, prefix) < 0 || compareText(text, prefix+"\U0010FFFF") >= 0 {
			t.Fatalf("%q is like %q, but not behind its prefix %q", text, pattern, prefix)
		}
	})
}

func TestDecimalsCompareAsNumbers(t *testing.T) {
	t.Parallel()
	ascending := []string{"-100", "-20.5", "-20.25", "-0.5", "0", "0.000000000001", "0.5", "1.25", "9", "10", "10.5", "100"}
	for i := range ascending {
		for j := range ascending {
			got, want := compareDecimal(ascending[i], ascending[j]), i-j
			if (got < 0) != (want < 0) || (got > 0) != (want > 0) {
				t.Errorf("compare %s with %s = %d", ascending[i], ascending[j], got)
			}
		}
	}
	for in, want := range map[string]string{"1.250": "1.25", "-0": "0", "007": "7", "1e2": "100", "+.5": "0.5", "-0.0": "0"} {
		if got, ok := canonicalDecimal(in); !ok || got != want {
			t.Errorf("canonical %s = %q, want %q", in, got, want)
		}
	}
}
