package sqlite_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/sqlite"
	"github.com/flowforge-go/flowforge/store/sqlstore"
)

func opened(tb testing.TB) *sqlstore.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), file(tb), sqlite.Config{})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

// newRun is a run of one step that the worker owns from the start.
func newRun() store.NewRun {
	now := time.Now()
	return store.NewRun{
		Run: flowforge.Run{
			ID: flowforge.RunID(store.NewID(now)), Workspace: flowforge.Local, CreatedAt: now,
			Workflow: flowforge.WorkflowRef{Name: "w1", Hash: "hash"},
			Input:    flowforge.MustValue(map[string]any{"n": 1}),
		},
		Document: store.Document{Hash: "hash", Text: flowforge.MustValue("document")}, NodeTypes: []string{"core.set@1"},
		Lease: &store.Lease{Worker: "worker", For: time.Minute},
	}
}

// end is the transition that ends such a run with the result of its step.
func end(id flowforge.RunID, epoch int64) store.Transition {
	now := time.Now()
	return store.Transition{
		Workspace: flowforge.Local, Run: id, Epoch: epoch, FromSeq: 1, ToSeq: 4, StartedAt: now,
		Events: []flowforge.Event{
			{Run: id, Seq: 2, Kind: flowforge.EventRunStarted, At: now},
			{Run: id, Seq: 3, Kind: flowforge.EventNodeSucceeded, At: now, Node: "step", Attempt: 1},
			{Run: id, Seq: 4, Kind: flowforge.EventRunSucceeded, At: now},
		},
		Nodes: []flowforge.NodeRun{{
			Node: "step", Status: flowforge.NodeSucceeded, Attempts: 1, StartedAt: now, FinishedAt: now,
			Output: flowforge.Out(flowforge.MustValue(map[string]any{"n": 2})),
		}},
		Status: flowforge.RunSucceeded,
		End:    &store.End{Output: flowforge.MustValue(map[string]any{"step": 2}), FinishedAt: now},
	}
}

func creates(tb testing.TB, s store.Runs, n int, eager bool) []store.NewRun {
	tb.Helper()
	runs := make([]store.NewRun, n)
	for i := range runs {
		runs[i] = newRun()
		if !eager {
			runs[i].Lease = nil
		}
	}
	created, err := s.Create(context.Background(), runs)
	require.NoError(tb, err)
	for _, c := range created {
		require.NoError(tb, c.Err)
	}
	return runs
}

func ends(tb testing.TB, s store.Runs, runs []store.NewRun) {
	tb.Helper()
	transitions := make([]store.Transition, len(runs))
	for i := range runs {
		transitions[i] = end(runs[i].Run.ID, 1)
	}
	answers, err := s.Commit(context.Background(), transitions)
	require.NoError(tb, err)
	for _, answer := range answers {
		require.NoError(tb, answer.Err)
	}
}

// BenchmarkCreate counts one operation for each run.
func BenchmarkCreate(b *testing.B) {
	for _, size := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			s := opened(b)
			b.ResetTimer()
			for done := 0; done < b.N; done += size {
				creates(b, s, size, true)
			}
		})
	}
}

// BenchmarkCommit counts one operation for each run that ends.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			s := opened(b)
			var batches [][]store.NewRun
			for made := 0; made < b.N; made += size {
				batches = append(batches, creates(b, s, size, true))
			}
			b.ResetTimer()
			for _, batch := range batches {
				ends(b, s, batch)
			}
		})
	}
}

// BenchmarkClaim counts one operation for each claim of 16 runs among many that have finished.
func BenchmarkClaim(b *testing.B) {
	for _, finished := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("finished=%d", finished), func(b *testing.B) {
			const batch = 16
			s := opened(b)
			for made := 0; made < finished; made += 1_000 {
				ends(b, s, creates(b, s, 1_000, true))
			}
			for made := 0; made < b.N*batch; made += 1_000 {
				creates(b, s, 1_000, false)
			}
			b.ResetTimer()
			for range b.N {
				claims, err := s.Claim(context.Background(), claim(batch))
				require.NoError(b, err)
				require.Len(b, claims.Runs, batch)
			}
		})
	}
}
