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
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/memory"
)

func jobsOf(t *testing.T, e *engine.Engine, failed bool) []store.JobStanding {
	t.Helper()
	listed, err := e.Jobs(t.Context(), flowforge.Local, store.JobFilter{Failed: failed})
	require.NoError(t, err)
	return listed
}

func TestAJobIsDoneAtOnceAndOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done := make(chan store.Job, 10)
		kind := engine.JobKind{Name: "send", Do: func(_ context.Context, job store.Job) error { done <- job; return nil }}
		e := looped(t, engine.Config{Jobs: []engine.JobKind{kind}})
		synctest.Wait()
		began := time.Now()
		require.NoError(t, e.Enqueue(t.Context(), store.Job{Kind: "send", ID: "a", Payload: flowforge.MustValue("to Ada")}))
		require.Equal(t, "to Ada", (<-done).Payload.Any())
		require.Zero(t, time.Since(began), "a hint wakes the loop")
		time.Sleep(time.Hour)
		require.Empty(t, done)
		require.Len(t, jobsOf(t, e, false), 1, "retention alone is left")
		require.ErrorIs(t, e.Enqueue(t.Context(), store.Job{}), &flowforge.Error{Code: flowforge.CodeInvalidInput})
	})
}

func TestOneOfManyEnginesDoesARecurringJobEachPeriod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		defer func() { require.NoError(t, shared.Close()) }()
		var times atomic.Int64
		kind := engine.JobKind{Name: "sweep", Every: time.Minute, Do: func(context.Context, store.Job) error {
			times.Add(1)
			return errors.New("not clean")
		}}
		var stops []func()
		for range 3 {
			stops = append(stops, loop(t, newEngine(t, engine.Config{Store: shared, Jobs: []engine.JobKind{kind}})))
		}
		time.Sleep(10*time.Minute + 30*time.Second)
		require.InDelta(t, 10, times.Load(), 1)
		listed, err := shared.ListJobs(t.Context(), flowforge.Local, store.JobFilter{AfterKind: "retention", AfterID: "recurring"})
		require.NoError(t, err)
		require.Equal(t, "not clean", listed[0].Error)
		require.False(t, listed[0].Failed, "it goes on with its next period")
		for _, stop := range stops {
			stop()
		}
	})
}

func TestAJobThatFailsIsTriedAgainAndThenKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var attempts atomic.Int64
		kind := engine.JobKind{Name: "send", Retry: flowforge.RetryPolicy{MaxAttempts: 3}, Do: func(context.Context, store.Job) error {
			if attempts.Add(1) == 2 {
				panic("oh no")
			}
			return errors.New("no answer")
		}}
		e := looped(t, engine.Config{Jobs: []engine.JobKind{kind}})
		require.NoError(t, e.Enqueue(t.Context(), store.Job{Kind: "send", ID: "a"}))
		time.Sleep(time.Minute)
		require.EqualValues(t, 3, attempts.Load())
		failed := jobsOf(t, e, true)
		require.Len(t, failed, 1)
		require.Equal(t, "no answer", failed[0].Error)
		require.Equal(t, 3, failed[0].Attempts)
		require.NoError(t, e.RetryJob(t.Context(), flowforge.Local, "send", "a"))
		time.Sleep(time.Minute)
		require.EqualValues(t, 6, attempts.Load())
	})
}

func TestAJobThatTakesTooLongIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kind := engine.JobKind{Name: "send", Timeout: 2 * time.Minute, Do: func(ctx context.Context, _ store.Job) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		e := looped(t, engine.Config{Jobs: []engine.JobKind{kind}})
		require.NoError(t, e.Enqueue(t.Context(), store.Job{Kind: "send", ID: "a"}))
		time.Sleep(119 * time.Second)
		require.Empty(t, jobsOf(t, e, true), "its lease is renewed")
		time.Sleep(5 * time.Second)
		failed := jobsOf(t, e, true)
		require.Len(t, failed, 1)
		require.Contains(t, failed[0].Error, "longer than 2m")
		require.Equal(t, 1, failed[0].Attempts)
	})
}

func TestAJobOfALoopThatEndsIsDoneByAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		defer func() { require.NoError(t, shared.Close()) }()
		began, done := make(chan struct{}, 1), make(chan struct{}, 1)
		first := newEngine(t, engine.Config{Store: shared, Jobs: []engine.JobKind{{
			Name: "send", Do: func(ctx context.Context, _ store.Job) error {
				began <- struct{}{}
				<-ctx.Done()
				return ctx.Err()
			},
		}}})
		stop := loop(t, first)
		require.NoError(t, first.Enqueue(t.Context(), store.Job{Kind: "send"}))
		<-began
		stop()
		second := newEngine(t, engine.Config{Store: shared, Jobs: []engine.JobKind{{
			Name: "send", Do: func(context.Context, store.Job) error { done <- struct{}{}; return nil },
		}}})
		defer loop(t, second)()
		<-done
		synctest.Wait()
		require.Len(t, jobsOf(t, second, false), 1, "retention alone is left")
	})
}

func TestKindsOfJobsThatCannotBeDoneAreRefused(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, store.Job) error { return nil }
	for name, kinds := range map[string][]engine.JobKind{
		"no name":          {{Do: nothing}},
		"nothing to do":    {{Name: "a"}},
		"twice":            {{Name: "a", Do: nothing}, {Name: "a", Do: nothing}},
		"the engine's own": {{Name: "retention", Do: nothing}},
	} {
		_, err := engine.New(engine.Config{Jobs: kinds})
		require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeInvalidInput}, name)
	}
}
