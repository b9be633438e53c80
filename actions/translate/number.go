package translate

import (
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/schema"
)

// The numbers that are read where no culture is given. A comma is in none: in half the world it is the point, in the other half
// it is not.
var (
	numberText = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$`)
	// plainNumber is what needs no rewriting.
	plainNumber = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?$`)
)

const (
	// maxDigits bounds a number's text: more than any field holds.
	maxDigits = 60
	// exactDigits is how many digits the Web API's Edm.Decimal has, of which Dataverse keeps ten behind the point at most.
	exactDigits = 28
	// exactFloat is the least whole number that another one may have become on its way through a float64.
	exactFloat = 1 << 53
)

// translateNumber takes numbers and texts that are one. Every digit is kept.
func translateNumber(f *schema.Field, v any, o Options) (any, *input.Fault) {
	text, ok := numberOf(v, o)
	if !ok {
		return nil, notANumber(f, v, o)
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, notANumber(f, v, o)
	}
	whole := f.Type == schema.Integer || f.Type == schema.BigInt
	if whole && !value.IsInt() {
		return nil, Misfit(f, v, o, "it takes a whole number")
	}
	if d, isFloat := v.(float64); isFloat && f.Type == schema.BigInt && math.Abs(d) >= exactFloat {
		return nil, Misfit(f, v, o, "a number of that size loses digits on the way; send it as a text")
	}
	if fault := checkRange(f, value, v, o); fault != nil {
		return nil, fault
	}
	number := plain(text, value, whole)
	if (f.Type == schema.Decimal || f.Type == schema.Money) && digitsOf(number) > exactDigits {
		return nil, Misfit(f, v, o, "it takes a number of at most %d digits", exactDigits)
	}
	return number, nil
}

// digitsOf counts a number's digits, those that are needed only to place the point included.
func digitsOf(number json.Number) int {
	n := 0
	for _, r := range strings.TrimLeft(number.String(), "-0") {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}

// notANumber is the fault of what is no number, with the way to write one.
func notANumber(f *schema.Field, v any, o Options) *input.Fault {
	text, isText := v.(string)
	switch {
	case isText && o.Numbers != nil:
		return Misfit(f, v, o, "it takes a number, as %s in the culture %s", o.Numbers.Example, o.Numbers.Culture)
	case strings.Contains(text, ","):
		return Misfit(f, v, o, "it takes a number, as %s; a comma is the point in some languages and none in others, and is read with the request's culture alone", exampleNumber(f))
	}
	return Misfit(f, v, o, "it takes a number, as %s", exampleNumber(f))
}

// numberOf is the text of a number; false for what is none.
func numberOf(v any, o Options) (string, bool) {
	if _, ok := v.(bool); ok {
		return "", false
	}
	text, ok := TextOf(v)
	if !ok {
		return "", false
	}
	if _, isFloat := v.(float64); isFloat {
		return text, true
	}
	text = strings.TrimSpace(text)
	if _, isText := v.(string); isText && o.Numbers != nil && len(text) <= maxDigits {
		return o.Numbers.plain(text)
	}
	return text, len(text) <= maxDigits && numberText.MatchString(text)
}

func exampleNumber(f *schema.Field) string {
	if f.Type == schema.Integer || f.Type == schema.BigInt {
		return "1200"
	}
	return "1200.50"
}

// plain is a number as JSON writes it, without an exponent where the number is not a long one.
func plain(text string, value *big.Rat, whole bool) json.Number {
	switch {
	case whole:
		return json.Number(value.Num().String())
	case plainNumber.MatchString(text):
		return json.Number(text)
	}
	places, exact := value.FloatPrec()
	if !exact || places > maxDigits || value.Num().BitLen()-value.Denom().BitLen() > 4*maxDigits {
		d, _ := value.Float64()
		return json.Number(strconv.FormatFloat(d, 'g', -1, 64))
	}
	return json.Number(value.FloatString(places))
}

// limits are what the types hold where the metadata says nothing.
var limits = map[schema.Type][2]string{
	schema.Integer: {"-2147483648", "2147483647"},
	schema.BigInt:  {"-9223372036854775808", "9223372036854775807"},
	schema.Decimal: {"-100000000000", "100000000000"},
	schema.Money:   {"-922337203685477", "922337203685477"},
	schema.Double:  {"-1e308", "1e308"},
}

// checkRange finds a number outside its field's range. What is compared with stored values may be any that the type has.
func checkRange(f *schema.Field, value *big.Rat, v any, o Options) *input.Fault {
	least, greatest := limits[f.Type][0], limits[f.Type][1]
	if f.MinValue != nil && !o.Search {
		least = *f.MinValue
	}
	if f.MaxValue != nil && !o.Search {
		greatest = *f.MaxValue
	}
	lo, okLo := new(big.Rat).SetString(least)
	hi, okHi := new(big.Rat).SetString(greatest)
	if okLo && value.Cmp(lo) < 0 || okHi && value.Cmp(hi) > 0 {
		return Misfit(f, v, o, "it takes a number from %s to %s", least, greatest)
	}
	return nil
}
