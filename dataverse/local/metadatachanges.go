package local

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
)

// definitionsQuery is an EntityQueryExpression, or one of the queries of parts in it ("RetrieveMetadataChanges Function").
type definitionsQuery struct {
	Properties struct {
		AllProperties bool
		PropertyNames []string
	}
	Criteria          definitionsCriteria
	AttributeQuery    *definitionsQuery
	RelationshipQuery *definitionsQuery
	KeyQuery          *definitionsQuery
}

type definitionsCriteria struct {
	FilterOperator string
	Conditions     []definitionsCondition
	Filters        []definitionsCriteria
}

type definitionsCondition struct {
	PropertyName      string
	ConditionOperator string
	Value             struct {
		Type  string
		Value any
	}
}

// metadataStamp is the version that the definitions have: they do not change while the server runs.
var metadataStamp = strconv.Itoa(formatVersion) + "!00000001/01/2026 00:00:00"

// retrieveMetadataChanges answers with the definitions that a query wants, or with none to a client that has them already.
func (s *Server) retrieveMetadataChanges(_ context.Context, c *call) (reply, error) {
	parameters, err := c.parameters()
	if err != nil {
		return reply{}, err
	}
	var q definitionsQuery
	if text, ok := parameters["Query"].(odata.JSON); ok {
		if err := json.Unmarshal([]byte(doubleQuoted(string(text))), &q); err != nil {
			return reply{}, refuse(code.InvalidArgument, "Query is not a valid EntityQueryExpression.")
		}
	}
	entities := []document{}
	switch stamp := textOf(parameters["ClientVersionStamp"]); stamp {
	case "":
		if entities, err = s.changedEntities(q); err != nil {
			return reply{}, err
		}
	case metadataStamp:
	default:
		return reply{}, refuse(code.ExpiredVersionStamp, "Version stamp associated with the client has expired. Please perform a full sync.")
	}
	return definition(c, "Microsoft.Dynamics.CRM.RetrieveMetadataChangesResponse", document{
		"ServerVersionStamp": metadataStamp, "EntityMetadata": entities,
		"DeletedMetadata": document{"Count": 0, "IsReadOnly": false, "Keys": []any{}, "Values": []any{}},
	})
}

func (s *Server) changedEntities(q definitionsQuery) ([]document, error) {
	list := []document{}
	for _, name := range s.schema.Names() {
		d := s.definedEntity(s.schema.Entity(name))
		if ok, err := q.Criteria.holds(d); err != nil || !ok {
			if err != nil {
				return nil, err
			}
			continue
		}
		result := q.pick(d.document)
		for part, inner := range map[string]*definitionsQuery{
			"Attributes": q.AttributeQuery, "Keys": q.KeyQuery,
			"ManyToOneRelationships": q.RelationshipQuery, "OneToManyRelationships": q.RelationshipQuery, "ManyToManyRelationships": q.RelationshipQuery,
		} {
			if inner == nil && !q.Properties.AllProperties && !slices.Contains(q.Properties.PropertyNames, part) {
				continue
			}
			if inner == nil {
				inner = &definitionsQuery{}
				inner.Properties.AllProperties = true
			}
			parts, err := s.changedParts(d, part, inner)
			if err != nil {
				return nil, err
			}
			result[part] = parts
		}
		list = append(list, result)
	}
	return list, nil
}

func (s *Server) changedParts(d defined, part string, q *definitionsQuery) ([]document, error) {
	list := []document{}
	all, _ := s.parts(d.entity, part)
	for _, inner := range all {
		ok, err := q.Criteria.holds(inner)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, q.pick(inner.document))
		}
	}
	return list, nil
}

func (q definitionsQuery) pick(d document) document {
	if q.Properties.AllProperties {
		return pick(d, nil)
	}
	return pick(d, append([]string{"LogicalName"}, q.Properties.PropertyNames...))
}

// holds reports whether the criteria hold for a definition; without conditions they do.
func (f definitionsCriteria) holds(d defined) (bool, error) {
	anyOf := strings.EqualFold(f.FilterOperator, "Or")
	result := len(f.Conditions)+len(f.Filters) == 0 || !anyOf
	for _, condition := range f.Conditions {
		ok, err := condition.holds(d)
		if err != nil {
			return false, err
		}
		result = ok && result || anyOf && (ok || result)
	}
	for _, inner := range f.Filters {
		ok, err := inner.holds(d)
		if err != nil {
			return false, err
		}
		result = ok && result || anyOf && (ok || result)
	}
	return result, nil
}

func (x definitionsCondition) holds(d defined) (bool, error) {
	have, err := member(d, odata.Path{x.PropertyName})
	if err != nil {
		return false, err
	}
	if object, ok := have.(document); ok {
		have = object["Value"]
	}
	text := func(v any) string { return strings.ToLower(fmt.Sprint(v)) }
	switch x.ConditionOperator {
	case "Equals":
		return text(have) == text(x.Value.Value), nil
	case "NotEquals":
		return text(have) != text(x.Value.Value), nil
	case "In", "NotIn":
		found := slices.ContainsFunc(x.list(), func(v any) bool { return text(v) == text(have) })
		return found == (x.ConditionOperator == "In"), nil
	case "GreaterThan", "LessThan":
		a, isNumber := have.(int)
		b, err := strconv.ParseFloat(fmt.Sprint(x.Value.Value), 64)
		return isNumber && err == nil && (float64(a) > b) == (x.ConditionOperator == "GreaterThan") && float64(a) != b, nil
	}
	return false, refuse(code.InvalidArgument, "The ConditionOperator '%s' is not valid.", x.ConditionOperator)
}

// list is the values of In: a JSON array, or one written out as a text, as Microsoft's samples have it.
func (x definitionsCondition) list() []any {
	switch v := x.Value.Value.(type) {
	case []any:
		return v
	case string:
		var values []any
		if json.Unmarshal([]byte(doubleQuoted(v)), &values) == nil {
			return values
		}
	}
	return []any{x.Value.Value}
}
