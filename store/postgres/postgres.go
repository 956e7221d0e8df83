// Package postgres opens a store in PostgreSQL 15 or newer.
package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store/sqlstore"
)

// Config says how a store is opened; its zero value is ready to use.
type Config struct {
	Connections int                  // at most, beside two for leases; 0: 16
	Skew        func() time.Duration // added to the database's clock, for tests; nil: nothing
	Owner       bool                 // use no roles and no row-level security
}

const (
	defaultConnections = 16
	leaseConnections   = 2
)

// Open connects to a database and brings its schema up to date. It works through a pooler of transactions.
func Open(ctx context.Context, dsn string, cfg Config) (*sqlstore.Store, error) {
	parsed, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, flowforge.Errorf(flowforge.CodeInvalidValue, "the address of the database: %w", err)
	}
	// Statements carry their literals, so that preparing them would be of no use.
	parsed.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	parsed.RuntimeParams["standard_conforming_strings"] = "on"
	parsed.RuntimeParams["client_encoding"] = "UTF8"
	if cfg.Connections <= 0 {
		cfg.Connections = defaultConnections
	}
	return sqlstore.New(ctx, pool(parsed, cfg.Connections), sqlstore.Config{
		Leases: pool(parsed, leaseConnections), Script: script, Skew: cfg.Skew, Owner: cfg.Owner,
	})
}

func pool(cfg *pgx.ConnConfig, connections int) *bun.DB {
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(time.Minute)
	return bun.NewDB(db, pgdialect.New())
}

// script sends statements in one string, which database/sql cannot read all the results of.
func script(ctx context.Context, conn any, statements string) ([][][][]byte, error) {
	wrapped, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("a %T is no connection of this driver: %w", conn, sql.ErrConnDone)
	}
	results, err := wrapped.Conn().PgConn().Exec(ctx, statements).ReadAll()
	if err != nil {
		return nil, err
	}
	rows := make([][][][]byte, len(results))
	for i, result := range results {
		rows[i] = result.Rows
	}
	return rows, nil
}
