package bench

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// ownPhones are the fields that a search by a phone number looks into for the contact's own.
var ownPhones = strings.Fields("address1_telephone1 address1_telephone2 address1_telephone3 address2_telephone1 address2_telephone2 " +
	"address2_telephone3 address3_telephone1 address3_telephone2 address3_telephone3 business2 callback home2 mobilephone telephone1 telephone2 telephone3")

// usualPhone is the condition that one of ownPhones has a number of the data set in one of 29 spellings, as FindRecord asks first.
func usualPhone(number string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
	area, exchange, line := digits[1:4], digits[4:7], digits[7:]
	spellings := []string{number, digits, "+" + digits, "00" + digits, "011" + digits, "tel:+" + digits, digits[1:], "(" + area + ") " + exchange + line, area + "-" + exchange + line}
	for _, prefix := range []string{"", "1 ", "+1 ", "1-", "+1-"} {
		for _, rest := range []string{"(%s) %s-%s", "%s-%s-%s", "%s.%s.%s", "%s %s %s"} {
			spellings = append(spellings, prefix+fmt.Sprintf(rest, area, exchange, line))
		}
	}
	values, _ := json.Marshal(spellings) // of texts it cannot fail
	terms := make([]string, len(ownPhones))
	for i, field := range ownPhones {
		terms[i] = fmt.Sprintf("Microsoft.Dynamics.CRM.In(PropertyName='%s',PropertyValues=%s)", field, values)
	}
	return strings.Join(terms, " or ")
}

// BenchmarkPhoneDigits asks for the contacts that have a number's digits in a field, in order and with whatever between them: what
// FindRecord does where nobody has the number in a usual spelling. No index serves it: every contact is read.
func BenchmarkPhoneDigits(b *testing.B) {
	for _, bench := range []struct {
		name   string
		fields []string
	}{
		{"all fields", append([]string{"assistantphone", "company", "managerphone"}, ownPhones...)},
		{"two fields", []string{"telephone1", "mobilephone"}},
	} {
		b.Run(strings.ReplaceAll(bench.name, " ", "-"), func(b *testing.B) {
			findAfter(b, 0, func(i int) string {
				pattern := strings.Join(strings.Split(phone(7, i)[3:], ""), "%")
				var terms []string
				for _, field := range bench.fields {
					terms = append(terms, fmt.Sprintf("contains(%s,'%s')", field, strings.ReplaceAll(pattern, "% %", "%")))
				}
				return encoded("$select", "fullname,"+strings.Join(bench.fields, ","), "$filter", strings.Join(terms, " or "), "$orderby", "statecode,createdon,contactid", "$top", "100")
			})
		})
	}
}
