// Package openapi holds the REST contract's OpenAPI description, generated from the protos beside it.
package openapi

import _ "embed"

// YAML is the description, as served at /openapi.yaml.
//
//go:embed botverse.swagger.yaml
var YAML []byte
