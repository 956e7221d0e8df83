package http

import (
	"context"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors"
	"github.com/flowforge-go/flowforge/nodes"
)

type requestParams struct {
	target
	JSON      *flowforge.Value           `json:"json,omitempty" jsonschema_description:"The body, as JSON; integers keep their exact value."`
	Form      map[string]flowforge.Value `json:"form,omitempty" jsonschema_description:"The body, as an HTML form sends it."`
	Multipart []part                     `json:"multipart,omitempty" jsonschema_description:"The body, as a form with files (multipart/form-data)."`
	Text      *string                    `json:"text,omitempty" jsonschema_description:"The body, as text; text/plain unless the headers say."`
	Binary    *file                      `json:"binary,omitempty" jsonschema_description:"The body, as bytes: base64 or a blob, such as the body of another http.request."`

	Response        format `json:"response,omitempty" jsonschema:"enum=auto,enum=json,enum=text,enum=binary,default=auto" jsonschema_description:"How to read the response; auto goes by its content type."`
	FailOnStatus    *bool  `json:"fail_on_status,omitempty" jsonschema:"default=true" jsonschema_description:"Whether a status of 400 or above fails the node."`
	FollowRedirects *bool  `json:"follow_redirects,omitempty" jsonschema:"default=true" jsonschema_description:"Follows up to 5; never from https to http."`
}

type requestOutput struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers" jsonschema_description:"By lower-case name."`
	Body    flowforge.Value   `json:"body" jsonschema_description:"JSON, text, or {content_type, size, base64 | blob}; null where there is none."`
	URL     string            `json:"url" jsonschema_description:"Of the last redirect."`
}

func requestType(client *connectors.Client) nodes.Type {
	t := nodes.Define(nodes.Spec{
		Type:     "http.request",
		Version:  1,
		Title:    "HTTP request",
		Category: "http",
		Icon:     "globe",
		Kind:     nodes.Effectful,
		Doc: `Sends one HTTP request and gives its status, headers and body.

At most one of json, form, multipart, text and binary is the body. Methods other than GET, HEAD and OPTIONS carry
an Idempotency-Key, the same for all attempts, unless the headers name one. A status of 400 or above fails with
the code http_status; 408, 425, 429 and 5xx may be retried, others are permanent; Retry-After is honoured. Bytes of
more than 64 KiB are kept as a blob.`,
		Credentials: authSlot(),
		Examples: []nodes.Example{
			{
				Title: "Read JSON",
				Params: flowforge.MustValue(map[string]any{
					"url": "https://api.example.com/people", "query": map[string]any{"email": "{{ input.email }}"},
				}),
			},
			{
				Title: "Send JSON and look at the status oneself",
				Params: flowforge.MustValue(map[string]any{
					"method": "POST", "url": "https://api.example.com/orders",
					"json": map[string]any{"customer": "{{ input.id }}"}, "fail_on_status": false,
				}),
			},
			{
				Title: "Upload a file",
				Params: flowforge.MustValue(map[string]any{
					"url": "https://api.example.com/files",
					"multipart": []any{
						map[string]any{"name": "title", "value": "Report"},
						map[string]any{"name": "file", "file": "{{ nodes.fetch.output.body }}", "filename": "report.pdf"},
					},
				}),
			},
		},
	}, func(ctx context.Context, call *nodes.Call, p requestParams) (requestOutput, error) {
		return p.run(ctx, client, call)
	})
	t.Check = checkBodies
	return t
}

// checkBodies finds documents with several bodies.
func checkBodies(params flowforge.Value) flowforge.Problems {
	object, _ := params.Any().(map[string]any)
	var found []string
	for _, name := range []string{"json", "form", "multipart", "text", "binary"} {
		if _, has := object[name]; has {
			found = append(found, name)
		}
	}
	if len(found) < 2 {
		return nil
	}
	return flowforge.Problems{{
		Code: "bad_params", Pointer: "/" + found[1],
		Message: "the body is given by " + found[0] + " already: a request has one of json, form, multipart, text and binary",
	}}
}

func (p requestParams) run(ctx context.Context, client *connectors.Client, call *nodes.Call) (requestOutput, error) {
	request, err := p.request(ctx, client, call)
	if err != nil {
		return requestOutput{}, err
	}
	if request.Body, err = p.body(ctx, call); err != nil {
		return requestOutput{}, err
	}
	if request.Method == "" && request.Body.ContentType != "" {
		request.Method = "POST"
	}
	request.NoRedirects = p.FollowRedirects != nil && !*p.FollowRedirects
	response, err := client.Send(ctx, request)
	if err != nil {
		return requestOutput{}, err
	}
	if p.FailOnStatus == nil || *p.FailOnStatus {
		if err := failed(ctx, response); err != nil {
			return requestOutput{}, err
		}
	}
	body, err := decode(ctx, call, response, p.Response)
	if err != nil {
		return requestOutput{}, err
	}
	return requestOutput{
		Status: response.Status, Headers: headers(response.Header), Body: body, URL: response.URL.String(),
	}, nil
}

func (p requestParams) body(ctx context.Context, call *nodes.Call) (connectors.Body, error) {
	switch {
	case p.JSON != nil:
		return connectors.JSONBody(*p.JSON), nil
	case p.Form != nil:
		form, err := values(p.Form, "form")
		return connectors.FormBody(form), err
	case p.Multipart != nil:
		return multipartBody(ctx, call, p.Multipart)
	case p.Text != nil:
		return connectors.Body{ContentType: "text/plain; charset=utf-8", Data: []byte(*p.Text)}, nil
	case p.Binary != nil:
		data, err := p.Binary.read(ctx, call)
		contentType := p.Binary.ContentType
		if contentType == "" {
			contentType = octets
		}
		return connectors.Body{ContentType: contentType, Data: data}, err
	}
	return connectors.Body{}, nil
}

// isOneOf reports whether text is one of the words.
func isOneOf(text string, words ...string) bool { return slices.Contains(words, text) }
