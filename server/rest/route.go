package rest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// A Route is a method and a path, with all that is said of them in the document.
type Route struct {
	Method, Path string // of the API, below apiPath
	ID           string // of the operation
	Tag          string // what it is about
	Summary      string // a few words
	About        string // sentences, as Markdown
	Policy       Policy
	Body         *Body            // nil: it takes none
	Status       int              // of an answer; 0: 200, or 204 where there is nothing to say
	Codes        []flowforge.Code // of errors, beside those that every such route has
	Conditional  bool             // it takes If-Match, or If-None-Match where it only reads
	Root         bool             // the path is below the prefix alone, and not in the document
	Media        string           // of answers that are no JSON
}

// Body is what a route takes.
type Body struct {
	Optional bool
	Media    []string // nil: JSON
	Limit    int64    // in bytes; 0: Limits.Body
	Example  any

	kind   reflect.Type // that it is decoded to; nil: the handler reads it
	schema *huma.Schema
}

// None is what a route without a body takes.
type None struct{}

// Add enrolls a route: this is the only way to one. The handler is called with what the path, the query and the headers
// say and, where B is not none, with the body.
func Add[I, B, O any](s *Server, r Route, handle func(ctx context.Context, c *Call, in *I, body *B) (*O, error)) {
	if !r.Policy.valid() {
		panic(fmt.Sprintf("server: %s %s has no policy", r.Method, r.Path))
	}
	kind := reflect.TypeFor[B]()
	if kind == reflect.TypeFor[None]() {
		r.Body = nil
	} else {
		if r.Body == nil {
			r.Body = &Body{}
		}
		taken := *r.Body
		taken.kind = kind
		taken.schema = s.api.OpenAPI().Components.Schemas.Schema(kind, true, r.ID+"Request")
		r.Body = &taken
	}
	s.enrolled = append(s.enrolled, r)
	operation := s.operation(r)
	operation.Middlewares = huma.Middlewares{s.guard(r)}
	huma.Register(s.api, operation, func(ctx context.Context, in *I) (*O, error) {
		c := callOf(ctx)
		if s.Acting != nil && c.Who != nil {
			ctx = s.Acting(ctx, c.Who)
		}
		if r.Method != http.MethodGet && c.Who != nil {
			ctx = auth.Telling(ctx, c.entry(ctx, r.action()))
		}
		given := new(B)
		if r.Body != nil {
			if err := s.decode(c, r.Body, given); err != nil {
				return nil, s.Details(ctx, err)
			}
		}
		out, err := handle(ctx, c, in, given)
		if err != nil {
			return nil, s.Details(ctx, err)
		}
		return out, nil
	})
}

// action is what the audit log calls the operation: "workflow.publish" of "publish-workflow".
func (r *Route) action() string {
	verb, what, _ := strings.Cut(r.ID, "-")
	return what + "." + verb
}

// operation says what a route is, for the document and for huma.
func (s *Server) operation(r Route) huma.Operation {
	path := Path + r.Path
	if r.Root {
		path = r.Path
	}
	operation := huma.Operation{
		OperationID: r.ID, Method: r.Method, Path: path, Summary: r.Summary, Description: r.About,
		DefaultStatus: r.Status, Hidden: r.Root, Responses: s.refusals(r),
		Extensions: map[string]any{"x-permission": r.Policy.String()},
	}
	if r.Tag != "" {
		operation.Tags = []string{r.Tag}
	}
	if r.Policy.kind == public {
		operation.Security = []map[string][]string{}
	}
	if r.Conditional {
		operation.Parameters = []*huma.Param{conditionParam(r.Method)}
	}
	return operation
}

// requestBody describes what a route takes. It is put into the document once the route is registered: huma would
// read a body that it knows of.
func (b *Body) requestBody() *huma.RequestBody {
	content := make(map[string]*huma.MediaType)
	for _, media := range b.Types() {
		content[media] = &huma.MediaType{Schema: b.schema, Example: b.Example}
	}
	return &huma.RequestBody{Required: !b.Optional, Content: content}
}

// refusals are the errors that a route may answer with, by status.
func (s *Server) refusals(r Route) map[string]*huma.Response {
	byStatus := make(map[int]string)
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[ProblemDetails](), true, "")
	for _, code := range r.ErrorCodes() {
		status := s.known(code).Status
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
