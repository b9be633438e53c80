package server

import (
	"net/http"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// route is one method and path that a listener serves.
type route struct {
	method  string
	pattern string // as "/v1/entities/{entity}"
	open    bool   // answers whatever the Host header says, and whoever asks
	handler http.Handler

	// input is the request's message, for what the contract serves; nil for the rest.
	input protoreflect.MessageDescriptor
	body  bool // whether the request is the body, and not the query
}

// matches reports whether a path is one of the route's. A parameter stands for one segment, or for what comes before its verb,
// as in {name}:run. A segment with a colon is one with a verb.
func (r *route) matches(path string) bool {
	want, got := strings.Split(r.pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool {
		name, verb := parameterOf(w)
		if name == "" {
			return w == g
		}
		value, has := strings.CutSuffix(g, verb)
		return has && value != "" && !strings.Contains(value, ":")
	})
}

// hasParameter reports whether a field of the request is part of the path.
func (r *route) hasParameter(field protoreflect.Name) bool {
	return slices.ContainsFunc(strings.Split(r.pattern, "/"), func(segment string) bool {
		name, _ := parameterOf(segment)
		return name == string(field)
	})
}

// parameters reports whether the pattern has any.
func (r *route) parameters() bool { return strings.Contains(r.pattern, "{") }

// parameterOf is the parameter that a segment of a pattern is, and the verb behind it, as ":run"; "" where it is none.
func parameterOf(segment string) (name, verb string) {
	inner, ok := strings.CutPrefix(segment, "{")
	if !ok {
		return "", ""
	}
	name, verb, _ = strings.Cut(inner, "}")
	return name, verb
}

// contractRoutes are the routes that the protos declare, each served by handler.
func contractRoutes(handler http.Handler) []*route {
	var routes []*route
	for method := range contractMethods {
		routes = append(routes, contractRoute(method, handler))
	}
	return routes
}

// contractMethods yields the methods of the contract.
func contractMethods(yield func(protoreflect.MethodDescriptor) bool) {
	for _, file := range []protoreflect.FileDescriptor{
		botversev1.File_botverse_v1_actions_proto,
		botversev1.File_botverse_v1_metadata_proto,
		botversev1.File_botverse_v1_presence_proto,
	} {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				if !yield(methods.Get(j)) {
					return
				}
			}
		}
	}
}

// contractRoute reads the google.api.http rule of a method. Ours are all GET or POST of a whole body.
func contractRoute(method protoreflect.MethodDescriptor, handler http.Handler) *route {
	rule, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	r := &route{method: http.MethodGet, pattern: rule.GetGet(), input: method.Input(), handler: handler}
	if rule.GetPost() != "" {
		r.method, r.pattern, r.body = http.MethodPost, rule.GetPost(), true
	}
	return r
}
