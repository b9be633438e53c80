package template

import (
	"strings"
	"testing"
)

func TestE164(t *testing.T) {
	t.Parallel()
	variables := map[string]any{"caller": "+31 6 12345678", "home": "06-12345678", "us": "(317) 555-0125 ext. 7", "digits": 3175550125.0, "country": "nl", "nothing": nil}
	for _, c := range []struct{ text, want string }{
		{`{{ caller | e164 }}`, "+31612345678"},
		{`{{ caller | e164: "US" }}`, "+31612345678"}, // a number of another country stays one
		{`{{ home | e164: "NL" }}`, "+31612345678"},
		{`{{ home | e164: country }}`, "+31612345678"},
		{`{{ us | e164: "US" }}`, "+13175550125"},
		{`{{ digits | e164: "US" }}`, "+13175550125"},
		{`tel:{{ home | e164: "NL" }}`, "tel:+31612345678"},
		{`tel:{{ nothing | e164: "NL" }}`, "tel:"},
	} {
		parsed, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parsed.Render(variables); err != nil || got.V != c.want {
			t.Errorf("%s gives %v, %v, want %s", c.text, got.V, err, c.want)
		}
	}
}

func TestE164FailsWhereThereIsNoNumber(t *testing.T) {
	t.Parallel()
	variables := map[string]any{"name": "Ada", "home": "06-12345678", "short": "112", "list": []any{"+31612345678"}}
	for text, tells := range map[string]string{
		`{{ name | e164: "NL" }}`:      "no phone number",
		`{{ home | e164 }}`:            "no country code",
		`{{ home | e164: "nowhere" }}`: `"NL"`,
		`{{ short | e164: "NL" }}`:     "too few digits",
		`{{ list | e164: "NL" }}`:      "takes a text",
	} {
		parsed, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := parsed.Render(variables); err == nil || !strings.Contains(err.Error(), tells) || strings.Contains(err.Error(), "12345678") {
			t.Errorf("%s gives %v, %v, want a fault that tells %q and no number", text, v, err, tells)
		}
	}
}
