package engine_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// limited gives a workflow of one node that takes a second, with settings.
func limited(settings flowforge.Settings) *flowforge.Workflow {
	document := workflow(nil, flowforge.Node{ID: "work", Type: "test.work"})
	document.Settings = settings
	document.Output = flowforge.MustValue("{{ trigger }}")
	return document
}

// work is a node that takes a second, and tells when it begins with which input.
type work struct {
	gauge
	mu     sync.Mutex
	began  []time.Time
	inputs []string
}

func (w *work) node() nodes.Type {
	return do("test.work", func(ctx context.Context, call *nodes.Call) (flowforge.Ports, error) {
		defer w.enter()()
		w.mu.Lock()
		w.began, w.inputs = append(w.began, time.Now()), append(w.inputs, call.Input.String())
		w.mu.Unlock()
		select {
		case <-time.After(time.Second):
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
}

// worked gives an engine whose worker loop is active, and its work.
func worked(t *testing.T) (*engine.Engine, *work) {
	t.Helper()
	w := &work{}
	return looped(t, engine.Config{}, w.node()), w
}

// awaited gives a run once it has ended.
func awaited(t *testing.T, e *engine.Engine, run flowforge.Run) flowforge.Run {
	t.Helper()
	done, err := e.Wait(t.Context(), run.Workspace, run.ID)
	if done.Status != flowforge.RunCanceled {
		require.NoError(t, err)
	}
	return done
}

func keyed(key string) map[string]any { return map[string]any{"key": key} }

func refusedStart(t *testing.T, e *engine.Engine, document *flowforge.Workflow, input any) error {
	t.Helper()
	_, err := e.Start(t.Context(), engine.StartRequest{Document: document, Input: flowforge.MustValue(input)})
	require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeLimited})
	return err
}

func TestConcurrencyQueuesRunsPerKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, w := worked(t)
		document := limited(flowforge.Settings{Concurrency: &flowforge.Concurrency{Limit: 2, Key: "{{ input.key }}"}})
		began := time.Now()
		runs := make([]flowforge.Run, 0, 10)
		for range 5 {
			runs = append(runs, started(t, e, document, keyed("a")), started(t, e, document, keyed("b")))
		}
		synctest.Wait()
		require.Equal(t, 4, int(w.most.Load()), "two of each key")
		last, err := e.Explain(t.Context(), flowforge.Local, runs[9].ID)
		require.NoError(t, err)
		require.Contains(t, last.Causes[0].Text, `"concurrency/test/b"`)
		require.Contains(t, last.Causes[0].Text, string(runs[1].ID), "who holds the place")
		for _, run := range runs {
			require.Equal(t, flowforge.RunSucceeded, awaited(t, e, run).Status)
		}
		require.Equal(t, 4, int(w.most.Load()))
		require.Less(t, time.Since(began), 4*time.Second, "a place that is free is taken at once")
	})
}

func TestConcurrencyThatRejects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, _ := worked(t)
		document := limited(flowforge.Settings{Concurrency: &flowforge.Concurrency{Limit: 1, OnLimit: flowforge.OnLimitReject}})
		first := started(t, e, document, nil)
		require.ErrorContains(t, refusedStart(t, e, document, nil), `no more than 1 runs are in progress under "concurrency/test"`)
		awaited(t, e, first)
		started(t, e, document, nil)
	})
}

func TestConcurrencyThatCancelsRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, w := worked(t)
		document := limited(flowforge.Settings{Concurrency: &flowforge.Concurrency{Limit: 1, OnLimit: flowforge.OnLimitCancelRunning}})
		first, second, third := started(t, e, document, 1), started(t, e, document, 2), started(t, e, document, 3)
		require.Equal(t, flowforge.RunSucceeded, awaited(t, e, third).Status)
		require.Equal(t, flowforge.RunCanceled, awaited(t, e, first).Status)
		require.Equal(t, flowforge.RunCanceled, awaited(t, e, second).Status)
		require.Equal(t, 1, int(w.most.Load()))
	})
}

func TestSingletonAnswersTheRunThereIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, _ := worked(t)
		document := limited(flowforge.Settings{Singleton: &flowforge.Singleton{Key: "{{ input.key }}"}})
		first := started(t, e, document, keyed("a"))
		require.Equal(t, first.ID, started(t, e, document, keyed("a")).ID)
		require.NotEqual(t, first.ID, started(t, e, document, keyed("b")).ID)
		awaited(t, e, first)
		require.NotEqual(t, first.ID, started(t, e, document, keyed("a")).ID)
	})
}

func TestThrottleSpreadsRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, w := worked(t)
		document := limited(flowforge.Settings{Throttle: &flowforge.Rate{Limit: 2, Period: flowforge.Duration(time.Minute)}})
		runs := make([]flowforge.Run, 5)
		for i := range runs {
			runs[i] = started(t, e, document, i)
		}
		synctest.Wait()
		last, err := e.Explain(t.Context(), flowforge.Local, runs[4].ID)
		require.NoError(t, err)
		require.Equal(t, `It waits for its turn under "throttle/test", behind 2 others: no more than 2 runs begin in 1m.`, last.Causes[0].Text)
		for _, run := range runs {
			awaited(t, e, run)
		}
		for i := range w.began[2:] {
			require.GreaterOrEqual(t, w.began[i+2].Sub(w.began[i]), time.Minute)
			require.Less(t, w.began[i+2].Sub(w.began[i]), time.Minute+time.Second, "no longer than it must")
		}
	})
}

func TestRateLimitRejectsAndTellsHowLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, _ := worked(t)
		document := limited(flowforge.Settings{RateLimit: &flowforge.Rate{Limit: 1, Period: flowforge.Duration(time.Minute)}})
		awaited(t, e, started(t, e, document, nil))
		require.Equal(t, 59*time.Second, nodes.AdviceOf(refusedStart(t, e, document, nil)).After)
		time.Sleep(time.Minute)
		started(t, e, document, nil)
	})
}

func TestDebounceRunsOnceWithTheLatestInput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, w := worked(t)
		document := limited(flowforge.Settings{Debounce: &flowforge.Debounce{Period: flowforge.Duration(time.Minute)}})
		var first flowforge.Run
		for i := range 4 {
			run := started(t, e, document, i)
			if i == 0 {
				first = run
			}
			require.Equal(t, first.ID, run.ID)
			time.Sleep(50 * time.Second)
		}
		require.Equal(t, "3", awaited(t, e, first).Output.String())
		require.Equal(t, []string{"3"}, w.inputs)
		require.NotEqual(t, first.ID, started(t, e, document, 4).ID)
	})
}

func TestBatchRunsOnceForManyInputs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, w := worked(t)
		document := limited(flowforge.Settings{Batch: &flowforge.Batch{
			Size: 3, Period: flowforge.Duration(time.Minute), Key: "{{ input.key }}",
		}})
		full := started(t, e, document, keyed("a"))
		other := started(t, e, document, keyed("b"))
		started(t, e, document, keyed("a"))
		synctest.Wait()
		require.Empty(t, w.inputs)
		require.Equal(t, full.ID, started(t, e, document, keyed("a")).ID)
		require.JSONEq(t, `[{"key":"a"},{"key":"a"},{"key":"a"}]`, awaited(t, e, full).Output.String())
		began := time.Now()
		run := awaited(t, e, other)
		require.JSONEq(t, `[{"key":"b"}]`, run.Output.String())
		require.GreaterOrEqual(t, time.Since(began), 50*time.Second)
		again, err := e.Retry(t.Context(), flowforge.Local, full.ID, engine.RetryRequest{From: engine.FromStart})
		require.NoError(t, err)
		require.JSONEq(t, `[{"key":"a"},{"key":"a"},{"key":"a"}]`, awaited(t, e, again).Output.String(), "it gathers nothing more")
	})
}

func TestDoWaitsForItsTurnWithoutAWorkerLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &work{}
		e := newEngine(t, engine.Config{}, w.node())
		document := limited(flowforge.Settings{Concurrency: &flowforge.Concurrency{Limit: 1}})
		results := make(chan error, 3)
		for range cap(results) {
			go func() {
				_, err := e.Do(t.Context(), document, nil)
				results <- err
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		canceled := make(chan flowforge.Run)
		go func() {
			run, err := e.Do(ctx, document, nil)
			assert.ErrorIs(t, err, context.Canceled)
			canceled <- run
		}()
		synctest.Wait()
		cancel()
		require.Equal(t, flowforge.RunCanceled, statusOf(t, e, <-canceled), "it waits no longer than its caller")
		for range cap(results) {
			require.NoError(t, <-results)
		}
		require.Equal(t, 1, int(w.most.Load()))
		run, err := e.Do(t.Context(), limited(flowforge.Settings{Debounce: &flowforge.Debounce{Period: flowforge.Duration(time.Hour)}}), 7)
		require.NoError(t, err)
		require.Equal(t, "7", run.Output.String())
	})
}

func TestAChildWaitsWhereOthersAreRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, w := worked(t)
		child := limited(flowforge.Settings{Concurrency: &flowforge.Concurrency{Limit: 1, OnLimit: flowforge.OnLimitReject}})
		publish(t, e, "child", child)
		parent := workflow(nil, flowforge.Node{ID: "call", Type: "core.subworkflow", Params: params(map[string]any{"workflow": "child"})})
		first, second := started(t, e, parent, nil), started(t, e, parent, nil)
		require.Equal(t, flowforge.RunSucceeded, awaited(t, e, first).Status)
		require.Equal(t, flowforge.RunSucceeded, awaited(t, e, second).Status)
		require.Equal(t, 1, int(w.most.Load()))
	})
}

func TestQuotasOfAWorkspace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, w := worked(t)
		require.ErrorIs(t, e.SetQuota(t.Context(), flowforge.Local, store.Quota{Weight: 101}), &flowforge.Error{Code: flowforge.CodeInvalidInput})
		require.NoError(t, e.SetQuota(t.Context(), flowforge.Local, store.Quota{Queued: 3, Running: 2}))
		document := limited(flowforge.Settings{})
		for range 5 {
			started(t, e, document, nil)
			synctest.Wait()
		}
		require.ErrorContains(t, refusedStart(t, e, document, nil), "has 3 queued runs")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Equal(t, 2, int(w.most.Load()))
		require.Len(t, w.began, 5)
	})
}

func TestAKeyThatCannotBeMadeRefusesTheStart(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{}, (&work{}).node())
	document := limited(flowforge.Settings{Singleton: &flowforge.Singleton{Key: "{{ input.a / 0 }}"}})
	_, err := e.Start(t.Context(), engine.StartRequest{Document: document, Input: flowforge.MustValue(map[string]any{"a": 1})})
	require.ErrorContains(t, err, "settings.singleton.key")
}
