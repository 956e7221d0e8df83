package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
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

// looped makes an engine on a shared store whose worker loop is active until the test ends.
func looped(t *testing.T, config engine.Config, types ...nodes.Type) *engine.Engine {
	t.Helper()
	e := newEngine(t, config, types...)
	t.Cleanup(loop(t, e))
	return e
}

func started(t *testing.T, e *engine.Engine, document *flowforge.Workflow, input any) flowforge.Run {
	t.Helper()
	run, err := e.Start(t.Context(), engine.StartRequest{Document: document, Input: flowforge.MustValue(input)})
	require.NoError(t, err)
	return run
}

func statusOf(t *testing.T, e *engine.Engine, run flowforge.Run) flowforge.RunStatus {
	t.Helper()
	found, err := e.GetRun(t.Context(), run.Workspace, run.ID)
	require.NoError(t, err)
	return found.Status
}

func ended(t *testing.T, e *engine.Engine, run flowforge.Run) flowforge.Run {
	t.Helper()
	synctest.Wait()
	found, err := e.GetRun(t.Context(), run.Workspace, run.ID)
	require.NoError(t, err)
	require.True(t, found.Status.Terminal(), "%s is %s", run.ID, found.Status)
	return found
}

func signalWait(id string, fields map[string]any) flowforge.Node {
	return flowforge.Node{ID: flowforge.NodeID(id), Type: "core.wait", Params: params(fields)}
}

func TestASignalWakesAParkedRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		worker := looped(t, engine.Config{Store: shared})
		other := newEngine(t, engine.Config{Store: shared})
		run := started(t, worker, workflow(nil, signalWait("n", map[string]any{"signal": "paid", "match": "{{ item.order == input.order }}"})),
			map[string]any{"order": 7})
		synctest.Wait()
		require.Equal(t, flowforge.RunWaiting, statusOf(t, worker, run))

		send := func(key string, order int) {
			t.Helper()
			require.NoError(t, other.Signal(t.Context(), engine.SignalRequest{
				Run: run.ID, Name: "paid", Data: flowforge.MustValue(map[string]any{"order": order, "by": key}), IdempotencyKey: key,
			}))
			time.Sleep(10 * time.Second)
		}
		send("wrong", 8)
		require.Equal(t, flowforge.RunWaiting, statusOf(t, worker, run), "a signal that does not fit ends nothing")
		send("first", 7)
		require.JSONEq(t, `{"out": {"order": 7, "by": "first"}}`, ended(t, worker, run).Output.String())
		require.ErrorIs(t, other.Signal(t.Context(), engine.SignalRequest{Run: run.ID, Name: "paid"}),
			&flowforge.Error{Code: flowforge.CodeConflict})
	})
}

func TestASignalThatCameBeforeItWasWaitedForCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		e := looped(t, engine.Config{Store: shared})
		run := started(t, e, workflow([]string{"first>n"}, waiting("first"), signalWait("n", map[string]any{"signal": "go"})), nil)
		synctest.Wait()
		for range 2 { // the same one twice
			require.NoError(t, e.Signal(t.Context(), engine.SignalRequest{Run: run.ID, Name: "go", Data: flowforge.MustValue(1), IdempotencyKey: "k"}))
		}
		time.Sleep(2 * time.Hour)
		require.JSONEq(t, `{"out": 1}`, ended(t, e, run).Output.String())
	})
}

func TestASignalThatDoesNotComeInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := looped(t, engine.Config{Store: memory.New(memory.Config{})})
		run := started(t, e, workflow([]string{"n.timeout>late"},
			signalWait("n", map[string]any{"signal": "go", "timeout": "1h"}), flowforge.Node{ID: "late", Type: "core.noop"}), 5)
		time.Sleep(time.Hour - time.Second)
		require.Equal(t, flowforge.RunWaiting, statusOf(t, e, run), "not early")
		time.Sleep(2 * time.Second)
		require.Equal(t, "5", ended(t, e, run).Output.String())
	})
}

func TestSignalWithStartStartsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := looped(t, engine.Config{Store: memory.New(memory.Config{})})
		start := engine.StartRequest{
			Document:       workflow([]string{"a>b"}, signalWait("a", map[string]any{"signal": "s"}), signalWait("b", map[string]any{"signal": "s"})),
			IdempotencyKey: "order-7",
		}
		first, err := e.SignalWithStart(t.Context(), start, engine.SignalRequest{Name: "s", Data: flowforge.MustValue(1)})
		require.NoError(t, err)
		second, err := e.SignalWithStart(t.Context(), start, engine.SignalRequest{Name: "s", Data: flowforge.MustValue(2)})
		require.NoError(t, err)
		require.Equal(t, first.ID, second.ID)
		time.Sleep(10 * time.Second)
		require.JSONEq(t, `{"out": 2}`, ended(t, e, first).Output.String())
	})
}

func TestParkedRunsAreInNoEnginesMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		e := looped(t, engine.Config{Store: shared})
		run := started(t, e, workflow([]string{"n>m"}, waiting("n"), waiting("m")), 3)
		synctest.Wait()
		standing, err := shared.Standing(t.Context(), run.Workspace, run.ID)
		require.NoError(t, err)
		require.Empty(t, standing.Worker, "nobody holds it")
		require.WithinDuration(t, time.Now().Add(time.Hour), standing.WakeAt, time.Millisecond)
		told, err := e.Explain(t.Context(), run.Workspace, run.ID)
		require.NoError(t, err)
		require.Contains(t, told.Causes[len(told.Causes)-1].Text, "Node n waits; it goes on in 1h0m0s")
		begun := time.Now()
		finished, err := e.Wait(t.Context(), run.Workspace, run.ID)
		require.NoError(t, err)
		require.Equal(t, "3", finished.Output.String())
		took := time.Since(begun)
		require.GreaterOrEqual(t, took, 2*time.Hour, "never early")
		require.Less(t, took, 2*time.Hour+5*time.Second)
	})
}

func TestPauseBeginsNothingNewAndResumeGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		slow := do("test.slow", func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			calls.Add(1)
			time.Sleep(time.Minute)
			return flowforge.Out(call.Input), nil
		})
		e := looped(t, engine.Config{Store: memory.New(memory.Config{})}, slow)
		run := started(t, e, workflow([]string{"a>b"}, flowforge.Node{ID: "a", Type: "test.slow"}, flowforge.Node{ID: "b", Type: "test.slow"}), 1)
		synctest.Wait()
		require.NoError(t, e.Pause(t.Context(), run.Workspace, run.ID, "lunch"))
		time.Sleep(time.Hour)
		require.EqualValues(t, 1, calls.Load(), "what ran went on, nothing new began")
		paused, err := e.GetRun(t.Context(), run.Workspace, run.ID)
		require.NoError(t, err)
		require.Equal(t, flowforge.RunPaused, paused.Status)
		require.Equal(t, "lunch", paused.Reason)
		told, err := e.Explain(t.Context(), run.Workspace, run.ID)
		require.NoError(t, err)
		require.Contains(t, told.Text, "paused (lunch)")
		require.NotEmpty(t, told.Action)

		require.NoError(t, e.Resume(t.Context(), run.Workspace, run.ID))
		time.Sleep(2 * time.Minute)
		require.Equal(t, flowforge.RunSucceeded, ended(t, e, run).Status)
		require.EqualValues(t, 2, calls.Load())
	})
}

func TestAPausedRunCanBeCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := looped(t, engine.Config{Store: memory.New(memory.Config{})})
		run := started(t, e, workflow([]string{"n>m"}, waiting("n"), waiting("m")), nil)
		synctest.Wait()
		require.NoError(t, e.Pause(t.Context(), run.Workspace, run.ID, ""))
		time.Sleep(3 * time.Hour)
		require.Equal(t, flowforge.RunPaused, statusOf(t, e, run))
		require.NoError(t, e.Cancel(t.Context(), run.Workspace, run.ID, "enough"))
		time.Sleep(10 * time.Second)
		require.Equal(t, flowforge.RunCanceled, ended(t, e, run).Status)
	})
}

// publish saves and publishes a workflow of a name.
func publish(t *testing.T, e *engine.Engine, name string, document *flowforge.Workflow) {
	t.Helper()
	document.Name = name
	_, err := e.Save(t.Context(), flowforge.Local, document)
	require.NoError(t, err)
	_, err = e.Publish(t.Context(), flowforge.Local, name)
	require.NoError(t, err)
}

