package server

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/flowforge-go/flowforge"
)

// A route is a method and a path, with all that is said of them in the document.
type route struct {
	method, path string // of the API, below apiPath
	id           string // of the operation
	tag          string // what it is about
	summary      string // a few words
	about        string // sentences, as Markdown
	policy       Policy
	body         *body            // nil: it takes none
	status       int              // of an answer; 0: 200, or 204 where there is nothing to say
	codes        []flowforge.Code // of errors, beside those that every such route has
	conditional  bool             // it takes If-Match, or If-None-Match where it only reads
	root         bool             // the path is below the prefix alone, and not in the document
	media        string           // of answers that are no JSON
}

// body is what a route takes.
type body struct {
	optional bool
	media    []string // nil: JSON
	limit    int64    // in bytes; 0: Limits.Body
	example  any

	kind   reflect.Type // that it is decoded to; nil: the handler reads it
	schema *huma.Schema
}

// none is what a route without a body takes.
type none struct{}

// add enrolls a route: this is the only way to one. The handler is called with what the path, the query and the headers
// say and, where B is not none, with the body.
func add[I, B, O any](s *service, r route, handle func(ctx context.Context, c *call, in *I, body *B) (*O, error)) {
	if !r.policy.valid() {
		panic(fmt.Sprintf("server: %s %s has no policy", r.method, r.path))
	}
	kind := reflect.TypeFor[B]()
	if kind == reflect.TypeFor[none]() {
		r.body = nil
	} else {
		if r.body == nil {
			r.body = &body{}
		}
		taken := *r.body
		taken.kind = kind
		taken.schema = s.api.OpenAPI().Components.Schemas.Schema(kind, true, r.id+"Request")
		r.body = &taken
	}
	s.routes = append(s.routes, r)
	operation := s.operation(r)
	operation.Middlewares = huma.Middlewares{s.guard(r)}
	huma.Register(s.api, operation, func(ctx context.Context, in *I) (*O, error) {
		c := callOf(ctx)
		given := new(B)
		if r.body != nil {
			if err := s.decode(c, r.body, given); err != nil {
				return nil, s.details(ctx, err)
			}
		}
		out, err := handle(ctx, c, in, given)
		if err != nil {
			return nil, s.details(ctx, err)
		}
		return out, nil
	})
}

// operation says what a route is, for the document and for huma.
func (s *service) operation(r route) huma.Operation {
	path := apiPath + r.path
	if r.root {
		path = r.path
	}
	operation := huma.Operation{
		OperationID: r.id, Method: r.method, Path: path, Summary: r.summary, Description: r.about,
		DefaultStatus: r.status, Hidden: r.root, Responses: s.refusals(r),
		Extensions: map[string]any{"x-permission": r.policy.String()},
	}
	if r.tag != "" {
		operation.Tags = []string{r.tag}
	}
	if r.policy.kind == public {
		operation.Security = []map[string][]string{}
	}
	if r.conditional {
		operation.Parameters = []*huma.Param{conditionParam(r.method)}
	}
	return operation
}

// requestBody describes what a route takes. It is put into the document once the route is registered: huma would
// read a body that it knows of.
func (b *body) requestBody() *huma.RequestBody {
	content := make(map[string]*huma.MediaType)
	for _, media := range b.types() {
		content[media] = &huma.MediaType{Schema: b.schema, Example: b.example}
	}
	return &huma.RequestBody{Required: !b.optional, Content: content}
}

// refusals are the errors that a route may answer with, by status.
func (s *service) refusals(r route) map[string]*huma.Response {
	byStatus := make(map[int]string)
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[ProblemDetails](), true, "")
	for _, code := range r.errorCodes() {
		status := known(code).status
		if byStatus[status] != "" {
			byStatus[status] += ", "
		}
		byStatus[status] += "`" + string(code) + "`"
	}
	responses := make(map[string]*huma.Response, len(byStatus))
	for status, codes := range byStatus {
		responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status) + ": " + codes,
			Content:     map[string]*huma.MediaType{problemMedia: {Schema: schema}},
		}
	}
	return responses
}

// unescaped is a request whose path parameters are read as they are meant: the path is routed as it is written, so
// that a slash within a name is not one between two.
type (
	humaContext = huma.Context // a name that does not hide its method Context
	unescaped   struct{ humaContext }
)

// Param gives a parameter of the path. One that is written wrongly names nothing.
func (u unescaped) Param(name string) string {
	given := u.humaContext.Param(name)
	if text, err := url.PathUnescape(given); err == nil {
		return text
	}
	return given
}

// Unwrap gives the request underneath.
func (u unescaped) Unwrap() huma.Context { return u.humaContext }
