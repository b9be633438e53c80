package local

import (
	"context"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
)

// serveCSDL answers $metadata: the entity types and sets in OData's schema language. Functions and actions are not in it.
func (s *Server) serveCSDL(context.Context, *call) (reply, error) {
	var b strings.Builder
	b.WriteString(xml.Header + `<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>` +
		`<Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">` +
		`<EntityType Name="crmbaseentity" Abstract="true"/>`)
	for _, name := range s.schema.Names() {
		s.writeType(&b, s.tables[name])
	}
	b.WriteString(`<EntityContainer Name="System">`)
	for _, name := range s.schema.Names() {
		element(&b, "EntitySet", true, "Name", s.schema.EntitySetName(name), "EntityType", crmNamespace+name)
	}
	b.WriteString(`</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>`)
	answer := newReply(http.StatusOK)
	answer.body = []byte(b.String())
	answer.header.Set("Content-Type", "application/xml")
	return answer, nil
}

// element writes a start tag, or an empty element, with attributes as pairs of a name and a value.
func element(b *strings.Builder, name string, empty bool, attributes ...string) {
	b.WriteString("<" + name)
	for i := 0; i+1 < len(attributes); i += 2 {
		b.WriteString(" " + attributes[i] + `="`)
		_ = xml.EscapeText(b, []byte(attributes[i+1])) // a Builder takes all
		b.WriteByte('"')
	}
	if empty {
		b.WriteByte('/')
	}
	b.WriteByte('>')
}

func (s *Server) writeType(b *strings.Builder, t *table) {
	element(b, "EntityType", false, "Name", t.LogicalName, "BaseType", "mscrm.crmbaseentity")
	b.WriteString("<Key>")
	element(b, "PropertyRef", true, "Name", t.PrimaryID)
	b.WriteString("</Key>")
	for _, f := range t.Fields {
		if query.IsStored(f) && f.Readable {
			element(b, "Property", true, "Name", f.Property(), "Type", edmType(f))
		}
	}
	for _, f := range t.Fields {
		s.writeNavigation(b, f)
	}
	for _, navigation := range sortedKeys(t.children) {
		element(b, "NavigationProperty", true, "Name", navigation, "Type", "Collection(mscrm."+t.children[navigation].entity.LogicalName+")")
	}
	b.WriteString("</EntityType>")
}

// writeNavigation writes the navigation properties of a lookup, each once.
func (s *Server) writeNavigation(b *strings.Builder, f *schema.Field) {
	written := map[string]bool{}
	for _, target := range f.Targets {
		name, e := f.Navigation[target], s.schema.Entity(target)
		if name == "" || e == nil || written[name] || f.AttributeOf != "" {
			continue
		}
		written[name] = true
		element(b, "NavigationProperty", false, "Name", name, "Type", "mscrm."+target)
		element(b, "ReferentialConstraint", true, "Property", f.Property(), "ReferencedProperty", e.PrimaryID)
		b.WriteString("</NavigationProperty>")
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// edmType is the type of a field in OData's terms.
func edmType(f *schema.Field) string {
	switch f.Type {
	case schema.Integer, schema.Picklist, schema.State, schema.Status:
		return "Edm.Int32"
	case schema.BigInt:
		return "Edm.Int64"
	case schema.Decimal, schema.Money:
		return "Edm.Decimal"
	case schema.Double:
		return "Edm.Double"
	case schema.Boolean:
		return "Edm.Boolean"
	case schema.DateTime:
		if f.Behavior == schema.DateOnly {
			return "Edm.Date"
		}
		return "Edm.DateTimeOffset"
	case schema.Uniqueidentifier, schema.Lookup, schema.Customer, schema.Owner:
		return "Edm.Guid"
	}
	return "Edm.String"
}
