package rest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func newServer(t *testing.T) *Server {
	t.Helper()
	s, err := New(Config{Errors: []Coded{{CodeInternal, http.StatusInternalServerError, "Something went wrong", "Look."}}})
	require.NoError(t, err)
	return s
}

func ask(s *Server, path string) *httptest.ResponseRecorder {
	recorded := httptest.NewRecorder()
	s.Handler().ServeHTTP(recorded, httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil))
	return recorded
}

func TestARouteWithoutAPolicyIsRefusedAtStart(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	handle := func(context.Context, *Call, *struct{}, *None) (*Empty, error) {
		return &Empty{}, nil
	}
	for _, policy := range []Policy{{}, Requires("")} {
		require.Panics(t, func() {
			Add(s, Route{Method: http.MethodGet, Path: "/bare", ID: "bare", Policy: policy}, handle)
		})
	}
	require.NotPanics(t, func() {
		Add(s, Route{Method: http.MethodGet, Path: "/bare", ID: "bare", Policy: Public()}, handle)
	})
}

func TestAHandlerThatPanicsAnswersItsRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	Add(s, Route{Method: http.MethodGet, Path: "/panic", ID: "panic", Policy: Public(), Root: true},
		func(context.Context, *Call, *struct{}, *None) (*Empty, error) { panic("s3cr3t") })
	recorded := ask(s, "/panic")
	require.Equal(t, 500, recorded.Code)
	require.Equal(t, problemMedia, recorded.Header().Get("Content-Type"))
	require.NotContains(t, recorded.Body.String(), "s3cr3t")
	require.Contains(t, recorded.Body.String(), recorded.Header().Get("X-Request-ID"))
}

func TestACodeThatIsInNoTableIsTheServersFault(t *testing.T) {
	t.Parallel()
	require.Equal(t, http.StatusInternalServerError, newServer(t).known("some node's").Status)
}
