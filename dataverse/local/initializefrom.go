package local

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// initializeFrom answers InitializeFrom: what a record that is to be made in the context of another one has from it ("Create a new
// table row from another table"). What is mapped is what Dataverse's "generate mappings" would map: the fields of the same name and
// type ("Customize table and column mappings").
func (s *Server) initializeFrom(ctx context.Context, c *call) (answer reply, err error) {
	parameters, err := c.parameters()
	if err != nil {
		return reply{}, err
	}
	to := s.tables[textOf(parameters["TargetEntityName"])]
	if to == nil {
		return reply{}, refuse(code.InvalidArgument, "TargetEntityName must name an entity.")
	}
	moniker, err := objectOf("EntityMoniker", parameters["EntityMoniker"])
	if err != nil {
		return reply{}, err
	}
	err = s.readFor(ctx, c, func(conn *conn) error {
		from, id, err := (&mutation{s: s, conn: conn}).referenceOf(ctx, moniker)
		if err != nil {
			return err
		}
		source, err := s.load(ctx, conn, from, id)
		if err != nil {
			return err
		}
		parent := parentLookup(from.Entity, to.Entity)
		if parent == nil {
			return refuse(code.InvalidArgument, "There is no mapping from '%s' to '%s'.", from.LogicalName, to.LogicalName)
		}
		b := appendString(appendMember([]byte{'{'}, "@odata.context"), c.base+"$metadata#"+to.EntitySetName+"/$entity")
		b = appendString(appendMember(b, "@odata.type"), "#"+crmNamespace+to.LogicalName)
		if parameters["SkipParentalRelationshipMapping"] != odata.Bool(true) {
			b = s.appendBind(b, parent, from.LogicalName, id)
		}
		answer = newReply(http.StatusOK)
		answer.json(append(s.appendInitial(b, to, from, parent, source), '}'))
		return nil
	})
	return answer, err
}

// appendInitial writes what a record of an entity has from one of another, but for the lookup by which it belongs to that.
func (s *Server) appendInitial(b []byte, to, from *table, parent *schema.Field, source record) []byte {
	for _, f := range to.Fields {
		if f != parent && isMapped(from.Field(f.LogicalName), f) {
			b = s.appendMapped(b, from, f, source)
		}
	}
	return b
}

// parentLookup is the field by which a record of one entity belongs to a record of another; nil where it does not.
func parentLookup(from, to *schema.Entity) *schema.Field {
	var found *schema.Field
	for _, f := range to.Fields {
		switch {
		case !f.IsLookup() || !f.Creatable || !slices.Contains(f.Targets, from.LogicalName):
		case strings.HasPrefix(f.LogicalName, "parent"):
			return f
		case slices.Contains([]string{"customerid", "regardingobjectid", "objectid", "originatingleadid"}, f.LogicalName):
			found = f
		}
	}
	return found
}

// isMapped reports whether the value of a field goes into one of the same name. IDs, images, who owns a record and whom it was merged into
// are a record's own, and so is its status.
func isMapped(from, to *schema.Field) bool {
	switch {
	case from == nil, from.Type != to.Type, !query.IsStored(from), !query.IsStored(to), !from.Readable, !to.Creatable || !to.Updatable:
		return false
	case from.MaxLength > to.MaxLength, from.Format != to.Format:
		return false
	}
	switch to.Type {
	case schema.Uniqueidentifier, schema.Owner, schema.PartyList, schema.Image, schema.State, schema.Status:
		return false
	}
	return to.LogicalName != "masterid"
}

// appendMapped writes what a new record has of a field, unless there is nothing or it cannot be.
func (s *Server) appendMapped(b []byte, from *table, f *schema.Field, source record) []byte {
	value := source[f.LogicalName]
	switch {
	case value == nil:
		return b
	case f.IsLookup():
		target := from.Field(f.LogicalName).Targets[0]
		if column := targetColumn(from.Field(f.LogicalName)); column != "" {
			target = source.text(column)
		}
		return s.appendBind(b, f, target, source.text(f.LogicalName))
	case f.Type == schema.Picklist && f.Option(int(source.number(f.LogicalName))) == nil:
		return b
	}
	return appendValue(appendMember(b, f.LogicalName), query.Decode(f, value))
}

// appendBind writes a lookup as a create takes it, unless it cannot point there.
func (s *Server) appendBind(b []byte, f *schema.Field, target, id string) []byte {
	navigation, set := f.Navigation[target], s.schema.EntitySetName(target)
	if navigation == "" || set == "" {
		return b
	}
	return appendString(appendMember(b, navigation+"@odata.bind"), odata.RecordPath(set, id))
}
