package local

import (
	"net/http"
	"path"
	"strconv"
	"strings"
)

// The annotations that a client can ask for ("Compose HTTP requests", Prefer: odata.include-annotations).
const (
	formattedValue      = "OData.Community.Display.V1.FormattedValue"
	lookupLogicalName   = "Microsoft.Dynamics.CRM.lookuplogicalname"
	navigationProperty  = "Microsoft.Dynamics.CRM.associatednavigationproperty"
	totalRecordCount    = "Microsoft.Dynamics.CRM.totalrecordcount"
	totalLimitExceeded  = "Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"
	metadataVersion     = "Microsoft.Dynamics.CRM.globalmetadataversion"
	fetchPagingCookie   = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie"
	fetchMoreRecords    = "Microsoft.Dynamics.CRM.morerecords"
	maxPageSize         = 5000
	preferReturn        = "return"
	preferAnnotations   = "odata.include-annotations"
	preferPageSize      = "odata.maxpagesize"
	preferContinueError = "odata.continue-on-error"
	preferTrackChanges  = "odata.track-changes"
)

// preferences is what a request's Prefer headers ask for.
type preferences struct {
	representation  bool
	continueOnError bool
	trackChanges    bool
	pageSize        int      // 0 where none was asked for
	annotations     []string // patterns of names, as "Microsoft.Dynamics.CRM.*"

	applied []string
}

// readPreferences reads all Prefer headers. What it does not know it leaves alone, as the header allows.
func readPreferences(h http.Header) preferences {
	var p preferences
	for _, text := range h.Values("Prefer") {
		for _, item := range splitUnquoted(text, ',') {
			p.add(strings.TrimSpace(splitUnquoted(item, ';')[0])) // what follows are its parameters (RFC 7240, 2): no preference has any
		}
	}
	return p
}

func (p *preferences) add(item string) {
	name, value, _ := strings.Cut(item, "=")
	name, value = strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), `"`)
	switch {
	case strings.EqualFold(name, preferReturn):
		if !strings.EqualFold(value, "representation") {
			return
		}
		p.representation = true
	case strings.EqualFold(name, preferContinueError):
		p.continueOnError = true
	case strings.EqualFold(name, preferTrackChanges):
		p.trackChanges = true
	case strings.EqualFold(name, preferPageSize):
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return
		}
		p.pageSize = min(n, maxPageSize)
	case strings.EqualFold(name, preferAnnotations):
		for _, pattern := range strings.Split(value, ",") {
			p.annotations = append(p.annotations, strings.TrimSpace(pattern))
		}
	default:
		return
	}
	p.applied = append(p.applied, item)
}

// splitUnquoted splits at the separators that stand outside quotes.
func splitUnquoted(text string, separator byte) []string {
	var parts []string
	quoted, start := false, 0
	for i := range len(text) {
		switch text[i] {
		case '"':
			quoted = !quoted
		case separator:
			if !quoted {
				parts, start = append(parts, text[start:i]), i+1
			}
		}
	}
	return append(parts, text[start:])
}

// wants reports whether an annotation was asked for.
func (p preferences) wants(annotation string) bool {
	for _, pattern := range p.annotations {
		if pattern == "*" || pattern == annotation {
			return true
		}
		if ok, err := path.Match(pattern, annotation); ok && err == nil {
			return true
		}
	}
	return false
}

func (p preferences) tell(h http.Header) {
	if len(p.applied) > 0 {
		h.Set("Preference-Applied", strings.Join(p.applied, ", "))
	}
}
