package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server"
	"github.com/flowforge-go/flowforge/server/rest"
)

func TestBodiesAreReadStrictly(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{Limits: server.Limits{Body: 2000}})
	deep := `{"input":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`
	for name, test := range map[string]struct {
		body    string
		headers []string
		status  int
		code    flowforge.Code
		pointer string
	}{
		"not JSON":         {`{"version":`, nil, 400, "bad_request", ""},
		"something after":  {`{"version":1} {}`, nil, 400, "bad_request", ""},
		"too deep":         {deep, nil, 400, "bad_request", ""},
		"not UTF-8":        {"{\"version\":\"\xff\"}", nil, 400, "bad_request", ""},
		"no body":          {"", nil, 400, "bad_request", ""},
		"a key twice":      {`{"version":1,"version":1}`, nil, 422, "invalid_request", "/version"},
		"an unknown field": {`{"version":1,"color":1}`, nil, 422, "invalid_request", "/color"},
		"the wrong type":   {`{"version":"c4nary"}`, nil, 422, "invalid_request", "/version"},
		"out of range":     {`{"version":0}`, nil, 422, "invalid_request", "/version"},
		"too large":        {`{"version":1,"x":"` + strings.Repeat("x", 3000) + `"}`, nil, 413, "body_too_large", ""},
		"no field":         {`{}`, nil, 422, "invalid_request", ""},
		"another type":     {`{"version":1}`, []string{"Content-Type", "text/plain"}, 415, "unsupported_media_type", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := (&api{t, a.handler, "ada"}).ask("POST", "/api/v1/workflows/w/rollback", test.body, test.headers...).
				problem(test.status, test.code)
			require.NotContains(t, string(got.text), "c4nary")
			if test.pointer != "" {
				got.has("errors.0.pointer", test.pointer)
			}
		})
	}
}

func TestWhatIsWrongIsNeverEchoed(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{})
	a.ask("POST", "/api/v1/workflows", hello("w")).is(201)
	a.ask("POST", "/api/v1/workflows/w/publish", nil).is(200)
	for _, got := range []*reply{
		a.ask("GET", "/api/v1/runs?limit=c4nary", nil).problem(422, "invalid_request").has("errors.0.parameter", "limit"),
		a.ask("GET", "/api/v1/runs?status=c4nary", nil).problem(422, "invalid_request"),
		a.ask("GET", "/api/v1/runs?from=c4nary", nil).problem(422, "invalid_request").has("errors.0.parameter", "from"),
		a.ask("GET", "/api/v1/runs?cursor=c4nary", nil).problem(422, "invalid_request").has("errors.0.parameter", "cursor"),
		a.ask("GET", "/api/v1/runs?limit=201", nil).problem(422, "invalid_request"),
		a.ask("GET", "/api/v1/runs?unknown=c4nary", nil).problem(422, "invalid_request").has("errors.0.parameter", "unknown"),
		a.ask("GET", "/api/v1/runs/c4nary?wait=c4nary", nil).problem(422, "invalid_request").has("errors.0.parameter", "wait"),
		a.ask("POST", "/api/v1/workflows/w/runs", object{"wait": "c4nary"}).problem(422, "invalid_request"),
		a.ask("POST", "/api/v1/workflows/w/runs", object{"priority": "c4nary"}).problem(422, "invalid_request").has("errors.0.pointer", "/priority"),
		a.ask("POST", "/api/v1/workflows/w/runs", object{"input": object{"name": "c4nary"}}).problem(422, "invalid_input").has("errors.0.pointer", "/name"),
		a.ask("DELETE", "/api/v1/workflows/w/connections?from=c4nary.&to=x", nil, "If-Match", "*").problem(422, "invalid_request"),
		a.ask("GET", "/api/v1/c4nary", nil).problem(404, "no_such_route"),
	} {
		require.NotContains(t, string(got.text), "c4nary")
	}
}

func TestPathsAndMethodsThatAreNotThere(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{}).as("")
	for _, path := range []string{"/", "/api", "/api/v1", "/api/v1/", "/api/v1/workflows/", "/api/v2/health", "/.env", "//api/v1/health"} {
		a.ask("GET", path, nil).problem(404, "no_such_route")
	}
	got := a.ask("PATCH", "/api/v1/workflows", nil).problem(405, "method_not_allowed")
	require.Equal(t, "GET, POST", got.header.Get("Allow"))
	a.ask("OPTIONS", "/api/v1/workflows", nil, "Origin", "https://elsewhere.example").problem(405, "method_not_allowed")
	a.ask("TRACE", "/api/v1/health", nil).problem(405, "method_not_allowed")
}

