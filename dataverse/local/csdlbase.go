package local

import (
	"strings"

	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
)

// The types that others are derived from (Web API, "Entity types"): all from the first, users and teams from the second, whose
// key is theirs, and activities from the third, which is an entity itself.
const (
	commonType    = "crmbaseentity"
	principalType = "principal"
	activityType  = "activitypointer"
)

// principalKey is the key that users and teams have in common.
const principalKey = "ownerid"

func isPrincipal(e *schema.Entity) bool {
	return e.LogicalName == "systemuser" || e.LogicalName == "team"
}

// baseOf is the type that an entity's type is derived from.
func (s *Server) baseOf(e *schema.Entity) string {
	base := s.schema.Entity(activityType)
	switch {
	case isPrincipal(e):
		return principalType
	case base != nil && e.IsActivity && e != base && e.PrimaryID == base.PrimaryID:
		return activityType
	}
	return commonType
}

// inherited are the properties that an entity's type has from the one that it is derived from.
func (s *Server) inherited(e *schema.Entity) map[string]bool {
	names := map[string]bool{}
	if s.baseOf(e) != activityType {
		return names
	}
	base := s.tables[activityType]
	for _, f := range base.Fields {
		if query.IsStored(f) && f.Readable {
			names[f.Property()] = true
		}
		for _, target := range f.Targets {
			if s.schema.Entity(target) != nil && f.AttributeOf == "" {
				names[f.Navigation[target]] = true
			}
		}
	}
	for name := range base.children {
		names[name] = true
	}
	return names
}

// writeBases writes the abstract types.
func writeBases(b *strings.Builder) {
	element(b, "EntityType", true, "Name", commonType, "Abstract", "true")
	element(b, "EntityType", false, "Name", principalType, "BaseType", "mscrm."+commonType, "Abstract", "true")
	writeKey(b, principalKey)
	element(b, "Property", true, "Name", principalKey, "Type", edmGuid)
	b.WriteString("</EntityType>")
}

func writeKey(b *strings.Builder, property string) {
	b.WriteString("<Key>")
	element(b, "PropertyRef", true, "Name", property)
	b.WriteString("</Key>")
}
