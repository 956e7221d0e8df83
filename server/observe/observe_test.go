package observe_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/observe"
	"github.com/flowforge-go/flowforge/store/memory"
)

// observed gives an engine and what is told of it.
func observed(t *testing.T) (*engine.Engine, *memory.Store, *httptest.Server) {
	t.Helper()
	meter, kept := observe.NewMeter(), memory.New(memory.Config{})
	e, err := engine.New(engine.Config{Store: kept, Meter: meter, Workers: 8})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
	server := httptest.NewServer(meter.Handler(e))
	t.Cleanup(server.Close)
	return e, kept, server
}

func get(t *testing.T, server *httptest.Server, path string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	require.NoError(t, err)
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

func document(pool string) *flowforge.Workflow {
	w := &flowforge.Workflow{Name: "w", Graph: flowforge.Graph{Nodes: []flowforge.Node{{ID: "n", Type: "core.noop"}}}}
	w.Settings.Pool = pool
	return w
}

func TestPoolsTellWhatWaits(t *testing.T) {
	t.Parallel()
	e, _, server := observed(t)
	for range 3 {
		_, err := e.Start(t.Context(), engine.StartRequest{Document: document("gpu")})
		require.NoError(t, err)
	}
	status, body := get(t, server, "/pools?pool=gpu")
	require.Equal(t, http.StatusOK, status)
	var one struct {
		Pool                string
		Queued, Runs, Tasks int
		OldestSeconds       float64 `json:"oldest_seconds"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &one))
	require.Equal(t, "gpu", one.Pool)
	require.Equal(t, 3, one.Queued)
	require.Positive(t, one.OldestSeconds)
	_, body = get(t, server, "/pools?pool=other")
	require.Contains(t, body, `"queued":0`)
	_, body = get(t, server, "/pools")
	require.Contains(t, body, `"slots":8,"free":8`)
	require.Contains(t, body, `{"pool":"gpu","queued":3,"runs":3`)
	_, body = get(t, server, "/metrics")
	require.Contains(t, body, `flowforge_pool_queued{kind="run",pool="gpu"} 3`)
	require.Contains(t, body, "flowforge_worker_slots_free 8")
	require.Contains(t, body, "go_goroutines")
}

func TestAWorkerTellsWhatItHasOfAPool(t *testing.T) {
	t.Parallel()
	e, _, server := observed(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx) }()
	_, body := get(t, server, "/metrics")
	require.Contains(t, body, `flowforge_worker_running{pool=""} 0`)
	waits := document("")
	waits.Nodes[0].Type, waits.Nodes[0].Params = "core.wait", flowforge.MustValue(map[string]any{"duration": "4s"}) // it is not parked
	run, err := e.Start(t.Context(), engine.StartRequest{Document: waits})
	require.NoError(t, err)
	for event, err := range e.Watch(t.Context(), run.Workspace, run.ID, 0) {
		require.NoError(t, err)
		if event.Kind == flowforge.EventNodeStarted || event.Kind == flowforge.EventRunStarted {
			break
		}
	}
	_, body = get(t, server, "/metrics")
	require.Contains(t, body, `flowforge_worker_running{pool=""} 1`)
	_, body = get(t, server, "/pools?pool=")
	require.Contains(t, body, `"running":1`)
	require.NoError(t, e.Cancel(t.Context(), run.Workspace, run.ID, "seen"))
	stop()
	<-ended
}

func TestAWorkerIsReadyWhileItTakesRunsAndItsStoreAnswers(t *testing.T) {
	t.Parallel()
	e, kept, server := observed(t)
	status, _ := get(t, server, "/healthz")
	require.Equal(t, http.StatusOK, status)
	status, body := get(t, server, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status, "its loop is not active")
	require.Contains(t, body, "draining")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx) }()
	run, err := e.Start(t.Context(), engine.StartRequest{Document: document("")})
	require.NoError(t, err)
	_, err = e.Wait(t.Context(), run.Workspace, run.ID)
	require.NoError(t, err)
	status, _ = get(t, server, "/readyz")
	require.Equal(t, http.StatusOK, status)
	_, body = get(t, server, "/metrics")
	require.Contains(t, body, `flowforge_runs_ended_total{status="succeeded"} 1`)
	require.Contains(t, body, `flowforge_attempt_seconds_count{outcome="succeeded",type="core.noop"} 1`)
	require.Contains(t, body, "flowforge_worker_active 1")
	require.NoError(t, kept.Close())
	status, _ = get(t, server, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status, "its store is away")
	_, body = get(t, server, "/metrics")
	require.Contains(t, body, "flowforge_worker_active 1", "its own figures are there all the same")
	stop()
	<-ended
}
