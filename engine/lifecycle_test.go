package engine_test

import (
	"context"
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

func waiting(id flowforge.NodeID) flowforge.Node {
	return flowforge.Node{ID: id, Type: "core.wait", Params: params(map[string]any{"duration": "1h"})}
}

// loop runs an engine's worker loop until the test's end or the function it gives is called.
func loop(t *testing.T, e *engine.Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	synctest.Wait()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(t, <-ended)
		}
	}
	t.Cleanup(stop)
	return stop
}

func TestStartWaitsForAWorkerLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, engine.Config{})
		document := workflow(nil, flowforge.Node{ID: "n", Type: "core.noop"})
		run, err := e.Start(t.Context(), engine.StartRequest{Document: document, Input: flowforge.MustValue(1)})
		require.NoError(t, err)
		synctest.Wait()
		run, err = e.GetRun(t.Context(), run.Workspace, run.ID)
		require.NoError(t, err)
		require.Equal(t, flowforge.RunQueued, run.Status, "nothing runs before a loop is active")

		loop(t, e)
		run, err = e.Wait(t.Context(), run.Workspace, run.ID)
		require.NoError(t, err)
		require.EqualValues(t, 1, run.Output.Any())

		eager, err := e.Start(t.Context(), engine.StartRequest{Document: document, Input: flowforge.MustValue(2)})
		require.NoError(t, err)
		eager, err = e.Wait(t.Context(), eager.Workspace, eager.ID)
		require.NoError(t, err)
		require.EqualValues(t, 2, eager.Output.Any())
	})
}

func TestOneEngineRunsWhatAnotherStarted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		defer func() { require.NoError(t, shared.Close()) }()
		api := newEngine(t, engine.Config{Store: shared})
		worker := newEngine(t, engine.Config{Store: shared})
		stop := loop(t, worker)
		defer stop()
		run, err := api.Start(t.Context(), engine.StartRequest{Document: workflow(nil, flowforge.Node{ID: "n", Type: "core.noop"})})
		require.NoError(t, err)
		run, err = api.Wait(t.Context(), run.Workspace, run.ID)
		require.NoError(t, err)
		require.Equal(t, flowforge.RunSucceeded, run.Status)
	})
}

func TestTheSameIdempotencyKeyStartsOneRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, engine.Config{})
		request := engine.StartRequest{Document: workflow(nil, flowforge.Node{ID: "n", Type: "core.noop"}), IdempotencyKey: "k"}
		first, err := e.DoRequest(t.Context(), request)
		require.NoError(t, err)
		second, err := e.DoRequest(t.Context(), request)
		require.NoError(t, err)
		require.Equal(t, first.ID, second.ID)

		request.Document = workflow(nil, flowforge.Node{ID: "other", Type: "core.noop"})
		_, err = e.DoRequest(t.Context(), request)
		require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeKeyReused})
	})
}

func TestCancelStopsWhatRunsAndThenRunsFinallyNodes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stopped := make(chan struct{})
		e := newEngine(t, engine.Config{}, do("test.hang", func(ctx context.Context, _ *nodes.Call) (flowforge.Ports, error) {
			<-ctx.Done()
			close(stopped)
			return nil, ctx.Err()
		}))
		loop(t, e)
		document := workflow([]string{"hang>after"},
			flowforge.Node{ID: "hang", Type: "test.hang"}, flowforge.Node{ID: "after", Type: "core.noop"},
			waiting("timer"), flowforge.Node{ID: "clean", Type: "core.noop", Finally: true})
		run, err := e.Start(t.Context(), engine.StartRequest{Document: document})
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, e.Cancel(t.Context(), run.Workspace, run.ID, "enough"))
		<-stopped
		run, err = e.Wait(t.Context(), run.Workspace, run.ID)
		require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeCanceled})
		require.ErrorContains(t, err, "enough")
		require.Equal(t, flowforge.RunCanceled, run.Status)
		got := nodeRuns(t, e, run)
		for _, name := range []string{"hang", "after", "timer"} {
			require.Equal(t, flowforge.NodeCanceled, got[name].Status, name)
			require.Equal(t, flowforge.ReasonRunCanceled, got[name].Reason, name)
		}
		require.Equal(t, flowforge.NodeSucceeded, got["clean"].Status)
		require.NoError(t, e.Cancel(t.Context(), run.Workspace, run.ID, "again"), "what has been done may be asked for again")
	})
}

