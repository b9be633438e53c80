package dataverse

import "context"

// Webhook is what Dataverse is to tell us of: a message of an entity, with an image of the record as it is afterwards.
type Webhook struct {
	Name       string   // of the service endpoint; several webhooks of one name, URL and key share it
	URL        string   // where Dataverse posts
	Key        Secret   // what it appends as ?code=
	Message    string   // "Create", "Update", "Delete"
	Entity     string   // logical name
	ImageAlias string   // "" for no image
	Fields     []string // what the image holds; empty for all fields
}

// RegisterWebhook makes Dataverse post what w asks for, asynchronously and after the commit. It may be repeated: what is
// already there as it should be is left alone, a changed URL or key or image is updated, a disabled step is enabled. The
// application user needs the right to write service endpoints and processing steps.
func (c *Client) RegisterWebhook(ctx context.Context, w Webhook) error { return errUnimplemented }
