// Package http holds the node types http.request and http.paginate: any HTTP API, by hand. What leaves and what
// comes back passes the guard of package egress; bodies are JSON, forms, text or bytes, bytes above 64 KiB are
// kept as blobs. It retries nothing itself: its errors say whether the engine should.
package http

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors"
	"github.com/flowforge-go/flowforge/nodes"
)

// The codes of errors, beside those of connectors and egress.
const (
	CodeStatus     flowforge.Code = "http_status"     // the status is 400 or above
	CodeItems      flowforge.Code = "http_items"      // a page has no list where one is expected
	CodeLoop       flowforge.Code = "http_loop"       // a page leads to one that was read already
	CodeOtherHost  flowforge.Code = "http_other_host" // a page leads to another scheme, host or port
	CodeBodyTooBig flowforge.Code = "http_body_too_large"
)

// Types gives the node types of this package.
func Types(client *connectors.Client) []nodes.Type {
	return []nodes.Type{requestType(client), paginateType(client)}
}

const slot = "auth"

func authSlot() []nodes.CredentialSlot {
	return []nodes.CredentialSlot{{
		Name:  slot,
		Types: []string{connectors.TypeAPIKey, connectors.TypeBasic, connectors.TypeBearer, connectors.TypeCustom},
		Doc:   "Put on the request, and on redirects within the same scheme, host and port.",
	}}
}

// target is where a request goes and what it says beside its body.
type target struct {
	Method  string                     `json:"method,omitempty" jsonschema:"enum=GET,enum=POST,enum=PUT,enum=PATCH,enum=DELETE,enum=HEAD,enum=OPTIONS" jsonschema_description:"GET unless said; POST where there is a body."`
	URL     string                     `json:"url" jsonschema:"minLength=1" jsonschema_description:"http:// or https://; public addresses only unless an operator allows more."`
	Query   map[string]flowforge.Value `json:"query,omitempty" jsonschema_description:"Added to the URL. A list repeats its key; null leaves it out."`
	Headers map[string]flowforge.Value `json:"headers,omitempty" jsonschema_description:"Text or numbers. Host and the headers of the connection cannot be set."`
	Timeout flowforge.Duration         `json:"timeout,omitempty" jsonschema_description:"Of one request from the first byte to the last; at most the operator's limit (30s)."`
}

// request makes what all requests of this package have in common.
func (t target) request(ctx context.Context, client *connectors.Client, call *nodes.Call) (connectors.Request, error) {
	request := connectors.Request{Method: t.Method, URL: t.URL, Header: make(http.Header), Query: make(url.Values)}
	for name, value := range t.Headers {
		texts, err := texts(value)
		if err != nil {
			return request, invalid("headers/"+name, err)
		}
		for _, text := range texts {
			request.Header.Add(name, text)
		}
	}
	var err error
	if request.Query, err = values(t.Query, "query"); err != nil {
		return request, err
	}
	if t.Timeout > 0 {
		request.Time = min(t.Timeout.Std(), client.Egress().Limits().Time)
	}
	request.IdempotencyKey = call.IdempotencyKey()
	request.Credential, err = connectors.CredentialOf(ctx, call, slot)
	return request, err
}

func values(from map[string]flowforge.Value, where string) (url.Values, error) {
	into := make(url.Values, len(from))
	for key, value := range from {
		texts, err := texts(value)
		if err != nil {
			return nil, invalid(where+"/"+key, err)
		}
		if len(texts) > 0 {
			into[key] = texts
		}
	}
	return into, nil
}

// texts writes a value as text: a list as several, null as none.
func texts(value flowforge.Value) ([]string, error) {
	switch x := value.Any().(type) {
	case nil:
		return nil, nil
	case string:
		return []string{x}, nil
	case map[string]any:
		return nil, errors.New("an object cannot be sent as text")
	case []any:
		list := make([]string, 0, len(x))
		for _, item := range x {
			switch item.(type) {
			case []any, map[string]any:
				return nil, errors.New("a list of lists or objects cannot be sent as text")
			}
			within, err := texts(flowforge.MustValue(item))
			if err != nil {
				return nil, err
			}
			list = append(list, within...)
		}
		return list, nil
	}
	return []string{value.String()}, nil
}

func invalid(pointer string, err error) error {
	return nodes.NotDone(nodes.Permanent(flowforge.Errorf(flowforge.CodeInvalidParams, "/%s: %w", pointer, err)))
}

// failed gives the error of a status of 400 or above, with what the service said.
func failed(ctx context.Context, response *connectors.Response) error {
	if response.Status < http.StatusBadRequest {
		return nil
	}
	more := map[string]any{"headers": headers(response.Header)}
	if body, err := decode(ctx, nil, response, formatAuto); err == nil {
		if body.Size() > maxDetail {
			body = flowforge.MustValue(strings.ToValidUTF8(string(response.Body[:min(len(response.Body), maxDetail)]), "") + "...")
		}
		more["body"] = body.Any()
	}
	return response.Failed(CodeStatus, more)
}

// maxDetail bounds the body in the details of an error, in bytes.
const maxDetail = 16 << 10

// headers gives response headers by lower-case name, several of one name joined by commas.
func headers(header http.Header) map[string]string {
	out := make(map[string]string, len(header))
	for name, values := range header {
		out[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return out
}
