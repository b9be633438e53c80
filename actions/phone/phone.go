// Package phone reads phone numbers in whatever spelling people and machines give them, and tells whether two spellings mean
// the same number. What a country's numbers look like is libphonenumber's knowledge.
package phone

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// ErrNoCountry is a number without a country code, where no region says which country's it is.
var ErrNoCountry = errors.New("it has no country code, and no region says whose number it is")

// ErrNotANumber is a text that is no phone number.
var ErrNotANumber = errors.New("it is no phone number")

// longest is how many bytes of a text are read as a number at most.
const longest = 250

// Number is a phone number. It is only read, by any number of goroutines.
type Number struct {
	parsed   *phonenumbers.PhoneNumber
	national string // its significant digits: without country code and trunk prefix
	region   string // where it is a number of: "GB"
}

// Parse reads a number in any spelling: E.164, with or without separators, with 00 or the region's own prefix for abroad, as a
// tel: or sip: address, with an extension. region is the two-letter code of the country whose numbers come without a country
// code; "" for none. The error is ErrNoCountry or ErrNotANumber, with why.
func Parse(text, region string) (Number, error) {
	text = clean(text)
	parsed, err := parse(text, strings.ToUpper(region))
	if abroad := asInternational(text, region != ""); abroad != "" && (err != nil || !phonenumbers.IsValidNumber(parsed)) {
		if other, otherErr := parse(abroad, ""); otherErr == nil && phonenumbers.IsValidNumber(other) {
			parsed, err = other, nil
		}
	}
	if err != nil {
		return Number{}, err
	}
	if err := possible(parsed); err != nil {
		return Number{}, err
	}
	return number(parsed), nil
}

// IsRegion reports whether a text is the two-letter code of a region that has phone numbers.
func IsRegion(region string) bool {
	return len(region) == 2 && phonenumbers.GetCountryCodeForRegion(strings.ToUpper(region)) != 0
}

// E164 is the number as machines write it: "+13175550125". An extension is not part of it.
func (n Number) E164() string { return phonenumbers.Format(n.parsed, phonenumbers.E164) }

func number(parsed *phonenumbers.PhoneNumber) Number {
	region := phonenumbers.GetRegionCodeForNumber(parsed)
	if region == "" {
		region = phonenumbers.GetRegionCodeForCountryCode(int(parsed.GetCountryCode()))
	}
	return Number{parsed: parsed, national: phonenumbers.GetNationalSignificantNumber(parsed), region: region}
}

func parse(text, region string) (*phonenumbers.PhoneNumber, error) {
	if len(text) > longest {
		return nil, fmt.Errorf("%w: it is too long for one", ErrNotANumber)
	}
	parsed, err := phonenumbers.Parse(text, region)
	switch {
	case err == nil:
		return parsed, nil
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode) && strings.ContainsAny(text, "+＋"):
		return nil, fmt.Errorf("%w: no country has its country code", ErrNotANumber)
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
		return nil, ErrNoCountry
	}
	return nil, ErrNotANumber
}

// possible is what is wrong with the length of a number; nil where nothing is. Whether its digits are in use is not asked: new
// ranges are given out faster than anybody's list of them is read.
func possible(parsed *phonenumbers.PhoneNumber) error {
	switch phonenumbers.IsPossibleNumberWithReason(parsed) {
	case phonenumbers.IS_POSSIBLE:
		return nil
	case phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return fmt.Errorf("%w: its area code is missing", ErrNotANumber)
	case phonenumbers.TOO_SHORT:
		return fmt.Errorf("%w: it has too few digits", ErrNotANumber)
	case phonenumbers.TOO_LONG:
		return fmt.Errorf("%w: it has too many digits", ErrNotANumber)
	}
	return fmt.Errorf("%w: no number of its country has as many digits", ErrNotANumber)
}

// clean takes away what is no part of a number: marks that cannot be seen, which come along where a number is copied from an
// address book, and the rest of a sip: address.
func clean(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text))
	if scheme, rest, ok := strings.Cut(text, ":"); ok && (strings.EqualFold(scheme, "sip") || strings.EqualFold(scheme, "sips")) {
		text, _, _ = strings.Cut(rest, "@")
	}
	return text
}

// asInternational is a number that is written as from some country to another, or with nothing before its country code, with
// the plus that says so; "" where it is not. Without a region only 00 is taken for it: 011 begins numbers of many countries.
func asInternational(text string, anyRegion bool) string {
	if strings.ContainsAny(text, "+＋") {
		return ""
	}
	digits := phonenumbers.NormalizeDigitsOnly(text)
	if rest, ok := strings.CutPrefix(digits, "00"); ok {
		return "+" + rest
	}
	if !anyRegion {
		return ""
	}
	return "+" + strings.TrimPrefix(digits, "011")
}
