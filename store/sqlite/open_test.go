package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/sqlite"
	"github.com/flowforge-go/flowforge/store/sqlstore"
)

// file is the path of a file that is not there yet, with what a path may hold.
func file(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(tb.TempDir(), "a store?#1%20.db")
}

func claim(limit int) store.Claim {
	return store.Claim{
		Worker: "worker", Pools: []string{""}, NodeTypes: []string{"core.set@1"}, Limit: limit, For: time.Minute,
	}
}

func TestManyOpenAnEmptyFileAtOnce(t *testing.T) {
	t.Parallel()
	path := file(t)
	for range 2 { // from empty, and again
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				s, err := sqlite.Open(context.Background(), path, sqlite.Config{})
				if err == nil {
					err = s.Close()
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	require.FileExists(t, path)
}

func TestASchemaOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Config{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `INSERT INTO flowforge_migrations VALUES (1000, 'from the future', 0)`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	_, err = sqlite.Open(t.Context(), path, sqlite.Config{})
	require.Equal(t, flowforge.CodeUnsupported, flowforge.CodeOf(err))
	require.ErrorContains(t, err, "1000")
}

func TestAFileThatCannotBeMadeIsAnOutage(t *testing.T) {
	t.Parallel()
	_, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "missing", "store.db"), sqlite.Config{})
	require.Equal(t, flowforge.CodeUnavailable, flowforge.CodeOf(err), "%v", err)
}

func TestWhatIsCommittedIsThereAfterwards(t *testing.T) {
	t.Parallel()
	path := file(t)
	s, err := sqlite.Open(t.Context(), path, sqlite.Config{})
	require.NoError(t, err)
	runs := creates(t, s, 3, true)
	ends(t, s, runs[:1])
	require.NoError(t, s.Close())
	s, err = sqlite.Open(t.Context(), path, sqlite.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	ends(t, s, runs)
	events, err := s.Events(t.Context(), flowforge.Local, runs[0].Run.ID, 0, 0)
	require.NoError(t, err)
	require.Len(t, events, 4)
}

func TestNoRunIsClaimedTwice(t *testing.T) {
	t.Parallel()
	path := file(t)
	stores := make([]*sqlstore.Store, 2)
	for i := range stores {
		var err error
		stores[i], err = sqlite.Open(t.Context(), path, sqlite.Config{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, stores[i].Close()) })
	}
	const runs, workers = 300, 6
	creates(t, stores[0], runs, false)
	var all sync.WaitGroup
	var lock sync.Mutex
	seen := map[flowforge.RunID]int{}
	for i := range workers {
		all.Go(func() {
			for {
				claims, err := stores[i%2].Claim(context.Background(), claim(7))
				if err != nil {
					t.Error(err)
				}
				lock.Lock()
				for _, c := range claims.Runs {
					seen[c.Run.ID]++
				}
				lock.Unlock()
				if len(claims.Runs) == 0 {
					return
				}
			}
		})
	}
	all.Wait()
	require.Len(t, seen, runs)
	for id, times := range seen {
		require.Equal(t, 1, times, id)
	}
}

func TestOneBadRowFailsAlone(t *testing.T) {
	t.Parallel()
	s := opened(t)
	const size, bad = 21, 13
	runs := creates(t, s, size, true)
	transitions := make([]store.Transition, size)
	for i := range runs {
		transitions[i] = end(runs[i].Run.ID, 1)
	}
	transitions[bad].Reason = "a\x00b"
	answers, err := s.Commit(t.Context(), transitions)
	require.NoError(t, err)
	for i := range answers {
		require.Equal(t, i == bad, answers[i].Err != nil, "%d: %v", i, answers[i].Err)
	}
	require.Equal(t, flowforge.CodeInvalidValue, flowforge.CodeOf(answers[bad].Err))
	ends(t, s, runs[bad:bad+1])
}

func TestAFileThatAnotherWritesIsWaitedForAndThenAnOutage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Config{Busy: 50 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	other, err := sql.Open("sqlite", path+"?_txlock=immediate")
	require.NoError(t, err)
	tx, err := other.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	n := newRun()
	_, err = s.Create(t.Context(), []store.NewRun{n})
	require.Equal(t, flowforge.CodeUnavailable, flowforge.CodeOf(err), "%v", err)
	require.NoError(t, tx.Rollback())
	require.NoError(t, other.Close())
	created, err := s.Create(t.Context(), []store.NewRun{n})
	require.NoError(t, err)
	require.False(t, created[0].Existing)
}

func TestCommitWith(t *testing.T) {
	t.Parallel()
	s := opened(t)
	n := creates(t, s, 1, true)[0]
	lease := store.Lease{Worker: "worker", Workspace: flowforge.Local, Run: n.Run.ID, Epoch: 1, For: time.Minute}
	made := func(ctx context.Context, text string) {
		tx, ok := sqlstore.TxFrom(ctx)
		require.True(t, ok)
		_, err := tx.ExecContext(ctx, text)
		require.NoError(t, err)
	}
	failed := errors.New("failed")
	_, err := s.CommitWith(t.Context(), lease, func(ctx context.Context) (store.Transition, error) {
		made(ctx, `CREATE TABLE orders (id TEXT)`)
		return store.Transition{}, failed
	})
	require.ErrorIs(t, err, failed)
	_, err = s.CommitWith(t.Context(), lease, func(ctx context.Context) (store.Transition, error) {
		made(ctx, `CREATE TABLE orders (id TEXT)`) // which was rolled back
		return end(n.Run.ID, 1), nil
	})
	require.NoError(t, err)
	run, err := s.Run(t.Context(), flowforge.Local, n.Run.ID)
	require.NoError(t, err)
	require.Equal(t, flowforge.RunSucceeded, run.Status)
	_, err = s.CommitWith(t.Context(), lease, func(context.Context) (store.Transition, error) {
		require.Fail(t, "it was called without its lease")
		return store.Transition{}, nil
	})
	require.Equal(t, flowforge.CodeStaleEpoch, flowforge.CodeOf(err))
}
