// Package webhook reads and writes what Dataverse posts to a webhook: a RemoteExecutionContext as .NET's
// DataContractJsonSerializer makes it, with its headers and the ways in which a sender shows its key. It reads
// leniently, because environments differ in age, and writes exactly, because other receivers may not be lenient. It
// knows no metadata and sends nothing.
package webhook

import "time"

// MaxSize is the size in bytes above which Dataverse leaves the payload out of the request ("Use webhooks to create
// external handlers for server events"): see Context.Reduced.
const MaxSize = 256 << 10

// Headers that Dataverse sets on each delivery.
const (
	HeaderOrganization  = "X-Ms-Dynamics-Organization"      // the environment's host name
	HeaderEntityName    = "X-Ms-Dynamics-Entity-Name"       // the logical name of the record's entity
	HeaderRequestName   = "X-Ms-Dynamics-Request-Name"      // the message, as Create
	HeaderCorrelationID = "X-Ms-Correlation-Request-Id"     // ties together what one operation caused
	HeaderSizeExceeded  = "X-Ms-Dynamics-Msg-Size-Exceeded" // set, to whatever value, when the payload was left out
)

// Mode says when a step runs.
type Mode int

// The modes of a step.
const (
	Synchronous  Mode = 0 // inside the transaction of the operation
	Asynchronous Mode = 1 // by a system job, after the commit
)

// Context is a RemoteExecutionContext: what happened to which record, and on whose behalf. Record IDs are lower case
// and without braces; an empty one was null or absent.
type Context struct {
	BusinessUnitID                       string // of the user in whose context the step runs
	CorrelationID                        string
	Depth                                int // 1 for what a user did; more when an extension did it
	InitiatingUserAgent                  string
	InitiatingUserAzureActiveDirectoryID string
	InitiatingUserID                     string
	InputParameters                      []Parameter // Target is an Entity on Create and Update, an EntityReference on Delete
	IsExecutingOffline                   bool
	IsInTransaction                      bool // true for synchronous steps: the record is not committed yet
	IsOfflinePlayback                    bool
	IsolationMode                        int
	MessageName                          string
	Mode                                 Mode
	OperationCreatedOn                   time.Time // when the system job was queued
	OperationID                          string    // the system job's record ID; RequestID in synchronous steps
	OrganizationID                       string
	OrganizationName                     string          // the unique name, not the display name
	OutputParameters                     []Parameter     // on Create the new record's ID, under "id"
	OwningExtension                      EntityReference // the step; its Name is set in synchronous steps only
	ParentContext                        *Context
	PostEntityImages                     []Image
	PreEntityImages                      []Image
	PrimaryEntityID                      string
	PrimaryEntityName                    string
	RequestID                            string
	SecondaryEntityName                  string
	SharedVariables                      []Parameter
	Stage                                int
	UserAzureActiveDirectoryID           string
	UserID                               string

	// Reduced says that the payload passed MaxSize: Encode leaves ParentContext, InputParameters and both kinds of
	// image out. Decode sets it where all four are absent.
	Reduced bool
}

// Parameter is a named value of a request, of its answer, or of the variables that plug-ins share.
type Parameter struct {
	Key   string
	Value any // as Attribute.Value
}

// Image is a snapshot of the record under the alias of its registration. An asynchronous step also has one under
// PrimaryNameImage, which nobody registered: look for an alias, never for a position.
type Image struct {
	Alias  string
	Entity Entity
}

// PrimaryNameImage is the alias of the image that Dataverse adds to asynchronous steps by itself.
const PrimaryNameImage = "AsynchronousStepPrimaryName"

// Target returns the record as the request had it; false when it is absent or, as on Delete, only a reference.
func (c *Context) Target() (Entity, bool) {
	for _, p := range c.InputParameters {
		if e, ok := p.Value.(Entity); ok && p.Key == "Target" {
			return e, true
		}
	}
	return Entity{}, false
}

// PostImage returns the image under alias, or else the only registered one; false when there is none, or several and
// none under alias.
func (c *Context) PostImage(alias string) (Entity, bool) { return imageOf(c.PostEntityImages, alias) }

// PreImage returns the record as it was before, as PostImage returns it as it is afterwards.
func (c *Context) PreImage(alias string) (Entity, bool) { return imageOf(c.PreEntityImages, alias) }

func imageOf(images []Image, alias string) (Entity, bool) {
	var only []Entity
	for _, image := range images {
		if image.Alias == alias {
			return image.Entity, true
		}
		if image.Alias != PrimaryNameImage {
			only = append(only, image.Entity)
		}
	}
	if len(only) != 1 {
		return Entity{}, false
	}
	return only[0], true
}
