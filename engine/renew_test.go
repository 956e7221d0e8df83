package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/memory"
)

// late is a store whose answers to commits take longer than the time between renewals.
type late struct{ store.Store }

func (s late) Commit(ctx context.Context, ts []store.Transition) ([]store.Committed, error) {
	answers, err := s.Store.Commit(ctx, ts)
	time.Sleep(15 * time.Second)
	return answers, err
}

func TestRenewBetweenTheEndAndItsAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, engine.Config{Store: late{memory.New(memory.Config{})}})
		run, err := e.Do(t.Context(), workflow(nil, flowforge.Node{ID: "n", Type: "core.noop"}), 1)
		require.NoError(t, err)
		require.Equal(t, flowforge.RunSucceeded, run.Status)
	})
}

func TestRenewBetweenTheStartOfAChildAndItsAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := looped(t, engine.Config{Store: late{memory.New(memory.Config{})}})
		publish(t, e, "inner", workflow(nil, flowforge.Node{ID: "n", Type: "core.noop"}))
		began := time.Now()
		run := started(t, e, workflow(nil, flowforge.Node{ID: "call", Type: "core.subworkflow", Params: params(map[string]any{"workflow": "inner"})}), 1)
		_, err := e.Wait(t.Context(), run.Workspace, run.ID)
		t.Log("took", time.Since(began))
		require.NoError(t, err)
	})
}
