package sqlstore

import (
	"context"
	"embed"
	"io/fs"
	"strconv"
	"strings"

	"github.com/flowforge-go/flowforge"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the advisory lock under which schemas change: "FlowForg" in ASCII.
const migrationLock = 0x466c6f77466f7267

// A migration brings the schema from one version to the next.
type migration struct {
	version int64
	name    string
	text    string
}

func allMigrations() ([]migration, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	all := make([]migration, 0, len(names))
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		base := strings.TrimSuffix(strings.TrimPrefix(name, "migrations/"), ".sql")
		number, _, _ := strings.Cut(base, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, err
		}
		all = append(all, migration{version, base, string(text)})
	}
	return all, nil
}

// migrate brings the schema up to date, in one transaction that several processes enter one after the other. (The
// migrator of bun cannot work within a transaction, and its own locks are not safe where several processes start.)
func (s *Store) migrate(ctx context.Context) error {
	all, err := allMigrations()
	if err != nil {
		return err
	}
	x := s.engine() // without a role, since security is not known to be on
	defer x.close(ctx)
	if err := s.lockSchema(ctx, x); err != nil {
		return err
	}
	applied := query(`SELECT coalesce(max(version), 0) FROM flowforge_migrations`, nil)
	err = x.run(ctx, exec(`CREATE TABLE IF NOT EXISTS flowforge_migrations (
		version INTEGER NOT NULL PRIMARY KEY, name VARCHAR(100) NOT NULL, applied_at BIGINT NOT NULL)`, nil), applied)
	if err != nil {
		return err
	}
	version := applied.out[0].int()
	if newest := all[len(all)-1].version; version > newest {
		return flowforge.Errorf(flowforge.CodeUnsupported,
			"the database has schema %d, and this program knows none after %d: use a newer program", version, newest)
	}
	var calls []*call
	for _, m := range all {
		if m.version <= version {
			continue
		}
		for text := range strings.SplitSeq(s.dialect.types().Replace(m.text), ";\n") {
			text, alone := strings.CutPrefix(strings.TrimSpace(text), "{postgres}")
			if text != "" && (!alone || !s.dialect.lite) {
				calls = append(calls, &call{text: text, adhoc: true})
			}
		}
		calls = append(calls, exec(`{with version:bigint name:text}
			INSERT INTO flowforge_migrations (version, name, applied_at) SELECT version, name, {now} FROM s`,
			[][]any{{m.version, m.name}}))
	}
	return x.commit(ctx, calls...)
}

// lockSchema begins the transaction. On SQLite its beginning is the lock.
func (s *Store) lockSchema(ctx context.Context, x *session) error {
	text := `SELECT 1`
	if !s.dialect.lite {
		text = `SELECT pg_advisory_xact_lock(` + strconv.FormatInt(migrationLock, 10) + `)`
	}
	return x.run(ctx, query(text, nil))
}
