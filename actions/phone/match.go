package phone

import (
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// Core is digits that every spelling of the number has, in this order, whatever stands before, between and behind them: its
// significant digits, but for those that a country writes at home in another way than abroad, as Argentina's mobile 9.
func (n Number) Core() string {
	core := n.national
	if token := phonenumbers.GetCountryMobileToken(int(n.parsed.GetCountryCode())); token != "" {
		core = strings.TrimPrefix(core, token)
	}
	return common(core, phonenumbers.NormalizeDigitsOnly(phonenumbers.Format(n.parsed, phonenumbers.NATIONAL)))
}

// In reports whether a text means the number: all of its digits, not only its last ones. region is whose numbers come without
// a country code; "" stands for the number's own. A text that is a number of that region is that number and no other; one
// that is not may be a number of the country of n, or one that only lacks its plus. A text with several numbers has each of
// them. Extensions count where both have one.
func (n Number) In(text, region string) bool {
	text = clean(text)
	if len(text) > longest {
		return false
	}
	if is, certain := n.reads(text, region); certain {
		return is
	}
	for _, piece := range pieces(text) {
		if is, _ := n.reads(piece, region); is {
			return true
		}
	}
	return false
}

// reads reports whether a text with one number in it is n. certain says that the text is a number that is in use.
func (n Number) reads(text, region string) (is, certain bool) {
	type reading struct{ text, region string }
	readings := []reading{{text, n.region}}
	if region = strings.ToUpper(region); region != "" && region != n.region {
		readings = []reading{{text, region}, {text, n.region}}
	}
	if abroad := asInternational(text, true); abroad != "" {
		readings = append(readings, reading{abroad, ""})
	}
	for _, r := range readings {
		parsed, err := phonenumbers.Parse(r.text, r.region)
		if err != nil {
			continue
		}
		if n.equal(parsed) {
			return true, true
		}
		if phonenumbers.IsValidNumber(parsed) {
			return false, true
		}
	}
	return false, false
}

func (n Number) equal(other *phonenumbers.PhoneNumber) bool {
	if n.parsed.GetCountryCode() != other.GetCountryCode() || n.national != phonenumbers.GetNationalSignificantNumber(other) {
		return false
	}
	mine, theirs := n.parsed.GetExtension(), other.GetExtension()
	return mine == "" || theirs == "" || mine == theirs
}

// fewestDigits is how many digits a piece of a text has that is read as a number of its own.
const fewestDigits = 5

// pieces are the parts of a text that may be numbers, where the whole is none: "030 1234567 / 030 7654321", "06-12345678 (home)".
func pieces(text string) []string {
	parts := strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsLetter(r) || strings.ContainsRune("/,;|:\n\r\t", r)
	})
	var found []string
	for _, part := range parts {
		if len(phonenumbers.NormalizeDigitsOnly(part)) >= fewestDigits {
			found = append(found, part)
		}
	}
	return found
}

// common is the longest text that stands in both, in order but not without gaps. Where several are as long it is always the
// same one.
func common(a, b string) string {
	lengths := make([][]int, len(a)+1) // of what is common to a[i:] and b[j:]
	for i := range lengths {
		lengths[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			lengths[i][j] = max(lengths[i+1][j], lengths[i][j+1])
			if a[i] == b[j] {
				lengths[i][j] = lengths[i+1][j+1] + 1
			}
		}
	}
	var out strings.Builder
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			out.WriteByte(a[i])
			i, j = i+1, j+1
		case lengths[i+1][j] >= lengths[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out.String()
}
