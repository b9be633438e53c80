package local

import (
	"context"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
)

// setNames computes the full name of a person by the organisation's convention, into r; all is the whole record.
func setNames(s *settings, t *table, r, all record) {
	if s == nil || !t.has("fullname") || !t.has("lastname") {
		return
	}
	name := fullName(s.nameConvention, all.text("firstname"), all.text("middlename"), all.text("lastname"))
	r["fullname"] = nonEmpty(name)
	if t.has("yomifullname") {
		yomi := fullName(s.nameConvention, all.text("yomifirstname"), all.text("yomimiddlename"), all.text("yomilastname"))
		if yomi == "" {
			yomi = name
		}
		r["yomifullname"] = nonEmpty(yomi)
	}
}

// fullName joins the parts of a name by the number of organization.fullnameconventioncode.
func fullName(convention int, first, middle, last string) string {
	initial := ""
	if c, size := utf8.DecodeRuneInString(middle); size > 0 {
		initial = string(c) + "."
	}
	switch convention {
	case 0: // Last Name, First Name
		return join(", ", last, first)
	case 2: // Last Name, First Name, Middle Initial
		return join(", ", last, join(" ", first, initial))
	case 3: // First Name, Middle Initial, Last Name
		return join(" ", first, initial, last)
	case 4: // Last Name, First Name, Middle Name
		return join(", ", last, join(" ", first, middle))
	case 5: // First Name, Middle Name, Last Name
		return join(" ", first, middle, last)
	case 6: // Last Name, space, First Name
		return join(" ", last, first)
	case 7: // Last Name, no space, First Name
		return last + first
	}
	return join(" ", first, last)
}

// join joins what is not empty.
func join(separator string, parts ...string) string {
	kept := parts[:0:0]
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, separator)
}

func nonEmpty(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// setAddresses writes the parts of each address as one text.
func setAddresses(t *table, r, all record) {
	for _, prefix := range []string{"address1", "address2", "address3"} {
		if !t.has(prefix + "_composite") {
			continue
		}
		part := func(name string) string { return all.text(prefix + "_" + name) }
		street := join("\r\n", part("line1"), part("line2"), part("line3"))
		r[prefix+"_composite"] = nonEmpty(address(street, part("city"), part("stateorprovince"), part("postalcode"), part("country")))
	}
}

// address writes the parts of an address as one text, in the American way.
func address(street, city, state, postalCode, country string) string {
	return join("\r\n", street, join(", ", city, join(" ", state, postalCode)), country)
}

// setMoney gives an amount its currency, the exchange rate of it, and its value in the organisation's currency, into r; all
// is the whole record.
func (m *mutation) setMoney(ctx context.Context, t *table, r, all record) error {
	if !t.has("transactioncurrencyid") || !t.has("exchangerate") || !hasMoney(t, r) && r["transactioncurrencyid"] == nil {
		return nil
	}
	settings := m.s.settings.Load()
	if settings == nil {
		return nil
	}
	currency := all.text("transactioncurrencyid")
	if currency == "" {
		if currency = settings.baseCurrencyID; currency == "" {
			return nil
		}
		r["transactioncurrencyid"] = currency
	}
	row, found, err := m.conn.row(ctx, "SELECT exchangerate FROM transactioncurrency WHERE transactioncurrencyid = ?", currency)
	if err != nil || !found {
		return err
	}
	text, _ := row[0].(string)
	rate, ok := new(big.Rat).SetString(text)
	if !ok || rate.Sign() <= 0 {
		return nil
	}
	r["exchangerate"] = text
	for _, f := range t.Fields {
		if base := f.LogicalName + "_base"; f.Type == schema.Money && t.has(base) {
			r[base] = inBase(all.with(r)[f.LogicalName], rate)
		}
	}
	return nil
}

func hasMoney(t *table, r record) bool {
	for name := range r {
		if f := t.Field(name); f != nil && f.Type == schema.Money && query.IsStored(f) {
			return true
		}
	}
	return false
}

// inBase divides ten-thousandths by an exchange rate, half of one rounded away from zero.
func inBase(amount any, rate *big.Rat) any {
	n, ok := amount.(int64)
	if !ok {
		return nil
	}
	digits := new(big.Rat).Quo(new(big.Rat).SetInt64(n), rate).FloatString(0)
	base, ok := new(big.Int).SetString(digits, 10)
	if !ok || !base.IsInt64() {
		return nil
	}
	return base.Int64()
}
