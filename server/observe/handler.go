package observe

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/store"
)

// Handler answers GET /healthz, /readyz, /pools and /metrics for an engine that the Meter counts for. It may be made
// once for each Meter.
func (m *Meter) Handler(e *engine.Engine) http.Handler {
	m.registry.MustRegister(&collector{engine: e})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, health{"alive"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { ready(w, r, e) })
	mux.HandleFunc("GET /pools", func(w http.ResponseWriter, r *http.Request) { pools(w, r, e) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}

// health is what /healthz and /readyz tell.
type health struct {
	Status string `json:"status"`
}

const storeAway = "the store cannot be reached"

// patience is how long the store may take to answer.
const patience = 2 * time.Second

// ready tells whether the engine takes runs: its loop is active and its store can be reached.
func ready(w http.ResponseWriter, r *http.Request, e *engine.Engine) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	figures, err := e.Figures(ctx)
	switch {
	case err != nil:
		answer(w, http.StatusServiceUnavailable, health{storeAway})
	case !figures.Worker.Active:
		answer(w, http.StatusServiceUnavailable, health{"draining"})
	default:
		answer(w, http.StatusOK, health{"ready"})
	}
}

// poolFigures is what /pools tells of a pool.
type poolFigures struct {
	Pool          string  `json:"pool"`
	Queued        int     `json:"queued"` // runs and tasks that are ready and that nobody has
	Runs          int     `json:"runs"`   // of these
	Tasks         int     `json:"tasks"`
	OldestSeconds float64 `json:"oldest_seconds"` // how long the first of them has waited
	Running       int     `json:"running"`        // runs and tasks that the worker that is asked has
}

func figuresOf(pool store.PoolStanding, worker *engine.WorkerFigures) poolFigures {
	return poolFigures{
		Pool: pool.Pool, Queued: pool.Runs.Count + pool.Tasks.Count, Runs: pool.Runs.Count, Tasks: pool.Tasks.Count,
		OldestSeconds: max(pool.Runs.Oldest, pool.Tasks.Oldest).Seconds(), Running: worker.Running[pool.Pool],
	}
}

// workerFigures is what /pools tells of the worker that is asked.
type workerFigures struct {
	ID        string   `json:"id"`
	Pools     []string `json:"pools"`
	Active    bool     `json:"active"`
	Slots     int      `json:"slots"`
	Free      int      `json:"free"`
	Runs      int      `json:"runs"`
	Tasks     int      `json:"tasks"`
	Abandoned int      `json:"abandoned"`
}

// pools tells what waits, in all pools or in that of ?pool=NAME, which is the default pool where NAME is empty.
func pools(w http.ResponseWriter, r *http.Request, e *engine.Engine) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	figures, err := e.Figures(ctx)
	if err != nil {
		answer(w, http.StatusServiceUnavailable, health{storeAway})
		return
	}
	if r.URL.Query().Has("pool") {
		one := poolFigures{Pool: r.URL.Query().Get("pool")}
		for _, pool := range figures.Pools {
			if pool.Pool == one.Pool {
				one = figuresOf(pool, &figures.Worker)
			}
		}
		answer(w, http.StatusOK, one)
		return
	}
	all := struct {
		Worker workerFigures `json:"worker"`
		Pools  []poolFigures `json:"pools"`
	}{Worker: workerFigures{
		ID: string(figures.Worker.ID), Pools: figures.Worker.Pools, Active: figures.Worker.Active, Slots: figures.Worker.Slots,
		Free: figures.Worker.Free, Runs: figures.Worker.Runs, Tasks: figures.Worker.Tasks, Abandoned: figures.Worker.Abandoned,
	}}
	for _, pool := range figures.Pools {
		all.Pools = append(all.Pools, figuresOf(pool, &figures.Worker))
	}
	answer(w, http.StatusOK, all)
}

func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text) // who asked has gone, if this fails
}
