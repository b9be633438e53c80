package actions

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"github.com/botverse/botverse/actions/phone"
)

// phoneRegions are where the numbers of the tests are from: every continent, long and short numbers, with trunk prefixes and
// without, several countries with one code, and those that write mobile numbers in another way at home.
var phoneRegions = []string{
	"US", "CA", "JM", "MX", "BR", "AR", "CL", "CO", "PE", "GB", "IE", "FR", "ES", "PT", "IT", "DE", "AT", "CH", "NL", "BE",
	"DK", "NO", "SE", "FI", "PL", "CZ", "HU", "RO", "GR", "TR", "RU", "KZ", "IN", "CN", "JP", "SG", "AU", "NZ", "ZA", "NG",
}

// someNumbers are that many numbers in use of each region, always the same.
func someNumbers(t testing.TB, region string, n int) []*phonenumbers.PhoneNumber {
	t.Helper()
	random := rand.New(rand.NewPCG(1, uint64(region[0])<<8|uint64(region[1])))
	var numbers []*phonenumbers.PhoneNumber
	for tries := 0; len(numbers) < n; tries++ {
		kind := []phonenumbers.PhoneNumberType{phonenumbers.FIXED_LINE, phonenumbers.MOBILE}[len(numbers)%2]
		text := []byte(phonenumbers.Format(phonenumbers.GetExampleNumberForType(region, kind), phonenumbers.E164))
		for i := len(text) - 5; i < len(text); i++ {
			text[i] = byte('0' + random.IntN(10))
		}
		number, err := phonenumbers.Parse(string(text), "")
		if err == nil && phonenumbers.IsValidNumber(number) && phonenumbers.GetRegionCodeForNumber(number) == region {
			numbers = append(numbers, number)
		}
		if tries > 10_000 {
			t.Fatalf("no numbers of %s", region)
		}
	}
	return numbers
}

// notations are nine ways in which people and machines write a number.
func notations(number *phonenumbers.PhoneNumber) []string {
	e164 := phonenumbers.Format(number, phonenumbers.E164)
	abroad := phonenumbers.Format(number, phonenumbers.INTERNATIONAL)
	home := phonenumbers.Format(number, phonenumbers.NATIONAL)
	if number.GetCountryCode() == 54 {
		home = strings.Replace(home, "09 15", "011 15", 1) // the library puts Argentina's mobile 9 where the area code is
	}
	separator := strings.NewReplacer(" ", ".", "-", ".", "(", "", ")", "")
	dashed := strings.NewReplacer(" ", "-", "(", "", ")", "")
	bracketed := home
	if first, rest, ok := strings.Cut(home, " "); ok && !strings.Contains(home, "(") {
		bracketed = "(" + first + ") " + rest
	}
	return []string{
		e164, abroad, home, phonenumbers.NormalizeDigitsOnly(home), dashed.Replace(abroad), separator.Replace(home),
		phonenumbers.Format(number, phonenumbers.RFC3966), "00" + strings.TrimPrefix(e164, "+"), bracketed + " ext. 12",
	}
}

// falseFriends are numbers that end as another does, or have its digits in them.
func falseFriends(number *phonenumbers.PhoneNumber) []string {
	e164 := phonenumbers.Format(number, phonenumbers.E164)
	other := uint64(49)
	if number.GetCountryCode() == 49 {
		other = 43
	}
	national := phonenumbers.GetNationalSignificantNumber(number)
	changed := []byte(e164)
	changed[len(changed)-6] = '0' + (changed[len(changed)-6]-'0'+5)%10
	return []string{fmt.Sprintf("+%d%s", other, national), string(changed), e164[:len(e164)-2] + "0" + e164[len(e164)-2:]}
}

// phoneCase is a number with the region that it is of.
type phoneCase struct {
	number    *phonenumbers.PhoneNumber
	region    string
	notations []string
}

// phoneCases are 300 numbers of 40 countries.
func phoneCases(t testing.TB) []phoneCase {
	t.Helper()
	var cases []phoneCase
	for i, region := range phoneRegions {
		n := 7 + i%2
		for _, number := range someNumbers(t, region, n) {
			cases = append(cases, phoneCase{number: number, region: region, notations: notations(number)})
		}
	}
	return cases
}

// Whatever the notation of the question and that of the record, the number is found.
func TestEveryNotationMeansTheNumber(t *testing.T) {
	t.Parallel()
	cases := phoneCases(t)
	for i, c := range cases[:Share(len(cases))] {
		if i%3 > 0 {
			continue // all of them are searched for, below
		}
		for _, asked := range c.notations {
			number, err := phone.Parse(asked, c.region)
			if err != nil {
				t.Errorf("%q of %s: %v", asked, c.region, err)
				continue
			}
			for _, stored := range c.notations {
				if !contains(phonenumbers.NormalizeDigitsOnly(stored), number.Core()) || !number.In(stored, c.region) {
					t.Errorf("%q (%s) of %s is not found in %q", asked, number.Core(), c.region, stored)
				}
			}
			for _, stored := range falseFriends(c.number) {
				if number.In(stored, c.region) {
					t.Errorf("%q of %s is found in %q", asked, c.region, stored)
				}
			}
		}
	}
}

// contains reports whether digits stand in a text in their order.
func contains(text, digits string) bool {
	for _, d := range digits {
		i := strings.IndexRune(text, d)
		if i < 0 {
			return false
		}
		text = text[i+1:]
	}
	return true
}

// Of 300 numbers in nine notations each, and as many false friends, a search finds all nine records of the number, and no
// other. They are kept in three entities, a third in each.
func TestPhoneNumbersAreFoundInEverySpelling(t *testing.T) {
	t.Parallel()
	cases := phoneCases(t)
	if len(cases) != 300 {
		t.Fatalf("%d numbers, want 300", len(cases))
	}
	cases = cases[:Share(len(cases))]
	places := []struct{ entity, set, name, first, second string }{
		{"contact", "contacts", "lastname", "telephone1", "mobilephone"}, {"lead", "leads", "lastname", "telephone3", "telephone1"}, {"account", "accounts", "name", "telephone1", "fax"},
	}
	records := map[string][]map[string]any{}
	for i, c := range cases {
		place := places[i%3]
		for n, stored := range append(slices.Clone(c.notations), falseFriends(c.number)...) {
			field := []string{place.first, place.second}[n%2]
			records[place.set] = append(records[place.set], map[string]any{place.name: fmt.Sprintf("%d %d", i, n), field: stored})
		}
	}
	w := newWorldWith(t, records)
	for i, c := range cases {
		place, asked := places[i%3], c.notations[i%len(c.notations)]
		got := w.find(t, FindRecord{
			Entity: place.entity, CountMatches: true, MaxCandidates: 20, Save: map[string]string{"name": place.name},
			Where:     byPhone("{{ caller }}", "region", c.region, "fields", []any{place.first, place.second}),
			Variables: map[string]any{"caller": asked},
		})
		if *got.MatchCount != len(c.notations) || got.MoreMatches || len(got.Candidates) != len(c.notations) {
			t.Errorf("%s (%s) has %d matches, want %d", asked, c.region, *got.MatchCount, len(c.notations))
		}
		for _, candidate := range got.Candidates {
			number, notation, _ := strings.Cut(candidate.Fields[place.name].(string), " ")
			if number != strconv.Itoa(i) || len(notation) > 1 || notation > "8" || candidate.PhoneMatch == nil {
				t.Errorf("%s finds %v, %+v", asked, candidate.Fields, candidate.PhoneMatch)
			}
		}
	}
}