func TestARunThatHasEndedCannotBeCanceled(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	run, err := e.Do(t.Context(), workflow(nil, flowforge.Node{ID: "n", Type: "core.noop"}), nil)
	require.NoError(t, err)
	require.ErrorIs(t, e.Cancel(t.Context(), run.Workspace, run.ID, "late"), &flowforge.Error{Code: flowforge.CodeConflict})
}

func TestDoIsCanceledWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, engine.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		run, err := e.Do(ctx, workflow(nil, waiting("n")), nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, flowforge.RunCanceled, run.Status)
	})
}

func TestWatchGivesEveryDurableEventOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, engine.Config{}, do("test.talk", func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
			call.Progress(0.5, "half")
			call.Log().InfoContext(ctx, "hello", "n", 1)
			return flowforge.Out(flowforge.Value{}), nil
		}))
		loop(t, e)
		document := workflow([]string{"w>talk"},
			flowforge.Node{ID: "w", Type: "core.wait", Params: params(map[string]any{"duration": "10s"})},
			flowforge.Node{ID: "talk", Type: "test.talk"})
		run, err := e.Start(t.Context(), engine.StartRequest{Document: document})
		require.NoError(t, err)
		var kinds []flowforge.EventKind
		live := make(map[flowforge.EventKind]flowforge.Event)
		seq := int64(0)
		for event, err := range e.Watch(t.Context(), run.Workspace, run.ID, 0) {
			require.NoError(t, err)
			if event.Seq == 0 {
				require.Equal(t, seq, event.After, "a note comes right after the event it follows")
				live[event.Kind] = event
				continue
			}
			seq++
			require.Equal(t, seq, event.Seq)
			kinds = append(kinds, event.Kind)
		}
		require.Equal(t, []flowforge.EventKind{
			"run.created", "run.started", "node.waiting", "run.waiting", "run.resumed", "node.succeeded", "node.succeeded", "run.succeeded",
		}, kinds)
		require.JSONEq(t, `{"fraction": 0.5, "message": "half"}`, live[flowforge.EventNodeProgress].Data.String())
		require.JSONEq(t, `{"level": "INFO", "message": "hello", "fields": {"n": 1}}`, live[flowforge.EventNodeLog].Data.String())

		for event, err := range e.Watch(t.Context(), run.Workspace, run.ID, 4) {
			require.NoError(t, err)
			require.Greater(t, event.Seq, int64(4), "it goes on where the watcher was")
		}
		var lines []store.LogLine
		for line, err := range e.Logs(t.Context(), run.Workspace, run.ID) {
			require.NoError(t, err)
			lines = append(lines, line)
		}
		require.Len(t, lines, 1)
		require.Equal(t, "hello", lines[0].Message)
	})
}

func TestALongLoopTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	node := flowforge.Node{ID: "n", Type: "core.noop", Each: flowforge.MustValue(make([]any, 250))}
	run, err := e.Do(t.Context(), workflow(nil, node), nil)
	require.NoError(t, err)
	var told []string
	for event, err := range e.Watch(t.Context(), run.Workspace, run.ID, 0) {
		require.NoError(t, err)
		if event.Kind == flowforge.EventNodeElements {
			told = append(told, event.Data.String())
		}
	}
	require.Equal(t, []string{`{"done":100,"failed":0,"total":250}`, `{"done":200,"failed":0,"total":250}`}, told)
}

func TestAHandlerIsToldOfFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := make(chan flowforge.Value, 1)
		e := newEngine(t, engine.Config{}, do("test.tell", func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			told <- call.Input
			return nil, nil
		}))
		handler := workflow(nil, flowforge.Node{ID: "n", Type: "test.tell"})
		handler.Name = "notify-ops"
		_, err := e.Save(t.Context(), flowforge.Local, handler)
		require.NoError(t, err)
		_, err = e.Publish(t.Context(), flowforge.Local, "notify-ops")
		require.NoError(t, err)

		document := workflow(nil, flowforge.Node{ID: "bad", Type: "core.fail", Params: params(map[string]any{"message": "no", "code": "boom"})})
		document.Settings.OnFailure = "notify-ops"
		run, err := e.Do(t.Context(), document, "in")
		require.Error(t, err)
		facts := (<-told).Any().(map[string]any)
		require.Equal(t, "boom", facts["error"].(map[string]any)["code"])
		require.Equal(t, string(run.ID), facts["run"].(map[string]any)["id"])
		require.Equal(t, "in", facts["input"])
	})
}

