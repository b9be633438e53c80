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

// serveCSDL answers $metadata: the entity types and sets, the functions and the actions in OData's schema language.
func (s *Server) serveCSDL(context.Context, *call) (reply, error) {
	var b strings.Builder
	b.WriteString(xml.Header + `<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>` +
		`<Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">`)
	writeBases(&b)
	for _, name := range s.schema.Names() {
		s.writeType(&b, s.tables[name])
	}
	s.writeOperations(&b)
	b.WriteString(`<EntityContainer Name="System">`)
	for _, name := range s.schema.Names() {
		s.writeSet(&b, s.tables[name])
	}
	for _, o := range operations {
		if !o.bound() {
			element(&b, o.kind()+"Import", true, "Name", o.name, o.kind(), crmNamespace+o.name)
		}
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
	base, inherited := s.baseOf(t.Entity), s.inherited(t.Entity)
	element(b, "EntityType", false, "Name", t.LogicalName, "BaseType", "mscrm."+base)
	if base == commonType {
		writeKey(b, t.PrimaryID)
	}
	for _, f := range t.Fields {
		if query.IsStored(f) && f.Readable && !inherited[f.Property()] {
			element(b, "Property", true, "Name", f.Property(), "Type", edmType(f))
		}
	}
	for _, f := range t.Fields {
		s.writeNavigation(b, f, inherited)
	}
	for _, navigation := range sortedKeys(t.children) {
		if inherited[navigation] {
			continue
		}
		c := t.children[navigation]
		attributes := []string{"Name", navigation, "Type", "Collection(mscrm." + c.entity.LogicalName + ")"}
		if c.field != nil && c.field.Navigation[t.LogicalName] != "" {
			attributes = append(attributes, "Partner", c.field.Navigation[t.LogicalName])
		}
		element(b, "NavigationProperty", true, attributes...)
	}
	writeKeys(b, t.Keys)
	b.WriteString("</EntityType>")
}

// writeKeys writes the alternate keys, as the annotation that OData has for them.
func writeKeys(b *strings.Builder, keys []schema.Key) {
	if len(keys) == 0 {
		return
	}
	b.WriteString(`<Annotation Term="OData.Community.Keys.V1.AlternateKeys"><Collection>`)
	for _, k := range keys {
		b.WriteString(`<Record Type="OData.Community.Keys.V1.AlternateKey"><PropertyValue Property="Key"><Collection>`)
		for _, field := range k.Fields {
			b.WriteString(`<Record Type="OData.Community.Keys.V1.PropertyRef">`)
			element(b, "PropertyValue", true, "Property", "Alias", "String", field)
			element(b, "PropertyValue", true, "Property", "Name", "PropertyPath", field)
			b.WriteString(`</Record>`)
		}
		b.WriteString(`</Collection></PropertyValue></Record>`)
	}
	b.WriteString(`</Collection></Annotation>`)
}

// writeSet writes an entity set, with the sets that its navigation properties lead to.
func (s *Server) writeSet(b *strings.Builder, t *table) {
	element(b, "EntitySet", false, "Name", t.EntitySetName, "EntityType", crmNamespace+t.LogicalName)
	for _, f := range t.Fields {
		for _, target := range f.Targets {
			e := s.schema.Entity(target)
			if name := f.Navigation[target]; name != "" && e != nil && f.AttributeOf == "" && f.Type != schema.Owner {
				element(b, "NavigationPropertyBinding", true, "Path", name, "Target", e.EntitySetName)
			}
		}
	}
	for _, navigation := range sortedKeys(t.children) {
		element(b, "NavigationPropertyBinding", true, "Path", navigation, "Target", t.children[navigation].entity.EntitySetName)
	}
	b.WriteString("</EntitySet>")
}

// writeNavigation writes the navigation properties of a lookup, each once, but not those that the type inherits.
func (s *Server) writeNavigation(b *strings.Builder, f *schema.Field, inherited map[string]bool) {
	written := map[string]bool{}
	for _, target := range f.Targets {
		name, e := f.Navigation[target], s.schema.Entity(target)
		if name == "" || e == nil || written[name] || inherited[name] || f.AttributeOf != "" {
			continue
		}
		written[name] = true
		if f.Type == schema.Owner { // its targets are principals, known by the key that these have in common
			element(b, "NavigationProperty", false, "Name", name, "Type", "mscrm."+principalType)
			element(b, "ReferentialConstraint", true, "Property", f.Property(), "ReferencedProperty", principalKey)
			b.WriteString("</NavigationProperty>")
			continue
		}
		attributes := []string{"Name", name, "Type", "mscrm." + target}
		if partner := partnerOf(s.tables[target], f); partner != "" {
			attributes = append(attributes, "Partner", partner)
		}
		element(b, "NavigationProperty", false, attributes...)
		element(b, "ReferentialConstraint", true, "Property", f.Property(), "ReferencedProperty", e.PrimaryID)
		b.WriteString("</NavigationProperty>")
	}
}

// partnerOf is the collection of the target whose records point at it by the lookup; "" where it has none.
func partnerOf(target *table, f *schema.Field) string {
	for _, name := range sortedKeys(target.children) {
		if target.children[name].field == f {
			return name
		}
	}
	return ""
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
	case schema.Image:
		return "Edm.Binary"
	}
	return "Edm.String"
}