func TestSubworkflow(t *testing.T) {
	t.Parallel()
	call := func(fields map[string]any) *flowforge.Workflow {
		fields["workflow"] = "inner"
		return workflow(nil, flowforge.Node{ID: "call", Type: "core.subworkflow", Params: params(fields)})
	}
	wait := func(t *testing.T, e *engine.Engine, document *flowforge.Workflow, input any) (flowforge.Run, error) {
		t.Helper()
		run := started(t, e, document, input)
		return e.Wait(t.Context(), run.Workspace, run.ID)
	}
	t.Run("waits for the output", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			e := looped(t, engine.Config{Store: memory.New(memory.Config{})})
			publish(t, e, "inner", workflow([]string{"w>n"}, waiting("w"), flowforge.Node{
				ID: "n", Type: "core.set", Params: params(map[string]any{"mode": "replace", "values": map[string]any{"n": "{{ input + 1 }}"}}),
			}))
			run, err := wait(t, e, call(map[string]any{}), 6)
			require.NoError(t, err)
			require.JSONEq(t, `{"n": 7}`, run.Output.String())
			children, err := e.ListRuns(t.Context(), flowforge.Local, store.Filter{Origin: run.ID})
			require.NoError(t, err)
			require.Len(t, children, 1)
			require.Equal(t, flowforge.OriginParent, children[0].Origin.Kind)
		})
	})
	t.Run("fails as the child does", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			e := looped(t, engine.Config{Store: memory.New(memory.Config{})})
			publish(t, e, "inner", workflow(nil, flowforge.Node{ID: "n", Type: "core.fail", Params: params(map[string]any{"message": "no", "code": "boom"})}))
			_, err := wait(t, e, call(map[string]any{}), nil)
			require.Equal(t, flowforge.Code("boom"), flowforge.CodeOf(err))
		})
	})
	t.Run("detached goes on at once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			e := looped(t, engine.Config{Store: memory.New(memory.Config{})})
			publish(t, e, "inner", workflow(nil, waiting("w")))
			begun := time.Now()
			run, err := wait(t, e, call(map[string]any{"detach": true}), 1)
			require.NoError(t, err)
			require.Less(t, time.Since(begun), time.Minute)
			fields, _ := run.Output.Any().(map[string]any)
			child, err := e.Wait(t.Context(), flowforge.Local, flowforge.RunID(fields["run"].(string)))
			require.NoError(t, err)
			require.Equal(t, "1", child.Output.String())
		})
	})
	t.Run("cancel reaches the child", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			e := looped(t, engine.Config{Store: memory.New(memory.Config{})})
			publish(t, e, "inner", workflow(nil, waiting("w")))
			run := started(t, e, call(map[string]any{}), nil)
			synctest.Wait()
			require.NoError(t, e.Cancel(t.Context(), run.Workspace, run.ID, "stop"))
			time.Sleep(10 * time.Second)
			require.Equal(t, flowforge.RunCanceled, ended(t, e, run).Status)
			children, err := e.ListRuns(t.Context(), flowforge.Local, store.Filter{Origin: run.ID})
			require.NoError(t, err)
			require.Equal(t, flowforge.RunCanceled, children[0].Status)
		})
	})
	t.Run("a workflow that starts itself ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			e := looped(t, engine.Config{Store: memory.New(memory.Config{})})
			publish(t, e, "inner", call(map[string]any{}))
			_, err := wait(t, e, call(map[string]any{}), nil)
			require.ErrorContains(t, err, "does \"inner\" start itself?")
		})
	})
}

func TestAPoisonRunIsEndedAfterItsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		e := newEngine(t, engine.Config{Store: shared})
		run := started(t, e, workflow(nil, waiting("n")), nil)
		for range 10 { // workers that die with it
			claims, err := shared.Claim(t.Context(), store.Claim{
				Worker: "dies", Pools: []string{""}, NodeTypes: []string{"core.wait@1", "flowforge.plan@1"}, Limit: 1, For: time.Minute,
			})
			require.NoError(t, err)
			require.Len(t, claims.Runs, 1)
			time.Sleep(time.Minute)
		}
		t.Cleanup(loop(t, e))
		time.Sleep(10 * time.Second)
		failed := ended(t, e, run)
		require.Equal(t, flowforge.RunFailed, failed.Status)
		require.Equal(t, flowforge.CodeWorkerLost, failed.Error.Code)
	})
}

