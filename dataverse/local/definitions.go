package local

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// document is a definition as JSON: of an entity, a field, a relationship.
type document = map[string]any

// metadataID gives each definition an ID that is the same everywhere.
func metadataID(name string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("botverse/dataverse/metadata/"+name)).String()
}

var encoding = schema.EncodeOptions{MetadataID: metadataID}

// entityDefinitions answers what the schema is ("Query table definitions using the Web API").
func (s *Server) entityDefinitions(_ context.Context, c *call) (reply, error) {
	segments := c.resource.Segments
	if !segments[0].HasParens {
		if len(segments) > 1 {
			return reply{}, noSuchSegment(segments[1].Name)
		}
		var all []document
		for _, name := range s.schema.Names() {
			all = append(all, schema.EncodeEntity(s.schema.Entity(name), encoding))
		}
		return definitionList(c, "EntityDefinitions", all, func(d document) *schema.Entity {
			name, _ := d["LogicalName"].(string)
			return s.schema.Entity(name)
		})
	}
	e, err := s.definedEntity(segments[0])
	if err != nil {
		return reply{}, err
	}
	if len(segments) == 1 {
		d, err := shown(schema.EncodeEntity(e, encoding), e, c.query.Select, c.query.Expand)
		if err != nil {
			return reply{}, err
		}
		return definition(c, "EntityDefinitions"+selected(c.query.Select, c.query.Expand)+"/$entity", d)
	}
	return partOfEntity(c, e, segments[1:])
}

// definedEntity is the entity that a definition's key names: by its logical name or its MetadataId.
func (s *Server) definedEntity(segment odata.Segment) (*schema.Entity, error) {
	name, given := definitionKey(segment)
	for _, known := range s.schema.Names() {
		if known == given && name != "MetadataId" || metadataID(known) == given {
			return s.schema.Entity(known), nil
		}
	}
	return nil, &fault{status: http.StatusNotFound, code: code.QueryBuilderNoEntity, message: "The entity with a name = '" + given + "' with namemapping = 'Logical' was not found in the MetadataCache."}
}

func definitionKey(segment odata.Segment) (name, value string) {
	if len(segment.Keys) != 1 {
		return "", ""
	}
	value, _ = jsonValue(segment.Keys[0].Value).(string)
	return segment.Keys[0].Name, value
}

// parts are the collections of an entity's definition, by the name of the navigation property.
func parts(e *schema.Entity, name string) ([]document, bool) {
	var all []document
	switch name {
	case "Attributes":
		for _, f := range e.Fields {
			all = append(all, schema.EncodeField(e, f, encoding))
		}
	case "Keys":
		for _, k := range e.Keys {
			all = append(all, schema.EncodeKey(e, k, encoding))
		}
	case "ManyToOneRelationships":
		for _, r := range e.AllManyToOne() {
			all = append(all, schema.EncodeManyToOne(e, r, encoding))
		}
	case "OneToManyRelationships":
		for _, r := range e.OneToMany {
			all = append(all, schema.EncodeOneToMany(e, r, encoding))
		}
	case "ManyToManyRelationships":
		for _, r := range e.ManyToMany {
			all = append(all, schema.EncodeManyToMany(r, encoding))
		}
	default:
		return nil, false
	}
	return all, true
}

// partOfEntity answers with an entity's fields, keys or relationships, or with one field.
func partOfEntity(c *call, e *schema.Entity, rest []odata.Segment) (reply, error) {
	all, ok := parts(e, rest[0].Name)
	if !ok {
		return reply{}, noSuchSegment(rest[0].Name)
	}
	context := "EntityDefinitions('" + e.LogicalName + "')/" + rest[0].Name
	var cast string
	if len(rest) > 1 && strings.HasPrefix(rest[1].Name, crmNamespace) {
		cast = rest[1].Name
		context += "/" + cast
		all = slices.DeleteFunc(all, func(d document) bool { return d["@odata.type"] != "#"+cast })
		rest = append(rest[:1:1], rest[2:]...)
	}
	if !rest[0].HasParens {
		if len(rest) > 1 {
			return reply{}, noSuchSegment(rest[1].Name)
		}
		return definitionList(c, context, all, func(document) *schema.Entity { return e })
	}
	return oneDefinition(c, e, context, all, rest)
}

