package query

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// number is a JSON number's digits, or a text that may hold them: the Web API takes "200" for 200.
func (enc encoder) number() (string, bool) {
	switch v := enc.value.(type) {
	case json.Number:
		return v.String(), true
	case string:
		return strings.TrimSpace(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	}
	return "", false
}

func (enc encoder) integer() (any, error) {
	edm, bits := "Edm.Int32", 32
	if enc.field.Type == schema.BigInt {
		edm, bits = "Edm.Int64", 64
	}
	text, ok := enc.number()
	if !ok {
		return nil, enc.conversion(edm)
	}
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return nil, enc.conversion(edm)
	}
	if !enc.inRange(new(big.Rat).SetInt64(n)) {
		return nil, enc.outside(code.IntegerValueOutOfRange)
	}
	return n, nil
}

// inRange reports whether a number is between the field's least and most value, where they are known.
func (enc encoder) inRange(n *big.Rat) bool {
	if least := enc.field.MinValue; least != nil {
		if r, ok := new(big.Rat).SetString(*least); ok && n.Cmp(r) < 0 {
			return false
		}
	}
	if most := enc.field.MaxValue; most != nil {
		if r, ok := new(big.Rat).SetString(*most); ok && n.Cmp(r) > 0 {
			return false
		}
	}
	return true
}

func (enc encoder) double() (any, error) {
	text, ok := enc.number()
	if !ok {
		return nil, enc.conversion("Edm.Double")
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return nil, enc.conversion("Edm.Double")
	}
	if !enc.inRange(new(big.Rat).SetFloat64(n)) {
		return nil, enc.outside(code.DecimalValueOutOfRange)
	}
	return n, nil
}

func (enc encoder) decimal() (any, error) {
	number, err := enc.rational()
	if err != nil {
		return nil, err
	}
	if !enc.inRange(number) {
		return nil, enc.outside(code.DecimalValueOutOfRange)
	}
	digits := maxDecimalDigits
	if enc.field.Precision != nil {
		digits = min(digits, *enc.field.Precision)
	}
	text, _ := canonicalDecimal(number.FloatString(digits))
	return text, nil
}

func (enc encoder) rational() (*big.Rat, error) {
	text, ok := enc.number()
	if !ok {
		return nil, enc.conversion("Edm.Decimal")
	}
	number, ok := parseDecimal(text)
	if !ok {
		return nil, enc.conversion("Edm.Decimal")
	}
	return number, nil
}

// moneyDigits is how many digits after the point money has.
const moneyDigits = 4

func (enc encoder) money() (any, error) {
	number, err := enc.rational()
	if err != nil {
		return nil, err
	}
	scaled, ok := scaledMoney(number)
	if !ok || !enc.inRange(number) {
		return nil, refuse(code.MoneySizeExceeded, "The value of '%s' on record of type '%s' exceeds the size of money.",
			enc.field.LogicalName, enc.entity.LogicalName)
	}
	return scaled, nil
}

// scaledMoney is an amount in ten-thousandths, half of one rounded away from zero.
func scaledMoney(number *big.Rat) (int64, bool) {
	digits := strings.Replace(number.FloatString(moneyDigits), ".", "", 1)
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}
