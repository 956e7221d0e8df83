package postgres_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/postgres"
)

func TestABatchTakesFewRoundTripsHoweverLargeItIs(t *testing.T) {
	t.Parallel()
	var trips atomic.Int64
	s, err := postgres.OpenCounting(t.Context(), schema(t), &trips)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	takes := func(most int64, call func()) {
		t.Helper()
		before := trips.Load()
		call()
		require.LessOrEqual(t, trips.Load()-before, most)
	}
	creates(t, s, 1, true) // the node types and the document are known from here on
	_, err = s.Claim(t.Context(), claim(1))
	require.NoError(t, err)
	for _, size := range []int{1, 200} {
		var runs []store.NewRun
		var leases []store.Lease
		takes(1, func() { runs = creates(t, s, size, true) })
		takes(2, func() { ends(t, s, runs) })
		takes(2, func() { ends(t, s, runs) }) // sent again
		creates(t, s, size, false)
		takes(3, func() { // whose turn it is, what is claimed, and what that needs
			claims, err := s.Claim(t.Context(), claim(size))
			require.NoError(t, err)
			require.Len(t, claims.Runs, size)
			leases = leases[:0]
			for i := range claims.Runs {
				leases = append(leases, claims.Runs[i].Lease)
			}
		})
		takes(1, func() {
			renewed, err := s.Renew(t.Context(), leases)
			require.NoError(t, err)
			require.Len(t, renewed, size)
			require.False(t, renewed[0].Lost)
		})
		takes(1, func() {
			_, err := s.Run(t.Context(), flowforge.Local, runs[0].Run.ID)
			require.NoError(t, err)
		})
	}
}
