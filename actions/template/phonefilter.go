package template

import (
	"fmt"

	"github.com/botverse/botverse/actions/phone"
)

// e164 is a phone number as machines write it. A text that is none fails: what is dialled or stored is a number or nothing.
func e164(a *arguments) (any, error) {
	text, err := a.text()
	if err != nil {
		return nil, err
	}
	region, err := a.textAt(0, "")
	if err != nil {
		return nil, err
	}
	if region != "" && !phone.IsRegion(region) {
		return nil, fmt.Errorf("its argument is the two letters of a country, as \"NL\"")
	}
	number, err := phone.Parse(text, region)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", a.head, err)
	}
	return number.E164(), nil
}