// oneDefinition answers with the one of the definitions that a key names, or with a part of it.
func oneDefinition(c *call, e *schema.Entity, context string, all []document, rest []odata.Segment) (reply, error) {
	_, name := definitionKey(rest[0])
	i := slices.IndexFunc(all, func(d document) bool {
		return d["LogicalName"] == name || d["MetadataId"] == name || d["SchemaName"] == name
	})
	if i < 0 {
		return reply{}, &fault{status: http.StatusNotFound, code: code.QueryBuilderNoAttribute, message: "Could not find an attribute with specified name: '" + name + "' on the entity '" + e.LogicalName + "'."}
	}
	if len(rest) == 2 {
		inner, ok := all[i][rest[1].Name].(document)
		if !ok {
			return reply{}, noSuchSegment(rest[1].Name)
		}
		return definition(c, context+"/"+rest[1].Name, pick(inner, c.query.Select))
	}
	d, err := shown(all[i], e, c.query.Select, c.query.Expand)
	if err != nil {
		return reply{}, err
	}
	return definition(c, context+"/$entity", d)
}

const crmNamespace = "Microsoft.Dynamics.CRM."

// expandable are the members of a definition that are told only where $expand asks for them.
var expandable = []string{"OptionSet", "GlobalOptionSet"}

// shown is a definition as $select and $expand want it.
func shown(d document, e *schema.Entity, names []string, expands []odata.Expand) (document, error) {
	result := pick(d, names)
	for _, name := range expandable {
		delete(result, name)
	}
	for _, x := range expands {
		if value, ok := d[x.Navigation]; ok && slices.Contains(expandable, x.Navigation) {
			inner, isObject := value.(document)
			if isObject {
				value = pick(inner, x.Select)
			}
			result[x.Navigation] = value
			continue
		}
		all, ok := parts(e, x.Navigation)
		if !ok || d["EntityLogicalName"] != nil {
			if slices.Contains(expandable, x.Navigation) {
				result[x.Navigation] = nil
				continue
			}
			return nil, refuse(code.UnsupportedQuery, "Could not find a property named '%s' on the definition.", x.Navigation)
		}
		list, err := filtered(all, e, x.Filter, x.Select, x.Expand)
		if err != nil {
			return nil, err
		}
		result[x.Navigation] = list
	}
	return result, nil
}

// pick keeps the selected members; the MetadataId and annotations come always.
func pick(d document, names []string) document {
	result := make(document, len(d))
	for name, value := range d {
		if len(names) == 0 || name == "MetadataId" || strings.HasPrefix(name, "@") || slices.Contains(names, name) {
			result[name] = value
		}
	}
	return result
}

func filtered(all []document, e *schema.Entity, where odata.Expr, names []string, expands []odata.Expand) ([]document, error) {
	list := []document{}
	for _, d := range all {
		ok, err := matches(where, d)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		d, err = shown(d, e, names, expands)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

func definitionList(c *call, context string, all []document, entity func(document) *schema.Entity) (reply, error) {
	list := []document{}
	for _, d := range all {
		some, err := filtered([]document{d}, entity(d), c.query.Filter, c.query.Select, c.query.Expand)
		if err != nil {
			return reply{}, err
		}
		list = append(list, some...)
	}
	return definition(c, context+selected(c.query.Select, c.query.Expand), document{"value": list})
}

// definition answers with a document.
func definition(c *call, context string, d document) (reply, error) {
	d["@odata.context"] = c.base + "$metadata#" + context
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(d); err != nil {
		return reply{}, err
	}
	answer := newReply(http.StatusOK)
	answer.json(b.Bytes())
	return answer, nil
}
