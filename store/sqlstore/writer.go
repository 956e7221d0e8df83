package sqlstore

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"
)

// A writer is the one connection that writes to SQLite, with the statements that were prepared on it. Its
// statements are not interrupted: they are short, and what they do is to happen whole.
type writer struct {
	turn       chan struct{}
	conn       bun.Conn
	statements map[string]*sql.Stmt
}

func newWriter(ctx context.Context, db *bun.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &writer{turn: make(chan struct{}, 1), conn: conn, statements: map[string]*sql.Stmt{}}, nil
}

// manyStatements is how many statements are kept; more there are only where texts are made anew for each call.
const manyStatements = 500

// QueryContext runs a statement that gives rows.
func (w *writer) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	ctx = context.WithoutCancel(ctx)
	prepared, err := w.prepare(ctx, text) //nolint:sqlclosecheck // It is kept.
	if err != nil {
		return nil, err
	}
	return prepared.QueryContext(ctx, args...)
}

// ExecContext runs a statement that gives none.
func (w *writer) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	ctx = context.WithoutCancel(ctx)
	prepared, err := w.prepare(ctx, text) //nolint:sqlclosecheck // It is kept.
	if err != nil {
		return nil, err
	}
	return prepared.ExecContext(ctx, args...)
}

func (w *writer) lock(ctx context.Context) error {
	select {
	case w.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) unlock() {
	<-w.turn
}

func (w *writer) close() error {
	w.turn <- struct{}{}
	for _, prepared := range w.statements {
		_ = prepared.Close()
	}
	return w.conn.Close()
}

func (w *writer) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if known := w.statements[text]; known != nil {
		return known, nil
	}
	if len(w.statements) >= manyStatements {
		for text, prepared := range w.statements {
			_ = prepared.Close()
			delete(w.statements, text)
		}
	}
	prepared, err := w.conn.Conn.PrepareContext(ctx, text)
	if err == nil {
		w.statements[text] = prepared
	}
	return prepared, err
}
