package access

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what a caller may do. Each role may do all that those before it may.
type Role int

// The roles, the least first. The zero Role may do nothing.
const (
	RoleViewer  Role = iota + 1 // reads and watches
	RoleCaller                  // runs actions
	RoleBuilder                 // reads metadata, and has actions explained
	RoleAdmin                   // changes the installation
)

var roleNames = []string{"none", "viewer", "caller", "builder", "admin"}

// String is the role's name in settings and tokens.
func (r Role) String() string { return roleNames[r] }

// RoleOf is the role of a name; the zero Role where there is none.
func RoleOf(name string) Role {
	return Role(max(0, slices.Index(roleNames, name)))
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Role) UnmarshalText(text []byte) error {
	if *r = RoleOf(string(text)); *r == 0 {
		return fmt.Errorf("there is no role %.40q; there are %s", text, strings.Join(roleNames[1:], ", "))
	}
	return nil
}
