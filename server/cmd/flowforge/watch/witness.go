package watch

import (
	"context"
	"sync"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
	"github.com/flowforge-go/flowforge/store"
)

// Witness is a store that says which runs were taken over from a process that died, and which ended.
type Witness struct {
	store.Store
	Say func(line string) // nil: nothing is said

	mu    sync.Mutex
	known map[flowforge.RunID]flowforge.Run // those that are under way
}

// Claim leases runs and remembers them.
func (w *Witness) Claim(ctx context.Context, claim store.Claim) (store.Claims, error) {
	claims, err := w.Store.Claim(ctx, claim)
	for _, claimed := range claims.Runs {
		w.remember(claimed.Run)
		if claimed.Lost > 0 {
			w.tell("run " + nameOfRun(claimed.Run) + " taken over: the process that ran it was lost")
		}
	}
	return claims, err
}

// Create makes runs and remembers those that begin here.
func (w *Witness) Create(ctx context.Context, runs []store.NewRun) ([]store.Created, error) {
	answers, err := w.Store.Create(ctx, runs)
	w.rememberStarted(answers)
	return answers, err
}

// Commit applies transitions and tells which runs they end.
func (w *Witness) Commit(ctx context.Context, transitions []store.Transition) ([]store.Committed, error) {
	answers, err := w.Store.Commit(ctx, transitions)
	for i, answer := range answers {
		w.rememberStarted(answer.Started)
		if t := &transitions[i]; answer.Err == nil && (t.End != nil || t.Park != nil) {
			w.over(t)
		}
	}
	return answers, err
}

// Release gives runs back and forgets them.
func (w *Witness) Release(ctx context.Context, leases []store.Lease) error {
	err := w.Store.Release(ctx, leases)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, lease := range leases {
		delete(w.known, lease.Run)
	}
	return err
}

func (w *Witness) rememberStarted(answers []store.Created) {
	for _, answer := range answers {
		if answer.Err == nil && answer.Epoch > 0 {
			w.remember(answer.Run)
		}
	}
}

// remember keeps of a run what is told of it later.
func (w *Witness) remember(run flowforge.Run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known == nil {
		w.known = make(map[flowforge.RunID]flowforge.Run)
	}
	w.known[run.ID] = flowforge.Run{ID: run.ID, Workspace: run.Workspace, Workflow: run.Workflow, StartedAt: run.StartedAt}
}

// over notes that a run has ended or waits in the store.
func (w *Witness) over(t *store.Transition) {
	w.mu.Lock()
	run, known := w.known[t.Run]
	delete(w.known, t.Run)
	w.mu.Unlock()
	if !known {
		run = flowforge.Run{ID: t.Run, Workspace: t.Workspace}
	}
	if t.End == nil {
		return
	}
	line := "run " + nameOfRun(run) + " " + human.Status(t.Status)
	if run.StartedAt.IsZero() {
		run.StartedAt = t.StartedAt
	}
	if !run.StartedAt.IsZero() {
		line += " in " + human.Duration(t.End.FinishedAt.Sub(run.StartedAt))
	}
	if t.End.Error != nil {
		line += ": " + human.Failure(t.End.Error)
	}
	w.tell(line)
}

func (w *Witness) tell(line string) {
	if w.Say != nil {
		w.Say(line)
	}
}

// nameOfRun names a run by its id, workflow and, where it is not the usual one, workspace.
func nameOfRun(run flowforge.Run) string {
	name := string(run.ID)
	if run.Workflow.Name != "" {
		name += " of " + human.Workflow(run.Workflow.Name, run.Workflow.Version)
	}
	if run.Workspace != flowforge.Local {
		name += " in " + human.Line(string(run.Workspace))
	}
	return name
}
