package query

import (
	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// Hierarchy is whose records count as those of the users below somebody ("Hierarchical security"). In the zero Hierarchy nobody is
// below anybody.
type Hierarchy struct {
	On        bool // organization.ishierarchicalsecuritymodelenabled
	Positions bool // organization.usepositionhierarchy: whoever has a position below counts, not whom somebody manages
	Depth     int  // organization.maxdepthforhierarchicalsecuritymodel: how many levels below count; 0 is DefaultHierarchyDepth
}

// DefaultHierarchyDepth is how many levels below somebody count where the organization does not say it.
const DefaultHierarchyDepth = 3

func (h Hierarchy) depth() int {
	if h.Depth <= 0 {
		return DefaultHierarchyDepth
	}
	return min(h.Depth, maxDepth)
}

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

// isManaged asks whether a value is the caller, or a user below the caller in the hierarchy that the organization has
// (FetchXML, "Condition operators", eq-useroruserhierarchy). Without one that is the caller alone.
func (b *builder) isManaged(x expr) expr {
	caller, users := param{b.opts.UserID}, b.schema.Entity("systemuser")
	switch h := b.opts.Hierarchy; {
	case h.On && h.Positions && b.schema.Entity("position") != nil:
		return or(compared{"=", x, caller}, inRows{x: x, rows: b.withPositionBelow(users)})
	case h.On && !h.Positions && HierarchyField(users) != "":
		return inTree{x: x, tree: tree{entity: users, parent: HierarchyField(users), root: caller, depth: h.depth()}}
	}
	return compared{"=", x, caller}
}

// withPositionBelow are the users whose position is below the caller's. Those who share the caller's are not.
func (b *builder) withPositionBelow(users *schema.Entity) *statement {
	positions, caller, other := b.schema.Entity("position"), b.table(users), b.table(users)
	own := scalar{&statement{columns: []expr{caller.col("positionid")}, from: caller, where: []expr{compared{"=", caller.key(), param{b.opts.UserID}}}}}
	below := tree{entity: positions, parent: HierarchyField(positions), root: own, depth: b.opts.Hierarchy.depth(), others: true}
	return &statement{columns: []expr{other.key()}, from: other, where: []expr{inTree{x: other.col("positionid"), tree: below}}}
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
