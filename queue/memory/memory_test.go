package memory_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/queue"
	"github.com/flowforge-go/flowforge/queue/memory"
	"github.com/flowforge-go/flowforge/queue/queuetest"
)

func TestQueue(t *testing.T) {
	t.Parallel()
	queuetest.Run(t, func(*testing.T) queue.Queue { return memory.New() })
}

// subscribe runs a subscription whose calls of wake wait for `proceed`.
func subscribe(ctx context.Context, t *testing.T, q *memory.Queue, proceed <-chan struct{}) <-chan queue.Hint {
	t.Helper()
	got := make(chan queue.Hint, 100)
	go func() {
		defer close(got)
		_ = q.Subscribe(ctx, []string{"cpu", "gpu"}, func(hint queue.Hint) {
			got <- hint
			<-proceed
		})
	}()
	synctest.Wait()
	return got
}

func push(t *testing.T, q *memory.Queue, hints ...queue.Hint) {
	t.Helper()
	for _, hint := range hints {
		require.NoError(t, q.Push(t.Context(), hint))
	}
	synctest.Wait()
}

func TestHintsAreMergedByPoolAndTheMostUrgentIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, proceed := memory.New(), make(chan struct{})
		got := subscribe(t.Context(), t, q, proceed)
		push(t, q, queue.Hint{Pool: "cpu", Run: "first"})
		require.Equal(t, queue.Hint{Pool: "cpu", Run: "first"}, <-got)
		for range 1_000 {
			push(t, q, queue.Hint{Pool: "cpu", Priority: 4, Run: "low"}, queue.Hint{Pool: "gpu", Run: "other"})
		}
		push(t, q, queue.Hint{Pool: "cpu", Run: "middle"}, queue.Hint{Pool: "cpu", Priority: 2, Run: "high"},
			queue.Hint{Pool: "cpu", Priority: 2, Run: "late"})
		close(proceed)
		synctest.Wait()
		require.Len(t, got, 2)
		require.Equal(t, queue.Hint{Pool: "cpu", Priority: 2, Run: "high"}, <-got)
		require.Equal(t, queue.Hint{Pool: "gpu", Run: "other"}, <-got)
		require.NoError(t, q.Close()) // a subscription left behind would fail the bubble
	})
}

func TestAnIdleSubscriberIsPreferred(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, proceed, free := memory.New(), make(chan struct{}), make(chan struct{})
		close(free)
		busy := subscribe(t.Context(), t, q, proceed)
		push(t, q, queue.Hint{Pool: "cpu", Run: "first"})
		idle := subscribe(t.Context(), t, q, free)
		for range 10 {
			push(t, q, queue.Hint{Pool: "cpu", Run: "next"})
		}
		require.Len(t, busy, 1)
		require.Len(t, idle, 10)
		close(proceed)
		require.NoError(t, q.Close())
	})
}

func TestIdleSubscribersTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, free := memory.New(), make(chan struct{})
		close(free)
		one, two := subscribe(t.Context(), t, q, free), subscribe(t.Context(), t, q, free)
		for range 10 {
			push(t, q, queue.Hint{Pool: "cpu", Run: "run"})
		}
		require.Len(t, one, 5)
		require.Len(t, two, 5)
		require.NoError(t, q.Close())
	})
}

func TestWhoLeavesPassesItsHintsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, proceed, free := memory.New(), make(chan struct{}), make(chan struct{})
		close(free)
		ctx, cancel := context.WithCancel(t.Context())
		leaves := subscribe(ctx, t, q, proceed)
		push(t, q, queue.Hint{Pool: "cpu", Run: "first"})
		push(t, q, queue.Hint{Pool: "cpu", Run: "second"})
		stays := subscribe(t.Context(), t, q, free)
		cancel()
		close(proceed)
		require.Equal(t, queue.Hint{Pool: "cpu", Run: "first"}, <-leaves)
		require.Equal(t, queue.Hint{Pool: "cpu", Run: "second"}, <-stays)
		_, open := <-leaves
		require.False(t, open)
		require.NoError(t, q.Close())
	})
}

func TestBus(t *testing.T) {
	t.Parallel()
	queuetest.RunBus(t, func(*testing.T) queue.Bus { return memory.NewBus() })
}

func TestASlowListenerIsToldWhatItMissed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bus, proceed := memory.NewBus(), make(chan struct{})
		missed, received := 0, 0
		s, err := bus.Subscribe(queue.Listener{
			Receive: func(queue.Message) { received++; <-proceed },
			Missed:  func(string) { missed++ },
		})
		require.NoError(t, err)
		s.Add("a")
		synctest.Wait()
		require.Equal(t, 1, missed)
		for range 30_000 {
			bus.Publish(queue.Message{Topic: "a"})
			synctest.Wait()
		}
		close(proceed)
		synctest.Wait()
		require.Equal(t, 2, missed)
		require.Equal(t, int64(30_000-received), bus.Dropped())
		require.Less(t, received, 30_000)
		require.NoError(t, bus.Close())
	})
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	queuetest.RunLimiter(t, func(*testing.T) queue.Limiter { return memory.NewLimiter(nil) })
}
