package queuetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/queue"
)

// RunLimiter runs the suite of a limiter; open makes one that shares nothing with others.
func RunLimiter(t *testing.T, open func(t *testing.T) queue.Limiter) {
	t.Helper()
	hourly := func(count int) queue.Limit { return queue.Limit{Count: count, Period: time.Hour} }
	allow := func(t *testing.T, l queue.Limiter, key string, limit queue.Limit) bool {
		t.Helper()
		ok, retryAfter, err := l.Allow(t.Context(), key, limit)
		require.NoError(t, err)
		if ok {
			require.Zero(t, retryAfter)
		} else {
			require.Positive(t, retryAfter)
			require.LessOrEqual(t, retryAfter, limit.Period/time.Duration(limit.Count)+time.Second)
		}
		return ok
	}
	t.Run("a key has its turns, and then it is told when the next one is", func(t *testing.T) {
		t.Parallel()
		l := open(t)
		for range 3 {
			require.True(t, allow(t, l, "key", hourly(3)))
		}
		require.False(t, allow(t, l, "key", hourly(3)))
		require.False(t, allow(t, l, "key", hourly(3)))
	})
	t.Run("each key has turns of its own", func(t *testing.T) {
		t.Parallel()
		l := open(t)
		require.True(t, allow(t, l, "one", hourly(1)))
		require.False(t, allow(t, l, "one", hourly(1)))
		require.True(t, allow(t, l, "two", hourly(1)))
	})
	t.Run("turns come back", func(t *testing.T) {
		t.Parallel()
		l, limit := open(t), queue.Limit{Count: 1, Period: 50 * time.Millisecond}
		require.True(t, allow(t, l, "key", limit))
		require.Eventually(t, func() bool { return allow(t, l, "key", limit) }, patience, 10*time.Millisecond)
	})
	t.Run("a limit that allows nothing is refused", func(t *testing.T) {
		t.Parallel()
		l := open(t)
		for _, limit := range []queue.Limit{{Count: 0, Period: time.Second}, {Count: 1}, {Count: -1, Period: time.Second}} {
			ok, _, err := l.Allow(t.Context(), "key", limit)
			require.False(t, ok)
			require.Equal(t, flowforge.CodeInvalidInput, flowforge.CodeOf(err))
		}
	})
}
