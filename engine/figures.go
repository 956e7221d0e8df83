package engine

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Figures are what an engine has to do, and what waits for all of them: what one scales by.
type Figures struct {
	Worker WorkerFigures
	Pools  []store.PoolStanding // its own pools are there even where nothing waits
}

// WorkerFigures are those of one engine.
type WorkerFigures struct {
	ID        flowforge.WorkerID
	Pools     []string // that it serves
	Active    bool     // a worker loop takes runs; without one it drains, or only starts runs
	Slots     int      // attempts that it makes at a time at most
	Free      int      // of these
	Runs      int      // that it owns
	Tasks     int      // that it has for others
	Abandoned int      // attempts that did not end when they were told to

	Running map[string]int // the runs and tasks that it has, by pool; its own pools are there even where it has none
}

// Figures gives the figures of now.
func (e *Engine) Figures(ctx context.Context) (Figures, error) {
	figures := Figures{Worker: e.workerFigures()}
	waiting, err := e.config.Store.Pools(ctx)
	if err != nil {
		return figures, err
	}
	seen := make(map[string]bool, len(waiting))
	for _, pool := range waiting {
		seen[pool.Pool] = true
	}
	for _, pool := range e.config.Pools {
		if !seen[pool] {
			waiting = append(waiting, store.PoolStanding{Pool: pool})
		}
	}
	figures.Pools = waiting
	return figures, nil
}

// workerFigures gives what the engine knows of itself.
func (e *Engine) workerFigures() WorkerFigures {
	running := make(map[string]int, len(e.config.Pools))
	for _, pool := range e.config.Pools {
		running[pool] = 0
	}
	e.mu.Lock()
	runs, tasks := len(e.runs), len(e.errands)
	for _, r := range e.runs {
		running[r.info.Pool]++
	}
	for _, t := range e.errands {
		running[t.task.Pool]++
	}
	e.mu.Unlock()
	return WorkerFigures{
		ID: e.worker, Pools: e.config.Pools, Active: e.claims(), Slots: int(e.size.Load()), Free: e.slots.left(),
		Runs: runs, Tasks: tasks, Abandoned: int(e.abandoned.Load()), Running: running,
	}
}
