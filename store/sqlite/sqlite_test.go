package sqlite_test

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/authtest"
	"github.com/flowforge-go/flowforge/store/sqlite"
	"github.com/flowforge-go/flowforge/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		t.Helper()
		var skew atomic.Int64
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), sqlite.Config{
			Skew: func() time.Duration { return time.Duration(skew.Load()) },
		})
		require.NoError(t, err)
		return storetest.Harness{
			Store:   s,
			Now:     func() time.Time { return time.Now().Add(time.Duration(skew.Load())).Truncate(time.Microsecond) },
			Advance: func(d time.Duration) { skew.Add(int64(d)) },
		}
	})
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	authtest.Run(t, func(t *testing.T) auth.Stores {
		t.Helper()
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), sqlite.Config{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	})
}
