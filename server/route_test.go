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
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/rest"
)

// whoever is an Authenticator that knows one person.
type whoever struct{ who *auth.Principal }

func (w *whoever) Authenticate(*http.Request) (*auth.Principal, error) { return w.who, nil }

func testService(t *testing.T, as rest.Authenticator) *service {
	t.Helper()
	config := FullConfig(t, time.Now)
	config.Authenticators = []rest.Authenticator{as}
	s, err := newService(config)
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

// status gives the status that a code has.
func status(code flowforge.Code) int {
	for _, row := range errorTable() {
		if row.Code == code {
			return row.Status
		}
	}
	return 0
}

func TestTheDocumentSaysWhatTheRoutesAre(t *testing.T) {
	t.Parallel()
	s := testService(t, &whoever{})
	for _, name := range []string{"openapi.json", "openapi-3.0.json"} {
		var described document
		require.NoError(t, json.Unmarshal(s.Documents[name], &described))
		operations := 0
		for _, methods := range described.Paths {
			operations += len(methods)
		}
		ids := make(map[string]bool)
		for _, r := range s.Routes() {
			if r.Root {
				continue
			}
			operations--
			said, found := described.Paths[rest.Path+r.Path][strings.ToLower(r.Method)]
			require.True(t, found, "%s %s", r.Method, r.Path)
			require.Equal(t, r.Policy.String(), said.Permission, r.ID)
			require.Equal(t, r.Policy.String() == "public", said.Security != nil && len(*said.Security) == 0, r.ID)
			require.Equal(t, r.Body != nil, said.RequestBody != nil, r.ID)
			require.Equal(t, r.ID, said.ID)
			require.NotEmpty(t, said.Summary, r.ID)
			require.NotEmpty(t, said.Tags, r.ID)
			require.False(t, ids[r.ID], r.ID)
			ids[r.ID] = true
			for _, code := range r.ErrorCodes() {
				response := said.Responses[strconv.Itoa(status(code))]
				require.Contains(t, response.Description, "`"+string(code)+"`", r.ID)
				require.Contains(t, response.Content, "application/problem+json", r.ID)
			}
		}
		require.Zero(t, operations, "the document has operations that are no routes")
		require.NotContains(t, described.Components.Schemas, "ErrorModel")
		require.Contains(t, described.Components.Schemas, "Workflow")
	}
	for _, name := range []string{"openapi.yaml", "openapi-3.0.yaml"} {
		require.Contains(t, string(s.Documents[name]), "/api/v1/workflows/{workflow}:")
	}
}

// ask sends a request without a body to a route, with words for its parameters.
func ask(s *service, r *rest.Route) *httptest.ResponseRecorder {
	path := r.Path
	if !r.Root {
		path = rest.Path + path
	}
	for strings.Contains(path, "{") {
		from, to := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:from] + "x" + path[to+1:]
	}
	recorded := httptest.NewRecorder()
	s.Handler().ServeHTTP(recorded, httptest.NewRequestWithContext(context.Background(), r.Method, path, nil))
	return recorded
}

func TestEachRouteAdmitsWhoMayAndNobodyElse(t *testing.T) {
	t.Parallel()
	who := &whoever{}
	s := testService(t, who)
	everything := auth.RoleOwner.Permissions()
	principal := func(workspace flowforge.Workspace, permissions auth.Permissions) *auth.Principal {
		return &auth.Principal{Kind: auth.KindUser, User: "u", Session: "s", Workspace: workspace, Permissions: permissions}
	}
	admin := &auth.Principal{Kind: auth.KindUser, User: "u", Session: "s", Admin: true}
	byKey := principal("acme", everything)
	byKey.Kind, byKey.Session = auth.KindKey, ""
	routes := s.Routes()
	for i := range routes {
		r := &routes[i]
		policy := r.Policy.String()
		wanted := auth.Permission(policy)
		without := slices.DeleteFunc(slices.Clone(everything), func(p auth.Permission) bool { return p == wanted })
		for name, test := range map[string]struct {
			who     *auth.Principal
			refused int // 0: let in
		}{
			"nobody":                 {nil, 401},
			"a zero principal":       {&auth.Principal{}, 401},
			"all but the permission": {principal("acme", without), 403},
			"no workspace":           {principal("", everything), 403},
			"the local workspace":    {principal(flowforge.Local, everything), 403},
			"only the permission":    {principal("acme", auth.NewPermissions(wanted)), 0},
			"an admin elsewhere":     {admin, 403},
			"a key for everything":   {byKey, 0},
		} {
			want := test.refused
			switch {
			case policy == "public", policy == "signed-in" && want != 401, policy == "admin" && test.who == admin,
				policy == "person" && want != 401 && test.who != byKey:
				want = 0
			case (policy == "admin" || policy == "person") && want == 0:
				want = 403
			}
			if r.ID == "remove-member" && want == 0 {
				continue // whether it is oneself is for the handler to see
			}
			who.who = test.who
			got := ask(s, r).Code
			if want != 0 {
				require.Equal(t, want, got, "%s as %s", r.ID, name)
				continue
			}
			require.NotContains(t, []int{401, 403}, got, "%s as %s", r.ID, name)
			require.Less(t, got, 500, "%s as %s", r.ID, name)
		}
	}
}

func TestEachCodeHasOneRowOfTheTable(t *testing.T) {
	t.Parallel()
	rows := make(map[flowforge.Code]rest.Coded)
	for _, row := range errorTable() {
		require.NotContains(t, rows, row.Code)
		require.GreaterOrEqual(t, row.Status, 400)
		rows[row.Code] = row
	}
	s := testService(t, &whoever{})
	for _, r := range s.Routes() {
		for _, code := range r.ErrorCodes() {
			require.Contains(t, slices.Collect(maps.Keys(rows)), code, r.ID)
		}
	}
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
	config := FullConfig(f, time.Now)
	who := &auth.Principal{Kind: auth.KindUser, Workspace: "acme", Permissions: auth.RoleOwner.Permissions()}
	config.Authenticators = []rest.Authenticator{&whoever{who}}
	s, err := newService(config)
	require.NoError(f, err)
	handler := s.Handler()
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range s.Routes() {
			if r.Body == nil {
				continue
			}
			path := rest.Path + strings.NewReplacer("{workflow}", "x", "{run}", "x", "{node}", "n").Replace(r.Path)
			request := httptest.NewRequestWithContext(t.Context(), r.Method, path, strings.NewReader(text))
			request.Header.Set("Content-Type", r.Body.Types()[len(text)%len(r.Body.Types())])
			request.Header.Set("If-Match", "*")
			recorded := httptest.NewRecorder()
			handler.ServeHTTP(recorded, request)
			require.Less(t, recorded.Code, 500, "%s: %s", r.ID, recorded.Body)
		}
	})
}
