package bench

import (
	"fmt"
	"strings"
)

// commonName is the last name of one contact in twenty: 50,000 of them.
const commonName = "Smith"

// The time of the first record, in microseconds; each other was created a minute after the one before.
const (
	firstTime = 1_600_000_000_000_000
	apart     = 60_000_000
)

var (
	firstNames = strings.Fields("Ada Grace Alan Edsger Barbara Donald Margaret Linus Katherine Dennis Zoë José Björn Chloë Łukasz Renée Tim Frances Ken Radia")
	syllables  = strings.Fields("ba ber dan do el fin gar hol in jo kel lund mar nor o per quin ros sten tor ul ven wes yor zan")
)

// recordID is the ID of the i-th record of a kind. Like those that the server makes, they grow with time.
func recordID(kind byte, i int) string {
	return fmt.Sprintf("%08x-%04x-7%03x-8000-0000000000%02x", 0x01800000+i>>8, i&0xff<<8, i%4096, kind)
}

// mixed is a number that looks like chance and is the same for the same i.
func mixed(i int) int {
	x := uint64(i) + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return int((x ^ x>>31) >> 1)
}

func created(i int) int64 { return firstTime + int64(i)*apart }

func accountValues(i int) map[string]any {
	return map[string]any{
		"accountid": recordID('a', i), "createdon": created(i), "modifiedon": created(i),
		"name": fmt.Sprintf("%s %s %d", lastName(mixed(i)), "Trading", i), "accountnumber": fmt.Sprintf("A-%07d", i),
		"emailaddress1": fmt.Sprintf("office%d@example.com", i), "telephone1": phone(1, i),
	}
}

func contactValues(i int) map[string]any {
	first, last := firstNames[mixed(i)%len(firstNames)], lastNameOf(i)
	return map[string]any{
		"contactid": recordID('c', i), "createdon": created(i), "modifiedon": created(i),
		"firstname": first, "lastname": last, "fullname": first + " " + last, "yomifullname": first + " " + last,
		"emailaddress1": emailOf(i), "telephone1": phone(2, i), "mobilephone": phone(3, i),
		"parentcustomerid": recordID('a', mixed(i)%accounts),
	}
}

func emailOf(i int) string { return fmt.Sprintf("Person.%d@example.com", mixed(i)%contacts*10+i%10) }

func lastNameOf(i int) string {
	if i%20 == 0 {
		return commonName
	}
	return lastName(mixed(i + contacts))
}

func fullNameOf(i int) string {
	return firstNames[mixed(i)%len(firstNames)] + " " + lastNameOf(i)
}

// lastName is one of 15,625 names.
func lastName(n int) string {
	var b strings.Builder
	for range 3 {
		b.WriteString(syllables[n%len(syllables)])
		n /= len(syllables)
	}
	name := b.String()
	return strings.ToUpper(name[:1]) + name[1:]
}

func phone(kind, i int) string { return fmt.Sprintf("+1 %d55 %07d", kind, mixed(i+kind)%10_000_000) }