func TestAPoisonRunThatIsToBeCanceledEndsAsCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		e := newEngine(t, engine.Config{Store: shared})
		run := started(t, e, workflow(nil, waiting("n")), nil)
		for i := range 10 { // workers that die with it; the first has told that it is being canceled
			claims, err := shared.Claim(t.Context(), store.Claim{
				Worker: "dies", Pools: []string{""}, NodeTypes: []string{"core.wait@1", "flowforge.plan@1"}, Limit: 1, For: time.Minute,
			})
			require.NoError(t, err)
			require.Len(t, claims.Runs, 1)
			if i == 0 {
				of := claims.Runs[0].Run
				answers, err := shared.Commit(t.Context(), []store.Transition{{
					Workspace: of.Workspace, Run: of.ID, Epoch: claims.Runs[0].Lease.Epoch, FromSeq: of.Seq, ToSeq: of.Seq + 1,
					Events: []flowforge.Event{{Run: of.ID, Seq: of.Seq + 1, Kind: flowforge.EventRunCanceling, At: time.Now()}},
					Status: flowforge.RunCanceling, For: time.Minute,
				}})
				require.NoError(t, err)
				require.NoError(t, answers[0].Err)
			}
			time.Sleep(time.Minute)
		}
		t.Cleanup(loop(t, e))
		time.Sleep(10 * time.Second)
		canceled := ended(t, e, run)
		require.Equal(t, flowforge.RunCanceled, canceled.Status)
		require.Equal(t, flowforge.CodeWorkerLost, canceled.Error.Code)
	})
}

func TestAWorkerLeavesAloneWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		looped(t, engine.Config{Store: shared})
		knows := newEngine(t, engine.Config{Store: shared}, do("test.new", func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			return flowforge.Out(call.Input), nil
		}))
		run := started(t, knows, workflow(nil, flowforge.Node{ID: "n", Type: "test.new"}), 1)
		time.Sleep(time.Hour)
		require.Equal(t, flowforge.RunQueued, statusOf(t, knows, run))
		told, err := knows.Explain(t.Context(), run.Workspace, run.ID)
		require.NoError(t, err)
		require.Contains(t, told.Causes[0].Text, "test.new@1")
		t.Cleanup(loop(t, knows))
		time.Sleep(10 * time.Second)
		require.Equal(t, flowforge.RunSucceeded, ended(t, knows, run).Status)
	})
}

func TestAnEndedLoopHandsItsRunsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		var calls atomic.Int32
		slow := do("test.slow", func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			calls.Add(1)
			time.Sleep(time.Minute)
			return flowforge.Out(call.Input), nil
		})
		first := newEngine(t, engine.Config{Store: shared}, slow)
		stop := loop(t, first)
		run := started(t, first, workflow([]string{"a>b"}, flowforge.Node{ID: "a", Type: "test.slow"}, flowforge.Node{ID: "b", Type: "test.slow"}), 1)
		synctest.Wait()
		stop()
		require.EqualValues(t, 1, calls.Load(), "its attempt went on to its end")
		second := looped(t, engine.Config{Store: shared}, slow)
		finished, err := second.Wait(t.Context(), run.Workspace, run.ID)
		require.NoError(t, err)
		require.Equal(t, flowforge.RunSucceeded, finished.Status)
		require.EqualValues(t, 2, calls.Load(), "nothing was done twice")
	})
}

func TestAnOutageOfTheStoreFailsNoRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		flaky := &outage{Store: memory.New(memory.Config{})}
		e := looped(t, engine.Config{Store: flaky}, do("test.cut", func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			flaky.until.Store(time.Now().Add(15 * time.Second).UnixNano())
			return flowforge.Out(call.Input), nil
		}))
		run := started(t, e, workflow([]string{"a>b"}, flowforge.Node{ID: "a", Type: "test.cut"}, flowforge.Node{ID: "b", Type: "core.noop"}), 4)
		time.Sleep(30 * time.Second)
		require.Equal(t, "4", ended(t, e, run).Output.String())
		require.Positive(t, flaky.refused.Load())
	})
}

// outage is a store that cannot be reached for a while; what is asked meanwhile happens, or not, in turn.
type outage struct {
	store.Store

	until   atomic.Int64
	refused atomic.Int64
}

func (o *outage) Commit(ctx context.Context, transitions []store.Transition) ([]store.Committed, error) {
	if time.Now().UnixNano() >= o.until.Load() {
		return o.Store.Commit(ctx, transitions)
	}
	if o.refused.Add(1)%2 == 0 {
		_, err := o.Store.Commit(ctx, transitions)
		return nil, errors.Join(errCutOff, err)
	}
	return nil, errCutOff
}
