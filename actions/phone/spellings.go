package phone

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// mostSpellings bounds the usual spellings of a number.
const mostSpellings = 40

// Spellings are the usual ways to write the number, the commonest first and none twice: from abroad and at home, together and
// with blanks, dashes, dots, brackets and slashes where its country puts them. There are 40 at most. Each has the digits of
// Core. region is whose people write it, for what they dial to call abroad; "" for nobody's in particular.
func (n Number) Spellings(region string) []string {
	bare := n.withoutExtension()
	s := spelling{
		code: strings.TrimPrefix(strings.TrimSuffix(n.E164(), n.national), "+"), national: n.national,
		abroad: strings.TrimPrefix(phonenumbers.Format(bare, phonenumbers.INTERNATIONAL), "+"),
		home:   phonenumbers.Format(bare, phonenumbers.NATIONAL),
	}
	all := slices.Concat(s.together(), s.fromAbroad(), s.atHome(), s.mixed(), s.dialled(bare, region))
	var once []string
	core := n.Core()
	for _, text := range all {
		if !slices.Contains(once, text) && hasInOrder(text, core) {
			once = append(once, text)
		}
	}
	return once[:min(len(once), mostSpellings)]
}

// withoutExtension is the number as it is written where nobody asks for somebody behind it.
func (n Number) withoutExtension() *phonenumbers.PhoneNumber {
	if n.parsed.GetExtension() == "" {
		return n.parsed
	}
	if bare, err := phonenumbers.Parse(n.E164(), ""); err == nil {
		return bare
	}
	return n.parsed
}

// spelling is what the spellings of a number are made of.
type spelling struct {
	code     string // of the country: "44"
	national string // significant digits: "2079460958"
	abroad   string // as its country groups it, without the plus: "44 20 7946 0958"
	home     string // the same at home: "020 7946 0958"
}

// together are the digits without anything between them, as systems keep them.
func (s spelling) together() []string {
	return []string{"+" + s.code + s.national, phonenumbers.NormalizeDigitsOnly(s.home), s.code + s.national, s.national}
}

// fromAbroad are the spellings with the country's code and a plus.
func (s spelling) fromAbroad() []string {
	return []string{
		"+" + s.abroad, "+" + separated(s.abroad, " "), "+" + separated(s.abroad, "-"), "+" + separated(s.abroad, "."),
		"+" + s.code + " " + s.national, "00" + s.code + s.national, "tel:+" + s.code + s.national, "00" + separated(s.abroad, " "),
	}
}

// atHome are the spellings without the country's code.
func (s spelling) atHome() []string {
	first, rest := firstGroup(separated(s.home, " "))
	if rest == "" {
		return []string{s.home}
	}
	texts := []string{s.home, first + " " + rest, separated(s.home, "-"), separated(s.home, "."), "(" + first + ") " + rest}
	if strings.HasPrefix(s.home, "(") { // as North America's: the area is not dialled alone
		return append(texts, "("+first+")"+separated(rest, "-"), first+" "+separated(rest, "-"), first+"-"+phonenumbers.NormalizeDigitsOnly(rest), "("+first+") "+phonenumbers.NormalizeDigitsOnly(rest))
	}
	joined := phonenumbers.NormalizeDigitsOnly(rest)
	return append(texts, first+" "+joined, first+"-"+joined, first+"/"+joined, "("+first+") "+joined, first+"/"+rest, first+"-"+rest)
}

// mixed are the spellings that are neither the one nor the other: with the country's code but no plus, and with the zero that
// is dialled at home only in brackets.
func (s spelling) mixed() []string {
	texts := []string{separated(s.abroad, "-"), separated(s.abroad, " "), separated(s.abroad, ".")}
	texts = append(texts, "tel:+"+separated(s.abroad, "-"))
	first, rest := firstGroup(strings.TrimPrefix(separated(s.abroad, " "), s.code+" "))
	if rest == "" {
		return texts
	}
	joined := phonenumbers.NormalizeDigitsOnly(rest)
	texts = append(texts, "+"+s.code+" "+first+" "+joined)
	if strings.HasPrefix(s.home, "(") {
		return append(texts, "+"+s.code+" "+s.home, s.code+" "+s.home, "+"+s.code+strings.ReplaceAll(s.home, " ", ""))
	}
	if phonenumbers.NormalizeDigitsOnly(s.home) == "0"+s.national {
		texts = append(texts, "+"+s.code+" (0)"+first+" "+rest, "+"+s.code+" (0) "+first+" "+rest, "+"+s.code+"(0)"+s.national, "+"+s.code+" (0)"+first+" "+joined)
	}
	return append(texts, "+"+s.code+" ("+first+") "+rest)
}

// dialled are the spellings with what people of a region dial to call abroad.
func (s spelling) dialled(n *phonenumbers.PhoneNumber, region string) []string {
	var texts []string
	if region = strings.ToUpper(region); IsRegion(region) && int(n.GetCountryCode()) != phonenumbers.GetCountryCodeForRegion(region) {
		text := phonenumbers.FormatOutOfCountryCallingNumber(n, region)
		texts = append(texts, text, phonenumbers.NormalizeDigitsOnly(text))
	}
	return append(texts, "011"+s.code+s.national)
}

// separated is a number with one separator between its groups, and no brackets.
func separated(text, separator string) string {
	groups := strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	return strings.Join(groups, separator)
}

// firstGroup cuts a number after its first group.
func firstGroup(text string) (first, rest string) {
	first, rest, _ = strings.Cut(text, " ")
	return first, rest
}

// hasInOrder reports whether digits stand in a text in their order, whatever is between them.
func hasInOrder(text, digits string) bool {
	for _, d := range digits {
		i := strings.IndexRune(text, d)
		if i < 0 {
			return false
		}
		text = text[i+1:]
	}
	return true
}
