package postgres_test

import (
	"database/sql"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/postgres"
	"github.com/flowforge-go/flowforge/store/sqlstore"
)

// What a transaction that is still open refers to stays, and nobody waits for it.
func TestPruneLeavesWhatAnOpenTransactionRefersTo(t *testing.T) {
	t.Parallel()
	var skew atomic.Int64
	address := schema(t)
	s, err := postgres.Open(t.Context(), address, postgres.Config{Skew: func() time.Duration { return time.Duration(skew.Load()) }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	keep := map[flowforge.RunStatus]time.Duration{flowforge.RunSucceeded: 0}
	require.NoError(t, s.SetRetention(t.Context(), flowforge.Local, keep))
	hash, _, err := s.PutBlob(t.Context(), flowforge.Local, strings.NewReader("blob"))
	require.NoError(t, err)

	first, second := newRun(), newRun()
	first.Document = store.Document{Hash: "hash", Text: flowforge.MustValue("text")}
	first.Run.Input = flowforge.MustValue(hash)
	first.Lease = &store.Lease{Worker: "worker", For: time.Hour}
	second.Document, second.Run.Input = first.Document, first.Run.Input
	_, err = s.Create(t.Context(), []store.NewRun{first})
	require.NoError(t, err)
	answers, err := s.Commit(t.Context(), []store.Transition{{
		Workspace: flowforge.Local, Run: first.Run.ID, Epoch: 1, FromSeq: 1, ToSeq: 2, Status: flowforge.RunSucceeded,
		Events: []flowforge.Event{{Run: first.Run.ID, Seq: 2, Kind: flowforge.EventRunSucceeded}}, End: &store.End{},
	}})
	require.NoError(t, err)
	require.NoError(t, answers[0].Err)

	db, err := sql.Open("pgx", address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	created, err := s.CreateIn(t.Context(), sqlstore.Tx(tx), []store.NewRun{second})
	require.NoError(t, err)
	require.NoError(t, created[0].Err)

	skew.Add(int64(3 * store.BlobGrace))
	pruned, err := s.Prune(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, 1, pruned)
	require.NoError(t, tx.Commit())
	for range 2 {
		_, err = s.Document(t.Context(), flowforge.Local, "hash")
		require.NoError(t, err)
		_, err = s.OpenBlob(t.Context(), flowforge.Local, hash)
		require.NoError(t, err)
		skew.Add(int64(time.Hour))
		_, err = s.Prune(t.Context(), 10)
		require.NoError(t, err)
	}
}
