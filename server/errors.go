package server

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
	codeBadRequest   flowforge.Code = "bad_request"
	codeInvalid      flowforge.Code = "invalid_request"
	codeNoRoute      flowforge.Code = "no_such_route"
	codeMethod       flowforge.Code = "method_not_allowed"
	codeTooLarge     flowforge.Code = "body_too_large"
	codeMediaType    flowforge.Code = "unsupported_media_type"
	codePrecondition flowforge.Code = "precondition_required"
	codeInternal     flowforge.Code = "internal"
)

// coded says what a code means to a client.
type coded struct {
	code   flowforge.Code
	status int
	title  string // the same each time
	doc    string // what it means and what to do
}

// table is the one place that knows which status a code has. docs/errors.md is made of it.
func table() []coded {
	return []coded{
		{codeBadRequest, http.StatusBadRequest, "The request cannot be read", "The body is missing, is not one JSON value in UTF-8, or is nested too deeply. Mend the request."},
		{auth.CodeUnauthenticated, http.StatusUnauthorized, "Nobody is signed in", "Send a token in the header `Authorization: Bearer TOKEN`; the one that was sent, if any, is not good."},
		{auth.CodeForbidden, http.StatusForbidden, "This is not allowed", "Whoever asks lacks the permission that the operation has in the OpenAPI document as `x-permission`."},
		{flowforge.CodeNotFound, http.StatusNotFound, "There is no such thing", "Nothing in this workspace has this name or ID."},
		{codeNoRoute, http.StatusNotFound, "There is no such path", "The API has no operation at this path; the OpenAPI document lists them all."},
		{codeMethod, http.StatusMethodNotAllowed, "The path has no such method", "The header `Allow` lists the methods that it has."},
		{flowforge.CodeConflict, http.StatusConflict, "It is not in a state for this", "A name is taken, or a run has ended, or has not. Read it again, then decide."},
		{flowforge.CodeChanged, http.StatusPreconditionFailed, "It has changed", "Somebody else changed it since it was read: its ETag is not the one in `If-Match`. Read it again, and make the change there."},
		{codeTooLarge, http.StatusRequestEntityTooLarge, "The body is too large", "Send less, or in parts."},
		{flowforge.CodeValueTooLarge, http.StatusRequestEntityTooLarge, "A value is too large", "A value may have 16 MiB; what is larger belongs in a file elsewhere."},
		{codeMediaType, http.StatusUnsupportedMediaType, "The body has the wrong media type", "Say what is sent with the header `Content-Type`."},
		{codeInvalid, http.StatusUnprocessableEntity, "The request is not as it must be", "`errors` lists all that is wrong, by JSON pointer into the body or by parameter."},
		{flowforge.CodeInvalidWorkflow, http.StatusUnprocessableEntity, "The workflow has problems", "`errors` lists them by JSON pointer into the document."},
		{flowforge.CodeInvalidInput, http.StatusUnprocessableEntity, "The input is not as it must be", "It does not fit the workflow's `input_schema`, or something asked for is out of range; `errors` lists what, where that is known."},
		{flowforge.CodeInvalidParams, http.StatusUnprocessableEntity, "Parameters of a node are not as they must be", "They do not fit the schema of the node's type."},
		{flowforge.CodeInvalidValue, http.StatusUnprocessableEntity, "A value cannot be kept", "It is not JSON, or is nested too deeply."},
		{flowforge.CodeExpression, http.StatusUnprocessableEntity, "An expression failed", "The message says at which part."},
		{flowforge.CodeKeyReused, http.StatusUnprocessableEntity, "The idempotency key was used for another request", "A key belongs to one request, with its body. Make a new key for a new request."},
		{flowforge.CodeUnsupported, http.StatusUnprocessableEntity, "This cannot be done here", "The engine or its store does not have it."},
		{codePrecondition, http.StatusPreconditionRequired, "Say what is to be changed", "Send the ETag that was read as `If-Match`, so that nobody's change is overwritten; `If-Match: *` overwrites whatever there is."},
		{flowforge.CodeLimited, http.StatusTooManyRequests, "A limit is reached", "Try again after `Retry-After` seconds."},
		{codeInternal, http.StatusInternalServerError, "Something went wrong in the server", "The server's log tells more under the `request_id`."},
		{flowforge.CodeUnavailable, http.StatusServiceUnavailable, "It is away just now", "The store cannot be reached. What was asked may have happened; asking again with the same idempotency key is safe."},
		{flowforge.CodeClosed, http.StatusServiceUnavailable, "The server is ending", "Ask again: another one answers."},
	}
}

