package dataverse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

const (
	maxEntities     = 256              // that are remembered at once
	metadataFresh   = time.Hour        // after which an entity is asked for anew, behind the caller
	metadataValid   = 24 * time.Hour   // as long as that fails
	metadataTimeout = 90 * time.Second // the definition of a large entity takes Dataverse seconds to write
	refreshPause    = 2 * time.Second  // within which an entity is refreshed once: a misspelt field must not do it on each call
)

// entityName is what a logical name looks like; nothing else is worth asking for, or safe to put into a path.
var entityName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,127}$`)

// Entity is what the environment says of an entity: its fields, choices, lookups, keys. It is remembered for an hour, and
// however many callers wait for it, it is asked for once. The Entity is shared: it is only to be read. An unknown one is an
// error that wraps ErrUnknownEntity; errors.As finds the *UnknownEntityError with the nearest names.
func (c *Client) Entity(ctx context.Context, logicalName string) (*schema.Entity, error) {
	if !entityName.MatchString(logicalName) {
		return nil, c.unknownEntity(ctx, "Entity", logicalName)
	}
	e, err := patiently(ctx, c, func() (*schema.Entity, error) { return c.metadata.entities.get(ctx, logicalName) })
	return e, c.entityError(ctx, logicalName, err)
}

// RefreshEntity asks anew for an entity, for when what is remembered of it has proved wrong. While it is asked for, and within
// two seconds after, it is what comes, or came, then.
func (c *Client) RefreshEntity(ctx context.Context, logicalName string) (*schema.Entity, error) {
	if !entityName.MatchString(logicalName) {
		return nil, c.unknownEntity(ctx, "Entity", logicalName)
	}
	refresh, mine := c.metadata.refresh(logicalName)
	if mine {
		defer c.metadata.over(refresh)
		e, err := patiently(ctx, c, func() (*schema.Entity, error) { return c.metadata.entities.renew(ctx, logicalName) })
		return e, c.entityError(ctx, logicalName, err)
	}
	select {
	case <-refresh.done:
		return c.Entity(ctx, logicalName)
	case <-ctx.Done():
		return nil, ofCaller(ended(ctx), "Entity", logicalName)
	}
}

// Entities are all entities of the environment by name, without their fields and relationships. They are remembered like
// Entity's.
func (c *Client) Entities(ctx context.Context) ([]*schema.Entity, error) {
	all, err := patiently(ctx, c, func() ([]*schema.Entity, error) { return c.metadata.all.get(ctx) })
	if err != nil {
		return nil, ofCaller(err, "Entities", "")
	}
	return slices.Clone(all), nil
}

func (c *Client) entityError(ctx context.Context, name string, err error) error {
	var refused *Error
	missing := errors.As(err, &refused) && refused.Status == http.StatusNotFound
	if missing && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrSignIn) { // the status may be that of the token endpoint
		return c.unknownEntity(ctx, "Entity", name)
	}
	return ofCaller(err, "Entity", name)
}

func (c *Client) unknownEntity(ctx context.Context, op, name string) error {
	unknown := &UnknownEntityError{Name: name}
	if all, err := c.Entities(ctx); err == nil { // without them the name alone has to do
		names := make([]string, len(all))
		for i, e := range all {
			names[i] = e.LogicalName
		}
		unknown.Nearest = schema.Nearest(name, names)
	}
	return &Error{Op: op, Err: unknown}
}

// metadata is what is remembered of the environment's entities.
type metadata struct {
	client   *Client
	entities memory[*schema.Entity]
	all      remembered[[]*schema.Entity]

	mu        sync.Mutex
	refreshed map[string]*refresh // of the last refreshPause, by entity
}

// refresh is an entity being asked for anew, or that it was.
type refresh struct {
	over time.Time     // the zero time while it is under way: a large entity's takes seconds
	done chan struct{} // closed when it is over
}

func newMetadata(c *Client) *metadata {
	m := &metadata{client: c, refreshed: map[string]*refresh{}}
	m.entities.fetch, m.entities.timeout, m.entities.max = m.fetch, metadataTimeout, maxEntities
	m.all.fetch, m.all.timeout = m.fetchAll, metadataTimeout
	return m
}

// refresh is the refresh of an entity that is under way or just over; mine says that it is a new one, the caller's to do.
func (m *metadata) refresh(name string) (r *refresh, mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(m.refreshed, func(_ string, r *refresh) bool { return !r.over.IsZero() && now.Sub(r.over) >= refreshPause })
	if r, ok := m.refreshed[name]; ok {
		return r, false
	}
	r = &refresh{done: make(chan struct{})}
	m.refreshed[name] = r
	return r, true
}

// over ends a refresh.
func (m *metadata) over(r *refresh) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r.over = time.Now()
	close(r.done)
}

// The properties that schema.Entity is made of.
var definitionProperties = []string{
	"LogicalName", "SchemaName", "EntitySetName", "ObjectTypeCode", "DisplayName", "DisplayCollectionName",
	"PrimaryIdAttribute", "PrimaryNameAttribute", "OwnershipType", "IsActivity", "IsDuplicateDetectionEnabled",
	"IsIntersect", "Privileges",
}

// optionTypes are the types of metadata whose options have to be asked for by a cast: one for each request, and not by their
// common base (Web API, "Query table definitions").
var optionTypes = []string{"Picklist", "MultiSelectPicklist", "State", "Status", "Boolean"}

// fetch asks for all of an entity in one $batch.
func (m *metadata) fetch(ctx context.Context, name string) (*schema.Entity, life, error) {
	whole := metadataCall(fmt.Sprintf("EntityDefinitions(LogicalName='%s')", name), "")
	definition := odata.Query{Select: definitionProperties, Expand: []odata.Expand{
		{Navigation: "Keys"}, {Navigation: "ManyToOneRelationships"}, {Navigation: "OneToManyRelationships"}, {Navigation: "ManyToManyRelationships"},
	}}
	reads := []call{metadataCall(whole.path, definition.Encode()), metadataCall(whole.path+"/Attributes", "")}
	options := odata.Query{Expand: []odata.Expand{{Navigation: "OptionSet"}, {Navigation: "GlobalOptionSet"}}}
	for _, t := range optionTypes {
		reads = append(reads, metadataCall(whole.path+"/Attributes/Microsoft.Dynamics.CRM."+t+"AttributeMetadata", options.Encode()))
	}
	whole.entity = name
	parts, err := m.client.batch(ctx, whole, reads)
	if err != nil {
		return nil, life{}, err
	}
	attributes := make([][]byte, 0, len(parts)-1)
	for _, part := range parts[1:] {
		attributes = append(attributes, part.body)
	}
	e, err := schema.DecodeDefinition(parts[0].body, attributes)
	if err != nil {
		return nil, life{}, &Error{Op: whole.op, Entity: name, Message: "the definition cannot be read", Err: because(ErrUnavailable, err)}
	}
	dropUnreadableName(e)
	return e, life{fresh: metadataFresh, valid: metadataValid}, nil
}

// dropUnreadableName leaves an entity without a primary name where that is a helper of a lookup, which the Web API does not have as a
// property: activityparty's is partyidname.
func dropUnreadableName(e *schema.Entity) {
	if f := e.Field(e.PrimaryName); f != nil && f.AttributeOf != "" {
		e.PrimaryName = ""
	}
}

func (m *metadata) fetchAll(ctx context.Context) ([]*schema.Entity, life, error) {
	q := metadataCall("EntityDefinitions", (&odata.Query{Select: definitionProperties}).Encode())
	a, err := m.client.do(ctx, q)
	if err != nil {
		return nil, life{}, err
	}
	all, err := schema.DecodeEntities(a.body)
	if err != nil {
		return nil, life{}, &Error{Op: q.op, Message: "the definitions cannot be read", Err: because(ErrUnavailable, err)}
	}
	slices.SortFunc(all, func(a, b *schema.Entity) int { return strings.Compare(a.LogicalName, b.LogicalName) })
	return all, life{fresh: metadataFresh, valid: metadataValid}, nil
}

func metadataCall(path, query string) call {
	q := call{op: "Entity", method: http.MethodGet, path: path, query: query, read: true}
	// A change of the metadata takes half a minute to reach all servers; we ask seldom, and then for what is true now (Web API,
	// "Query table definitions").
	q.strong = true
	return q
}

// ofCaller is an error of something fetched for several callers, as the own error of one of them.
func ofCaller(err error, op, entity string) error {
	var shared *Error
	if err == nil {
		return nil
	}
	if !errors.As(err, &shared) {
		return &Error{Op: op, Entity: entity, Err: err} // the caller's own context ended
	}
	own := *shared
	own.Op, own.Entity = op, entity
	return &own
}
