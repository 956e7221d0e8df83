package postgres_test

import (
	"context"
	"database/sql"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store/postgres"
)

func TestManyOpenAnEmptyDatabaseAtOnce(t *testing.T) {
	t.Parallel()
	address := schema(t)
	for range 2 { // from empty, and again
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				s, err := postgres.Open(context.Background(), address, postgres.Config{Connections: 2})
				if assert.NoError(t, err) {
					assert.NoError(t, s.Close())
				}
			})
		}
		all.Wait()
	}
	s, err := postgres.Open(t.Context(), address, postgres.Config{})
	require.NoError(t, err)
	ends(t, s, creates(t, s, 3, true))
	require.NoError(t, s.Close())
}

func TestASchemaOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	address := schema(t)
	s, err := postgres.Open(t.Context(), address, postgres.Config{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, execute(address, `INSERT INTO flowforge_migrations VALUES (1000, 'from the future', 0)`))
	_, err = postgres.Open(t.Context(), address, postgres.Config{})
	require.Equal(t, flowforge.CodeUnsupported, flowforge.CodeOf(err))
	require.ErrorContains(t, err, "1000")
}

func TestAServerThatIsNotThereIsAnOutage(t *testing.T) {
	t.Parallel()
	_, err := postgres.Open(t.Context(), "postgres://nobody@127.0.0.1:1/none", postgres.Config{})
	require.Equal(t, flowforge.CodeUnavailable, flowforge.CodeOf(err), "%v", err)
}

func TestAWorkspaceSeesNothingOfAnother(t *testing.T) {
	t.Parallel()
	address := schema(t)
	s, err := postgres.Open(t.Context(), address, postgres.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.True(t, s.RLS())
	ends(t, s, creates(t, s, 1, true))

	db, err := sql.Open("pgx", address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	count := func(workspace, table string) (n int, may bool) {
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		_, err = tx.ExecContext(t.Context(), `SET LOCAL ROLE flowforge_api`)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), `SELECT set_config('flowforge.workspace', $1, true)`, workspace)
		require.NoError(t, err)
		err = tx.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&n)
		return n, err == nil
	}
	for _, table := range []string{"runs", "steps", "node_runs", "documents"} {
		n, may := count("local", table)
		require.True(t, may, table)
		require.Equal(t, 1, n, table)
	}
	for _, table := range tablesOf(t, address) {
		n, may := count("other", table)
		require.True(t, n == 0 || !may, table)
		n, may = count("", table)
		require.True(t, n == 0 || !may, table)
		var forced bool
		require.NoError(t, db.QueryRowContext(t.Context(),
			`SELECT relforcerowsecurity FROM pg_class WHERE oid = $1::regclass`, table).Scan(&forced))
		require.True(t, forced, table)
	}
	var privileged int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_roles r
		WHERE r.rolname IN ('flowforge_api', 'flowforge_engine', 'flowforge_identity') AND (r.rolsuper OR r.rolbypassrls OR r.rolcanlogin
			OR EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid))`).Scan(&privileged))
	require.Zero(t, privileged, "a role is superuser, or owns a table")
}

func TestEachRoleMayDoOnlyItsWork(t *testing.T) {
	t.Parallel()
	address := schema(t)
	s, err := postgres.Open(t.Context(), address, postgres.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	at := time.Now()
	for _, id := range []auth.UserID{"ada", "eve"} {
		require.NoError(t, s.CreateUser(t.Context(), auth.User{ID: id, Kind: auth.Person, Email: string(id) + "@x.io", CreatedAt: at}, nil))
	}
	require.NoError(t, s.CreateWorkspace(t.Context(), auth.Workspace{ID: "acme", Name: "Acme", CreatedAt: at},
		auth.Member{Workspace: "acme", User: "ada", Role: auth.RoleOwner, AddedAt: at}, auth.Entry{Workspace: "acme", At: at, Action: "a"},
		auth.Entry{At: at, Action: "b"}))

	db, err := sql.Open("pgx", address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for name, test := range map[string]struct{ role, statement, want string }{
		"a workspace sees its members":        {"flowforge_api", `SELECT string_agg(email, ' ') FROM users`, "ada@x.io"},
		"but no passwords":                    {"flowforge_api", `SELECT password FROM users`, "denied"},
		"nor second factors":                  {"flowforge_api", `SELECT totp FROM users`, "denied"},
		"nor who is admin":                    {"flowforge_api", `SELECT admin FROM users`, "denied"},
		"its audit log and no other":          {"flowforge_api", `SELECT string_agg(action, ' ') FROM audit`, "a"},
		"which it cannot change":              {"flowforge_api", `UPDATE audit SET action = 'x'`, "denied"},
		"nor cut":                             {"flowforge_api", `DELETE FROM audit`, "denied"},
		"no sessions":                         {"flowforge_api", `SELECT count(*) FROM sessions`, "denied"},
		"no signing keys":                     {"flowforge_api", `SELECT count(*) FROM signing_keys`, "denied"},
		"no user becomes one's own":           {"flowforge_api", `INSERT INTO members VALUES ('other', 'eve', 'owner', 0)`, "row-level security"},
		"the engine sees no users":            {"flowforge_engine", `SELECT id FROM users`, "denied"},
		"nor credentials":                     {"flowforge_engine", `SELECT sealed FROM credentials`, "denied"},
		"nor the audit log":                   {"flowforge_engine", `SELECT hash FROM audit`, "denied"},
		"who looks after users sees no runs":  {"flowforge_identity", `SELECT id FROM runs`, "denied"},
		"nor credentials of workspaces":       {"flowforge_identity", `SELECT sealed FROM credentials`, "denied"},
		"and cannot change the audit log too": {"flowforge_identity", `DELETE FROM audit`, "denied"},
	} {
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), `SET LOCAL ROLE `+test.role)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), `SET LOCAL flowforge.workspace = 'acme'`)
		require.NoError(t, err)
		var got sql.NullString
		if err := tx.QueryRowContext(t.Context(), test.statement).Scan(&got); err != nil {
			require.ErrorContains(t, err, test.want, name)
		} else {
			require.Equal(t, test.want, got.String, name)
		}
		require.NoError(t, tx.Rollback())
	}
}

func TestAStoreWorksWithoutTheRightToMakeRoles(t *testing.T) {
	t.Parallel()
	address := schema(t)
	parsed, err := url.Parse(address)
	require.NoError(t, err)
	name := parsed.Query().Get("search_path")
	require.NoError(t, execute(address, `CREATE ROLE `+name+` LOGIN PASSWORD 'secret' NOCREATEROLE`))
	t.Cleanup(func() {
		require.NoError(t, execute(address, `DROP SCHEMA `+name+` CASCADE`))
		require.NoError(t, execute(address, `DROP ROLE `+name))
	})
	require.NoError(t, execute(address, `ALTER SCHEMA `+name+` OWNER TO `+name))
	parsed.User = url.UserPassword(name, "secret")
	s, err := postgres.Open(t.Context(), parsed.String(), postgres.Config{})
	require.NoError(t, err)
	require.False(t, s.RLS())
	runs := creates(t, s, 2, true)
	ends(t, s, runs)
	run, err := s.Run(t.Context(), flowforge.Local, runs[0].Run.ID)
	require.NoError(t, err)
	require.Equal(t, flowforge.RunSucceeded, run.Status)
	require.NoError(t, s.Close())
}
