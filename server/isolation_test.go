package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/server/rest"
)

// tenant is somebody with a workspace and one of everything in it.
type tenant struct {
	*testing.T

	handler http.Handler
	access  string
	has     map[string]string // by parameter of paths
}

// do sends a request and gives status and body.
func (n *tenant) do(method, path, body string) (int, []byte) {
	n.Helper()
	request := httptest.NewRequestWithContext(n.Context(), method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+n.access)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("If-Match", "*")
	recorded := httptest.NewRecorder()
	n.handler.ServeHTTP(recorded, request)
	return recorded.Code, recorded.Body.Bytes()
}

// make makes something and keeps what its JSON has under a name as a parameter of paths.
func (n *tenant) make(parameter, field, method, path, body string) {
	n.Helper()
	status, text := n.do(method, rest.Path+path, body)
	require.Less(n, status, 300, "%s %s: %s", method, path, text)
	if parameter == "" {
		return
	}
	var answer map[string]any
	require.NoError(n, json.Unmarshal(text, &answer))
	n.has[parameter], _ = answer[field].(string)
	require.NotEmpty(n, n.has[parameter])
}

func settle(t *testing.T, handler http.Handler, people *identity.Service, name string) *tenant {
	t.Helper()
	n := &tenant{T: t, handler: handler, has: map[string]string{
		"node": "greet", "name": name + "_variable", "schedule": name + "-nightly", "type": "core.set", "template": "approval", "provider": "none",
	}}
	host := &auth.Principal{Kind: auth.KindHost, Name: "host", Admin: true}
	mail := name + "@example.com"
	_, err := people.CreateUser(t.Context(), host, identity.NewUser{Email: mail, Name: name, Password: "seven green bicycles"}, false)
	require.NoError(t, err)
	n.signIn(people, name)
	n.make("workspace", "id", http.MethodPost, "/workspaces", `{"name":"`+name+`"}`)
	n.signIn(people, name) // to the workspace
	n.make("workflow", "name", http.MethodPost, "/workflows", `{"name":"`+name+`-flow","nodes":[{"id":"greet","type":"core.noop"}]}`)
	n.make("", "", http.MethodPost, "/workflows/"+n.has["workflow"]+"/publish", "")
	n.make("run", "id", http.MethodPost, "/workflows/"+n.has["workflow"]+"/runs", `{}`)
	n.make("", "", http.MethodPut, "/schedules/"+n.has["schedule"], `{"workflow":"`+n.has["workflow"]+`","every":"1h"}`)
	n.make("", "", http.MethodPut, "/variables/"+n.has["name"], `{"value":1}`)
	n.make("credential", "id", http.MethodPost, "/credentials", `{"name":"crm","type":"bearer","fields":{"token":"c4nary"}}`)
	n.make("key", "id", http.MethodPost, "/api-keys", `{"name":"k","scopes":["run:read"]}`)
	n.make("invitation", "id", http.MethodPost, "/invitations", `{"email":"new-`+mail+`","role":"viewer"}`)
	n.make("user", "user", http.MethodPost, "/service-accounts", `{"name":"robot","role":"viewer"}`)
	return n
}

// signIn begins a session.
func (n *tenant) signIn(people *identity.Service, name string) {
	n.Helper()
	tokens, err := people.SignIn(n.Context(), identity.SignIn{
		Email: name + "@example.com", Password: "seven green bicycles", Workspace: flowforge.Workspace(n.has["workspace"]),
	})
	require.NoError(n, err)
	n.access, n.has["session"] = tokens.Access, string(tokens.Session)
}

var parameter = regexp.MustCompile(`\{(\w+)\}`)

// path fills in a route's parameters; others than these are of nothing that there is.
func (n *tenant) path(r *rest.Route, of map[string]string) string {
	filled := parameter.ReplaceAllStringFunc(r.Path, func(match string) string {
		return of[match[1:len(match)-1]]
	})
	if r.ID == "remove-connection" {
		filled += "?from=a&to=b"
	}
	return rest.Path + filled
}

