package store_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/store"
)

func TestNewIDIsUUIDv7InOrderOfTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2022, 2, 22, 19, 22, 22, 0, time.UTC) // the time of RFC 9562's example, appendix A.6
	shape := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	last, seen := "", make(map[string]bool)
	for i := range 1000 {
		id := store.NewID(now.Add(time.Duration(i) * time.Microsecond))
		require.Regexp(t, shape, id)
		require.Contains(t, id, "017f22e2-", "the milliseconds come first")
		require.Greater(t, id, last)
		require.False(t, seen[id])
		last, seen[id] = id, true
	}
	again := store.NewID(now)
	require.False(t, seen[again], "two of the same moment differ")
}
