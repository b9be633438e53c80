package saved

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/template"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// templateFaults finds what is wrong with the templates of the body: those that do not parse, and variables that are no
// input. A query that does not parse is one too.
func (d *Definition) templateFaults() []Fault {
	c := templateCheck{definition: d}
	c.value(d.body.recordID, "record_id")
	for name, object := range map[string]map[string]any{"fields": d.body.fields, "where": d.body.where, "key": d.body.key} {
		for key, value := range object {
			c.value(value, name+"."+key)
		}
	}
	for i, condition := range d.body.conditions {
		c.value(condition.Value, fmt.Sprintf("conditions[%d].value", i))
	}
	c.fetch(d.body.fetchXML)
	slices.SortStableFunc(c.faults, func(a, b Fault) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return c.faults
}

type templateCheck struct {
	definition *Definition
	faults     []Fault
}

func (c *templateCheck) add(f input.Fault) { c.faults = append(c.faults, c.definition.locate(f)) }

// value checks all texts in a value.
func (c *templateCheck) value(value any, path string) {
	switch v := value.(type) {
	case string:
		c.text(v, path)
	case map[string]any:
		for name, member := range v {
			c.value(member, path+"."+name)
		}
	case []any:
		for i, element := range v {
			c.value(element, fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

func (c *templateCheck) text(text, path string) {
	if !holdsTemplate(text) {
		return
	}
	t, err := template.Parse(text)
	if err != nil {
		c.add(input.Fault{Reason: input.BadTemplate, Field: path, Message: fmt.Sprintf("the template cannot be used: %v", err)})
		return
	}
	if !c.definition.closed {
		return
	}
	known := c.definition.inputNames()
	for _, name := range t.Variables() {
		if slices.Contains(known, name) {
			continue
		}
		f := input.Fault{Reason: input.InvalidRequest, Field: path, Nearest: schema.Nearest(name, known),
			Message: fmt.Sprintf("the variable %q is none of the inputs", name)}
		if len(f.Nearest) > 0 {
			f.Message += fmt.Sprintf("; did you mean %s?", f.Nearest[0])
		}
		c.add(f)
	}
}

// fetch checks a query's texts, and that it is one.
func (c *templateCheck) fetch(text string) {
	if text == "" {
		return
	}
	err := fetchxml.Walk(text, func(a fetchxml.Attr) {
		c.text(a.Value, fetchPath(a.Pos.Line, a.Pos.Column))
	})
	if err == nil {
		_, err = fetchxml.Parse(text)
	}
	if syntax := new(fetchxml.SyntaxError); errors.As(err, &syntax) {
		c.add(input.Fault{Reason: input.BadFetchXML, Field: fetchPath(syntax.Line, syntax.Column), Message: syntax.Message})
	}
}

// fetchPath is a place in the query as the runtime's faults have it.
func fetchPath(line, column int) string { return fmt.Sprintf("fetch_xml:%d:%d", line, column) }

// fetchTexts are a query's texts in which outputs stand.
func fetchTexts(text string) []any {
	var texts []any
	_ = fetchxml.Walk(text, func(a fetchxml.Attr) { // what is no query was refused by Parse
		if holdsTemplate(a.Value) {
			texts = append(texts, a.Value)
		}
	})
	return texts
}

// locate is a fault of the runtime as one of the definition: with its path in the file, and where that is.
func (d *Definition) locate(f input.Fault) Fault {
	if at, isQuery := strings.CutPrefix(f.Field, "fetch_xml:"); isQuery {
		f.Field = join(string(d.Kind), "fetchXml")
		return d.inQuery(f, at)
	}
	f.Field = d.pathOf(f.Field)
	for path := f.Field; path != ""; path = outer(path) {
		if at, known := d.places[path]; known {
			return Fault{Fault: f, Line: at.line, Column: at.column}
		}
	}
	return Fault{Fault: f}
}

// inQuery is a fault at a line and column of the query.
func (d *Definition) inQuery(f input.Fault, at string) Fault {
	var line, column int
	if _, err := fmt.Sscanf(at, "%d:%d", &line, &column); err != nil {
		line, column = 1, 1
	}
	place, exact := d.body.fetchPlace.of(line, column)
	if !exact {
		f.Message = fmt.Sprintf("line %d, column %d of the query: %s", line, column, f.Message)
	}
	return Fault{Fault: f, Line: place.line, Column: place.column}
}

// pathOf is a path of the runtime's, as "save_defaults.name", as one of the file.
func (d *Definition) pathOf(field string) string {
	end := strings.IndexAny(field, ".[")
	if end < 0 {
		end = len(field)
	}
	for i := range bodyMembers {
		if name := bodyMembers[i].name; snake(name) == field[:end] {
			return join(string(d.Kind), name+field[end:])
		}
	}
	return field
}

// outer is the path of what a part stands in; "" for none.
func outer(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

// textPlace is where in the file a text stands that has lines and columns of its own.
type textPlace struct {
	start  place
	indent int  // of a block's lines
	block  bool // whether each line of the text is a line of the file
	exact  bool // whether the text stands in the file as it is
}

// textPlaceOf finds how a text of a file's stands there.
func textPlaceOf(n node, file string) textPlace {
	p := textPlace{start: place{n.Line, n.Column}}
	lines := strings.Split(file, "\n")
	if n.Kind != yaml.ScalarNode || n.Line < 1 || n.Line > len(lines) {
		return p
	}
	if n.Style&yaml.LiteralStyle != 0 {
		p.block = true
		for _, line := range lines[n.Line:] {
			if trimmed := strings.TrimLeft(line, " "); strings.TrimSpace(trimmed) != "" {
				p.indent = len(line) - len(trimmed)
				break
			}
		}
		first, _, _ := strings.Cut(strings.TrimLeft(n.Value, "\n"), "\n")
		p.exact = !strings.HasPrefix(first, " ") // else the block says itself how deep it is indented
		return p
	}
	line := []rune(lines[n.Line-1])
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		p.start.column++
	}
	p.exact = p.start.column-1 <= len(line) && strings.HasPrefix(string(line[p.start.column-1:]), n.Value)
	if !p.exact {
		p.start.column = n.Column
	}
	return p
}

// of is where a line and column of the text are; where that cannot be told, where the text begins.
func (p textPlace) of(line, column int) (at place, exact bool) {
	switch {
	case !p.exact:
		return p.start, false
	case p.block:
		return place{p.start.line + line, p.indent + column}, true
	}
	return place{p.start.line, p.start.column + column - 1}, true
}
