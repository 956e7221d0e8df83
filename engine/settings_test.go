package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/store/memory"
)

func TestVariablesAreFrozenIntoARunAtItsStart(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	document := workflow(nil, flowforge.Node{ID: "n", Type: "core.noop"})
	document.Output = flowforge.MustValue("{{ [vars.a, vars.b] }}")
	require.NoError(t, e.SetVariable(t.Context(), flowforge.Local, "a", flowforge.MustValue(1)))
	require.NoError(t, e.SetVariable(t.Context(), flowforge.Local, "b", flowforge.MustValue(2)))
	run, err := e.DoRequest(t.Context(), engine.StartRequest{Document: document, Vars: map[string]flowforge.Value{"b": flowforge.MustValue(3)}})
	require.NoError(t, err)
	require.Equal(t, "[1,3]", run.Output.String(), "what the start gives counts more")
	require.NoError(t, e.DeleteVariable(t.Context(), flowforge.Local, "a"))
	left, err := e.Variables(t.Context(), flowforge.Local)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func TestWorkerLoopsForgetRunsThatArePastTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := looped(t, engine.Config{Store: memory.New(memory.Config{Keep: -1})})
		require.ErrorIs(t, e.SetRetention(t.Context(), flowforge.Local, map[flowforge.RunStatus]time.Duration{flowforge.RunRunning: time.Hour}),
			&flowforge.Error{Code: flowforge.CodeInvalidInput})
		require.NoError(t, e.SetRetention(t.Context(), flowforge.Local, map[flowforge.RunStatus]time.Duration{flowforge.RunSucceeded: time.Hour}))
		run := started(t, e, workflow(nil, flowforge.Node{ID: "n", Type: "core.noop"}), nil)
		time.Sleep(50 * time.Minute)
		require.Equal(t, flowforge.RunSucceeded, statusOf(t, e, run))
		time.Sleep(15 * time.Minute)
		_, err := e.GetRun(t.Context(), run.Workspace, run.ID)
		require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeNotFound})
	})
}
