package actions

import (
	"context"
	"errors"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// saveRequest is what a request says about saving.
type saveRequest struct {
	Save      map[string]string // variable to source
	Defaults  map[string]any    // by variable
	Variables map[string]any
	Links     bool // whether "lookup.field" may be a source
	Count     bool // whether "@count" may be a source
}

// savePlan is a request's `save`, checked: which fields must be read, and which variable each value goes to.
type savePlan struct {
	targets []saveTarget
}

// saveTarget is one variable of `save`.
type saveTarget struct {
	variable string
	source   string
}

// saved is what an answer offers to be saved.
type saved struct {
	Record *Record           // for "@id", "@url", "@record"; nil where there is none
	Row    *dataverse.Record // for fields; nil where none was read
	Count  *int              // for "@count"; nil where none was counted
}

// planSave checks the sources and targets of `save` against an entity. It asks Dataverse only for the metadata of
// entities that "lookup.field" names. err is Dataverse's, as it came.
func planSave(ctx context.Context, client *dataverse.Client, e *schema.Entity, req saveRequest) (*savePlan, []Fault, error) {
	return nil, nil, errors.New("not implemented")
}

// NeedsRow reports whether a source is a field of the record, so that it must be read.
func (p *savePlan) NeedsRow() bool { return false }

// Select returns the properties to be read for the plan and for the record's name, sorted, the primary key first.
func (p *savePlan) Select() []string { return nil }

// Expand returns the lookups to be expanded for the plan, sorted.
func (p *savePlan) Expand() []odata.Expand { return nil }

// Fill returns the request's variables with every target of the plan set: to what the answer has for its source, to its
// default, or to null. The map is the caller's to keep; the request's is not changed.
func (p *savePlan) Fill(answer saved) map[string]any { return nil }
