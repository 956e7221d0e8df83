// Package sqlstore keeps everything in a SQL database: PostgreSQL 15 or newer, or SQLite. It is one code for both;
// what differs is in dialect.go. The openers are store/postgres and store/sqlite, which know the drivers.
//
// A batch of many items costs a fixed number of round trips: the rows it is about are locked and read in one, judged
// in Go as the reference implementation judges them, and written in another that also commits. Instants are kept as
// microseconds since 1970, values as their canonical JSON, and those above 64 KiB as blobs.
package sqlstore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store"
)

// Config says how a Store behaves. Openers fill it in; all of it is optional.
type Config struct {
	// Reads is a pool for reading where that is another one than the writing one, as with SQLite.
	Reads *bun.DB
	// Leases is a pool of its own for renewing leases, so that a busy pool cannot starve it; nil: the same pool.
	Leases *bun.DB
	// Script sends several statements in one round trip and gives the rows of each as text; nil: one at a time.
	Script Script
	// Skew is added to the database's clock, for tests; nil: nothing.
	Skew func() time.Duration
	// Owner keeps row-level security off and uses no roles, though the login could make them.
	Owner bool
}

// Script runs statements that are separated by semicolons on a connection of database/sql/driver. It gives the rows
// of each statement, a cell being nil for NULL.
type Script func(ctx context.Context, conn any, statements string) ([][][][]byte, error)

// Store is a store.Store in a database. Its methods may be called from many goroutines.
type Store struct {
	cfg     Config
	dialect dialect
	db      *bun.DB
	writer  *writer // of SQLite
	reads   *prepared
	rls     bool
	closed  atomic.Bool

	compiled sync.Map // text of a statement -> *statement
	known    known
	fronts   fronts
}

var (
	_ store.Store         = (*Store)(nil)
	_ store.Transactional = (*Store)(nil)
	_ auth.Stores         = (*Store)(nil)
)

// New makes a store of an open database, whose schema it brings up to date. The store closes the database, and does
// so too where there is an error.
func New(ctx context.Context, db *bun.DB, cfg Config) (*Store, error) {
	s := &Store{cfg: cfg, db: db}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(s.failure(ctx, "open the store", err), s.Close())
	}
	return s, nil
}

// Close closes the database. All further calls are refused with flowforge.CodeClosed. Closing again is nothing.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	for _, db := range []*bun.DB{s.cfg.Reads, s.cfg.Leases, s.db} {
		if db != nil {
			errs = append(errs, db.Close()) // closing twice is nothing
		}
	}
	return errors.Join(errs...)
}

// RLS reports whether row-level security keeps workspaces apart. Where it is false the login may not make roles, or
// the database has none.
func (s *Store) RLS() bool { return s.rls }

// Now gives the store's clock.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	now := query(`{with} SELECT {now}`, nil)
	if err := s.read(ctx, "read the clock", "", now); err != nil {
		return time.Time{}, err
	}
	return now.out[0].time(), nil
}

func (s *Store) open(ctx context.Context) error {
	var err error
	if s.dialect, err = dialectOf(s.db); err != nil {
		return err
	}
	if s.dialect.lite {
		if s.writer, err = newWriter(ctx, s.db); err != nil {
			return err
		}
		if s.cfg.Reads == nil {
			s.cfg.Reads = s.db
		}
		s.reads = newPrepared(s.cfg.Reads.DB)
	}
	if s.cfg.Leases == nil {
		s.cfg.Leases = s.db
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	return s.secure(ctx)
}

// enter refuses calls to a closed store.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed.Load() {
		return flowforge.Errorf(flowforge.CodeClosed, "the store is closed")
	}
	return nil
}
