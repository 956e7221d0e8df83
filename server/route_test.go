package server

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
)

// whoever is an Authenticator that knows one person.
type whoever struct{ who *auth.Principal }

func (w *whoever) Authenticate(*http.Request) (*auth.Principal, error) { return w.who, nil }

func testService(t *testing.T, as Authenticator) *service {
	t.Helper()
	e, err := engine.New(engine.Config{})
	require.NoError(t, err)
	s, err := newService(Config{Engine: e, Authenticators: []Authenticator{as}})
	require.NoError(t, err)
	return s
}

// document is as much of an OpenAPI document as the tests look at.
//
//nolint:tagliatelle // OpenAPI has its own names.
type document struct {
	Paths map[string]map[string]struct {
		ID          string                      `json:"operationId"`
		Permission  string                      `json:"x-permission"`
		Summary     string                      `json:"summary"`
		Tags        []string                    `json:"tags"`
		Security    *[]map[string][]string      `json:"security"`
		RequestBody *struct{ Content any }      `json:"requestBody"`
		Parameters  []struct{ Name, In string } `json:"parameters"`
		Responses   map[string]struct {
			Description string                     `json:"description"`
			Content     map[string]json.RawMessage `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]json.RawMessage `json:"schemas"`
	} `json:"components"`
}

func TestTheDocumentSaysWhatTheRoutesAre(t *testing.T) {
	t.Parallel()
	s := testService(t, &whoever{})
	for _, name := range []string{"openapi.json", "openapi-3.0.json"} {
		var described document
		require.NoError(t, json.Unmarshal(s.documents[name], &described))
		operations := 0
		for _, methods := range described.Paths {
			operations += len(methods)
		}
		ids := make(map[string]bool)
		for _, r := range s.routes {
			if r.root {
				continue
			}
			operations--
			said, found := described.Paths[apiPath+r.path][strings.ToLower(r.method)]
			require.True(t, found, "%s %s", r.method, r.path)
			require.Equal(t, r.policy.String(), said.Permission, r.id)
			require.Equal(t, r.policy.kind == public, said.Security != nil && len(*said.Security) == 0, r.id)
			require.Equal(t, r.body != nil, said.RequestBody != nil, r.id)
			require.Equal(t, r.id, said.ID)
			require.NotEmpty(t, said.Summary, r.id)
			require.NotEmpty(t, said.Tags, r.id)
			require.False(t, ids[r.id], r.id)
			ids[r.id] = true
			for _, code := range r.errorCodes() {
				response := said.Responses[strconv.Itoa(known(code).status)]
				require.Contains(t, response.Description, "`"+string(code)+"`", r.id)
				require.Contains(t, response.Content, problemMedia, r.id)
			}
		}
		require.Zero(t, operations, "the document has operations that are no routes")
		require.NotContains(t, described.Components.Schemas, "ErrorModel")
		require.Contains(t, described.Components.Schemas, "Workflow")
	}
	for _, name := range []string{"openapi.yaml", "openapi-3.0.yaml"} {
		require.Contains(t, string(s.documents[name]), "/api/v1/workflows/{workflow}:")
	}
}

// ask sends a request without a body to a route, with words for its parameters.
func ask(s *service, r *route) *httptest.ResponseRecorder {
	path := r.path
	if !r.root {
		path = apiPath + path
	}
	for strings.Contains(path, "{") {
		from, to := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:from] + "x" + path[to+1:]
	}
	recorded := httptest.NewRecorder()
	s.handler().ServeHTTP(recorded, httptest.NewRequestWithContext(context.Background(), r.method, path, nil))
	return recorded
}

func TestEachRouteAdmitsWhoMayAndNobodyElse(t *testing.T) {
	t.Parallel()
	who := &whoever{}
	s := testService(t, who)
	everything := auth.RoleOwner.Permissions()
	principal := func(workspace flowforge.Workspace, permissions auth.Permissions) *auth.Principal {
		return &auth.Principal{Kind: auth.KindUser, Workspace: workspace, Permissions: permissions}
	}
	for i := range s.routes {
		r := &s.routes[i]
		without := slices.DeleteFunc(slices.Clone(everything), func(p auth.Permission) bool { return p == r.policy.permission })
		for name, test := range map[string]struct {
			who     *auth.Principal
			refused map[policyKind]int
		}{
			"nobody":                 {nil, map[policyKind]int{signedIn: 401, permitted: 401}},
			"a zero principal":       {&auth.Principal{}, map[policyKind]int{signedIn: 401, permitted: 401}},
			"all but the permission": {principal("acme", without), map[policyKind]int{permitted: 403}},
			"no workspace":           {principal("", everything), map[policyKind]int{permitted: 403}},
			"the local workspace":    {principal(flowforge.Local, everything), map[policyKind]int{permitted: 403}},
			"only the permission":    {principal("acme", auth.NewPermissions(r.policy.permission)), nil},
		} {
			who.who = test.who
			got := ask(s, r).Code
			if want := test.refused[r.policy.kind]; want != 0 {
				require.Equal(t, want, got, "%s as %s", r.id, name)
				continue
			}
			require.NotContains(t, []int{401, 403}, got, "%s as %s", r.id, name)
			require.Less(t, got, 500, "%s as %s", r.id, name)
		}
	}
}

func TestARouteWithoutAPolicyIsRefusedAtStart(t *testing.T) {
	t.Parallel()
	s := testService(t, &whoever{})
	handle := func(context.Context, *call, *struct{}, *none) (*empty, error) { return &empty{}, nil }
	for _, policy := range []Policy{{}, Requires("")} {
		require.Panics(t, func() { add(s, route{method: http.MethodGet, path: "/bare", id: "bare", policy: policy}, handle) })
	}
	require.NotPanics(t, func() { add(s, route{method: http.MethodGet, path: "/bare", id: "bare", policy: Public()}, handle) })
}

func TestAHandlerThatPanicsAnswersItsRequest(t *testing.T) {
	t.Parallel()
	s := testService(t, &whoever{})
	add(s, route{method: http.MethodGet, path: "/panic", id: "panic", policy: Public(), root: true},
		func(context.Context, *call, *struct{}, *none) (*empty, error) { panic("s3cr3t") })
	recorded := ask(s, &s.routes[len(s.routes)-1])
	require.Equal(t, 500, recorded.Code)
	require.Equal(t, problemMedia, recorded.Header().Get("Content-Type"))
	require.NotContains(t, recorded.Body.String(), "s3cr3t")
	require.Contains(t, recorded.Body.String(), recorded.Header().Get("X-Request-ID"))
}

func TestEachCodeHasOneRowOfTheTable(t *testing.T) {
	t.Parallel()
	rows := make(map[flowforge.Code]coded)
	for _, row := range table() {
		require.NotContains(t, rows, row.code)
		require.GreaterOrEqual(t, row.status, 400)
		rows[row.code] = row
	}
	s := testService(t, &whoever{})
	for _, r := range s.routes {
		for _, code := range r.errorCodes() {
			require.Contains(t, slices.Collect(maps.Keys(rows)), code, r.id)
		}
	}
	require.Equal(t, http.StatusInternalServerError, known("some node's").status)
}

// FuzzBodies sends any body to every route that takes one: none is the server's fault.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[]", "null", `{"name":"x","nodes":[]}`, `{"a":1,"a":2}`, "{\"name\":\"\xff\"}", `{"name":`, strings.Repeat("[", 1000),
		`{"version":1e999}`, `{"input":1e400,"wait":"-1s"}`, `{"from":"node","node":"x"}`, `{"document":{"nodes":null},"input":{}}`,
		`{"name":"a","nodes":[{"id":"n","type":"core.set","params":{"values":{"x":"{{ input.y"}}}],"connections":[{"from":"n","to":"n"}]}`,
		`{"priority":1.5,"vars":{"":null}}`, `{"outcome":"done","node":"n"}`, `"text"`, `{"wait":"99999999999999999h"}`,
	} {
		f.Add(seed)
	}
	e, err := engine.New(engine.Config{})
	require.NoError(f, err)
	who := &auth.Principal{Kind: auth.KindUser, Workspace: "acme", Permissions: auth.RoleOwner.Permissions()}
	s, err := newService(Config{Engine: e, Authenticators: []Authenticator{&whoever{who}}})
	require.NoError(f, err)
	handler := s.handler()
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range s.routes {
			if r.body == nil {
				continue
			}
			path := apiPath + strings.NewReplacer("{workflow}", "x", "{run}", "x", "{node}", "n").Replace(r.path)
			request := httptest.NewRequestWithContext(t.Context(), r.method, path, strings.NewReader(text))
			request.Header.Set("Content-Type", r.body.types()[len(text)%len(r.body.types())])
			request.Header.Set("If-Match", "*")
			recorded := httptest.NewRecorder()
			handler.ServeHTTP(recorded, request)
			require.Less(t, recorded.Code, 500, "%s: %s", r.id, recorded.Body)
		}
	})
}
