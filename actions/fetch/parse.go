package fetch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
)

// outputPlaces says where outputs may stand.
const outputPlaces = "an output stands in a condition's value, in <value> and in when-set only: a variable says what to search for, never what the query is"

// parse reads a query. A template where none may stand is found first: it could be taken for a wrong value else.
func parse(text string) (*fetchxml.Fetch, *input.Fault) {
	var misplaced *input.Fault
	err := fetchxml.Walk(text, func(a fetchxml.Attr) {
		if misplaced == nil && !mayHaveOutputs(a) && input.HasTemplate(a.Value) {
			misplaced = input.NewFault(input.BadTemplate, place(a.Pos), outputPlaces)
		}
	})
	if misplaced != nil {
		return nil, misplaced
	}
	if err != nil {
		return nil, brokenBy(text, syntaxFault(err))
	}
	fetch, err := fetchxml.Parse(text)
	if err != nil {
		return nil, syntaxFault(err)
	}
	return fetch, nil
}

// mayHaveOutputs reports whether outputs may stand in a part of a query.
func mayHaveOutputs(a fetchxml.Attr) bool {
	switch a.Element {
	case "condition":
		return a.Name == "value" || a.Name == whenSetAttribute
	case "filter":
		return a.Name == whenSetAttribute
	}
	return a.Element == "value" && a.Name == ""
}

// brokenBy is the fault of a text that is not XML, told as a template's where an output is what breaks it.
func brokenBy(text string, fault *input.Fault) *input.Fault {
	var at fetchxml.Pos
	if _, err := fmt.Sscanf(fault.Field, "fetch_xml:%d:%d", &at.Line, &at.Column); err != nil {
		return fault
	}
	before, after := splitAt(text, at)
	open := strings.LastIndex(before, "{{")
	switch {
	case input.HasTemplate(before[max(0, len(before)-1):] + after[:min(2, len(after))]): // at its first or its second sign
		return input.NewFault(input.BadTemplate, fault.Field, outputPlaces)
	case open >= 0 && !strings.Contains(before[open:], "}}") && strings.ContainsAny(before[open:], `"'`):
		return input.NewFault(input.BadTemplate, fault.Field, "a quote inside the output ends the value: write the output's texts in the other kind of quotes, or as &quot;")
	}
	return fault
}

// splitAt is a text before and from a position on.
func splitAt(text string, at fetchxml.Pos) (before, after string) {
	line, column := 1, 1
	for i, r := range text {
		if line == at.Line && column >= at.Column || line > at.Line {
			return text[:i], text[i:]
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return text, ""
}

// syntaxFault is a query that does not parse as a fault of the request.
func syntaxFault(err error) *input.Fault {
	if syntax := new(fetchxml.SyntaxError); errors.As(err, &syntax) {
		return input.NewFault(input.BadFetchXML, place(fetchxml.Pos{Line: syntax.Line, Column: syntax.Column}), "%s", syntax.Message)
	}
	return input.NewFault(input.BadFetchXML, "fetch_xml", "%v", err)
}

// checkFault is what is wrong with a query by metadata as a fault of the request.
func checkFault(f *fetchxml.Fault) input.Fault {
	fault := input.Fault{Reason: input.BadFetchXML, Field: place(f.Pos), Message: f.Message}
	switch f.Code {
	case code.QueryBuilderNoEntity:
		fault.Reason = input.UnknownEntity
	case code.QueryBuilderNoAttribute: // Dataverse's words speak of its metadata, not of the query
		fault.Reason, fault.Message = input.InvalidField, fmt.Sprintf("%s has no field %q", f.Entity, f.Name)
	}
	return *fault.NearestTo(f.Nearest)
}

// place is a position in the query as a fault's field: "fetch_xml:3:14".
func place(p fetchxml.Pos) string { return fmt.Sprintf("fetch_xml:%d:%d", p.Line, p.Column) }

// unsupported finds what a search for the first record has no place for.
func unsupported(fetch *fetchxml.Fetch) []input.Fault {
	var faults []input.Fault
	if fetch.Page != nil && *fetch.Page > 1 {
		faults = append(faults, *input.NewFault(input.BadFetchXML, place(fetch.PosOf("page")), "a search takes the first match: there is no page %d of it", *fetch.Page))
	}
	if fetch.PagingCookie != "" {
		faults = append(faults, *input.NewFault(input.BadFetchXML, place(fetch.PosOf("paging-cookie")), "a search takes the first match: it cannot go on from a paging cookie"))
	}
	return faults
}
