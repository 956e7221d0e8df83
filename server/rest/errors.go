package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// The codes of what is wrong with a request before anybody is asked to do what it says.
const (
	CodeBadRequest   flowforge.Code = "bad_request"
	CodeInvalid      flowforge.Code = "invalid_request"
	CodeNoRoute      flowforge.Code = "no_such_route"
	CodeMethod       flowforge.Code = "method_not_allowed"
	CodeTooLarge     flowforge.Code = "body_too_large"
	CodeMediaType    flowforge.Code = "unsupported_media_type"
	CodePrecondition flowforge.Code = "precondition_required"
	CodeInternal     flowforge.Code = "internal"
)

// Coded says what a code means to a client.
type Coded struct {
	Code   flowforge.Code
	Status int
	Title  string // the same each time
	Doc    string // what it means and what to do
}

// known gives what a code means; one that is in no table is an internal error.
func (s *Server) known(code flowforge.Code) Coded {
	at := slices.IndexFunc(s.Errors, func(c Coded) bool { return c.Code == code })
	if at < 0 {
		at = slices.IndexFunc(s.Errors, func(c Coded) bool { return c.Code == CodeInternal })
	}
	return s.Errors[at]
}

// ErrorCodes gives the codes that a route may answer with.
func (r *Route) ErrorCodes() []flowforge.Code {
	codes := slices.Clone(r.Codes)
	codes = append(codes, CodeInvalid, CodeInternal, flowforge.CodeUnavailable)
	if r.Policy.kind != public {
		codes = append(codes, auth.CodeUnauthenticated, auth.CodeForbidden)
	}
	if r.Body != nil {
		codes = append(codes, CodeBadRequest, CodeTooLarge, CodeMediaType)
	}
	if r.Conditional && r.Method != http.MethodGet {
		codes = append(codes, CodePrecondition, flowforge.CodeChanged)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// badValue is the code of a fault that says no more.
const badValue = "bad_value"

const problemMedia = "application/problem+json"

// ProblemDetails is an error as clients get it (RFC 9457).
type ProblemDetails struct {
	Type      string         `json:"type" doc:"Names the kind of the problem." example:"urn:flowforge:error:not_found"`
	Title     string         `json:"title" doc:"The kind in a few words, always the same."`
	Status    int            `json:"status" doc:"The HTTP status."`
	Detail    string         `json:"detail,omitempty" doc:"What is wrong here, for people to read; it may change."`
	Code      flowforge.Code `json:"code" doc:"What programs look at; it does not change." example:"not_found"`
	RequestID string         `json:"request_id" doc:"Under which the server's log has the request."`
	Errors    []Fault        `json:"errors,omitempty" doc:"Each thing that is wrong with what was sent."`

	retryAfter int // seconds; 0: nothing is said
}

// A Fault is one thing that is wrong with what was sent. It never holds the value itself, which may be a secret.
type Fault struct {
	Pointer   string `json:"pointer,omitempty" doc:"JSON pointer (RFC 6901) into the body, or into the document that is meant."`
	Parameter string `json:"parameter,omitempty" doc:"The parameter of the path, the query or the headers."`
	Code      string `json:"code" doc:"The kind of the fault."`
	Message   string `json:"message" doc:"What is wrong and how to mend it."`
	Warning   bool   `json:"warning,omitempty" doc:"It does not stand in the way."`
}

// Error gives the detail.
func (p *ProblemDetails) Error() string { return cmp.Or(p.Detail, p.Title) }

// GetStatus gives the HTTP status.
func (p *ProblemDetails) GetStatus() int { return p.Status }

// ContentType gives the media type of problems.
func (p *ProblemDetails) ContentType(string) string { return problemMedia }

// GetHeaders gives what is said beside the problem.
func (p *ProblemDetails) GetHeaders() http.Header {
	headers := make(http.Header)
	if p.retryAfter > 0 {
		headers.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		headers.Set("WWW-Authenticate", "Bearer")
	}
	return headers
}

// Invalid makes an error of faults.
func Invalid(faults []Fault) error {
	return &ProblemDetails{Code: CodeInvalid, Detail: "what was sent is not as it must be", Errors: faults}
}

// Details makes an error one that clients get. What they cannot mend is logged, and they get no more than its ID.
func (s *Server) Details(ctx context.Context, err error) *ProblemDetails {
	problem, ready := errors.AsType[*ProblemDetails](err)
	code := flowforge.CodeOf(err)
	switch {
	case ready:
		copied := *problem
		problem, code = &copied, problem.Code
	case code == "" && ctx.Err() != nil: // whoever asked has gone
		code, problem = flowforge.CodeUnavailable, &ProblemDetails{}
	default:
		problem = &ProblemDetails{Detail: err.Error(), Errors: faultsIn(err)}
		if len(problem.Errors) > 0 {
			problem.Detail = ""
		}
	}
	meaning := s.known(code)
	problem.Code, problem.Status, problem.Title = meaning.Code, meaning.Status, meaning.Title
	problem.Type = "urn:flowforge:error:" + string(meaning.Code)
	problem.RequestID = requestIDOf(ctx)
	switch {
	case meaning.Status >= http.StatusInternalServerError:
		s.Logger.ErrorContext(ctx, "request failed", "request_id", problem.RequestID, "code", code, "error", err)
		problem.Detail, problem.Errors, problem.retryAfter = meaning.Doc, nil, 1
	case meaning.Status == http.StatusTooManyRequests:
		problem.retryAfter = 1
	}
	return problem
}

// faultsIn gives the problems that an error carries.
func faultsIn(err error) []Fault { return FaultsOf(flowforge.ProblemsOf(err)) }

// FaultsOf makes faults of the problems of a document.
func FaultsOf(problems flowforge.Problems) []Fault {
	faults := make([]Fault, len(problems))
	for i, p := range problems {
		faults[i] = Fault{Pointer: p.Pointer, Code: p.Code, Message: p.Message, Warning: p.Warning}
	}
	return faults
}

// faultsOf makes faults of what huma found, without the values that it would tell.
func faultsOf(found []error) []Fault {
	faults := make([]Fault, 0, len(found))
	for _, err := range found {
		fault := Fault{Code: badValue, Message: "this cannot be read"}
		if detail, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			fault.Message = detail.Message
			in, rest, _ := strings.Cut(detail.Location, ".")
			if name, index, list := strings.Cut(in, "["); list {
				in, rest = name, "["+index+strings.TrimPrefix("."+rest, ".")
			}
			if in == "body" || detail.Location == "" {
				fault.Pointer = pointerOf(rest)
			} else {
				fault.Parameter = rest
			}
		}
		faults = append(faults, fault)
	}
	return faults
}

// pointerOf makes a JSON pointer of a path as huma writes it: a.b[3].c.
func pointerOf(path string) string {
	if path == "" {
		return ""
	}
	path = strings.NewReplacer("[", ".", "]", "").Replace(path)
	steps := strings.Split(strings.TrimPrefix(path, "."), ".")
	for i, step := range steps {
		steps[i] = flowforge.EscapePointer(step)
	}
	return "/" + strings.Join(steps, "/")
}

// transform makes ours of the errors that huma makes itself, of parameters.
func (s *Server) transform(ctx huma.Context, _ string, body any) (any, error) {
	failure, ok := body.(huma.StatusError)
	if _, ours := body.(*ProblemDetails); !ok || ours {
		return body, nil
	}
	ctx.SetHeader("Content-Type", problemMedia)
	problem := &ProblemDetails{Code: CodeInvalid, Detail: "what was sent is not as it must be"}
	if model, is := body.(*huma.ErrorModel); is {
		found := make([]error, len(model.Errors))
		for i, detail := range model.Errors {
			found[i] = detail
		}
		problem.Errors = faultsOf(found)
	}
	if failure.GetStatus() >= http.StatusInternalServerError {
		return s.Details(ctx.Context(), failure), nil
	}
	return s.Details(ctx.Context(), problem), nil
}

// refuse answers a request with an error.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	problem := s.Details(r.Context(), err)
	text, encodeErr := json.Marshal(problem)
	if encodeErr != nil {
		text = []byte(`{}`)
	}
	maps.Copy(w.Header(), problem.GetHeaders())
	w.Header().Set("Content-Type", problemMedia)
	w.WriteHeader(problem.Status)
	_, _ = w.Write(text) // who asked has gone, if this fails
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, flowforge.Errorf(CodeNoRoute, "there is nothing at this path"))
}

func (s *Server) notAllowed(w http.ResponseWriter, r *http.Request) {
	allowed := strings.Split(w.Header().Get("Allow"), ", ")
	allowed = slices.DeleteFunc(allowed, func(method string) bool { return method == http.MethodOptions }) // which is not answered
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.refuse(w, r, flowforge.Errorf(CodeMethod, "this path takes %s", strings.Join(allowed, ", ")))
}