// TestWhatIsOfAnotherWorkspaceIsNotThere asks every operation for a thing of another workspace, and for one that never
// was: the answers are the same.
func TestWhatIsOfAnotherWorkspaceIsNotThere(t *testing.T) {
	t.Parallel()
	config := FullConfig(t, time.Now)
	s, err := newService(config)
	require.NoError(t, err)
	handler := s.Handler()
	ours, theirs := settle(t, handler, config.Identity, "ours"), settle(t, handler, config.Identity, "theirs")
	nothing := map[string]string{
		"node": "greet", "name": "nothing", "schedule": "nothing", "type": "core.set", "template": "approval", "provider": "none",
		"workspace": "01a20845-0000-7000-8000-000000000000", "session": "01a20845-0000-7000-8000-000000000001",
		"workflow": "nothing", "run": "01a20845-0000-7000-8000-000000000002", "credential": "01a20845-0000-7000-8000-000000000003",
		"key": "0000000000000000", "invitation": "01a20845-0000-7000-8000-000000000004", "user": "01a20845-0000-7000-8000-000000000005",
	}
	bodies := exampleBodies(t, s)
	routes := s.Routes()
	for i := range routes {
		r := &routes[i]
		found := parameter.FindAllStringSubmatch(r.Path, -1)
		if len(found) == 0 || strings.HasPrefix(r.Path, "/catalogue") || strings.HasPrefix(r.Path, "/templates") {
			continue
		}
		for _, p := range found {
			require.NotEmpty(t, theirs.has[p[1]], "%s: say which {%s} there is", r.ID, p[1])
			require.NotEmpty(t, nothing[p[1]], p[1])
		}
		if r.ID == "set-variable" || r.ID == "save-schedule" || r.ID == "replace-schedule" {
			continue // what they name is made
		}
		status, text := ours.do(r.Method, ours.path(r, theirs.has), bodies[r.ID])
		wantStatus, wantText := ours.do(r.Method, ours.path(r, nothing), bodies[r.ID])
		require.GreaterOrEqual(t, status, 400, "%s: %s", r.ID, text)
		require.Equal(t, wantStatus, status, "%s: %s and %s", r.ID, wantText, text)
		require.Equal(t, toldOf(t, wantText, nothing), toldOf(t, text, theirs.has), r.ID)
	}
	for path, theirOwn := range map[string]string{
		"/workflows": theirs.has["workflow"], "/runs": theirs.has["run"], "/schedules": theirs.has["schedule"], "/variables": theirs.has["name"],
		"/credentials": theirs.has["credential"], "/api-keys": theirs.has["key"], "/invitations": theirs.has["invitation"],
		"/members": theirs.has["user"], "/audit": theirs.has["user"], "/workspaces": theirs.has["workspace"],
	} {
		status, text := ours.do(http.MethodGet, rest.Path+path, "")
		require.Equal(t, 200, status, "%s: %s", path, text)
		require.NotContains(t, string(text), theirOwn, path)
	}
	status, text := theirs.do(http.MethodGet, rest.Path+"/credentials/"+theirs.has["credential"], "")
	require.Equal(t, 200, status, "what is theirs is there: %s", text)
}

// toldOf gives a problem without what is of the request alone.
func toldOf(t *testing.T, text []byte, names map[string]string) map[string]any {
	t.Helper()
	for _, name := range names {
		text = []byte(strings.ReplaceAll(string(text), name, "X"))
	}
	var told map[string]any
	require.NoError(t, json.Unmarshal(text, &told), "%s", text)
	delete(told, "request_id")
	return told
}

// exampleBodies gives the examples of bodies that the document has, by operation.
func exampleBodies(t *testing.T, s *service) map[string]string {
	t.Helper()
	bodies := make(map[string]string)
	routes := s.Routes()
	for i := range routes {
		if routes[i].Body != nil && routes[i].Body.Example != nil {
			text, err := json.Marshal(routes[i].Body.Example)
			require.NoError(t, err)
			bodies[routes[i].ID] = string(text)
		}
	}
	return bodies
}
