package sqlstore

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"
	bundialect "github.com/uptrace/bun/dialect"

	"github.com/flowforge-go/flowforge"
)

// A dialect is what differs between the databases.
type dialect struct {
	lite bool // SQLite
}

func dialectOf(db *bun.DB) (dialect, error) {
	switch name := db.Dialect().Name(); name {
	case bundialect.PG:
		return dialect{}, nil
	case bundialect.SQLite:
		return dialect{lite: true}, nil
	default:
		return dialect{}, flowforge.Errorf(flowforge.CodeUnsupported, "a store in %s is not supported", name)
	}
}

// locks gives what a SELECT of rows of the table r ends with to lock them. SQLite has one
// writer, and no need to. RETURNING names columns by their table, {r}, where that has a name there. {awaited k}
// asks whether a run is in line for a slot in the table k: on PostgreSQL by a function, whose plan is kept, since planning
// takes longer than the answer.
func (d dialect) locks() *strings.Replacer {
	if d.lite {
		return strings.NewReplacer("{lock}", "", "{skip}", "", "{share}", "", "{r}", "",
			"{awaited s}", "EXISTS (SELECT 1 FROM runs l WHERE l.workspace = s.workspace AND l.line = s.key)",
			"{awaited k}", "EXISTS (SELECT 1 FROM runs l WHERE l.workspace = k.workspace AND l.line = k.key)",
			// What fails ends the transaction in any case, so that SQLite need not note how to undo the statement.
			"INSERT INTO ", "INSERT OR ROLLBACK INTO ", "UPDATE runs AS r", "UPDATE OR ROLLBACK runs AS r")
	}
	return strings.NewReplacer(
		"{lock}", "FOR UPDATE OF r", "{skip}", "FOR UPDATE OF r SKIP LOCKED", "{share}", "FOR KEY SHARE OF r", "{r}", "r.",
		"{awaited s}", "flowforge_awaited(s.workspace, s.key)", "{awaited k}", "flowforge_awaited(k.workspace, k.key)",
	)
}

// types gives the names of column types, for migrations. Text compares by its bytes everywhere.
func (d dialect) types() *strings.Replacer {
	if d.lite {
		return strings.NewReplacer(
			"{text}", "TEXT", "{bytes}", "BLOB", "{counter}", "INTEGER PRIMARY KEY AUTOINCREMENT",
			"{hot}", "", "{packed}", "",
		)
	}
	return strings.NewReplacer(
		"{text}", `TEXT COLLATE "C"`, "{bytes}", "BYTEA", "{counter}", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
		// Room for new versions of a row on its page; values that are longer than a few words go to the TOAST
		// table, where an update of the row leaves them alone.
		"{hot}", "WITH (fillfactor = 80, toast_tuple_target = 512, autovacuum_vacuum_scale_factor = 0.05)",
		"{packed}", "WITH (toast_tuple_target = 1024)",
	)
}

// clock gives the database's clock as SQL; of SQLite it is the host's, which is sent.
func (s *Store) clock() string {
	const micros = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
	if skew := s.skew(); skew != 0 {
		return micros + " + " + strconv.FormatInt(skew.Microseconds(), 10)
	}
	return micros
}

func (s *Store) skew() time.Duration {
	if s.cfg.Skew == nil {
		return 0
	}
	return s.cfg.Skew()
}

// hostNow is the clock of SQLite.
func (s *Store) hostNow() int64 { return time.Now().Add(s.skew()).UnixMicro() }

// literal writes a text into SQL that is made anew for each call. Standard-conforming strings are on.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func literals(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = literal(text)
	}
	return strings.Join(quoted, ", ")
}

func numbers(ids []int64) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(texts, ", ")
}

// micros is an instant as it is kept; the zero one is NULL.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// orNull is a counter or an instant of which 0 means none.
func orNull(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

// number is a boolean as it is kept.
func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func noRun(id flowforge.RunID) error {
	return flowforge.Errorf(flowforge.CodeNotFound, "there is no run %s", id)
}

// page gives a limit as SQL.
func page(limit int) string {
	if limit <= 0 {
		limit = defaultPage
	}
	return fmt.Sprintf(" LIMIT %d", limit)
}

// defaultPage is how many of a list are given where the caller says no limit.
const defaultPage = 50
