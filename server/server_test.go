package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server"
)

// people is an Authenticator that knows people by the token that is their name.
type people map[string]*auth.Principal

func (p people) Authenticate(r *http.Request) (*auth.Principal, error) {
	token, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !given {
		return nil, nil //nolint:nilnil // Nobody says who they are.
	}
	if who := p[token]; who != nil {
		return who, nil
	}
	return nil, flowforge.Errorf(auth.CodeUnauthenticated, "the token is not good")
}

func principal(workspace flowforge.Workspace, role auth.Role) *auth.Principal {
	return &auth.Principal{Kind: auth.KindUser, User: "u", Workspace: workspace, Role: role, Permissions: role.Permissions()}
}

func everybody() people {
	return people{
		"ada": principal("acme", auth.RoleOwner), "otto": principal("other", auth.RoleOwner),
		"operator": principal("acme", auth.RoleOperator), "viewer": principal("acme", auth.RoleViewer),
		"local": principal(flowforge.Local, auth.RoleOwner), "nowhere": principal("", auth.RoleOwner),
	}
}

// api is a server with an engine in memory, as somebody.
type api struct {
	*testing.T

	handler http.Handler
	token   string
}

func newAPI(t *testing.T, config server.Config) *api {
	t.Helper()
	if config.Engine == nil {
		e, err := engine.New(engine.Config{})
		require.NoError(t, err)
		config.Engine = e
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = config.Engine.Run(t.Context())
	}()
	t.Cleanup(func() { <-ended })
	if config.Identity == nil {
		config.Authenticators = append(config.Authenticators, everybody())
	}
	handler, err := server.New(config)
	require.NoError(t, err)
	return &api{T: t, handler: handler, token: "ada"}
}

// as is the same server for somebody else.
func (a *api) as(token string) *api { return &api{a.T, a.handler, token} }

// reply is an answer.
type reply struct {
	*testing.T

	status int
	header http.Header
	text   []byte
}

// ask sends a request. The body is text, or anything that can be JSON; headers come in pairs.
func (a *api) ask(method, path string, body any, headers ...string) *reply {
	a.Helper()
	var content io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(body)
	default:
		text, err := json.Marshal(body)
		require.NoError(a, err)
		content = bytes.NewReader(text)
	}
	request := httptest.NewRequestWithContext(a.Context(), method, path, content)
	if content != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" {
		request.Header.Set("Authorization", "Bearer "+a.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorded := httptest.NewRecorder()
	a.handler.ServeHTTP(recorded, request)
	return &reply{a.T, recorded.Code, recorded.Header(), recorded.Body.Bytes()}
}

// is checks the status.
func (r *reply) is(status int) *reply {
	r.Helper()
	require.Equal(r, status, r.status, "%s", r.text)
	return r
}

// problem checks that the answer is a problem with a status and a code.
func (r *reply) problem(status int, code flowforge.Code) *reply {
	r.Helper()
	r.is(status)
	require.Equal(r, "application/problem+json", r.header.Get("Content-Type"))
	require.Equal(r, string(code), r.get("code"), "%s", r.text)
	require.EqualValues(r, status, r.get("status"))
	require.Equal(r, "urn:flowforge:error:"+string(code), r.get("type"))
	require.NotEmpty(r, r.get("title"))
	require.Equal(r, r.header.Get("X-Request-ID"), r.get("request_id"))
	return r
}

// get gives a part of the JSON: a.0.b. Nil: there is none.
func (r *reply) get(path string) any {
	r.Helper()
	var part any
	require.NoError(r, json.Unmarshal(r.text, &part), "%s", r.text)
	for step := range strings.FieldsFuncSeq(path, func(c rune) bool { return c == '.' }) {
		switch in := part.(type) {
		case map[string]any:
			part = in[step]
		case []any:
			if step == "len" {
				part = len(in)
				continue
			}
			var index int
			require.NoError(r, json.Unmarshal([]byte(step), &index))
			if part = nil; index < len(in) {
				part = in[index]
			}
		default:
			return nil
		}
	}
	return part
}

// has checks parts of the JSON: path, want, path, want.
func (r *reply) has(pairs ...any) *reply {
	r.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		path, _ := pairs[i].(string)
		require.EqualValues(r, pairs[i+1], r.get(path), "%s in %s", path, r.text)
	}
	return r
}

type object = map[string]any

func hello(name string) object {
	return object{
		"name": name,
		"nodes": []any{object{"id": "greet", "type": "core.set", "params": object{
			"values": object{"greeting": "Hello, {{ input.name }}!"},
		}}},
		"output":       "{{ nodes.greet.output.greeting }}",
		"input_schema": object{"type": "object", "required": []any{"name"}, "properties": object{"name": object{"type": "string", "pattern": "^[A-Z]"}}},
	}
}

func TestFromADocumentToTheResultOfARun(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{})
	made := a.ask("POST", "/api/v1/workflows", hello("hello")).is(201).has("name", "hello", "problems", nil, "version", nil)
	require.Equal(t, "/api/v1/workflows/hello", made.header.Get("Location"))
	a.ask("POST", "/api/v1/workflows/hello/runs", object{"input": object{"name": "Ada"}}).problem(404, "not_found")
	a.ask("POST", "/api/v1/workflows/hello/publish", nil).is(200).has("version", 1, "published_version", 1)
	ran := a.ask("POST", "/api/v1/workflows/hello/runs", object{"input": object{"name": "Ada"}, "wait": "20s"}).is(201).
		has("status", "succeeded", "output", "Hello, Ada!", "workflow.version", 1, "workspace", "acme")
	at := ran.header.Get("Location")
	a.ask("GET", at, nil).is(200).has("status", "succeeded", "input.name", "Ada")
	a.ask("GET", at+"/nodes", nil).is(200).has("items.len", 1, "items.0.id", "greet", "items.0.output.out.greeting", "Hello, Ada!")
	a.ask("GET", at+"/events", nil).is(200).has("items.0.kind", "run.created")
	a.ask("GET", at+"/logs", nil).is(200).has("items.len", 0)
	a.ask("GET", at+"/explain", nil).is(200)
	a.ask("GET", "/api/v1/runs?workflow=hello&status=succeeded,failed", nil).is(200).has("items.len", 1, "items.0.output", nil)
	a.ask("GET", "/api/v1/runs?status=failed", nil).is(200).has("items.len", 0)
}
