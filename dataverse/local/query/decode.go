package query

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/schema"
)

// Decode makes a value of a reply's JSON of a column's value as the database gave it: nil, bool, string or json.Number.
// Money has four digits after the point, a decimal as many as its field; times have whole seconds and a Z, though the
// column has microseconds.
func Decode(f *schema.Field, value any) any {
	switch v := value.(type) {
	case int64:
		return decodeInteger(f, v)
	case float64:
		return json.Number(strconv.FormatFloat(v, 'g', -1, 64))
	case string:
		return decodeText(f, v)
	}
	return nil
}

func decodeInteger(f *schema.Field, n int64) any {
	switch f.Type {
	case schema.Boolean:
		return n != 0
	case schema.Money:
		return json.Number(moneyText(n, moneyDigits))
	case schema.DateTime:
		t := time.UnixMicro(n).UTC()
		if f.Behavior == schema.DateOnly {
			return t.Format(time.DateOnly)
		}
		return t.Format("2006-01-02T15:04:05Z")
	}
	return json.Number(strconv.FormatInt(n, 10))
}

func decodeText(f *schema.Field, s string) any {
	switch f.Type {
	case schema.Decimal:
		return json.Number(fixedDigits(s, f.Precision))
	case schema.MultiSelectPicklist:
		return strings.Trim(s, ",")
	}
	return s
}

// moneyText writes ten-thousandths with so many digits after the point, at most four, rounded half away from zero.
func moneyText(n int64, digits int) string {
	sign, rest := "", uint64(n)
	if n < 0 {
		sign, rest = "-", -rest
	}
	drop := uint64(1)
	for range moneyDigits - digits {
		drop *= 10
	}
	rest = (rest + drop/2) / drop
	unit := 10000 / drop
	if digits == 0 {
		return sign + strconv.FormatUint(rest, 10)
	}
	return fmt.Sprintf("%s%d.%0*d", sign, rest/unit, digits, rest%unit)
}

// fixedDigits pads a decimal to a precision.
func fixedDigits(s string, precision *int) string {
	if precision == nil || *precision <= 0 {
		return s
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if missing := *precision - len(fraction); missing > 0 {
		fraction += strings.Repeat("0", missing)
	}
	return whole + "." + fraction
}
