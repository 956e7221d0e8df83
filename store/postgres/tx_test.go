package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/postgres"
	"github.com/flowforge-go/flowforge/store/sqlstore"
)

// program is a store and what the program around it has in the same database.
func program(t *testing.T) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	address := schema(t)
	s, err := postgres.Open(t.Context(), address, postgres.Config{})
	require.NoError(t, err)
	db, err := sql.Open("pgx", address)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, db.Close())
	})
	_, err = db.ExecContext(t.Context(), `CREATE TABLE orders (id TEXT)`)
	require.NoError(t, err)
	return s, db
}

func orders(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM orders`).Scan(&n))
	return n
}

func TestCreateIn(t *testing.T) {
	t.Parallel()
	s, db := program(t)
	for _, commits := range []bool{false, true} {
		n := newRun()
		n.Slots = []store.Slot{{Key: "key", Limit: 1}}
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), `INSERT INTO orders VALUES ('order')`)
		require.NoError(t, err)
		created, err := s.CreateIn(t.Context(), sqlstore.Tx(tx), []store.NewRun{n, n})
		require.NoError(t, err)
		require.Zero(t, created[0].Epoch, "it is leased")
		require.False(t, created[0].Existing)
		require.True(t, created[1].Existing)
		_, err = tx.ExecContext(t.Context(), `INSERT INTO orders VALUES ('as the program again')`)
		require.NoError(t, err)
		_, err = s.Run(t.Context(), flowforge.Local, n.Run.ID)
		require.Equal(t, flowforge.CodeNotFound, flowforge.CodeOf(err))
		if !commits {
			require.NoError(t, tx.Rollback())
			require.Zero(t, orders(t, db))
			claims, err := s.Claim(t.Context(), claim(10))
			require.NoError(t, err)
			require.Empty(t, claims.Runs)
			continue
		}
		require.NoError(t, tx.Commit())
		claims, err := s.Claim(t.Context(), claim(10))
		require.NoError(t, err)
		require.Len(t, claims.Runs, 1)
		require.Equal(t, n.Run.ID, claims.Runs[0].Run.ID)
	}
}

func TestCommitWith(t *testing.T) {
	t.Parallel()
	s, db := program(t)
	n := creates(t, s, 1, true)[0]
	lease := store.Lease{Worker: "worker", Workspace: flowforge.Local, Run: n.Run.ID, Epoch: 1, For: time.Minute}
	order := func(ctx context.Context) {
		tx, ok := sqlstore.TxFrom(ctx)
		require.True(t, ok)
		_, err := tx.ExecContext(ctx, `INSERT INTO orders VALUES ('order')`)
		require.NoError(t, err)
	}
	failed := errors.New("failed")
	_, err := s.CommitWith(t.Context(), lease, func(ctx context.Context) (store.Transition, error) {
		order(ctx)
		return store.Transition{}, failed
	})
	require.ErrorIs(t, err, failed)
	_, err = s.CommitWith(t.Context(), lease, func(ctx context.Context) (store.Transition, error) {
		order(ctx)
		bad := end(n.Run.ID, 1)
		bad.Events = bad.Events[:1]
		return bad, nil
	})
	require.Equal(t, flowforge.CodeConflict, flowforge.CodeOf(err))
	stale := lease
	stale.Epoch = 2
	_, err = s.CommitWith(t.Context(), stale, func(context.Context) (store.Transition, error) {
		require.Fail(t, "it was called without its lease")
		return store.Transition{}, nil
	})
	require.Equal(t, flowforge.CodeStaleEpoch, flowforge.CodeOf(err))
	require.Zero(t, orders(t, db))

	_, err = s.CommitWith(t.Context(), lease, func(ctx context.Context) (store.Transition, error) {
		order(ctx)
		renewed, err := s.Renew(ctx, []store.Lease{lease}) // which must not wait for this transaction
		require.NoError(t, err)
		require.False(t, renewed[0].Lost)
		return end(n.Run.ID, 1), nil
	})
	require.NoError(t, err)
	require.Equal(t, 1, orders(t, db))
	run, err := s.Run(t.Context(), flowforge.Local, n.Run.ID)
	require.NoError(t, err)
	require.Equal(t, flowforge.RunSucceeded, run.Status)
}
