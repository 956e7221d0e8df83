package flowforge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
)

func TestRetryAllows(t *testing.T) {
	t.Parallel()
	codes := func(codes ...flowforge.Code) []flowforge.Code { return codes }
	for name, test := range map[string]struct {
		policy flowforge.RetryPolicy
		code   flowforge.Code
		failed int
		want   bool
	}{
		"no policy, no retry":     {flowforge.RetryPolicy{}, "x", 1, false},
		"one attempt":             {flowforge.RetryPolicy{MaxAttempts: 1}, "x", 1, false},
		"the first of three":      {flowforge.RetryPolicy{MaxAttempts: 3}, "x", 1, true},
		"the second of three":     {flowforge.RetryPolicy{MaxAttempts: 3}, "x", 2, true},
		"the last of three":       {flowforge.RetryPolicy{MaxAttempts: 3}, "x", 3, false},
		"beyond the last":         {flowforge.RetryPolicy{MaxAttempts: 3}, "x", 4, false},
		"a code to retry":         {flowforge.RetryPolicy{MaxAttempts: 3, RetryOn: codes("y", "x")}, "x", 1, true},
		"another code":            {flowforge.RetryPolicy{MaxAttempts: 3, RetryOn: codes("y")}, "x", 1, false},
		"a code not to retry":     {flowforge.RetryPolicy{MaxAttempts: 3, NoRetryOn: codes("x")}, "x", 1, false},
		"not the one not to":      {flowforge.RetryPolicy{MaxAttempts: 3, NoRetryOn: codes("y")}, "x", 1, true},
		"both: not to retry wins": {flowforge.RetryPolicy{MaxAttempts: 3, RetryOn: codes("x"), NoRetryOn: codes("x")}, "x", 1, false},
		"a negative bound":        {flowforge.RetryPolicy{MaxAttempts: -1}, "x", 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, test.policy.Allows(test.code, test.failed))
		})
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	waits := func(policy flowforge.RetryPolicy, random float64) []time.Duration {
		var waits []time.Duration
		for failed := 1; failed <= 8; failed++ {
			waits = append(waits, policy.Backoff(failed, random))
		}
		return waits
	}
	const s = time.Second
	none := flowforge.RetryPolicy{Jitter: flowforge.JitterNone}
	require.Equal(t, []time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 60 * s, 60 * s}, waits(none, 0.5))
	require.Equal(t, []time.Duration{s / 2, s, 2 * s, 4 * s, 8 * s, 16 * s, 30 * s, 30 * s}, waits(flowforge.RetryPolicy{}, 0.5))

	equal := flowforge.RetryPolicy{
		Jitter: flowforge.JitterEqual, InitialInterval: flowforge.Duration(4 * s), Multiplier: 1,
	}
	require.Equal(t, 2*s, equal.Backoff(3, 0))
	require.Equal(t, 3*s, equal.Backoff(3, 0.5))

	capped := flowforge.RetryPolicy{
		Jitter: flowforge.JitterNone, InitialInterval: flowforge.Duration(9 * s), MaxInterval: flowforge.Duration(5 * s),
	}
	require.Equal(t, 5*s, capped.Backoff(1, 0))
}

// Whatever a document says, a backoff lies between the bounds its jitter promises and never above the cap.
func TestBackoffKeepsItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		policy := flowforge.RetryPolicy{
			InitialInterval: durations().Draw(t, "initial"), MaxInterval: durations().Draw(t, "max"),
			Multiplier: rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(1, 1e300)).Draw(t, "multiplier"),
		}
		failed := rapid.IntRange(1, 1_000_000).Draw(t, "failed")
		random := rapid.Float64Range(0, 0.999999).Draw(t, "random")
		backoff := func(jitter flowforge.Jitter, failed int) time.Duration {
			policy.Jitter = jitter
			return policy.Backoff(failed, random)
		}
		limit := policy.MaxInterval.Std()
		if limit == 0 {
			limit = time.Minute
		}
		whole := backoff(flowforge.JitterNone, failed)
		require.GreaterOrEqual(t, whole, time.Duration(0))
		require.LessOrEqual(t, whole, limit)
		require.LessOrEqual(t, whole, backoff(flowforge.JitterNone, failed+1), "it never shrinks")

		full, equal := backoff(flowforge.JitterFull, failed), backoff(flowforge.JitterEqual, failed)
		require.GreaterOrEqual(t, full, time.Duration(0))
		require.LessOrEqual(t, full, whole)
		require.Equal(t, full, backoff("", failed), "full is the default")
		require.GreaterOrEqual(t, equal, whole/2-1)
		require.LessOrEqual(t, equal, whole)
	})
}
