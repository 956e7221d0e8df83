package engine_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/memory"
)

// once is an effect that must not happen twice; what became of it can be asked where reconcile is not nil.
func once(run, reconcile nodes.Func) nodes.Type {
	t := nodes.Type{
		Spec: nodes.Spec{Type: "test.once", Kind: nodes.Effectful, Delivery: flowforge.AtMostOnce}, Node: run,
	}
	if reconcile != nil {
		t.Reconcile = reconcile
	}
	return t
}

// lose makes a run whose worker is lost during its only node, and gives an engine that goes on with it.
func lose(t *testing.T, reconcile nodes.Func) (*engine.Engine, flowforge.Run, *int) {
	t.Helper()
	kept := memory.New(memory.Config{})
	cut := &mortal{Store: kept, commits: 1}
	calls := 0
	var mu sync.Mutex
	typ := once(func(context.Context, *nodes.Call) (flowforge.Ports, error) {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls == 1 {
			return nil, errors.New("the answer is lost with its worker")
		}
		return flowforge.Out(flowforge.MustValue("again")), nil
	}, reconcile)
	registry, err := nodes.NewRegistry(typ)
	require.NoError(t, err)
	first, err := engine.New(engine.Config{Store: cut, Nodes: registry})
	require.NoError(t, err)
	stop := loop(t, first)
	run := started(t, first, workflow(nil, flowforge.Node{ID: "n", Type: "test.once"}), nil)
	synctest.Wait()
	second := looped(t, engine.Config{Store: kept}, typ)
	time.Sleep(time.Minute)
	stop()
	_ = first.Close(t.Context()) // the store is gone for it
	return second, run, &calls
}

func TestAtMostOnceIsInDoubtWhenItsWorkerIsLost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		decision engine.Decision
		status   flowforge.RunStatus
		output   string
		calls    int
	}{
		"it has happened":     {engine.Decision{Output: flowforge.Out(flowforge.MustValue("done"))}, flowforge.RunSucceeded, `"done"`, 1},
		"it has not happened": {engine.Decision{NotDone: true}, flowforge.RunSucceeded, `"again"`, 2},
		"it failed":           {engine.Decision{Message: "refused"}, flowforge.RunFailed, "null", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e, run, calls := lose(t, nil)
				waits, err := e.GetRun(t.Context(), run.Workspace, run.ID)
				require.NoError(t, err)
				require.Equal(t, flowforge.RunWaiting, waits.Status)
				require.Equal(t, "decision", waits.Reason)
				told, err := e.Explain(t.Context(), run.Workspace, run.ID)
				require.NoError(t, err)
				require.Contains(t, told.Causes[len(told.Causes)-1].Action, "runs decide "+string(run.ID)+" n")

				test.decision.Run, test.decision.Node = run.ID, "n"
				require.NoError(t, e.Decide(t.Context(), test.decision))
				time.Sleep(10 * time.Second)
				finished := ended(t, e, run)
				require.Equal(t, test.status, finished.Status)
				require.Equal(t, test.output, finished.Output.String())
				require.Equal(t, test.calls, *calls)
				require.ErrorIs(t, e.Decide(t.Context(), test.decision), &flowforge.Error{Code: flowforge.CodeConflict})
			})
		})
	}
}

func TestReconcileEndsTheDoubt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer error
		output string
		calls  int
	}{
		"it has happened":     {nil, `"found"`, 1},
		"it has not happened": {nodes.NotDone(errors.New("no such payment")), `"again"`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e, run, calls := lose(t, func(context.Context, *nodes.Call) (flowforge.Ports, error) {
					return flowforge.Out(flowforge.MustValue("found")), test.answer
				})
				require.Equal(t, test.output, ended(t, e, run).Output.String())
				require.Equal(t, test.calls, *calls)
			})
		})
	}
}

func TestAtMostOnceIsInDoubtAfterItsTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := looped(t, engine.Config{Store: memory.New(memory.Config{})}, once(func(ctx context.Context, _ *nodes.Call) (flowforge.Ports, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, nil))
		run := started(t, e, workflow(nil, flowforge.Node{ID: "n", Type: "test.once", Timeout: flowforge.Duration(time.Second), Retry: flowforge.RetryPolicy{MaxAttempts: 5}}), nil)
		time.Sleep(time.Minute)
		waits, err := e.GetRun(t.Context(), run.Workspace, run.ID)
		require.NoError(t, err)
		require.Equal(t, "decision", waits.Reason)
		require.NoError(t, e.Cancel(t.Context(), run.Workspace, run.ID, ""))
		time.Sleep(10 * time.Second)
		require.Equal(t, flowforge.RunCanceled, ended(t, e, run).Status)
	})
}

// journey is a workflow of three effects, of which the second fails until it is mended.
type journey struct {
	mu     sync.Mutex
	mended bool
	keys   map[flowforge.NodeID][]string
}

func (j *journey) types() []nodes.Type {
	return []nodes.Type{do("test.step", func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.keys == nil {
			j.keys = make(map[flowforge.NodeID][]string)
		}
		j.keys[call.Node] = append(j.keys[call.Node], call.IdempotencyKey())
		if call.Node == "b" && !j.mended {
			return nil, errors.New("not mended")
		}
		text, _ := call.Input.Any().(string)
		return flowforge.Out(flowforge.MustValue(text + string(call.Node))), nil
	})}
}

func (j *journey) document() *flowforge.Workflow {
	return workflow([]string{"a>b", "b>c"}, flowforge.Node{ID: "a", Type: "test.step"},
		flowforge.Node{ID: "b", Type: "test.step"}, flowforge.Node{ID: "c", Type: "test.step"})
}

