package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/uptrace/bun"
)

// The roles that transactions take on PostgreSQL.
const (
	roleAPI    = "flowforge_api"    // requests of one workspace, which is the setting flowforge.workspace
	roleEngine = "flowforge_engine" // batches whose items carry their workspace

	roleIdentity = "flowforge_identity" // users and sessions, and what is found by a token before a workspace is known
)

// A session is one transaction. It begins with its first statements and takes as few round trips as it can.
type session struct {
	store     *Store
	role      string
	workspace string
	conn      *sql.Conn // of PostgreSQL; nil: not taken
	pool      *bun.DB
	link      link   // where statements go one at a time
	foreign   bool   // the program's transaction, which others begin and end
	before    string // the role that the program had
	hasty     bool   // what it makes does not wait behind others who could go on at once: see errLine
	begun     bool
	done      bool
	release   func()
}

// A link sends one statement; *sql.Conn and *sql.Tx are two.
type link interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
}

// engine makes a session for batches of many workspaces, which may write.
func (s *Store) engine() *session { return &session{store: s, role: roleEngine, pool: s.db} }

// tenant makes a session for one workspace, which may write.
func (s *Store) tenant(workspace string) *session {
	return &session{store: s, role: roleAPI, workspace: workspace, pool: s.db}
}

// once runs calls in a transaction of their own, in one round trip.
func (s *Store) once(ctx context.Context, x *session, calls ...*call) error {
	defer x.close(ctx)
	return x.commit(ctx, calls...)
}

// read runs calls that write nothing; an empty workspace stands for the engine.
func (s *Store) read(ctx context.Context, op, workspace string, calls ...*call) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	x := s.tenant(workspace)
	if workspace == "" {
		x = s.engine()
	}
	if s.dialect.lite {
		x.link, x.begun, x.foreign = s.reads, true, true
	}
	return s.failure(ctx, op, s.once(ctx, x, calls...))
}

// run runs calls; there will be more.
func (x *session) run(ctx context.Context, calls ...*call) error { return x.send(ctx, calls, false) }

// commit runs calls and ends the transaction.
func (x *session) commit(ctx context.Context, calls ...*call) error {
	err := x.send(ctx, calls, true)
	if err == nil && !x.foreign {
		x.done = true
	}
	return err
}

func (x *session) send(ctx context.Context, calls []*call, last bool) error {
	busy := make([]*call, 0, len(calls))
	for _, c := range calls {
		if !c.idle() {
			busy = append(busy, c)
		}
	}
	if len(busy) == 0 && (!last || !x.begun) {
		return nil
	}
	if err := x.take(ctx); err != nil {
		return err
	}
	if !x.store.dialect.lite && !x.foreign && x.store.cfg.Script != nil {
		return x.script(ctx, busy, last)
	}
	for _, text := range x.prologue() {
		if _, err := x.link.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	x.begun = true
	for _, c := range busy {
		if err := x.one(ctx, c); err != nil {
			return err
		}
	}
	if !last || x.foreign {
		return nil
	}
	_, err := x.link.ExecContext(ctx, "COMMIT")
	return err
}

// take gets a connection, unless the session has one.
func (x *session) take(ctx context.Context) error {
	if x.link != nil || x.conn != nil {
		return nil
	}
	if w := x.store.writer; w != nil {
		if err := w.lock(ctx); err != nil {
			return err
		}
		x.link, x.release = w, w.unlock
		return nil
	}
	conn, err := x.pool.DB.Conn(ctx)
	if err != nil {
		return err
	}
	x.conn, x.link = conn, conn
	x.release = func() { _ = conn.Close() }
	return nil
}

// prologue is what the transaction begins with, if it has not.
func (x *session) prologue() []string {
	switch {
	case x.begun:
		return nil
	case x.store.dialect.lite:
		return []string{"BEGIN IMMEDIATE"}
	case x.foreign:
		return x.roles()
	}
	return append([]string{"BEGIN"}, x.roles()...)
}

func (x *session) roles() []string {
	if !x.store.rls {
		return nil
	}
	texts := []string{"SET LOCAL ROLE " + x.role}
	if x.role == roleAPI {
		texts = append(texts, "SET LOCAL flowforge.workspace = "+literal(x.workspace))
	}
	return texts
}

// script sends calls to PostgreSQL as one string. Several statements in one string are one transaction even without
// BEGIN and COMMIT (PostgreSQL documentation, section 55.2.2.1).
func (x *session) script(ctx context.Context, calls []*call, last bool) error {
	if err := checkText(x.workspace); err != nil {
		return err
	}
	whole := !x.begun && last
	var b strings.Builder
	skip := 0
	if !x.begun {
		first := x.prologue()
		if whole {
			first = first[1:]
		}
		for _, text := range first {
			b.WriteString(text + ";\n")
		}
		skip = len(first)
	}
	for _, c := range calls {
		if err := x.store.render(&b, c); err != nil {
			return err
		}
		b.WriteString(";\n")
	}
	if last && !whole {
		b.WriteString("COMMIT")
	}
	x.begun = x.begun || !whole
	var results [][][][]byte
	err := x.conn.Raw(func(conn any) error {
		var err error
		results, err = x.store.cfg.Script(ctx, conn, b.String())
		return err
	})
	if err != nil {
		return err
	}
	for i, c := range calls {
		c.out = c.out[:0]
		if c.returns && skip+i < len(results) {
			for _, cells := range results[skip+i] {
				c.out = append(c.out, row{cells: cells})
			}
		}
	}
	return nil
}

// one runs a call through the link: on PostgreSQL with its input as literals, on SQLite once for each row.
func (x *session) one(ctx context.Context, c *call) error {
	c.out = c.out[:0]
	if !x.store.dialect.lite {
		var b strings.Builder
		if err := x.store.render(&b, c); err != nil {
			return err
		}
		return x.collect(ctx, c, b.String(), nil)
	}
	st := x.store.compile(c)
	rows := c.rows
	if len(st.columns) == 0 {
		rows = [][]any{nil}
	}
	for _, input := range rows {
		args, err := x.store.args(st, input)
		if err != nil {
			return err
		}
		if err := x.collect(ctx, c, st.text, args); err != nil {
			return err
		}
	}
	return nil
}

func (x *session) collect(ctx context.Context, c *call, text string, args []any) error {
	if !c.returns {
		_, err := x.link.ExecContext(ctx, text, args...)
		return err
	}
	rows, err := x.link.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	into := make([]any, len(names))
	for rows.Next() {
		cells := make([][]byte, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		c.out = append(c.out, row{cells: cells, lite: x.store.dialect.lite})
	}
	return rows.Err()
}

// close ends the session; what was not committed is rolled back.
func (x *session) close(ctx context.Context) {
	if x.link == nil || x.foreign {
		return
	}
	if x.begun && !x.done {
		if _, err := x.link.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil && x.conn != nil {
			// Nobody knows what state it is in.
			_ = x.conn.Raw(func(any) error { return driver.ErrBadConn })
		}
	}
	x.release()
	x.link, x.conn = nil, nil
}

// renew makes the session ready for another transaction.
func (x *session) renew(ctx context.Context) {
	x.close(ctx)
	x.begun, x.done = false, false
}

var errNoRows = errors.New("the database gave no row")
