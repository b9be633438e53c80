package translate

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/botverse/botverse/actions/input"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Numbers is how numbers are written somewhere: "1.234,50" in German.
type Numbers struct {
	Culture string
	Example string // 1234567.5, as it is written there
	point   string
	group   string // "" where digits are not grouped
	shape   *regexp.Regexp
}

// alike are characters that people write for each other between groups of digits.
var alike = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u2009", " ", "’", "'", "\u2212", "-")

// NumbersOf is how numbers are written in a culture, as the Unicode CLDR has it; nil for "". The fault is that of a culture
// which is no language tag.
func NumbersOf(culture string) (*Numbers, *input.Fault) {
	if culture == "" {
		return nil, nil
	}
	tag, err := language.Parse(culture)
	if err == nil {
		tag, err = tag.SetTypeForKey("nu", "latn")
	}
	if err != nil {
		return nil, input.NewFault(input.InvalidRequest, "culture", "%q is no culture; write the tag of a language, as \"de\" or \"en-US\"", culture)
	}
	w := &Numbers{Culture: culture, Example: message.NewPrinter(tag).Sprint(number.Decimal(1234567.5))}
	plain := alike.Replace(w.Example)
	whole, _ := strings.CutSuffix(plain, "5")
	_, size := utf8.DecodeLastRuneInString(whole)
	whole, w.point = whole[:len(whole)-size], whole[len(whole)-size:]
	inner := "3" // digits of a group that is not the last
	if head, _, grouped := strings.Cut(whole, "567"); grouped && strings.Trim(head, "1234") != "" {
		_, size := utf8.DecodeLastRuneInString(head)
		w.group = head[len(head)-size:]
		if strings.HasPrefix(whole, "12"+w.group) { // as in India: 12,34,567
			inner = "2"
		}
	}
	integer := `\d+`
	if w.group != "" {
		g := regexp.QuoteMeta(w.group)
		integer = `(?:\d+|\d{1,3}(?:` + g + `\d{` + inner + `})*` + g + `\d{3})`
	}
	w.shape = regexp.MustCompile(`^[+-]?` + integer + `(?:` + regexp.QuoteMeta(w.point) + `\d+)?$`)
	return w, nil
}

// plain is a number that is written as in the culture, as JSON writes it; false for what is none there. What would be another
// number elsewhere, as "1.5" in German, is none: groups have their digits.
func (w *Numbers) plain(text string) (string, bool) {
	text = alike.Replace(text)
	if !w.shape.MatchString(text) {
		return "", false
	}
	if w.group != "" {
		text = strings.ReplaceAll(text, w.group, "")
	}
	return strings.Replace(text, w.point, ".", 1), true
}
