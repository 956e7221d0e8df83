package engine

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// SetVariable gives a variable of a workspace a value: `vars.name` in the expressions of runs that start from now on.
func (e *Engine) SetVariable(ctx context.Context, workspace flowforge.Workspace, name string, value flowforge.Value) error {
	if name == "" {
		return flowforge.Errorf(flowforge.CodeInvalidInput, "the variable has no name")
	}
	return e.config.Store.SetVariable(ctx, workspace, name, value)
}

// DeleteVariable forgets a variable of a workspace; one that there is not is an Error with CodeNotFound.
func (e *Engine) DeleteVariable(ctx context.Context, workspace flowforge.Workspace, name string) error {
	return e.config.Store.DeleteVariable(ctx, workspace, name)
}

// Variables gives the variables of a workspace by name.
func (e *Engine) Variables(ctx context.Context, workspace flowforge.Workspace) (map[string]flowforge.Value, error) {
	return e.config.Store.Variables(ctx, workspace)
}

// SetRetention says how long the finished runs of a workspace are kept, by terminal status; those of a status that is
// not named are kept for ever. One worker loop of all forgets what is past its time, every minute.
func (e *Engine) SetRetention(ctx context.Context, workspace flowforge.Workspace, keep map[flowforge.RunStatus]time.Duration) error {
	for status := range keep {
		if !status.Terminal() {
			return flowforge.Errorf(flowforge.CodeInvalidInput, "%q is no status of a finished run", status)
		}
	}
	return e.config.Store.SetRetention(ctx, workspace, keep)
}

// Retention gives how long the finished runs of a workspace are kept.
func (e *Engine) Retention(ctx context.Context, workspace flowforge.Workspace) (map[flowforge.RunStatus]time.Duration, error) {
	return e.config.Store.RetentionOf(ctx, workspace)
}

// How often finished runs that are past their time are forgotten, and how many at once.
const (
	pruneEvery  = time.Minute
	pruneAtOnce = 1_000
)

// retention is the job that forgets finished runs that are past their time.
func (e *Engine) retention() JobKind {
	return JobKind{Name: "retention", Every: pruneEvery, Timeout: 10 * pruneEvery, Do: func(ctx context.Context, _ store.Job) error {
		for ctx.Err() == nil {
			if forgotten, err := e.config.Store.Prune(ctx, pruneAtOnce); err != nil || forgotten < pruneAtOnce {
				return err
			}
		}
		return ctx.Err()
	}}
}
