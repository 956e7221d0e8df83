package postgres_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/authtest"
	"github.com/flowforge-go/flowforge/store/postgres"
	"github.com/flowforge-go/flowforge/store/sqlstore"
	"github.com/flowforge-go/flowforge/store/storetest"
)

const variable = "FLOWFORGE_TEST_POSTGRES"

// database is the address of the database that this run of the tests has made; empty: there is no server.
var database = sync.OnceValues(makeDatabase)

func TestMain(m *testing.M) {
	// Each step of the suite's random programs reads all that there is; the command line may ask for more of them.
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
	status := m.Run()
	if address, err := database(); err == nil {
		dropDatabase(address)
	}
	os.Exit(status)
}

func makeDatabase() (string, error) {
	server := os.Getenv(variable)
	if server == "" {
		return "", fmt.Errorf("%s says which server the tests may use: run them with `make test`, which starts one", variable)
	}
	address, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	address.Path = "/flowforge_" + strings.ToLower(rand.Text())
	return address.String(), execute(server, `CREATE DATABASE `+address.Path[1:])
}

func dropDatabase(address string) {
	parsed, err := url.Parse(address)
	if err == nil {
		err = execute(os.Getenv(variable), `DROP DATABASE `+parsed.Path[1:]+` WITH (FORCE)`)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "drop the database of the tests:", err)
	}
}

func execute(address, statement string) error {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(context.Background(), statement)
	return errors.Join(err, db.Close())
}

// schema makes an empty schema in the tests' database, and gives an address with it.
func schema(tb testing.TB) string {
	tb.Helper()
	address, err := database()
	require.NoError(tb, err)
	name := "s_" + strings.ToLower(rand.Text())
	require.NoError(tb, execute(address, `CREATE SCHEMA `+name))
	parsed, err := url.Parse(address)
	require.NoError(tb, err)
	query := parsed.Query()
	query.Set("search_path", name)
	parsed.RawQuery = query.Encode()
	return parsed.String()
}

// tablesOf gives the tables in a schema with rows of workspaces, which are all but two.
func tablesOf(t *testing.T, address string) []string {
	t.Helper()
	db, err := sql.Open("pgx", address)
	require.NoError(t, err)
	var tables string
	require.NoError(t, db.QueryRow(`SELECT string_agg(tablename, ' ') FROM pg_tables
		WHERE schemaname = current_schema() AND tablename NOT IN ('flowforge_migrations', 'type_sets')`).Scan(&tables))
	require.NoError(t, db.Close())
	return strings.Fields(tables)
}

// empty gives the address of a schema with empty tables, made or used before by a case that has ended: making them
// takes longer than most cases.
func empty(t *testing.T, used chan string) string {
	t.Helper()
	var address string
	select {
	case address = <-used:
	default:
		address = schema(t)
	}
	t.Cleanup(func() {
		require.NoError(t, execute(address, emptied(tablesOf(t, address))))
		used <- address
	})
	return address
}

// emptied gives the statement that empties tables, whatever refers to what. They hold little, so that TRUNCATE, which
// makes all their files anew, takes a hundred times as long.
func emptied(tables []string) string {
	return `DO $$ BEGIN
		SET LOCAL session_replication_role = replica;
		DELETE FROM ` + strings.Join(tables, "; DELETE FROM ") + `;
	END $$`
}

func TestStore(t *testing.T) {
	t.Parallel()
	used := make(chan string, 1_000)
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		t.Helper()
		var skew atomic.Int64
		s, err := postgres.Open(t.Context(), empty(t, used), postgres.Config{
			Connections: 8, Skew: func() time.Duration { return time.Duration(skew.Load()) },
		})
		require.NoError(t, err)
		return storetest.Harness{
			Store:   s,
			Now:     func() time.Time { return now(t, s) },
			Advance: func(d time.Duration) { skew.Add(int64(d)) },
		}
	})
}

func now(tb testing.TB, s *sqlstore.Store) time.Time {
	tb.Helper()
	now, err := s.Now(context.Background())
	require.NoError(tb, err)
	return now
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	used := make(chan string, 1_000)
	authtest.Run(t, func(t *testing.T) auth.Stores {
		t.Helper()
		s, err := postgres.Open(t.Context(), empty(t, used), postgres.Config{Connections: 8})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		require.True(t, s.RLS())
		return s
	})
}
