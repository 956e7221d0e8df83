// Package connectors is the thin thing between a node and the guarded way out: it builds a request, puts the
// node's credential on it where it may go, keeps secrets out of all that comes back, and says of every failure
// whether trying again makes sense. A connector holds only what is its service's own.
package connectors

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors/egress"
	"github.com/flowforge-go/flowforge/nodes"
)

// Client sends the requests of connectors. It is safe for concurrent use.
type Client struct {
	egress *egress.Client
	now    func() time.Time
}

// New makes a client that goes out through the guard.
func New(guard *egress.Client) *Client { return &Client{egress: guard, now: time.Now} }

// Egress gives the guard, for connectors that need connections other than HTTP.
func (c *Client) Egress() *egress.Client { return c.egress }

// Request is what a connector asks of a service. Only URL is required.
type Request struct {
	Method string // empty: GET
	URL    string
	Query  url.Values // added to the URL's own
	Header http.Header
	Body   Body

	Credential *nodes.Credential // nil: none
	Key        KeyPlace          // where an api_key credential goes that does not say so itself

	// IdempotencyKey is sent with methods that have effects, unless Header has one.
	IdempotencyKey string

	NoRedirects bool
	Time        time.Duration // see egress.Options; 0: the operator's limit
}

// Body is the body of a request; the zero Body is none.
type Body struct {
	ContentType string
	Data        []byte
}

// JSONBody makes a body of a value, its integers exact.
func JSONBody(value flowforge.Value) Body {
	return Body{ContentType: "application/json", Data: value.JSON()}
}

// FormBody makes a body as HTML forms send it.
func FormBody(fields url.Values) Body {
	return Body{ContentType: "application/x-www-form-urlencoded", Data: []byte(fields.Encode())}
}

// Send sends a request and reads the whole response, whatever its status. Errors carry advice on trying again
// (nodes.AdviceOf) and no secret.
func (c *Client) Send(ctx context.Context, request Request) (*Response, error) {
	opened, err := c.Open(ctx, request)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(opened.Body)
	_ = opened.Body.Close()
	if err != nil {
		return nil, advise(err)
	}
	response := &Response{
		Status: opened.StatusCode, Header: opened.Header, Body: data, URL: opened.Request.URL, at: c.now(),
	}
	if request.Credential != nil {
		response.redact(formsOf(request.Credential))
	}
	return response, nil
}

// Open sends a request and leaves the body to be read, for responses that come bit by bit. Unlike Send it does
// not look for secrets in them. The caller closes the body; errors of reading it carry no advice.
func (c *Client) Open(ctx context.Context, request Request) (*http.Response, error) {
	built, err := build(ctx, request)
	if err != nil {
		return nil, nodes.NotDone(nodes.Permanent(err))
	}
	options := egress.Options{NoRedirects: request.NoRedirects, Time: request.Time}
	if request.Credential != nil {
		injection, err := newInjection(request.Credential, request.Key, built.URL)
		if err != nil {
			return nil, nodes.NotDone(nodes.Permanent(err))
		}
		options.Authorize = injection.apply
	}
	response, err := c.egress.Do(built, options)
	if err != nil {
		return nil, advise(err)
	}
	return response, nil
}

func build(ctx context.Context, request Request) (*http.Request, error) {
	target, err := url.Parse(request.URL)
	if err != nil {
		return nil, flowforge.Errorf(egress.CodeInvalid, "the URL cannot be read: %w", withoutURL(err))
	}
	if len(request.Query) > 0 {
		if target.RawQuery != "" {
			target.RawQuery += "&"
		}
		target.RawQuery += request.Query.Encode()
	}
	method := request.Method
	if method == "" {
		method = http.MethodGet
	}
	var body io.Reader = http.NoBody
	if len(request.Body.Data) > 0 {
		body = bytes.NewReader(request.Body.Data)
	}
	built, err := http.NewRequestWithContext(ctx, method, "http://host.invalid", body)
	if err != nil {
		return nil, flowforge.Errorf(egress.CodeInvalid, "the request cannot be made: its method is not one word")
	}
	target.Fragment, target.RawFragment = "", ""
	built.URL, built.Host = target, ""
	if request.Header != nil {
		built.Header = request.Header.Clone()
	}
	if request.Body.ContentType != "" && len(request.Body.Data) > 0 && built.Header.Get("Content-Type") == "" {
		built.Header.Set("Content-Type", request.Body.ContentType)
	}
	if request.IdempotencyKey != "" && hasEffect(method) && built.Header.Get("Idempotency-Key") == "" {
		built.Header.Set("Idempotency-Key", request.IdempotencyKey)
	}
	return built, nil
}

// withoutURL takes the URL, whose query may hold what nobody should read, out of an error of package url.
func withoutURL(err error) error {
	if parse, ok := errors.AsType[*url.Error](err); ok {
		return parse.Err
	}
	return errors.New("it is not a URL")
}

func hasEffect(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

// CredentialOf gives the credential that the document put into a slot that is not required, or nil.
func CredentialOf(ctx context.Context, call *nodes.Call, slot string) (*nodes.Credential, error) {
	credential, err := call.Credential(ctx, slot)
	switch {
	case flowforge.CodeOf(err) == flowforge.CodeNoCredential:
		return nil, nil //nolint:nilnil // No credential is a credential to do without.
	case err != nil:
		return nil, err
	}
	return &credential, nil
}
