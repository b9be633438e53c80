package template

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var errNotDate = errors.New("it takes a date or a point in time, as 2026-05-17 or 2026-05-17T15:30:00Z, or seconds since 1970")

// date writes a date or a point in time by a format of strftime's directives, as "%d.%m.%Y". The texts "now" and "today"
// stand for the present, in UTC.
func date(a *arguments) (any, error) {
	t, err := timeOf(a.input)
	if err != nil {
		return nil, err
	}
	format, err := a.textAt(0, "")
	if err != nil {
		return nil, err
	}
	return strftime(t, format)
}

func timeOf(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		d, ok := decimalOf(v)
		if !ok || !d.value.IsInt() || !d.value.Num().IsInt64() {
			return time.Time{}, errNotDate
		}
		return time.Unix(d.value.Num().Int64(), 0).UTC(), nil
	}
	if s = strings.TrimSpace(s); s == "now" || s == "today" {
		return time.Now().UTC(), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errNotDate
}

// layouts are strftime's directives in Go's notation.
var layouts = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'B': "January", 'b': "Jan", 'h': "Jan", 'd': "02", 'e': "_2", 'j': "002",
	'A': "Monday", 'a': "Mon", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'P': "pm",
	'z': "-0700", 'Z': "MST", 'F': "2006-01-02", 'T': "15:04:05", 'X': "15:04:05", 'R': "15:04", 'D': "01/02/06", 'x': "01/02/06",
	'c': "Mon Jan _2 15:04:05 2006", 'r': "03:04:05 PM",
}

// strftime writes a time by directives; "-" after the % drops leading zeros, as in %-d.
func strftime(t time.Time, format string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		rest := format[i+1:]
		bare := strings.HasPrefix(rest, "-")
		rest = strings.TrimPrefix(rest, "-")
		if rest == "" {
			return "", errors.New("its format ends in %: a directive as Y, m or d must follow")
		}
		i = len(format) - len(rest)
		s, err := directive(t, rest[0])
		if err != nil {
			return "", err
		}
		if bare && s != "" {
			s = strings.TrimLeft(s[:len(s)-1], "0 ") + s[len(s)-1:]
		}
		if b.WriteString(s); b.Len() > maxResult {
			return "", errTooMuch
		}
	}
	return b.String(), nil
}

func directive(t time.Time, d byte) (string, error) {
	switch d {
	case '%':
		return "%", nil
	case 's':
		return strconv.FormatInt(t.Unix(), 10), nil
	case 'L': // Go writes fractions only after a point
		return fmt.Sprintf("%03d", t.Nanosecond()/1e6), nil
	case 'u':
		return strconv.Itoa((int(t.Weekday())+6)%7 + 1), nil
	case 'w':
		return strconv.Itoa(int(t.Weekday())), nil
	case 'V':
		_, week := t.ISOWeek()
		return fmt.Sprintf("%02d", week), nil
	}
	layout, ok := layouts[d]
	if !ok {
		return "", fmt.Errorf("its format has the directive %%%c, which is not one", d)
	}
	return t.Format(layout), nil
}
