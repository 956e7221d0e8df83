package human

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAgesAreRough(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for want, before := range map[string]time.Duration{
		"0s ago": 0, "59s ago": 59 * time.Second, "1m ago": 119 * time.Second, "3h ago": 3*time.Hour + 59*time.Minute,
		"47h ago": 47 * time.Hour, "2d ago": 48 * time.Hour, "in 5m": -5 * time.Minute,
	} {
		require.Equal(t, want, Age(now.Add(-before), now))
	}
	require.Equal(t, "-", Age(time.Time{}, now))
	require.Equal(t, "1.5s", Took(now, now.Add(1500*time.Millisecond), now))
	require.Equal(t, "7s so far", Took(now, time.Time{}, now.Add(7*time.Second)))
	require.Equal(t, "-", Took(time.Time{}, time.Time{}, now))
}
