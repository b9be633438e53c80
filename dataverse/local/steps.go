package local

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
)

// step is a step that posts to a webhook.
type step struct {
	id, name   string
	mode       int64
	autoDelete bool            // no record is kept of deliveries that succeed
	filter     map[string]bool // the fields of which an update must write one; empty for any
	userID     string          // in whose name it runs; "" for the caller's
	images     []image
	endpoint   endpoint
}

// trigger is what a step waits for. The entity is "" for a step that waits for every entity.
type trigger struct{ message, entity string }

type image struct {
	alias  string
	kind   int64
	fields []string // nil for all
}

func (i image) isPre() bool  { return i.kind != imagePost }
func (i image) isPost() bool { return i.kind != imagePre }

// endpoint is where a webhook is posted to, and how it shows who posts.
type endpoint struct {
	url       string
	authType  int64
	authValue string
}

// loadSteps reads all steps by ID, and the enabled ones by what they wait for.
func (s *settings) loadSteps(ctx context.Context, c *conn) error {
	images, err := loadImages(ctx, c)
	if err != nil {
		return err
	}
	s.steps, s.webhooks = map[trigger][]step{}, map[string]step{}
	return c.query(ctx, `SELECT step.sdkmessageprocessingstepid, step.name, message.name, filter.primaryobjecttypecode, coalesce(step.mode, 0),
			coalesce(step.asyncautodelete, 0), step.filteringattributes, step.impersonatinguserid, endpoint.url, coalesce(endpoint.authtype, 0), endpoint.authvalue,
			coalesce(step.statecode, 0)
		FROM sdkmessageprocessingstep step
		JOIN sdkmessage message ON message.sdkmessageid = step.sdkmessageid
		JOIN serviceendpoint endpoint ON endpoint.serviceendpointid = step.eventhandler
		LEFT JOIN sdkmessagefilter filter ON filter.sdkmessagefilterid = step.sdkmessagefilterid
		WHERE endpoint.contract = ?
		ORDER BY step.rank, step.sdkmessageprocessingstepid`, []any{contractWebhook}, func(row []any) error {
		r := record{
			"id": row[0], "name": row[1], "message": row[2], "entity": row[3], "mode": row[4], "delete": row[5], "filter": row[6], "user": row[7],
			"url": row[8], "type": row[9], "value": row[10], "state": row[11],
		}
		loaded := step{
			id: r.text("id"), name: r.text("name"), mode: r.number("mode"), autoDelete: r.truth("delete"), userID: r.text("user"),
			filter: setOf(names(r.text("filter"))), images: images[r.text("id")],
			endpoint: endpoint{url: r.text("url"), authType: r.number("type"), authValue: r.text("value")},
		}
		s.webhooks[loaded.id] = loaded
		if r.number("state") == stepEnabled {
			at := trigger{r.text("message"), r.text("entity")}
			s.steps[at] = append(s.steps[at], loaded)
		}
		return nil
	})
}

func loadImages(ctx context.Context, c *conn) (map[string][]image, error) {
	images := map[string][]image{}
	err := c.query(ctx, `SELECT sdkmessageprocessingstepid, entityalias, coalesce(imagetype, 0), attributes
		FROM sdkmessageprocessingstepimage ORDER BY entityalias, sdkmessageprocessingstepimageid`, nil, func(row []any) error {
		r := record{"step": row[0], "alias": row[1], "kind": row[2], "fields": row[3]}
		images[r.text("step")] = append(images[r.text("step")], image{alias: r.text("alias"), kind: r.number("kind"), fields: names(r.text("fields"))})
		return nil
	})
	return images, err
}

// names takes a list of names apart, as "msdyn_agentid, createdon".
func names(text string) []string {
	var list []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			list = append(list, name)
		}
	}
	return list
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// waitsFor reports whether a step is told of a write of those values.
func (s step) waitsFor(message string, written record) bool {
	if message != "Update" || len(s.filter) == 0 {
		return true
	}
	for name := range written {
		if s.filter[name] {
			return true
		}
	}
	return false
}

// request is the POST of a body, with what shows that we may post it (Dataverse, "Register a web hook").
func (e endpoint) request(ctx context.Context, body string) (*http.Request, error) {
	address := e.url
	switch e.authType {
	case authWebhookKey:
		address = withQuery(address, url.Values{"code": {e.authValue}})
	case authHTTPQueryString:
		query := url.Values{}
		for name, value := range settingsIn(e.authValue) {
			query.Set(name, value)
		}
		address = withQuery(address, query)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if e.authType == authHTTPHeader {
		for name, value := range settingsIn(e.authValue) {
			request.Header.Set(name, value)
		}
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	return request, nil
}

func withQuery(address string, query url.Values) string {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	if len(query) == 0 {
		return address
	}
	return address + separator + query.Encode()
}

// settingsIn reads <settings><setting name="…" value="…"/></settings>.
func settingsIn(text string) map[string]string {
	var settings struct {
		Setting []struct {
			Name  string `xml:"name,attr"`
			Value string `xml:"value,attr"`
		} `xml:"setting"`
	}
	values := map[string]string{}
	if xml.Unmarshal([]byte(text), &settings) != nil {
		return values
	}
	for _, s := range settings.Setting {
		values[s.Name] = s.Value
	}
	return values
}
