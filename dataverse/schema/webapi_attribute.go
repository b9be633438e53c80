package schema

import (
	"encoding/json"
	"slices"
)

// attributeJSON is a field as the Web API tells of it. What several answers could tell differently is kept raw until all
// are read: decoding into a list that is there already would mix the two.
type attributeJSON struct {
	LogicalName       string
	SchemaName        string
	AttributeType     string
	AttributeTypeName struct{ Value string }
	DisplayName       json.RawMessage
	RequiredLevel     struct{ Value RequiredLevel }
	AttributeOf       string
	IsValidForCreate  *bool
	IsValidForUpdate  *bool
	IsValidForRead    *bool
	IsSecured         bool
	MaxLength         int
	Format            string
	FormatName        struct{ Value string }
	DateTimeBehavior  struct{ Value Behavior }
	MinValue          *json.Number
	MaxValue          *json.Number
	Precision         *int
	Targets           json.RawMessage
	DefaultValue      *bool
	DefaultFormValue  *int
	OptionSet         json.RawMessage
	GlobalOptionSet   json.RawMessage
}

func (a *attributeJSON) field(e *Entity) (*Field, error) {
	f := &Field{
		LogicalName:   a.LogicalName,
		SchemaName:    a.SchemaName,
		Type:          a.typeOf(),
		RequiredLevel: a.RequiredLevel.Value,
		AttributeOf:   a.AttributeOf,
		Creatable:     a.IsValidForCreate == nil || *a.IsValidForCreate,
		Updatable:     a.IsValidForUpdate == nil || *a.IsValidForUpdate,
		Readable:      a.IsValidForRead == nil || *a.IsValidForRead,
		Secured:       a.IsSecured,
		MaxLength:     a.MaxLength,
		Format:        a.format(),
		MinValue:      digits(a.MinValue),
		MaxValue:      digits(a.MaxValue),
		Precision:     a.Precision,
	}
	if f.RequiredLevel == "" {
		f.RequiredLevel = NotRequired
	}
	if f.Type == DateTime {
		f.Behavior = a.DateTimeBehavior.Value
		if f.Behavior == "" {
			f.Behavior = UserLocal
		}
	}
	var label labelJSON
	if err := optional(a.DisplayName, &label); err != nil {
		return nil, err
	}
	f.DisplayName = label.label()
	if err := optional(a.Targets, &f.Targets); err != nil {
		return nil, err
	}
	return f, a.options(e, f)
}

// optional decodes what may not have been told.
func optional(raw json.RawMessage, into any) error {
	if raw == nil {
		return nil
	}
	return json.Unmarshal(raw, into)
}

func (a *attributeJSON) format() string {
	if a.FormatName.Value != "" && a.FormatName.Value != plainText {
		return a.FormatName.Value
	}
	if a.FormatName.Value == plainText || a.Format == plainText {
		return ""
	}
	return a.Format
}

type optionSetJSON struct {
	Name        string
	IsGlobal    bool
	Options     []optionJSON
	TrueOption  *optionJSON
	FalseOption *optionJSON
}

type optionJSON struct {
	Value         int
	Label         labelJSON
	State         *int
	DefaultStatus *int
}

// options reads a choice's options and default; those of a state tell the entity's default statuses too.
func (a *attributeJSON) options(e *Entity, f *Field) error {
	var set, global optionSetJSON
	if err := optional(a.OptionSet, &set); err != nil {
		return err
	}
	if err := optional(a.GlobalOptionSet, &global); err != nil {
		return err
	}
	// A global choice may have its options there only.
	if len(set.Options) == 0 && set.TrueOption == nil {
		set = global
	}
	f.GlobalChoice = global.Name
	if set.IsGlobal {
		f.GlobalChoice = set.Name
	}
	if f.Type == Boolean {
		a.yesNo(f, set)
		return nil
	}
	for _, o := range set.Options {
		f.Options = append(f.Options, Option{Value: o.Value, Label: o.Label.label(), State: o.State})
		if o.DefaultStatus != nil && f.Type == State {
			if e.DefaultStatus == nil {
				e.DefaultStatus = map[int]int{}
			}
			e.DefaultStatus[o.Value] = *o.DefaultStatus
		}
	}
	if d := a.DefaultFormValue; d != nil && slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == *d }) {
		f.Default = *d // a choice without a default says -1, which is no option
	}
	return nil
}

func (a *attributeJSON) yesNo(f *Field, set optionSetJSON) {
	if a.DefaultValue != nil {
		f.Default = *a.DefaultValue
	}
	if set.TrueOption != nil {
		f.TrueLabel = set.TrueOption.Label.label()
	}
	if set.FalseOption != nil {
		f.FalseLabel = set.FalseOption.Label.label()
	}
}
