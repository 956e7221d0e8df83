package engine_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store/memory"
)

// A worker takes as many runs as it has slots, and some more, so that others find some to do.
func TestAWorkerLeavesToOthersWhatItCannotBeginSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const slots, runs = 2, 20
		gate := make(chan struct{})
		types, err := nodes.NewRegistry(nodes.Define(nodes.Spec{
			Type: "test.gate", Version: 1, Title: "Gate", Category: "test", Kind: nodes.Effectful, Doc: "Waits.",
		}, func(context.Context, *nodes.Call, struct{}) (int, error) { <-gate; return 1, nil }))
		require.NoError(t, err)
		kept := memory.New(memory.Config{})
		work := func() (e *engine.Engine, end func()) {
			e, err := engine.New(engine.Config{Store: kept, Nodes: types, Workers: slots})
			require.NoError(t, err)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- e.Run(ctx) }()
			return e, func() {
				stop()
				require.NoError(t, <-ended)
				require.NoError(t, e.Close(context.WithoutCancel(ctx)))
			}
		}
		owned := func(e *engine.Engine) int {
			figures, err := e.Figures(t.Context())
			require.NoError(t, err)
			return figures.Worker.Runs
		}

		starts, err := engine.New(engine.Config{Store: kept, Nodes: types})
		require.NoError(t, err)
		document := &flowforge.Workflow{Name: "w", Graph: flowforge.Graph{Nodes: []flowforge.Node{{ID: "n", Type: "test.gate"}}}}
		ids := make([]flowforge.RunID, runs)
		for i := range ids {
			run, err := starts.Start(t.Context(), engine.StartRequest{Document: document})
			require.NoError(t, err)
			ids[i] = run.ID
		}
		first, endFirst := work()
		synctest.Wait()
		require.Equal(t, 2*slots, owned(first))
		second, endSecond := work()
		synctest.Wait()
		require.Equal(t, 2*slots, owned(second))
		close(gate)
		for _, id := range ids {
			run, err := starts.Wait(t.Context(), flowforge.Local, id)
			require.NoError(t, err)
			require.Equal(t, flowforge.RunSucceeded, run.Status)
		}
		endFirst()
		endSecond()
		require.NoError(t, starts.Close(t.Context()))
	})
}
