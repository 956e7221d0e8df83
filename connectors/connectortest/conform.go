package connectortest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors"
	"github.com/flowforge-go/flowforge/connectors/egress"
	"github.com/flowforge-go/flowforge/nodes"
)

// Suite is a family of connectors and how each of its types is used.
type Suite struct {
	Types func(client *connectors.Client) []nodes.Type
	Uses  []Use
}

// Use is a plain use of one type that takes one request.
type Use struct {
	Type       string
	Params     func(baseURL string) any // sends its request to a service at baseURL
	Slot       string                   // of the credential; empty: the type takes none
	Credential nodes.Credential         // its Hosts are set by the suite
	Secret     string                   // what of the credential nobody may see
	Answer     Answer                   // what the service says when all is well
}

// Conform checks what is promised of every connector, for each use, each as a subtest that says the promise.
func Conform(t *testing.T, suite Suite) {
	t.Helper()
	for _, use := range suite.Uses {
		t.Run(use.Type, func(t *testing.T) {
			t.Parallel()
			u := user{suite: suite, use: use}
			t.Run("a use that is answered well succeeds", u.succeeds)
			t.Run("a status says whether a retry makes sense", u.statuses)
			t.Run("Retry-After is handed on", u.retryAfter)
			t.Run("a broken or refused connection may be tried again", u.connections)
			t.Run("an end of the context ends the request", u.cancels)
			t.Run("a response above the limit is refused for good", u.oversize)
			t.Run("an address that is not allowed is refused for good", u.denied)
			if use.Slot != "" {
				t.Run("a secret that the service repeats is not passed on", u.secrets)
				t.Run("a credential goes to its hosts only", u.hosts)
				t.Run("a credential does not follow a redirect elsewhere", u.redirects)
			}
		})
	}
}

type user struct {
	suite Suite
	use   Use
}

// attempt is what came of one run.
type attempt struct {
	out  flowforge.Value
	err  error
	host *Host
}

// seen is everything that others can see of an attempt.
func (a attempt) seen() string {
	text := a.out.String() + strings.Join(a.host.Logs(), "\n") + strings.Join(a.host.Progresses(), "\n")
	if a.err != nil {
		failure, err := json.Marshal(nodes.FailureOf(a.err))
		text += a.err.Error() + fmt.Sprintf("%+v", a.err) + string(failure) + fmt.Sprint(err)
	}
	return text
}

func (u user) run(ctx context.Context, t *testing.T, client *connectors.Client, baseURL string, hosts ...string) attempt {
	t.Helper()
	host := &Host{}
	if u.use.Slot != "" {
		credential := u.use.Credential
		credential.Hosts = hosts
		host.Credentials = map[string]nodes.Credential{u.use.Slot: credential}
	}
	out, err := RunContext(ctx, t, u.suite.Types(client), u.use.Type, u.use.Params(baseURL), host)
	return attempt{out: out, err: err, host: host}
}

func (u user) succeeds(t *testing.T) {
	t.Parallel()
	server := NewServer(t, u.use.Answer)
	got := u.run(t.Context(), t, NewClient(t), server.URL)
	require.NoError(t, got.err)
	require.NotEmpty(t, server.Requests(), "no request went to the base URL")
}

func (u user) statuses(t *testing.T) {
	t.Parallel()
	for status, permanent := range map[int]bool{
		400: true, 401: true, 403: true, 404: true, 405: true, 409: true, 410: true, 413: true, 422: true,
		408: false, 425: false, 429: false, 500: false, 502: false, 503: false, 504: false,
	} {
		server := NewServer(t, Answer{
			Status: status, Header: map[string]string{"X-Request-Id": "req-1"},
			JSON: map[string]any{"error": map[string]any{"code": "some_code", "message": "some message"}},
		})
		got := u.run(t.Context(), t, NewClient(t), server.URL)
		require.Error(t, got.err, "status %d", status)
		assert.Equal(t, permanent, nodes.AdviceOf(got.err).Permanent, "status %d: permanent", status)
		failure := nodes.FailureOf(got.err)
		assert.NotEqual(t, flowforge.CodeNodeFailed, failure.Code, "status %d: the error has no code", status)
		details, _ := failure.Details.Any().(map[string]any)
		assert.EqualValues(t, status, details["status"], "status %d: details", status)
		assert.Equal(t, "req-1", details["request_id"], "status %d: details", status)
	}
}

