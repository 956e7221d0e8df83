package engine

import (
	"context"
	"iter"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// GetRun gives a run as it is stored.
func (e *Engine) GetRun(ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID) (flowforge.Run, error) {
	return e.config.Store.Run(ctx, workspace, id)
}

// ListRuns gives runs without their input, vars and output, newest first; Filter.Before continues a list.
func (e *Engine) ListRuns(ctx context.Context, workspace flowforge.Workspace, filter store.Filter) ([]flowforge.Run, error) {
	return e.config.Store.List(ctx, workspace, filter)
}

// NodeRuns gives the node runs of a run, those of elements included, in the order they were first recorded.
func (e *Engine) NodeRuns(ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID) iter.Seq2[flowforge.NodeRun, error] {
	return pages(func(skip, limit int) ([]flowforge.NodeRun, error) {
		return e.config.Store.NodeRuns(ctx, workspace, id, skip, limit)
	})
}

// Logs gives the lines that the nodes of a run logged, oldest first.
func (e *Engine) Logs(ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID) iter.Seq2[store.LogLine, error] {
	return pages(func(skip, limit int) ([]store.LogLine, error) {
		return e.config.Store.Logs(ctx, workspace, id, skip, limit)
	})
}

// ListNodeRuns gives node runs of a run in the order they were first recorded, after the first `skip`; a limit of 0
// is 50.
func (e *Engine) ListNodeRuns(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, skip, limit int,
) ([]flowforge.NodeRun, error) {
	return e.config.Store.NodeRuns(ctx, workspace, id, skip, limit)
}

// ListEvents gives the durable events of a run after a sequence number, in order; a limit of 0 is 50.
func (e *Engine) ListEvents(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, after int64, limit int,
) ([]flowforge.Event, error) {
	return e.config.Store.Events(ctx, workspace, id, after, limit)
}

// ListLogs gives lines that the nodes of a run logged, oldest first, after the first `skip`; a limit of 0 is 50.
func (e *Engine) ListLogs(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, skip, limit int,
) ([]store.LogLine, error) {
	return e.config.Store.Logs(ctx, workspace, id, skip, limit)
}

// pages reads page after page of something.
func pages[T any](read func(skip, limit int) ([]T, error)) iter.Seq2[T, error] {
	const size = 1_000
	return func(yield func(T, error) bool) {
		for skip := 0; ; skip += size {
			page, err := read(skip, size)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
			if len(page) < size {
				return
			}
		}
	}
}
