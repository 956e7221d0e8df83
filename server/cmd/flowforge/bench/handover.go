package bench

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
)

const (
	idleFor  = 50 * time.Millisecond // between two runs, so that the worker idles
	warmUps  = 20
	idleRuns = 500
)

// handOver starts runs here that a worker in another process runs, one after the other, and reports how long it takes
// until they have started there, by the store's clock.
func (b *bench) handOver(ctx context.Context, report *Report) error {
	document := &flowforge.Workflow{
		Name:  "bench-" + string(W8),
		Graph: flowforge.Graph{Nodes: []flowforge.Node{{ID: "s0", Type: "core.noop"}}},
	}
	end, err := b.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	for range warmUps {
		if _, err := b.elsewhere(ctx, document); err != nil {
			return err
		}
	}
	runs := b.Runs
	if runs == 0 {
		runs = idleRuns
	}
	before, began := cpuTime(), time.Now()
	took := make([]time.Duration, 0, runs)
	for len(took) < runs {
		one, err := b.elsewhere(ctx, document)
		if err != nil {
			return err
		}
		took = append(took, one)
	}
	report.fill(took, time.Since(began), cpuTime()-before)
	return nil
}

// elsewhere waits for a moment, starts a run, waits for its end, and tells how long after its creation it started.
func (b *bench) elsewhere(ctx context.Context, document *flowforge.Workflow) (time.Duration, error) {
	idle := time.NewTimer(idleFor)
	defer idle.Stop()
	select {
	case <-idle.C:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	run, err := b.engine.Start(ctx, engine.StartRequest{Document: document, Input: flowforge.MustValue(nil)})
	if err != nil {
		return 0, err
	}
	run, err = b.engine.Wait(ctx, run.Workspace, run.ID)
	return run.StartedAt.Sub(run.CreatedAt), err
}
