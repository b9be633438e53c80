package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrNotJSON says that a body is no JSON at all.
var ErrNotJSON = errors.New("the body is not JSON")

// ErrNotContext says that a body is JSON, but none of the objects that Dataverse posts.
var ErrNotContext = errors.New("the body is no RemoteExecutionContext")

// Decode reads what Dataverse posted. It is lenient: names of members in any case, unknown members, null or absent
// lists, members of an unexpected type and a byte order mark are no errors. ErrNotJSON and ErrNotContext are. The body
// is not kept.
func Decode(body []byte) (*Context, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrNotJSON)
	}
	if !json.Valid(body) {
		return nil, fmt.Errorf("%w: %d bytes that do not parse", ErrNotJSON, len(body))
	}
	var wire wireContext
	if err := lenient(json.Unmarshal(body, &wire)); err != nil || body[0] != '{' {
		return nil, fmt.Errorf("%w: it is not an object", ErrNotContext)
	}
	if wire.MessageName == "" && wire.PrimaryEntityName == "" {
		return nil, fmt.Errorf("%w: it has neither MessageName nor PrimaryEntityName", ErrNotContext)
	}
	return wire.context(), nil
}

// lenient drops the error of a member whose type is not the expected one: Unmarshal has skipped it and read the rest.
func lenient(err error) error {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return nil
	}
	return err
}

// wireContext is a context as it stands in JSON. Unmarshal matches names whatever their case.
type wireContext struct {
	BusinessUnitID                             text
	CorrelationID                              text
	Depth                                      int
	InitiatingUserAgent                        text
	InitiatingUserAzureActiveDirectoryObjectID text
	InitiatingUserID                           text
	InputParameters                            []wirePair
	IsExecutingOffline                         bool
	IsInTransaction                            bool
	IsOfflinePlayback                          bool
	IsolationMode                              int
	MessageName                                text
	Mode                                       int
	OperationCreatedOn                         instant
	OperationID                                text
	OrganizationID                             text
	OrganizationName                           text
	OutputParameters                           []wirePair
	OwningExtension                            wireObject
	ParentContext                              *wireContext
	PostEntityImages                           []wirePair
	PreEntityImages                            []wirePair
	PrimaryEntityID                            text
	PrimaryEntityName                          text
	RequestID                                  text
	SecondaryEntityName                        text
	SharedVariables                            []wirePair
	Stage                                      int
	UserAzureActiveDirectoryObjectID           text
	UserID                                     text
}

func (w *wireContext) context() *Context {
	c := &Context{
		BusinessUnitID:                       w.BusinessUnitID.id(),
		CorrelationID:                        w.CorrelationID.id(),
		Depth:                                w.Depth,
		InitiatingUserAgent:                  string(w.InitiatingUserAgent),
		InitiatingUserAzureActiveDirectoryID: w.InitiatingUserAzureActiveDirectoryObjectID.id(),
		InitiatingUserID:                     w.InitiatingUserID.id(),
		InputParameters:                      parameters(w.InputParameters),
		IsExecutingOffline:                   w.IsExecutingOffline,
		IsInTransaction:                      w.IsInTransaction,
		IsOfflinePlayback:                    w.IsOfflinePlayback,
		IsolationMode:                        w.IsolationMode,
		MessageName:                          string(w.MessageName),
		Mode:                                 Mode(w.Mode),
		OperationCreatedOn:                   w.OperationCreatedOn.Time,
		OperationID:                          w.OperationID.id(),
		OrganizationID:                       w.OrganizationID.id(),
		OrganizationName:                     string(w.OrganizationName),
		OutputParameters:                     parameters(w.OutputParameters),
		OwningExtension:                      w.OwningExtension.reference(),
		PostEntityImages:                     images(w.PostEntityImages),
		PreEntityImages:                      images(w.PreEntityImages),
		PrimaryEntityID:                      w.PrimaryEntityID.id(),
		PrimaryEntityName:                    string(w.PrimaryEntityName),
		RequestID:                            w.RequestID.id(),
		SecondaryEntityName:                  string(w.SecondaryEntityName),
		SharedVariables:                      parameters(w.SharedVariables),
		Stage:                                w.Stage,
		UserAzureActiveDirectoryID:           w.UserAzureActiveDirectoryObjectID.id(),
		UserID:                               w.UserID.id(),
	}
	if w.ParentContext != nil {
		c.ParentContext = w.ParentContext.context()
	}
	c.Reduced = w.InputParameters == nil && w.PostEntityImages == nil && w.PreEntityImages == nil && w.ParentContext == nil
	return c
}

func parameters(pairs []wirePair) []Parameter {
	var list []Parameter
	for _, p := range pairs {
		list = append(list, Parameter{Key: string(p.Key), Value: value(p.Value, 0)})
	}
	return list
}

func images(pairs []wirePair) []Image {
	var list []Image
	for _, p := range pairs {
		var object wireObject
		if lenient(json.Unmarshal(p.Value, &object)) == nil {
			list = append(list, Image{Alias: string(p.Key), Entity: object.entity(0)})
		}
	}
	return list
}
