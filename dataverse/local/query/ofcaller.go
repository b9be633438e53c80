package query

import (
	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// DefaultHierarchyDepth is how many levels below a manager count where the organization does not say it.
const DefaultHierarchyDepth = 3

// ofCaller compares with who asks.
func (b *builder) ofCaller(v value, op string) (expr, error) {
	user := compared{"=", v.x, param{b.opts.UserID}}
	switch op {
	case "eq-userid":
		return user, nil
	case "ne-userid":
		return negation{user}, nil
	case "eq-businessid":
		return compared{"=", v.x, param{b.opts.BusinessUnitID}}, nil
	case "ne-businessid":
		return compared{"<>", v.x, param{b.opts.BusinessUnitID}}, nil
	case "eq-userlanguage":
		language := int64(b.opts.Language)
		if language == 0 {
			language = schema.English
		}
		return oneOf(v.x, []any{language, int64(-1)}), nil
	case "eq-useroruserhierarchy":
		return b.isManaged(v.x), nil
	case "eq-useroruserhierarchyandteams":
		teams, err := b.inTeams(v, b.isManaged)
		return or(b.isManaged(v.x), teams), err
	}
	teams, err := b.inTeams(v, func(member expr) expr { return compared{"=", member, param{b.opts.UserID}} })
	if op == "eq-userteams" {
		return teams, err
	}
	return or(user, teams), err
}

// isManaged asks whether a value is the caller, or a user whom the caller manages, over the levels that the organization lets count
// (FetchXML, "Condition operators", eq-useroruserhierarchy).
func (b *builder) isManaged(x expr) expr {
	users := b.schema.Entity("systemuser")
	manager := HierarchyField(users)
	if manager == "" {
		return compared{"=", x, param{b.opts.UserID}}
	}
	depth := b.opts.HierarchyDepth
	if depth <= 0 {
		depth = DefaultHierarchyDepth
	}
	return inTree{x: x, tree: tree{entity: users, parent: manager, root: param{b.opts.UserID}, depth: min(depth, maxDepth)}}
}

// inTeams asks whether a value is a team with a member of whom something is true.
func (b *builder) inTeams(v value, isMember func(user expr) expr) (expr, error) {
	membership := Intersect(b.schema, "teammembership")
	if membership == nil {
		return nil, refuse(code.QueryBuilderNoEntity, "The entity 'teammembership' is not there to tell the caller's teams.")
	}
	m := b.table(membership)
	return inRows{x: v.x, rows: &statement{
		columns: []expr{m.col("teamid")}, from: m, where: []expr{isMember(m.col("systemuserid"))},
	}}, nil
}
