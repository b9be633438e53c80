package query

import (
	"database/sql/driver"
	"math/big"
	"strings"

	"modernc.org/sqlite"
)

// A decimal is text of this form: an optional "-", digits without leading zeros, and after a point as many digits as
// there are, without trailing zeros. canonicalDecimal makes it of any decimal text, also of one with an exponent.
func canonicalDecimal(text string) (string, bool) {
	number, ok := parseDecimal(text)
	if !ok {
		return "", false
	}
	s := number.FloatString(maxDecimalDigits)
	s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	if s == "-0" || s == "" {
		s = "0"
	}
	return s, true
}

// maxDecimalDigits is the most digits after the point that are kept: exchange rates have 12.
const maxDecimalDigits = 12

// parseDecimal reads a decimal number; not a fraction, not hexadecimal, and none so long that it would cost memory.
func parseDecimal(text string) (*big.Rat, bool) {
	if text == "" || len(text) > 64 || strings.Trim(text, "0123456789+-.eE") != "" {
		return nil, false
	}
	if i := strings.IndexAny(text, "eE"); i >= 0 && len(strings.TrimLeft(text[i+1:], "+-0")) > 2 {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// compareDecimal orders texts of the form above as numbers, without parsing them.
func compareDecimal(a, b string) int {
	a, negativeA := strings.CutPrefix(a, "-")
	b, negativeB := strings.CutPrefix(b, "-")
	switch {
	case negativeA && negativeB:
		return compareDigits(b, a)
	case negativeA:
		return -1
	case negativeB:
		return 1
	}
	return compareDigits(a, b)
}

func compareDigits(a, b string) int {
	wholeA, fractionA, _ := strings.Cut(a, ".")
	wholeB, fractionB, _ := strings.Cut(b, ".")
	if len(wholeA) != len(wholeB) {
		return len(wholeA) - len(wholeB)
	}
	if c := strings.Compare(wholeA, wholeB); c != 0 {
		return c
	}
	return strings.Compare(fractionA, fractionB)
}

// decimalSum adds decimals exactly: dataverse_decimal_sum(text). It is NULL for no value.
type decimalSum struct {
	total *big.Rat
}

func newDecimalSum(sqlite.FunctionContext) (sqlite.AggregateFunction, error) {
	return &decimalSum{}, nil
}

// Step adds a value.
func (s *decimalSum) Step(_ *sqlite.FunctionContext, args []driver.Value) error {
	text, ok := args[0].(string)
	if !ok {
		return nil
	}
	number, ok := parseDecimal(text)
	if !ok {
		return nil
	}
	if s.total == nil {
		s.total = new(big.Rat)
	}
	s.total.Add(s.total, number)
	return nil
}

// WindowInverse takes a value away again.
func (s *decimalSum) WindowInverse(_ *sqlite.FunctionContext, args []driver.Value) error {
	if text, ok := args[0].(string); ok && s.total != nil {
		if number, ok := parseDecimal(text); ok {
			s.total.Sub(s.total, number)
		}
	}
	return nil
}

// WindowValue is the sum so far.
func (s *decimalSum) WindowValue(*sqlite.FunctionContext) (driver.Value, error) {
	if s.total == nil {
		return nil, nil
	}
	text, _ := canonicalDecimal(s.total.FloatString(maxDecimalDigits))
	return text, nil
}

// Final has nothing to let go.
func (s *decimalSum) Final(*sqlite.FunctionContext) {}