func TestAMissingHandlerIsToldInTheRun(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	document := workflow(nil, flowforge.Node{ID: "bad", Type: "core.fail", Params: params(map[string]any{"message": "no"})})
	document.Settings.OnFailure = "nobody"
	run, err := e.Do(t.Context(), document, nil)
	require.Error(t, err)
	require.Contains(t, run.Reason, "nobody")
}

func TestCloseDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		registry, err := nodes.NewRegistry(do("test.slow", func(ctx context.Context, _ *nodes.Call) (flowforge.Ports, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Minute):
				return flowforge.Out(flowforge.Value{}), nil
			}
		}))
		require.NoError(t, err)
		e, err := engine.New(engine.Config{Store: shared, Nodes: registry})
		require.NoError(t, err)
		stop := loop(t, e)
		run, err := e.Start(t.Context(), engine.StartRequest{Document: workflow(nil, flowforge.Node{ID: "n", Type: "test.slow"})})
		require.NoError(t, err)
		require.NoError(t, e.Close(t.Context()))
		stop()
		run, err = shared.Run(t.Context(), run.Workspace, run.ID)
		require.NoError(t, err)
		require.Equal(t, flowforge.RunSucceeded, run.Status)

		_, err = e.Start(t.Context(), engine.StartRequest{Document: workflow(nil, waiting("n"))})
		require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeClosed})
	})
}

func TestCloseGivesBackWhatDoesNotEndInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		registry, err := nodes.NewRegistry(do("test.block", func(ctx context.Context, _ *nodes.Call) (flowforge.Ports, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}))
		require.NoError(t, err)
		e, err := engine.New(engine.Config{Store: shared, Nodes: registry})
		require.NoError(t, err)
		stop := loop(t, e)
		run, err := e.Start(t.Context(), engine.StartRequest{Document: workflow(nil, flowforge.Node{ID: "n", Type: "test.block"})})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, e.Close(ctx), context.DeadlineExceeded)
		stop()
		claimed, err := shared.Claim(t.Context(), store.Claim{Worker: "other", Pools: []string{""}, NodeTypes: []string{"flowforge.plan@1", "test.block@1"}, Limit: 1, For: time.Minute})
		require.NoError(t, err)
		require.Len(t, claimed.Runs, 1)
		require.Equal(t, run.ID, claimed.Runs[0].Run.ID)
	})
}

func TestLeasesAreRenewedWhileARunLasts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		e := newEngine(t, engine.Config{Store: shared, Lease: 30 * time.Second})
		var claimed store.Claims
		time.AfterFunc(30*time.Minute, func() {
			claimed, _ = shared.Claim(context.Background(), store.Claim{
				Worker: "other", Pools: []string{""}, NodeTypes: []string{"core.wait@1", "flowforge.plan@1"}, Limit: 1, For: time.Minute,
			})
		})
		_, err := e.Do(t.Context(), workflow(nil, waiting("n")), nil)
		require.NoError(t, err)
		require.Empty(t, claimed.Runs, "nobody else may claim it")
	})
}

func TestARunLostToAnotherWorkerIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now
		shared := memory.New(memory.Config{Now: func() time.Time { return now() }})
		e := newEngine(t, engine.Config{Store: shared, Lease: time.Minute}, do("test.steal", func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
			now = func() time.Time { return time.Now().Add(time.Hour) }
			claimed, err := shared.Claim(ctx, store.Claim{Worker: "thief", Pools: []string{""}, NodeTypes: []string{"flowforge.plan@1", "test.steal@1"}, Limit: 1, For: time.Minute})
			require.NoError(t, err)
			require.Len(t, claimed.Runs, 1)
			return flowforge.Out(call.Input), nil
		}))
		_, err := e.Do(t.Context(), workflow(nil, flowforge.Node{ID: "n", Type: "test.steal"}), nil)
		require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeStaleEpoch})
	})
}

func TestPublishedVersionsDoNotChange(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	publish := func(text string) {
		document := workflow(nil, flowforge.Node{ID: "n", Type: "core.set", Params: params(map[string]any{
			"mode": "replace", "values": map[string]any{"v": text},
		})})
		_, err := e.Save(t.Context(), flowforge.Local, document)
		require.NoError(t, err)
		_, err = e.Publish(t.Context(), flowforge.Local, document.Name)
		require.NoError(t, err)
	}
	publish("one")
	publish("two")
	for version, want := range map[int]string{0: `{"v":"two"}`, 1: `{"v":"one"}`, 2: `{"v":"two"}`} {
		run, err := e.DoRequest(t.Context(), engine.StartRequest{Workflow: "test", Version: version})
		require.NoError(t, err)
		require.Equal(t, want, run.Output.String())
	}
}
