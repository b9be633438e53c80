package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/botverse/botverse/server"
)

// printWelcome says what listens where and what to try. The commands work when pasted, and work again when repeated;
// where callers are asked for a token, or for TLS, they would not.
func printWelcome(w io.Writer, h *house, config server.Config) {
	var b strings.Builder
	scheme := "http"
	if config.TLSCertFile != "" {
		scheme = "https"
	}
	fmt.Fprintf(&b, "\nbotverse is ready\n\n")
	fmt.Fprintf(&b, "  gRPC             %s\n", h.server.GRPCAddr())
	fmt.Fprintf(&b, "  HTTP             %s://%s  (contract: /openapi.yaml)\n", scheme, h.server.HTTPAddr())
	fmt.Fprintf(&b, "  webhook intake   http://%s\n", h.server.WebhookAddr())
	if h.local != nil {
		fmt.Fprintf(&b, "  local Dataverse  %s/api/data/v9.2/\n", localURL(h.local))
	}
	if h.local != nil && config.Auth == nil && scheme == "http" {
		fmt.Fprintf(&b, welcomeCommands, h.server.HTTPAddr())
	}
	fmt.Fprintln(w, b.String())
}

// welcomeCommands wants the HTTP address, for all.
const welcomeCommands = `
Try, in another terminal:

  curl -s -H 'Content-Type: application/json' http://%[1]s/v1/actions/find-record -d '{
    "entity": "contact", "where": {"lastname": "{{ name }}"}, "variables": {"name": "nunez ibarra"},
    "save": {"who": "fullname", "mail": "emailaddress1"}}'

  curl -s -H 'Content-Type: application/json' http://%[1]s/v1/actions/create-record -d '{
    "entity": "lead", "fields": {"subject": "Chat", "lastname": "{{ v.name }}", "companyname": "{{ v.company }}"},
    "variables": {"v": {"name": "Lovelace", "company": "Analytical Engines"}}, "save": {"lead": "@id"}, "requestId": "chat-1"}'

  curl -sN http://%[1]s/v1/presence:watch
`
