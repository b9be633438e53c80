package fetch

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/template"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// operandPlace is a condition whose operands have outputs.
type operandPlace struct {
	condition int // counted as scope.conditions gives them
	field     *schema.Field
	operator  fetchxml.Operator
	operands  []operandTemplate
}

// operandTemplate is one operand of a condition as it is written.
type operandTemplate struct {
	text     string
	template *template.Template // nil where there is no output in it
	pos      fetchxml.Pos
}

// operandPlaces finds the conditions that have outputs. Their templates are parsed here, once; operandFaults has found those
// that do not parse.
func (r *Queries) operandPlaces(scope *scope) []operandPlace {
	var places []operandPlace
	index := -1
	for c, entity := range scope.conditions() {
		index++
		p := operandPlace{condition: index}
		templated := false
		for _, text := range c.Operands() {
			operand, fault := r.operandTemplate(text, c.Operator)
			if fault != nil {
				continue
			}
			templated = templated || operand.template != nil
			p.operands = append(p.operands, operand)
		}
		if templated && entity != nil {
			p.field = entity.Field(c.Attribute)
			p.operator, _ = fetchxml.LookupOperator(c.Operator)
			places = append(places, p)
		}
	}
	return places
}

// operandFaults finds the templates of a query that do not parse.
func (r *Queries) operandFaults(fetch *fetchxml.Fetch) []input.Fault {
	var faults []input.Fault
	for _, c := range conditionsOf(fetch) {
		for _, text := range c.Operands() {
			if _, fault := r.operandTemplate(text, c.Operator); fault != nil {
				faults = append(faults, *fault)
			}
		}
	}
	return faults
}

func (r *Queries) operandTemplate(text fetchxml.Text, operator string) (operandTemplate, *input.Fault) {
	operand := operandTemplate{text: text.Text, pos: text.Pos}
	if !input.HasTemplate(text.Text) {
		return operand, nil
	}
	t, err := r.templates.Parse(text.Text)
	if err != nil {
		return operand, badOperand(text.Pos, err)
	}
	if line, column := t.Raw(); line > 0 && !isPattern(operator) {
		return operand, badOperand(text.Pos, &template.Error{Line: line, Column: column, Message: input.MisplacedRaw})
	}
	operand.template = t
	return operand, nil
}

// badOperand is a template that does not parse or render, with its place in the whole query.
func badOperand(at fetchxml.Pos, err error) *input.Fault {
	if bad := new(template.Error); errors.As(err, &bad) {
		if bad.Line > 1 {
			at = fetchxml.Pos{Line: at.Line + bad.Line - 1, Column: bad.Column}
		} else {
			at.Column += bad.Column - 1
		}
		return input.NewFault(input.BadTemplate, place(at), "the template cannot be used: %s", bad.Message)
	}
	return input.TemplateFault(place(at), err)
}

// Values are what a query's outputs are replaced with.
type Values struct {
	Variables map[string]any
	Zone      *time.Location     // of points in time without an offset; nil refuses them
	Numbers   *translate.Numbers // how texts write numbers; nil for digits and a point
	// Lookup finds the record that the value of a lookup means.
	Lookup func(ctx context.Context, f *schema.Field, value any, o translate.Options) (dataverse.ID, *input.Fault, error)
	// Note is told what became of each value, and why; nil for nobody.
	Note func(f *schema.Field, at string, given any, sent, reason string)
}

// options are how a value that stands there is translated to be compared with.
func (v Values) options(path string) translate.Options {
	return translate.Options{Path: path, Zone: v.Zone, Numbers: v.Numbers, Search: true}
}

// Render returns a copy of the query with the outputs replaced by values, and without what a when-set drops. Only operands
// are set: whatever a variable holds, it stays one. Every fault comes at once; err is Dataverse's, as it came.
func (q *Query) Render(ctx context.Context, values Values) (*fetchxml.Fetch, []input.Fault, error) {
	fetch := q.fetch.Clone()
	conditions := conditionsOf(fetch)
	when := whenSet{templates: q.templates, values: values, dropped: map[*fetchxml.Condition]bool{}}
	when.apply(fetch)
	faults := when.faults
	for _, p := range q.operands {
		if when.dropped[conditions[p.condition]] {
			continue
		}
		texts, operandFaults, err := p.render(ctx, values)
		if err != nil {
			return nil, nil, err
		}
		faults = append(faults, operandFaults...)
		p.set(conditions[p.condition], texts)
	}
	return fetch, faults, nil
}

