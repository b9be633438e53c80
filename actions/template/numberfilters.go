package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

const (
	maxNumber   = 400 // digits of a number that a filter reads or makes
	maxDecimals = 100 // digits after the point that round takes
	// quotientDecimals are the digits after the point that a division keeps which does not come out even.
	quotientDecimals = 15
)

var errDivisor = errors.New("a number cannot be divided by 0")

// decimal is a number with all its digits. Sums of money must not go through binary fractions.
type decimal struct {
	value *big.Rat
	whole bool // written without a point, so that a division by it drops the rest, as in Liquid
}

// parseDecimal reads a number: digits, perhaps a sign, a point and an exponent, within the bounds.
func parseDecimal(s string) (decimal, bool) {
	s = strings.TrimSpace(s)
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	if s == "" || len(s) > maxNumber || strings.Trim(mantissa, "+-.0123456789") != "" {
		return decimal{}, false
	}
	if exponent != "" { // else 1e999999999 would make a number of a billion digits
		if n, err := strconv.Atoi(exponent); err != nil || n > maxNumber || n < -maxNumber {
			return decimal{}, false
		}
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return decimal{}, false
	}
	return decimal{value: r, whole: r.IsInt() && !strings.Contains(s, ".")}, true
}

func decimalOf(v any) (decimal, bool) {
	s, ok := v.(string)
	if !ok {
		if s, ok = number(v); !ok {
			return decimal{}, false
		}
	}
	return parseDecimal(s)
}

// result is the number as a filter's result.
func (d decimal) result() (any, error) {
	s := d.value.RatString()
	if !d.value.IsInt() {
		places, exact := d.value.FloatPrec()
		if !exact {
			places = quotientDecimals
		}
		s = strings.TrimRight(strings.TrimRight(d.value.FloatString(places), "0"), ".")
	}
	if len(s) > maxNumber {
		return nil, errTooMuch
	}
	if s == "-0" {
		s = "0"
	}
	return json.Number(s), nil
}

func (a *arguments) number() (decimal, error) {
	d, ok := decimalOf(a.input)
	if !ok {
		return d, fmt.Errorf("it takes a number, and %s is not one here", a.head)
	}
	return d, nil
}

func (a *arguments) numberAt(i int) (decimal, error) {
	d, ok := decimalOf(a.values[i])
	if !ok {
		return d, fmt.Errorf("its argument must be a number, and is not one")
	}
	return d, nil
}

// intAt is an argument as a small whole number; other where it was not given.
func (a *arguments) intAt(i, other int) (int, error) {
	if i >= len(a.values) {
		return other, nil
	}
	d, ok := decimalOf(a.values[i])
	if !ok || !d.value.IsInt() || !d.value.Num().IsInt64() || d.value.Num().BitLen() > 30 {
		return 0, fmt.Errorf("its argument %d must be a whole number", i+1)
	}
	return int(d.value.Num().Int64()), nil
}

// onNumbers is the result of a function of the input and an argument.
func onNumbers(a *arguments, f func(x, y decimal) (*big.Rat, error)) (any, error) {
	x, err := a.number()
	if err != nil {
		return nil, err
	}
	y, err := a.numberAt(0)
	if err != nil {
		return nil, err
	}
	z, err := f(x, y)
	if err != nil {
		return nil, err
	}
	return decimal{value: z}.result()
}

func plus(a *arguments) (any, error) {
	return onNumbers(a, func(x, y decimal) (*big.Rat, error) { return new(big.Rat).Add(x.value, y.value), nil })
}

func minus(a *arguments) (any, error) {
	return onNumbers(a, func(x, y decimal) (*big.Rat, error) { return new(big.Rat).Sub(x.value, y.value), nil })
}

func times(a *arguments) (any, error) {
	return onNumbers(a, func(x, y decimal) (*big.Rat, error) { return new(big.Rat).Mul(x.value, y.value), nil })
}

// dividedBy divides; a whole number by a whole number gives a whole number, rounded down, as in Liquid.
func dividedBy(a *arguments) (any, error) {
	return onNumbers(a, func(x, y decimal) (*big.Rat, error) {
		if y.value.Sign() == 0 {
			return nil, errDivisor
		}
		q := new(big.Rat).Quo(x.value, y.value)
		if x.whole && y.whole {
			return new(big.Rat).SetInt(floorOf(q)), nil
		}
		return q, nil
	})
}

// modulo is the rest of a division that rounds down: it has the sign of the divisor, as in Liquid.
func modulo(a *arguments) (any, error) {
	return onNumbers(a, func(x, y decimal) (*big.Rat, error) {
		if y.value.Sign() == 0 {
			return nil, errDivisor
		}
		q := new(big.Rat).SetInt(floorOf(new(big.Rat).Quo(x.value, y.value)))
		return new(big.Rat).Sub(x.value, q.Mul(q, y.value)), nil
	})
}

func atLeast(a *arguments) (any, error) {
	return onNumbers(a, func(x, y decimal) (*big.Rat, error) {
		if x.value.Cmp(y.value) < 0 {
			return y.value, nil
		}
		return x.value, nil
	})
}

func atMost(a *arguments) (any, error) {
	return onNumbers(a, func(x, y decimal) (*big.Rat, error) {
		if x.value.Cmp(y.value) > 0 {
			return y.value, nil
		}
		return x.value, nil
	})
}

// round rounds half away from zero, to a number of digits after the point: 0 unless told.
func round(a *arguments) (any, error) {
	x, err := a.number()
	if err != nil {
		return nil, err
	}
	places, err := a.intAt(0, 0)
	if err != nil {
		return nil, err
	}
	if places < 0 || places > maxDecimals {
		return nil, fmt.Errorf("its argument must be from 0 to %d", maxDecimals)
	}
	rounded, _ := new(big.Rat).SetString(x.value.FloatString(places))
	return decimal{value: rounded}.result()
}

func ceil(a *arguments) (any, error) {
	return onNumber(a, func(x *big.Rat) *big.Int {
		n := floorOf(new(big.Rat).Neg(x))
		return n.Neg(n)
	})
}

func floor(a *arguments) (any, error) { return onNumber(a, floorOf) }

func onNumber(a *arguments, f func(*big.Rat) *big.Int) (any, error) {
	x, err := a.number()
	if err != nil {
		return nil, err
	}
	return decimal{value: new(big.Rat).SetInt(f(x.value))}.result()
}

func abs(a *arguments) (any, error) {
	x, err := a.number()
	if err != nil {
		return nil, err
	}
	return decimal{value: new(big.Rat).Abs(x.value)}.result()
}

// floorOf is the greatest whole number that is not above x. A Rat's denominator is positive, and Euclid's division by a
// positive number rounds down.
func floorOf(x *big.Rat) *big.Int { return new(big.Int).Div(x.Num(), x.Denom()) }
