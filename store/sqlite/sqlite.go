// Package sqlite opens a store in a SQLite file, for any number of processes of one host on a local disk.
package sqlite

import (
	"context"
	"database/sql"
	"net/url"
	"strconv"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/flowforge-go/flowforge/store/sqlstore"
)

// Config says how a store is opened; its zero value is ready to use.
type Config struct {
	Busy    time.Duration        // how long another process is waited for that writes; 0: 10 s
	Readers int                  // connections that read; 0: 4
	Skew    func() time.Duration // added to the host's clock, for tests; nil: nothing
}

const (
	defaultBusy    = 10 * time.Second
	defaultReaders = 4
)

// Open opens the file at a path, makes it if there is none, and brings its schema up to date. What was committed is
// on the disk.
func Open(ctx context.Context, path string, cfg Config) (*sqlstore.Store, error) {
	if cfg.Busy == 0 {
		cfg.Busy = defaultBusy
	}
	if cfg.Readers == 0 {
		cfg.Readers = defaultReaders
	}
	writes, err := open(path, cfg.Busy, 1)
	if err != nil {
		return nil, err
	}
	reads, err := open(path, cfg.Busy, cfg.Readers)
	if err != nil {
		return nil, err
	}
	return sqlstore.New(ctx, writes, sqlstore.Config{Reads: reads, Skew: cfg.Skew})
}

func open(path string, busy time.Duration, connections int) (*bun.DB, error) {
	options := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(" + strconv.FormatInt(busy.Milliseconds(), 10) + ")",
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"foreign_keys(1)",
		"temp_store(MEMORY)",
		"cache_size(-16000)",
	}}
	source := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return bun.NewDB(db, sqlitedialect.New()), nil
}