func conditionsOf(fetch *fetchxml.Fetch) []*fetchxml.Condition {
	var conditions []*fetchxml.Condition
	for c := range scopedConditions(&fetch.Entity.Contents, "") {
		conditions = append(conditions, c)
	}
	return conditions
}

// set gives a condition its operands: one as its value, those of an operator that takes several as elements.
func (p operandPlace) set(c *fetchxml.Condition, texts []string) {
	c.Value, c.HasValue, c.Values = "", false, nil
	if p.operator.Operands == fetchxml.One && len(texts) == 1 {
		c.Value, c.HasValue = texts[0], true
		return
	}
	for _, text := range texts {
		c.Values = append(c.Values, fetchxml.Text{Text: text})
	}
}

// Render is the texts of the condition's operands.
func (p operandPlace) render(ctx context.Context, values Values) (texts []string, faults []input.Fault, err error) {
	for _, operand := range p.operands {
		if operand.template == nil {
			texts = append(texts, operand.text)
			continue
		}
		rendered, fault, err := p.operand(ctx, operand, values)
		if err != nil {
			return nil, nil, err
		}
		if fault != nil {
			faults = append(faults, *fault)
			continue
		}
		texts = append(texts, rendered...)
	}
	if len(faults) == 0 {
		faults = p.countFault(len(texts))
	}
	return texts, faults, nil
}

// countFault is what is wrong with the number of operands that came of a list; nil where nothing is.
func (p operandPlace) countFault(n int) []input.Fault {
	at := place(p.operands[0].pos)
	switch {
	case p.operator.Operands == fetchxml.One && n != 1:
		return []input.Fault{*input.NewFault(input.InvalidValue, at, "the operator %q compares with one value and was given %d; \"in\" compares with several", p.operator.Name, n)}
	case p.operator.Operands == fetchxml.Two && n != 2:
		return []input.Fault{*input.NewFault(input.InvalidValue, at, "the operator %q compares with two values and was given %d", p.operator.Name, n)}
	}
	return nil
}

// operand is the texts that one operand's template gives: several for a list.
func (p operandPlace) operand(ctx context.Context, o operandTemplate, values Values) ([]string, *input.Fault, error) {
	var escape func(string) string
	if isPattern(p.operator.Name) {
		escape = escapeLike
	}
	at := place(o.pos)
	value, missing, err := input.RenderGiven(o.template, values.Variables, escape)
	if err != nil {
		return nil, badOperand(o.pos, err), nil
	}
	if missing != "" {
		return nil, input.NewFault(input.VariableUnset, at, "%s, and the query needs its value", missing), nil
	}
	list, ok := value.([]any)
	if !ok || p.field != nil && p.field.Type == schema.PartyList {
		list = []any{value}
	}
	var texts []string
	for _, element := range list {
		converted, fault, err := p.convert(ctx, element, at, values)
		if fault != nil || err != nil {
			return nil, fault, err
		}
		p.note(values, element, converted, at)
		texts = append(texts, converted...)
	}
	return texts, notSearched(texts, at), nil
}

// notSearched is the fault of a text that no search can compare with; nil where there is none.
func notSearched(texts []string, at string) *input.Fault {
	for _, text := range texts {
		if fault := input.CheckSearched(text, at); fault != nil {
			return fault
		}
	}
	return nil
}

// isPattern reports whether an operator takes its operand for a pattern with wildcards.
func isPattern(operator string) bool {
	switch operator {
	case "like", "not-like", "begins-with", "not-begin-with", "ends-with", "not-end-with":
		return true
	}
	return false
}

// escapeLike makes the wildcards of a pattern literal: brackets are the only quoting that Dataverse knows (FetchXML, "Use
// wildcard characters in conditions for string values").
func escapeLike(text string) string { return likeEscaper.Replace(text) }

var likeEscaper = strings.NewReplacer("[", "[[]", "%", "[%]", "_", "[_]")