func (u user) retryAfter(t *testing.T) {
	t.Parallel()
	date := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		for _, header := range []map[string]string{
			{"Retry-After": "7"},
			{"Retry-After": date.Add(7 * time.Second).Format(http.TimeFormat), "Date": date.Format(http.TimeFormat)},
		} {
			server := NewServer(t, Answer{Status: status, Header: header})
			got := u.run(t.Context(), t, NewClient(t), server.URL)
			assert.Equal(t, 7*time.Second, nodes.AdviceOf(got.err).After, "%d %v", status, header)
		}
	}
}

func (u user) connections(t *testing.T) {
	t.Parallel()
	got := u.run(t.Context(), t, NewClient(t), NewServer(t, Answer{Drop: true}).URL)
	require.Error(t, got.err)
	assert.Equal(t, nodes.Advice{}, nodes.AdviceOf(got.err), "broken: it may have happened, and may be tried again")

	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	got = u.run(t.Context(), t, NewClient(t), closed.URL)
	require.Error(t, got.err)
	assert.Equal(t, nodes.Advice{NotDone: true}, nodes.AdviceOf(got.err), "refused: it has not happened, and may be tried again")
}

func (u user) cancels(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	server := NewServer(t, Answer{Wait: never})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-server.Arrived()
		cancel()
	}()
	got := u.run(ctx, t, NewClient(t), server.URL)
	require.ErrorIs(t, got.err, context.Canceled)
}

func (u user) oversize(t *testing.T) {
	t.Parallel()
	answer := u.use.Answer
	answer.JSON, answer.Body = nil, strings.Repeat("x", egress.DefaultResponse+1)
	got := u.run(t.Context(), t, NewClient(t), NewServer(t, answer).URL)
	require.Equal(t, egress.CodeTooLarge, flowforge.CodeOf(got.err))
	require.True(t, nodes.AdviceOf(got.err).Permanent)
}

func (u user) denied(t *testing.T) {
	t.Parallel()
	server := NewServer(t)
	got := u.run(t.Context(), t, NewClientWith(t, egress.Policy{}), server.URL)
	require.Equal(t, egress.CodeDenied, flowforge.CodeOf(got.err))
	require.Equal(t, nodes.Advice{Permanent: true, NotDone: true}, nodes.AdviceOf(got.err))
	require.Empty(t, server.Requests())
}

func (u user) secrets(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, u.use.Secret, "the use does not say what is secret")
	echo := map[string]string{"X-Request-Id": u.use.Secret, "X-Echo": u.use.Secret}
	bad := Answer{Status: http.StatusUnauthorized, Header: echo, JSON: map[string]any{"message": "bad key " + u.use.Secret}}
	got := u.run(t.Context(), t, NewClient(t), NewServer(t, bad).URL)
	require.Error(t, got.err)
	require.NotContains(t, got.seen(), u.use.Secret, "in an error")

	good := u.use.Answer
	good.Header = echo
	server := NewServer(t, good)
	got = u.run(t.Context(), t, NewClient(t), server.URL)
	require.NoError(t, got.err)
	require.NotContains(t, got.seen(), u.use.Secret, "in an output")
	require.True(t, carries(server.Requests()[0], u.use.Secret), "the request has no credential")

	got = u.run(t.Context(), t, NewClient(t), NewServer(t, Answer{Drop: true}).URL)
	require.NotContains(t, got.seen(), u.use.Secret, "in an error of the connection")
}

func (u user) hosts(t *testing.T) {
	t.Parallel()
	server := NewServer(t, u.use.Answer)
	got := u.run(t.Context(), t, NewClient(t), server.URL, "api.example.com", "*.example.com", "127.0.0.1:1", "127.0.0.1")
	require.Equal(t, connectors.CodeHost, flowforge.CodeOf(got.err))
	require.True(t, nodes.AdviceOf(got.err).Permanent)
	require.Empty(t, server.Requests())

	got = u.run(t.Context(), t, NewClient(t), server.URL, "api.example.com", strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, got.err)
}

func (u user) redirects(t *testing.T) {
	t.Parallel()
	away := NewServer(t, u.use.Answer)
	server := NewHandler(t, func(r Request) Answer {
		return Answer{Status: http.StatusTemporaryRedirect, Header: map[string]string{"Location": away.URL + r.Path}}
	})
	u.run(t.Context(), t, NewClient(t), server.URL)
	for _, request := range away.Requests() {
		require.False(t, carries(request, u.use.Secret), "the credential went to another origin")
	}
}

// carries reports whether a request's headers or query hold a secret, also as basic authentication.
func carries(request Request, secret string) bool {
	parsed := http.Request{Header: request.Header}
	if _, password, ok := parsed.BasicAuth(); ok && password == secret {
		return true
	}
	return strings.Contains(fmt.Sprint(request.Header, request.Query), secret)
}
