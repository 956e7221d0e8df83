package sqlstore

import (
	"context"
	"database/sql"
	"sync"
)

// prepared is a pool that reads from SQLite, with its prepared statements.
type prepared struct {
	db         *sql.DB
	lock       sync.Mutex
	statements map[string]*sql.Stmt
}

func newPrepared(db *sql.DB) *prepared {
	return &prepared{db: db, statements: map[string]*sql.Stmt{}}
}

// QueryContext runs a statement that gives rows.
func (p *prepared) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	made, kept, err := p.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := made.QueryContext(ctx, args...)
	if !kept {
		_ = made.Close() //nolint:sqlclosecheck // Its rows are still to be read: once its rows are closed
	}
	return rows, err
}

// ExecContext runs a statement that gives none.
func (p *prepared) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	return p.db.ExecContext(ctx, text, args...)
}

func (p *prepared) prepare(ctx context.Context, text string) (*sql.Stmt, bool, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if known := p.statements[text]; known != nil {
		return known, true, nil
	}
	made, err := p.db.PrepareContext(ctx, text) //nolint:sqlclosecheck // It is kept.
	if err != nil {
		return nil, false, err
	}
	if len(p.statements) >= manyStatements {
		return made, false, nil
	}
	p.statements[text] = made
	return made, true, nil
}
