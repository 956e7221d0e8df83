package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/engine/enginetest"
	"github.com/flowforge-go/flowforge/store/sqlite"
	"github.com/flowforge-go/flowforge/store/sqlstore"
)

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(t *testing.T) enginetest.Program {
		t.Helper()
		path := filepath.Join(t.TempDir(), "store.db")
		s, err := sqlite.Open(t.Context(), path, sqlite.Config{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(10000)")
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		_, err = db.ExecContext(t.Context(), `CREATE TABLE notes (note TEXT)`)
		require.NoError(t, err)
		return enginetest.Program{
			Store: s,
			Begin: func(t *testing.T) enginetest.Transaction {
				t.Helper()
				tx, err := db.BeginTx(t.Context(), nil)
				require.NoError(t, err)
				return enginetest.Transaction{
					Tx: sqlstore.Tx(tx), Commit: tx.Commit, Rollback: tx.Rollback,
					Insert: func(note string) error {
						_, err := tx.ExecContext(t.Context(), `INSERT INTO notes VALUES (?)`, note)
						return err
					},
				}
			},
			Insert: func(ctx context.Context, note string) error {
				tx, ok := sqlstore.TxFrom(ctx)
				if !ok {
					return errors.New("there is no transaction")
				}
				_, err := tx.NewRaw(`INSERT INTO notes VALUES (?)`, note).Exec(ctx)
				return err
			},
			Notes: func(t *testing.T) []string {
				t.Helper()
				rows, err := db.QueryContext(t.Context(), `SELECT note FROM notes`)
				require.NoError(t, err)
				defer func() { require.NoError(t, rows.Close()) }()
				var notes []string
				for rows.Next() {
					var note string
					require.NoError(t, rows.Scan(&note))
					notes = append(notes, note)
				}
				require.NoError(t, rows.Err())
				return notes
			},
		}
	})
}
