package query

import (
	"strconv"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/schema"
)

// Format says how a user wants values shown.
type Format struct {
	Language       int            // of labels, as 1033; 0 is the environment's own
	Location       *time.Location // nil is UTC
	CurrencySymbol string         // before amounts; "" is "$"
}

// Formatted is the text that a person sees for a column's value, in American English: a choice's label, a number with
// its thousands, a date in the user's zone. It is "" where Dataverse has none: for texts, record IDs, and no value. A
// lookup's is the name of the record it points at, which the query reads beside it.
func Formatted(f *schema.Field, value any, format Format) string {
	switch v := value.(type) {
	case int64:
		return formatInteger(f, v, format)
	case float64:
		digits := 2
		if f.Precision != nil {
			digits = *f.Precision
		}
		return grouped(strconv.FormatFloat(v, 'f', digits, 64))
	case string:
		return formatText(f, v, format)
	}
	return ""
}

func formatInteger(f *schema.Field, n int64, format Format) string {
	switch f.Type {
	case schema.Boolean:
		if n != 0 {
			return labelOr(f.TrueLabel, format.Language, "Yes")
		}
		return labelOr(f.FalseLabel, format.Language, "No")
	case schema.Picklist, schema.State, schema.Status:
		if o := f.Option(int(n)); o != nil {
			return o.Label.In(format.Language)
		}
		return ""
	case schema.Money:
		return formatMoney(f, n, format)
	case schema.DateTime:
		return formatDate(f, time.UnixMicro(n).UTC(), format)
	}
	return grouped(strconv.FormatInt(n, 10))
}

func labelOr(l schema.Label, language int, missing string) string {
	if text := l.In(language); text != "" {
		return text
	}
	return missing
}

func formatMoney(f *schema.Field, n int64, format Format) string {
	digits := 2
	if f.Precision != nil && *f.Precision >= 0 {
		digits = min(*f.Precision, moneyDigits)
	}
	symbol := format.CurrencySymbol
	if symbol == "" {
		symbol = "$"
	}
	text := moneyText(n, digits)
	if amount, negative := strings.CutPrefix(text, "-"); negative {
		return "(" + symbol + grouped(amount) + ")"
	}
	return symbol + grouped(text)
}

func formatDate(f *schema.Field, t time.Time, format Format) string {
	if f.Behavior == schema.UserLocal && format.Location != nil {
		t = t.In(format.Location)
	}
	if f.Format == "DateOnly" || f.Behavior == schema.DateOnly {
		return t.Format("1/2/2006")
	}
	return t.Format("1/2/2006 3:04 PM")
}

func formatText(f *schema.Field, s string, format Format) string {
	switch f.Type {
	case schema.Decimal:
		return grouped(fixedDigits(s, f.Precision))
	case schema.MultiSelectPicklist:
		var labels []string
		for part := range strings.SplitSeq(strings.Trim(s, ","), ",") {
			if n, err := strconv.Atoi(part); err == nil && f.Option(n) != nil {
				labels = append(labels, f.Option(n).Label.In(format.Language))
			}
		}
		return strings.Join(labels, "; ")
	}
	return ""
}

// grouped puts commas between the thousands of a number.
func grouped(number string) string {
	sign := ""
	if rest, negative := strings.CutPrefix(number, "-"); negative {
		sign, number = "-", rest
	}
	whole, fraction, hasFraction := strings.Cut(number, ".")
	var b strings.Builder
	b.WriteString(sign)
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if hasFraction {
		b.WriteString("." + fraction)
	}
	return b.String()
}
