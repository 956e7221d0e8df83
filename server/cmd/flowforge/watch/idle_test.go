package watch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/watch"
	"github.com/flowforge-go/flowforge/store/memory"
)

func TestAWorkerStaysForARunThatItHasNotClaimedYet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := memory.New(memory.Config{})
		e, err := engine.New(engine.Config{Store: kept})
		require.NoError(t, err)
		document := &flowforge.Workflow{Name: "w", Graph: flowforge.Graph{Nodes: []flowforge.Node{{ID: "n", Type: "core.noop"}}}}
		run, err := e.Start(t.Context(), engine.StartRequest{Document: document})
		require.NoError(t, err)
		require.Equal(t, flowforge.RunQueued, run.Status)

		idle := watch.Idleness{Store: kept, Workspace: flowforge.Local, Pools: []string{""}, Types: e.Served()}
		done := make(chan error, 1)
		go func() { done <- idle.Wait(t.Context()) }()
		time.Sleep(time.Minute) //nolint:forbidigo // It is a bubble: no time passes.
		require.Empty(t, done, "a run is left")

		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		require.NoError(t, <-done)
		run, err = e.GetRun(t.Context(), flowforge.Local, run.ID)
		require.NoError(t, err)
		require.Equal(t, flowforge.RunSucceeded, run.Status)
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, e.Close(context.WithoutCancel(t.Context())))
	})
}
