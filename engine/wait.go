package engine

import (
	"context"
	"errors"

	"github.com/flowforge-go/flowforge"
)

// Wait waits until a run has ended; the error is nil only if it succeeded.
func (e *Engine) Wait(ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID) (flowforge.Run, error) {
	owned := e.owned(id)
	if owned != nil && owned.info.Workspace == workspace {
		select {
		case <-owned.done:
		case <-ctx.Done():
			return flowforge.Run{}, context.Cause(ctx)
		}
	}
	if owned == nil || owned.lost != nil {
		for _, err := range e.Watch(ctx, workspace, id, 0) {
			if err != nil {
				return flowforge.Run{}, err
			}
		}
	}
	run, err := e.config.Store.Run(ctx, workspace, id)
	if err != nil {
		return flowforge.Run{}, err
	}
	if !run.Status.Terminal() {
		return run, errors.Join(flowforge.Errorf(flowforge.CodeStaleEpoch, "the run goes on elsewhere"), ctx.Err())
	}
	return run, ErrorOf(run)
}
