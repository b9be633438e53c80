package server

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"
)

// structFrom puts values of the runtime into the contract's form; nil for a nil map.
func structFrom(values map[string]any) (*structpb.Struct, error) {
	if values == nil {
		return nil, nil
	}
	s := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(values))}
	for name, value := range values {
		v, err := valueFrom(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.Fields[name] = v
	}
	return s, nil
}

// valueFrom puts one value into the contract's form. A number that a double cannot hold becomes a string, so that no
// digit is lost.
func valueFrom(value any) (*structpb.Value, error) {
	switch v := value.(type) {
	case nil:
		return structpb.NewNullValue(), nil
	case bool:
		return structpb.NewBoolValue(v), nil
	case string:
		return structpb.NewStringValue(strings.ToValidUTF8(v, "\uFFFD")), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) { // JSON has no such numbers
			return structpb.NewStringValue(strconv.FormatFloat(v, 'g', -1, 64)), nil
		}
		return structpb.NewNumberValue(v), nil
	case int:
		return numberValue(strconv.Itoa(v)), nil
	case int64:
		return numberValue(strconv.FormatInt(v, 10)), nil
	case json.Number:
		return numberValue(v.String()), nil
	case map[string]any:
		s, err := structFrom(v)
		if err != nil || s == nil {
			return structpb.NewNullValue(), err
		}
		return structpb.NewStructValue(s), nil
	case []any:
		return listValue(v)
	case []string:
		return listValue(v)
	case []int:
		return listValue(v)
	default:
		return nil, fmt.Errorf("a value of type %T has no form in the contract", value)
	}
}

func listValue[T any](elements []T) (*structpb.Value, error) {
	list := &structpb.ListValue{Values: make([]*structpb.Value, len(elements))}
	for i, element := range elements {
		v, err := valueFrom(element)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		list.Values[i] = v
	}
	return structpb.NewListValue(list), nil
}

// numberValue is a number of JSON, as a number where a double gives the same digits back, else as a string.
func numberValue(text string) *structpb.Value {
	if f, exact := exactDouble(text); exact {
		return structpb.NewNumberValue(f)
	}
	return structpb.NewStringValue(text)
}

// exactDouble reports whether a double that is made of a number's text gives the same number back: in its shortest
// digits, and for 64-bit integers as an integer too.
func exactDouble(text string) (float64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, false
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && (math.Abs(f) >= 1<<63 || int64(f) != n) {
		return f, false
	}
	return f, decimalOf(text) == decimalOf(strconv.FormatFloat(f, 'e', -1, 64))
}

// decimal is a number as digits without leading and trailing zeros, times ten to the exponent.
type decimal struct {
	negative bool
	digits   string
	exponent int
}

// decimalOf reads a number in JSON's notation, so that equal numbers give equal decimals.
func decimalOf(text string) decimal {
	mantissa, exponent := text, 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa = text[:i]
		exponent, _ = strconv.Atoi(text[i+1:]) // what is out of range is no double either
	}
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent -= len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(trimmed)
	if trimmed == "" {
		return decimal{digits: "0"}
	}
	return decimal{negative, trimmed, exponent}
}