func TestRetry(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		request engine.RetryRequest
		output  string
		keys    map[flowforge.NodeID]int // how many calls and how many keys each node came to
		calls   map[flowforge.NodeID]int
	}{
		"from failed":    {engine.RetryRequest{}, `"xabc"`, map[flowforge.NodeID]int{"a": 1, "b": 1, "c": 1}, map[flowforge.NodeID]int{"a": 1, "b": 2, "c": 1}},
		"from a node":    {engine.RetryRequest{From: engine.FromNode, Node: "a"}, `"xabc"`, map[flowforge.NodeID]int{"a": 2, "b": 2, "c": 1}, map[flowforge.NodeID]int{"a": 2, "b": 2, "c": 1}},
		"from the start": {engine.RetryRequest{From: engine.FromStart}, `"xabc"`, map[flowforge.NodeID]int{"a": 2, "b": 2, "c": 1}, map[flowforge.NodeID]int{"a": 2, "b": 2, "c": 1}},
		"with another output": {
			engine.RetryRequest{Outputs: map[flowforge.NodeID]flowforge.Value{"a": flowforge.MustValue("z")}},
			`"zbc"`,
			map[flowforge.NodeID]int{"a": 1, "b": 2, "c": 1},
			map[flowforge.NodeID]int{"a": 1, "b": 2, "c": 1},
		},
		"past the failed one": {
			engine.RetryRequest{Outputs: map[flowforge.NodeID]flowforge.Value{"b": flowforge.MustValue("z")}},
			`"zc"`,
			map[flowforge.NodeID]int{"a": 1, "b": 1, "c": 1},
			map[flowforge.NodeID]int{"a": 1, "b": 1, "c": 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j := &journey{}
				e := looped(t, engine.Config{Store: memory.New(memory.Config{})}, j.types()...)
				run := started(t, e, j.document(), "x")
				require.Equal(t, flowforge.RunFailed, ended(t, e, run).Status)
				j.mended = true
				again, err := e.Retry(t.Context(), run.Workspace, run.ID, test.request)
				require.NoError(t, err)
				require.Equal(t, run.ID, again.Origin.Run)
				time.Sleep(10 * time.Second)
				require.Equal(t, test.output, ended(t, e, again).Output.String())
				for id, calls := range test.calls {
					require.Len(t, j.keys[id], calls, "calls of %s", id)
					distinct := make(map[string]bool)
					for _, key := range j.keys[id] {
						distinct[key] = true
					}
					require.Len(t, distinct, test.keys[id], "keys of %s", id)
				}
				for n, err := range e.NodeRuns(t.Context(), again.Workspace, again.ID) {
					require.NoError(t, err)
					require.Equal(t, flowforge.NodeSucceeded, n.Status)
					require.Equal(t, len(j.keys[n.Node]) == 1 && n.Node != "c", n.Copied && test.request.From != engine.FromStart, "%s copied", n.Node)
				}
			})
		})
	}
}

func TestRetryOfARunThatHasNotEndedIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := looped(t, engine.Config{Store: memory.New(memory.Config{})})
		run := started(t, e, workflow(nil, waiting("n")), nil)
		synctest.Wait()
		_, err := e.Retry(t.Context(), run.Workspace, run.ID, engine.RetryRequest{})
		require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeConflict})
		time.Sleep(2 * time.Hour)
		_, err = e.Retry(t.Context(), run.Workspace, run.ID, engine.RetryRequest{From: engine.FromNode, Node: "nowhere"})
		require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeInvalidInput})
	})
}

func TestRetryCopiesElementsThatSucceeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		calls := make(map[string]int)
		mended := false
		e := looped(t, engine.Config{Store: memory.New(memory.Config{})}, do("test.element", func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			mu.Lock()
			defer mu.Unlock()
			calls[call.Element]++
			if call.Element == "2" && !mended {
				return nil, errors.New("no")
			}
			return flowforge.Out(call.Input), nil
		}))
		run := started(t, e, workflow(nil, flowforge.Node{
			ID: "n", Type: "test.element", Each: flowforge.MustValue("{{ input }}"), EachParallel: 1,
		}), []any{10, 11, 12, 13})
		require.Equal(t, flowforge.RunFailed, ended(t, e, run).Status)
		mended = true
		again, err := e.Retry(t.Context(), run.Workspace, run.ID, engine.RetryRequest{})
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		require.Equal(t, "[10,11,12,13]", ended(t, e, again).Output.String())
		require.Equal(t, map[string]int{"0": 1, "1": 1, "2": 2, "3": 1}, calls)
	})
}

func TestDiffTellsWhatChangedByNode(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	publish(t, e, "flow", workflow([]string{"a>b"}, flowforge.Node{ID: "a", Type: "core.noop"}, flowforge.Node{ID: "b", Type: "core.noop"}))
	publish(t, e, "flow", workflow([]string{"a>c"}, flowforge.Node{ID: "a", Type: "core.log"}, flowforge.Node{ID: "c", Type: "core.noop"}))
	changes, err := e.Diff(t.Context(), flowforge.Local, "flow", 1, 2)
	require.NoError(t, err)
	var told []string
	for _, change := range changes {
		told = append(told, string(change.Kind)+" "+change.What+" "+change.Name+" "+change.Field)
	}
	require.Equal(t, []string{"removed connection a -> b ", "added connection a -> c ", "changed node a type", "removed node b ", "added node c "}, told)

	_, err = e.Rollback(t.Context(), flowforge.Local, "flow", 1)
	require.NoError(t, err)
	changes, err = e.Diff(t.Context(), flowforge.Local, "flow", 1, store.PublishedVersion)
	require.NoError(t, err)
	require.Empty(t, changes)
}