func TestWhoIsNotKnownIsAskedWhoTheyAre(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{})
	got := a.as("").ask("GET", "/api/v1/runs", nil).problem(401, "unauthenticated")
	require.Equal(t, "Bearer", got.header.Get("WWW-Authenticate"))
	a.as("mallory").ask("GET", "/api/v1/runs", nil).problem(401, "unauthenticated")
	a.as("viewer").ask("POST", "/api/v1/workflows", "{", "Content-Type", "text/plain").problem(403, "forbidden")
	a.as("local").ask("GET", "/api/v1/runs", nil).problem(403, "forbidden")
	a.as("nowhere").ask("GET", "/api/v1/runs", nil).problem(403, "forbidden")
	a.as("nowhere").ask("GET", "/api/v1/me", nil).is(200).has("kind", "user")
	a.as("").ask("GET", "/api/v1/health", nil).is(200).has("status", "alive")
}

// second is an Authenticator that knows those with a header, and refuses one of them.
type second struct{}

func (second) Authenticate(r *http.Request) (*auth.Principal, error) {
	switch r.Header.Get("X-Host-User") {
	case "":
		return nil, nil //nolint:nilnil // It is for another Authenticator to say.
	case "grace":
		return &auth.Principal{Kind: auth.KindHost, User: "grace", Workspace: "acme"}, nil
	}
	return nil, flowforge.Errorf(auth.CodeUnauthenticated, "the host does not know them")
}

func TestTheFirstAuthenticatorThatKnowsDecides(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{Authenticators: []rest.Authenticator{second{}}})
	a.ask("GET", "/api/v1/me", nil, "X-Host-User", "grace").is(200).has("user", "grace", "kind", "host")
	a.ask("GET", "/api/v1/me", nil, "X-Host-User", "mallory").problem(401, "unauthenticated")
	a.ask("GET", "/api/v1/me", nil).is(200).has("user", "u")
}

func TestEveryAnswerHasTheHeadersOfABrowsersSafety(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{PublicURL: "https://flows.example.com"})
	for _, path := range []string{"/api/v1/me", "/nowhere", "/openapi.json", "/docs", "/reference.css"} {
		got := a.ask("GET", path, nil, "Origin", "https://elsewhere.example", "X-Request-ID", "mine")
		require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"), path)
		require.Equal(t, "DENY", got.header.Get("X-Frame-Options"), path)
		require.Contains(t, got.header.Get("Content-Security-Policy"), "default-src 'none'", path)
		require.Contains(t, got.header.Get("Strict-Transport-Security"), "max-age", path)
		require.NotEqual(t, "mine", got.header.Get("X-Request-ID"), path)
		require.NotEmpty(t, got.header.Get("X-Request-ID"), path)
		for _, header := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin"} {
			require.Empty(t, got.header.Values(header), path)
		}
	}
	page := string(a.as("").ask("GET", "/docs", nil).is(200).text)
	require.Contains(t, page, "workflow:publish")
	require.NotContains(t, page, "://", "nothing is fetched from another host")
}

func TestAServerBelowAPrefixInAHostsMux(t *testing.T) {
	t.Parallel()
	a := newAPI(t, server.Config{Prefix: "/flows/"})
	mux := http.NewServeMux()
	mux.Handle("/flows/", a.handler)
	a.handler = mux
	made := a.ask("POST", "/flows/api/v1/workflows", hello("a b/c")).is(201)
	at := made.header.Get("Location")
	require.Equal(t, "/flows/api/v1/workflows/a%20b%2Fc", at)
	a.ask("GET", at, nil).is(200).has("name", "a b/c")
	a.ask("GET", at+"/nodes/greet", nil).is(200).has("id", "greet")
	a.ask("GET", "/flows/openapi.json", nil).is(200).has("servers.0.url", "/flows")
	a.ask("GET", "/flows/docs", nil).is(200)
	a.ask("GET", "/flows/nowhere", nil).problem(404, "no_such_route")
}

func TestConfigurationsThatMakeNoServer(t *testing.T) {
	t.Parallel()
	_, err := server.New(server.Config{})
	require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeInvalidInput})
	a := newAPI(t, server.Config{})
	require.NotNil(t, a.handler)
}
