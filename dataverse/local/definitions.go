package local

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// entityDefinitions answers what the entities are ("Query table definitions using the Web API").
func (s *Server) entityDefinitions(_ context.Context, c *call) (reply, error) {
	segments := c.resource.Segments
	if !segments[0].HasParens {
		if len(segments) > 1 {
			return reply{}, noSuchSegment(segments[1].Name)
		}
		var all []defined
		for _, name := range s.schema.Names() {
			all = append(all, s.definedEntity(s.schema.Entity(name)))
		}
		return s.definitionList(c, "EntityDefinitions", all)
	}
	e, err := s.entityOfKey(segments[0])
	if err != nil {
		return reply{}, err
	}
	d := s.definedEntity(e)
	if len(segments) == 1 {
		return s.oneDefinition(c, "EntityDefinitions", d)
	}
	all, ok := s.parts(e, segments[1].Name)
	if !ok {
		return s.propertyOf(c, "EntityDefinitions('"+e.LogicalName+"')", d, segments[1:])
	}
	return s.partOfEntity(c, e, all, segments[1:])
}

// entityOfKey is the entity that a definition's key names: by its logical name or its MetadataId.
func (s *Server) entityOfKey(segment odata.Segment) (*schema.Entity, error) {
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

// partOfEntity answers with an entity's fields, keys or relationships, with one of them, or with what is in one.
func (s *Server) partOfEntity(c *call, e *schema.Entity, all []defined, rest []odata.Segment) (reply, error) {
	address := "EntityDefinitions('" + e.LogicalName + "')/" + rest[0].Name
	all, address, rest = castTo(all, address, rest)
	if !rest[0].HasParens {
		if len(rest) > 1 {
			return reply{}, noSuchSegment(rest[1].Name)
		}
		return s.definitionList(c, address, all)
	}
	_, name := definitionKey(rest[0])
	i := slices.IndexFunc(all, func(d defined) bool { return d.isNamed(name) })
	if i < 0 {
		return reply{}, &fault{status: http.StatusNotFound, code: code.QueryBuilderNoAttribute, message: "Could not find an attribute with specified name: '" + name + "' on the entity '" + e.LogicalName + "'."}
	}
	if len(rest) > 1 {
		return s.propertyOf(c, address, all[i], rest[1:])
	}
	return s.oneDefinition(c, address, all[i])
}

// castTo keeps the definitions of the type that the path's second segment names, where it names one: a cast makes the
// type's own properties selectable.
func castTo(all []defined, address string, rest []odata.Segment) ([]defined, string, []odata.Segment) {
	if len(rest) < 2 || !strings.HasPrefix(rest[1].Name, crmNamespace) {
		return all, address, rest
	}
	cast := rest[1].Name
	kept := all[:0:0]
	for _, d := range all {
		if d.document["@odata.type"] == "#"+cast {
			d.of = strings.TrimPrefix(cast, crmNamespace)
			kept = append(kept, d)
		}
	}
	return kept, address + "/" + cast, append(rest[:1:1], rest[2:]...)
}

// propertyOf answers with a property of a definition, or of an object in it: its options, its name.
func (s *Server) propertyOf(c *call, address string, d defined, rest []odata.Segment) (reply, error) {
	var value any = d.document
	for _, segment := range rest {
		object, ok := value.(document)
		if !ok {
			return reply{}, noSuchSegment(segment.Name)
		}
		if value, ok = object[segment.Name]; !ok {
			return reply{}, noSuchSegment(segment.Name)
		}
		address += "/" + segment.Name
	}
	switch inner := value.(type) {
	case nil:
		return newReply(http.StatusNoContent), nil
	case document:
		return definition(c, address, pick(inner, c.query.Select))
	}
	return definition(c, address, document{"value": value})
}

// relationshipDefinitions answers what the relationships of all entities are.
func (s *Server) relationshipDefinitions(_ context.Context, c *call) (reply, error) {
	return s.definitionsOf(c, s.relationships(), code.CrmHTTPError, "Could not find a relationship with specified name: '%s'.")
}

// globalOptionSetDefinitions answers what the global choices are.
func (s *Server) globalOptionSetDefinitions(_ context.Context, c *call) (reply, error) {
	return s.definitionsOf(c, s.globalChoices(), code.ObjectDoesNotExist, "Could not find an option set with specified name: '%s'.")
}

// definitionsOf answers with all of a kind of definitions, with those of a type, with one, or with what is in one.
func (s *Server) definitionsOf(c *call, all []defined, missing code.Code, message string) (reply, error) {
	all, address, rest := castTo(all, c.resource.Segments[0].Name, c.resource.Segments)
	if !rest[0].HasParens {
		if len(rest) > 1 {
			return reply{}, noSuchSegment(rest[1].Name)
		}
		return s.definitionList(c, address, all)
	}
	_, name := definitionKey(rest[0])
	i := slices.IndexFunc(all, func(d defined) bool { return d.isNamed(name) })
	if i < 0 {
		f := refuse(missing, message, name)
		f.status = http.StatusNotFound
		return reply{}, f
	}
	if len(rest) > 1 {
		return s.propertyOf(c, address, all[i], rest[1:])
	}
	return s.oneDefinition(c, address, all[i])
}

func (s *Server) oneDefinition(c *call, address string, d defined) (reply, error) {
	result, err := s.shown(d, c.query.Select, c.query.Expand)
	if err != nil {
		return reply{}, err
	}
	c.tellOptionContexts(address, result)
	return definition(c, address+selected(c.query.Select, c.query.Expand)+"/$entity", result)
}

func (s *Server) definitionList(c *call, address string, all []defined) (reply, error) {
	switch {
	case c.query.Top != nil, c.query.OrderBy != nil, c.query.Apply != nil:
		return reply{}, refuse(code.UnsupportedQuery, "The query parameters $top, $orderby and $apply are not supported for definitions.")
	}
	list, err := s.filtered(all, c.query.Filter, c.query.Select, c.query.Expand)
	if err != nil {
		return reply{}, err
	}
	c.tellOptionContexts(address, list...)
	d := document{"value": list}
	if c.query.Count {
		d["@odata.count"] = len(list)
	}
	return definition(c, address+selected(c.query.Select, c.query.Expand), d)
}

// definition answers with a document.
func definition(c *call, address string, d document) (reply, error) {
	d["@odata.context"] = c.base + "$metadata#" + address
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
