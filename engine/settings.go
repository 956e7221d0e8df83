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

// MaxWeight is the largest weight of a quota.
const MaxWeight = 100

// SetQuota says what a workspace may take of what it shares with others. Other engines know within seconds.
func (e *Engine) SetQuota(ctx context.Context, workspace flowforge.Workspace, quota store.Quota) error {
	if quota.Weight < 0 || quota.Weight > MaxWeight || quota.Queued < 0 || quota.Running < 0 {
		return flowforge.Errorf(flowforge.CodeInvalidInput,
			"a quota has a weight from 1 to %d, and numbers of queued and running runs that are not negative", MaxWeight)
	}
	if err := e.config.Store.SetQuota(ctx, workspace, quota); err != nil {
		return err
	}
	e.quotas.forget(workspace)
	return nil
}

// Quota gives what a workspace may take.
func (e *Engine) Quota(ctx context.Context, workspace flowforge.Workspace) (store.Quota, error) {
	return e.config.Store.QuotaOf(ctx, workspace)
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
