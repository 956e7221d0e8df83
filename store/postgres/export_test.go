package postgres

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/flowforge-go/flowforge/store/sqlstore"
)

// OpenCounting opens a store that counts its round trips.
func OpenCounting(ctx context.Context, dsn string, trips *atomic.Int64) (*sqlstore.Store, error) {
	parsed, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	parsed.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	counting := func(ctx context.Context, conn any, statements string) ([][][][]byte, error) {
		trips.Add(1)
		return script(ctx, conn, statements)
	}
	return sqlstore.New(ctx, pool(parsed, 1), sqlstore.Config{Script: counting})
}
