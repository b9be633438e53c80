package schema

import "slices"

// Privilege is a right to do something with an entity's records.
type Privilege struct {
	Right string // "Create", "Read", "Write", "Delete", "Assign", "Share", "Append" or "AppendTo"
	Name  string // "prvCreateContact"
}

// The rights that entities have privileges for (Web API, "PrivilegeType EnumType"). Only records of users and teams are given
// away or shared.
var (
	recordRights = []string{"Create", "Read", "Write", "Delete", "Append", "AppendTo"}
	ownedRights  = []string{"Create", "Read", "Write", "Delete", "Assign", "Share", "Append", "AppendTo"}
)

const (
	userOwned         = "UserOwned"
	organizationOwned = "OrganizationOwned"
	noOwner           = "None"
)

// The entity that all activities are records of too, and that of those who take part in them.
const (
	activityPointer = "activitypointer"
	activityParty   = "activityparty"
)

// principalObjectAccess says which records are shared with whom: sharing makes its records.
const principalObjectAccess = "principalobjectaccess"

// privilegeStems are the names that stand in a privilege for an entity whose schema name does not ("Security roles and
// privileges"). All activities share one, custom ones too.
var privilegeStems = map[string]string{"annotation": "Note", "systemuser": "User", activityPointer: activities, activityParty: activities}

const activities = "Activity"

// PrivilegeName is the name of the privilege to do something with the entity's records: the definition's, else what follows
// from the names that Dataverse gives privileges.
func (e *Entity) PrivilegeName(right string) string {
	for _, p := range e.Privileges {
		if p.Right == right {
			return p.Name
		}
	}
	stem := privilegeStems[e.LogicalName]
	if stem == "" && e.IsActivity {
		stem = activities
	}
	if stem == "" {
		stem = e.SchemaName
	}
	return "prv" + right + stem
}

// Creatable reports whether records of the entity can be created at all, by whoever has the right. Its definition has no
// property that says so. An entity that has privileges has one to create, or nobody can; one that has none at all is a part
// of others and follows theirs, as an address does. Records of an intersect entity come of associating two others; an
// activity is created as what it is, a task or an e-mail, and who takes part with it (Web API, "activitypointer EntityType",
// "activityparty EntityType": GET alone), and what is shared with whom comes of sharing it.
func (e *Entity) Creatable() bool {
	switch {
	case e.Intersect, e.LogicalName == activityPointer, e.LogicalName == activityParty, e.LogicalName == principalObjectAccess:
		return false
	}
	return len(e.Privileges) == 0 || slices.ContainsFunc(e.Privileges, func(p Privilege) bool { return p.Right == "Create" })
}

// standardPrivileges are those of a standard table: for the rights that are named, else for those that its ownership gives
// it. What nobody owns is a part of other records and has none.
func standardPrivileges(e *Entity, rights []string) []Privilege {
	switch {
	case rights != nil:
	case e.Ownership == noOwner:
		return nil
	case e.Ownership == userOwned:
		rights = ownedRights
	default:
		rights = recordRights
	}
	var all []Privilege
	for _, right := range rights {
		all = append(all, Privilege{Right: right, Name: e.PrivilegeName(right)})
	}
	return all
}

// PrivilegeID is the ID that a privilege is given where definitions are given IDs.
func PrivilegeID(o EncodeOptions, p Privilege) string { return o.MetadataID("privilege." + p.Name) }

// encodePrivileges writes the entity's privileges. How far one may reach follows from who owns the records.
func encodePrivileges(e *Entity, o EncodeOptions) []any {
	all := make([]any, 0, len(e.Privileges))
	for _, p := range e.Privileges {
		m := map[string]any{
			"Name": p.Name, "PrivilegeType": p.Right, "CanBeBasic": e.Ownership == userOwned,
			"CanBeLocal": e.Ownership != organizationOwned, "CanBeDeep": e.Ownership != organizationOwned, "CanBeGlobal": true,
			"CanBeEntityReference": false, "CanBeParentEntityReference": false, "CanBeRecordFilter": false,
		}
		if o.MetadataID != nil {
			m["PrivilegeId"] = PrivilegeID(o, p)
		}
		all = append(all, m)
	}
	return all
}
