package local

import (
	"encoding/json"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// accessRights is a set of rights to a record, in the bits that principalobjectaccess holds them in.
type accessRights int64

// rights are all there are, in the order in which a set of them is written, each with what a privilege for it is called (Web API,
// "AccessRights EnumType").
var rights = []struct {
	name      string
	bit       accessRights
	privilege string
}{
	{"ReadAccess", 1, "Read"},
	{"WriteAccess", 1 << 1, "Write"},
	{"AppendAccess", 1 << 2, "Append"},
	{"AppendToAccess", 1 << 4, "AppendTo"},
	{"CreateAccess", 1 << 5, "Create"},
	{"DeleteAccess", 1 << 16, "Delete"},
	{"ShareAccess", shareAccess, "Share"},
	{"AssignAccess", assignAccess, "Assign"},
}

// The rights that there are only to what users and teams own.
const (
	shareAccess  accessRights = 1 << 18
	assignAccess accessRights = 1 << 19
)

// noRights is how no right at all is written.
const noRights = "None"

// String is the set as the Web API writes it: "ReadAccess, WriteAccess".
func (a accessRights) String() string {
	var names []string
	for _, r := range rights {
		if a&r.bit != 0 {
			names = append(names, r.name)
		}
	}
	if names == nil {
		return noRights
	}
	return strings.Join(names, ", ")
}

// readAccessRights reads a set as the Web API takes it: names with commas between them, or the number.
func readAccessRights(value any) (accessRights, error) {
	if number, ok := value.(json.Number); ok {
		n, err := number.Int64()
		if set := accessRights(n); err == nil && set&allRights() == set {
			return set, nil
		}
	}
	text := stringOf(value)
	var set accessRights
	for name := range strings.SplitSeq(text, ",") {
		bit, known := rightNamed(strings.TrimSpace(name))
		if !known {
			return 0, refuse(code.InvalidPayload, "Error identified in Payload provided by the user, InnerException : Microsoft.OData.ODataException: Cannot convert the literal '%v' to the expected type 'Microsoft.Dynamics.CRM.AccessRights'.", value)
		}
		set |= bit
	}
	return set, nil
}

func rightNamed(name string) (bit accessRights, known bool) {
	for _, r := range rights {
		if r.name == name {
			return r.bit, true
		}
	}
	return 0, name == noRights
}

func allRights() accessRights {
	var set accessRights
	for _, r := range rights {
		set |= r.bit
	}
	return set
}

// rightsTo are all the rights that anybody can have to a record of an entity: those that there are privileges for. What has none
// is a part of other records.
func rightsTo(e *schema.Entity) accessRights {
	var set accessRights
	for _, p := range e.Privileges {
		for _, r := range rights {
			if r.privilege == p.Right {
				set |= r.bit
			}
		}
	}
	if set == 0 {
		return allRights() &^ (shareAccess | assignAccess)
	}
	return set
}