// known gives what a code means; one that is in no table is an internal error.
func known(code flowforge.Code) coded {
	all := table()
	at := slices.IndexFunc(all, func(c coded) bool { return c.code == code })
	if at < 0 {
		at = slices.IndexFunc(all, func(c coded) bool { return c.code == codeInternal })
	}
	return all[at]
}

// errorCodes gives the codes that a route may answer with.
func (r *route) errorCodes() []flowforge.Code {
	codes := slices.Clone(r.codes)
	codes = append(codes, codeInvalid, codeInternal, flowforge.CodeUnavailable)
	if r.policy.kind != public {
		codes = append(codes, auth.CodeUnauthenticated, auth.CodeForbidden)
	}
	if r.body != nil {
		codes = append(codes, codeBadRequest, codeTooLarge, codeMediaType)
	}
	if r.conditional && r.method != http.MethodGet {
		codes = append(codes, codePrecondition, flowforge.CodeChanged)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

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

// invalid makes an error of faults.
func invalid(faults []Fault) error {
	return &ProblemDetails{Code: codeInvalid, Detail: "what was sent is not as it must be", Errors: faults}
}

// details makes an error one that clients get. What they cannot mend is logged, and they get no more than its ID.
func (s *service) details(ctx context.Context, err error) *ProblemDetails {
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
	meaning := known(code)
	problem.Code, problem.Status, problem.Title = meaning.code, meaning.status, meaning.title
	problem.Type = "urn:flowforge:error:" + string(meaning.code)
	problem.RequestID = requestIDOf(ctx)
	switch {
	case meaning.status >= http.StatusInternalServerError:
		s.Logger.ErrorContext(ctx, "request failed", "request_id", problem.RequestID, "code", code, "error", err)
		problem.Detail, problem.Errors, problem.retryAfter = meaning.doc, nil, 1
	case meaning.status == http.StatusTooManyRequests:
		problem.retryAfter = 1
	}
	return problem
}

// faultsIn gives the problems that an error carries.
func faultsIn(err error) []Fault { return faultsFrom(flowforge.ProblemsOf(err)) }

func faultsFrom(problems flowforge.Problems) []Fault {
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
		fault := Fault{Code: "bad_value", Message: "this cannot be read"}
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
func (s *service) transform(ctx huma.Context, _ string, body any) (any, error) {
	failure, ok := body.(huma.StatusError)
	if _, ours := body.(*ProblemDetails); !ok || ours {
		return body, nil
	}
	ctx.SetHeader("Content-Type", problemMedia)
	problem := &ProblemDetails{Code: codeInvalid, Detail: "what was sent is not as it must be"}
	if model, is := body.(*huma.ErrorModel); is {
		found := make([]error, len(model.Errors))
		for i, detail := range model.Errors {
			found[i] = detail
		}
		problem.Errors = faultsOf(found)
	}
	if failure.GetStatus() >= http.StatusInternalServerError {
		return s.details(ctx.Context(), failure), nil
	}
	return s.details(ctx.Context(), problem), nil
}

// refuse answers a request with an error.
func (s *service) refuse(w http.ResponseWriter, r *http.Request, err error) {
	problem := s.details(r.Context(), err)
	text, encodeErr := json.Marshal(problem)
	if encodeErr != nil {
		text = []byte(`{}`)
	}
	maps.Copy(w.Header(), problem.GetHeaders())
	w.Header().Set("Content-Type", problemMedia)
	w.WriteHeader(problem.Status)
	_, _ = w.Write(text) // who asked has gone, if this fails
}

func (s *service) notFound(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, flowforge.Errorf(codeNoRoute, "there is nothing at this path"))
}

func (s *service) notAllowed(w http.ResponseWriter, r *http.Request) {
	allowed := strings.Split(w.Header().Get("Allow"), ", ")
	allowed = slices.DeleteFunc(allowed, func(method string) bool { return method == http.MethodOptions }) // which is not answered
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.refuse(w, r, flowforge.Errorf(codeMethod, "this path takes %s", strings.Join(allowed, ", ")))
}
