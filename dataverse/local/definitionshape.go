package local

import (
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
)

// expandable are the members of a definition that are told only where $expand asks for them.
var expandable = []string{"OptionSet", "GlobalOptionSet"}

// shown is a definition as $select and $expand want it.
func (s *Server) shown(d defined, names []string, expands []odata.Expand) (document, error) {
	for _, name := range names {
		if !d.has(name) {
			return nil, d.noProperty(name)
		}
	}
	result := pick(d.document, names)
	for _, name := range names {
		if _, ok := result[name]; !ok {
			result[name] = nil
		}
	}
	for _, name := range expandable {
		delete(result, name)
	}
	for _, x := range expands {
		value, err := s.expanded(d, x)
		if err != nil {
			return nil, err
		}
		result[x.Navigation] = value
	}
	return result, nil
}

// expanded is what a term of $expand asks for: the choices of a field, or a part of an entity.
func (s *Server) expanded(d defined, x odata.Expand) (any, error) {
	if value, ok := d.document[x.Navigation]; ok && slices.Contains(expandable, x.Navigation) {
		if inner, isObject := value.(document); isObject {
			return pick(inner, x.Select), nil
		}
		return value, nil
	}
	if d.entity == nil {
		if slices.Contains(expandable, x.Navigation) && d.of != "RelationshipMetadataBase" {
			return nil, nil
		}
		return nil, d.noProperty(x.Navigation)
	}
	all, ok := s.parts(d.entity, x.Navigation)
	if !ok {
		return nil, d.noProperty(x.Navigation)
	}
	return s.filtered(all, x.Filter, x.Select, x.Expand)
}

// tellOptionContexts tells of fields whose own choices $expand asked for where these are defined, as they are a part of the field: not
// of global ones ("Retrieve schema definitions by name or MetadataId").
func (c *call) tellOptionContexts(address string, list ...document) {
	set, cast, isCast := strings.Cut(address, "/Attributes/")
	i := slices.IndexFunc(c.query.Expand, func(x odata.Expand) bool { return x.Navigation == "OptionSet" })
	if !isCast || i < 0 {
		return
	}
	of := "/" + cast + "/OptionSet" + selected(c.query.Expand[i].Select, nil) + "/$entity"
	for _, d := range list {
		if id, _ := d["MetadataId"].(string); d["OptionSet"] != nil {
			d["OptionSet@odata.context"] = c.base + "$metadata#" + set + "/Attributes(" + id + ")" + of
		}
	}
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

func (s *Server) filtered(all []defined, where odata.Expr, names []string, expands []odata.Expand) ([]document, error) {
	list := []document{}
	for _, d := range all {
		ok, err := matches(where, d)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		result, err := s.shown(d, names, expands)
		if err != nil {
			return nil, err
		}
		list = append(list, result)
	}
	return list, nil
}

func (d defined) noProperty(name string) *fault {
	return refuse(code.Code(0), "Could not find a property named '%s' on type 'Microsoft.Dynamics.CRM.%s'.", name, d.of)
}
