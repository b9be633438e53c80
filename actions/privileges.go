package actions

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// privileges collects what requests need.
type privileges struct {
	client *dataverse.Client
	sets   map[string]*schema.Entity // entities without their fields, by entity set
	names  map[string]*schema.Entity // likewise, by logical name
	needed map[string]bool
}

// privilegesOf names the privileges that the application user needs for requests, sorted. They follow from the entities that
// the requests name, and have the names of their definitions: to read, create or write records; to give one away, where
// its owner is named; and for each other lookup, to append the one record and to append to the other ("Append and Append To"). What the
// metadata and the rules are read by is no part of it.
func privilegesOf(ctx context.Context, client *dataverse.Client, requests []PlannedRequest) ([]string, error) {
	all, err := client.Entities(ctx)
	if err != nil {
		return nil, err
	}
	p := &privileges{client: client, sets: map[string]*schema.Entity{}, names: map[string]*schema.Entity{}, needed: map[string]bool{}}
	for _, e := range all {
		p.sets[e.EntitySetName], p.names[e.LogicalName] = e, e
	}
	for _, request := range requests {
		if err := p.request(ctx, request); err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(p.needed)), nil
}

// need adds a right; nothing where the entity is not known.
func (p *privileges) need(right string, e *schema.Entity) {
	if e != nil {
		p.needed[e.PrivilegeName(right)] = true
	}
}

func (p *privileges) request(ctx context.Context, r PlannedRequest) error {
	address, err := url.Parse(r.URL)
	if err != nil {
		return nil // no address of ours
	}
	name := resource(address.Path)
	query, err := odata.ParseQuery(address.RawQuery)
	if err != nil {
		query = &odata.Query{}
	}
	e := p.sets[name]
	if e == nil { // a function names its entities in its parameters, as RetrieveDuplicates does
		p.need("Read", p.names[strings.Trim(query.Aliases["@p2"], "'")])
		return nil
	}
	switch r.Method {
	case http.MethodPost:
		p.need("Create", e)
	case http.MethodPatch:
		p.need("Write", e)
	}
	if r.Method == http.MethodGet || strings.Contains(r.Header["Prefer"], "return=representation") {
		p.need("Read", e)
	}
	p.links(query.FetchXML)
	return p.lookups(ctx, e, query.Expand, r.Body)
}

// resource is the first segment below the service root, as "contacts" of "/api/data/v9.2/contacts(…)".
func resource(path string) string {
	_, below, _ := strings.Cut(path, "/api/data/")
	_, below, _ = strings.Cut(below, "/")
	end := strings.IndexAny(below, "(/")
	if end < 0 {
		return below
	}
	return below[:end]
}

// links adds what a FetchXML query reads beside its root.
func (p *privileges) links(text string) {
	fetch, err := fetchxml.Parse(text)
	if err != nil || fetch.Entity == nil {
		return
	}
	links := slices.Clone(fetch.Entity.Links)
	for len(links) > 0 {
		p.need("Read", p.names[links[0].Name])
		links = append(links[1:], links[0].Links...)
	}
}

// lookups adds what the lookups of a request need: to read what is expanded, and to append what is bound.
func (p *privileges) lookups(ctx context.Context, e *schema.Entity, expand []odata.Expand, body map[string]any) error {
	if len(expand) == 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(body)), isBind) {
		return nil
	}
	whole, err := p.client.Entity(ctx, e.LogicalName)
	if err != nil {
		return err
	}
	for _, x := range expand {
		p.need("Read", p.target(whole, x.Navigation, nil))
	}
	for name, value := range body {
		if !isBind(name) {
			continue
		}
		navigation := strings.TrimSuffix(name, bindSuffix)
		if f := whole.FieldOfNavigation(navigation); f != nil && f.Type == schema.Owner {
			p.need("Assign", e)
			continue
		}
		p.need("Append", e)
		p.need("AppendTo", p.target(whole, navigation, value))
	}
	return nil
}

const bindSuffix = "@odata.bind"

func isBind(name string) bool { return strings.HasSuffix(name, bindSuffix) }

// target is the entity that a lookup points at: by the record that it is bound to, else by its navigation property. It is nil
// where neither tells.
func (p *privileges) target(e *schema.Entity, navigation string, bound any) *schema.Entity {
	if text, ok := bound.(string); ok {
		set, _, _ := strings.Cut(strings.TrimPrefix(text, "/"), "(")
		return p.sets[set]
	}
	f := e.FieldOfNavigation(navigation)
	if f == nil {
		return nil
	}
	for name, property := range f.Navigation {
		if property == navigation {
			return p.names[name]
		}
	}
	return nil
}
