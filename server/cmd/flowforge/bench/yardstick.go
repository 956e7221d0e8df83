package bench

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Yardsticks say what the disk and the database can do at all, with nothing of ours in between.
type Yardsticks struct {
	FsyncMS     float64 `json:"fsync_ms"`                // median of writing 4 KiB and syncing them
	CommitsPerS float64 `json:"commits_per_s,omitempty"` // one row each, one connection
	RowsPerS    float64 `json:"rows_per_s,omitempty"`    // 1,000 rows a commit, one connection
}

const (
	fsyncs        = 200
	fsyncBytes    = 4 << 10
	batchRows     = 1_000
	yardstickTime = time.Second
)

// measureYardsticks measures next to the store: a SQLite file beside its own, a table in its own database.
func measureYardsticks(ctx context.Context, kind, dsn string) (Yardsticks, error) {
	var y Yardsticks
	folder := os.TempDir()
	var db *sql.DB
	var err error
	switch kind {
	case "sqlite":
		folder = filepath.Dir(dsn)
		beside := filepath.Join(folder, fmt.Sprintf(".flowforge-yardstick-%d", os.Getpid()))
		defer removeAll(beside)
		db, err = sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: beside, RawQuery: url.Values{
			"_pragma": {"journal_mode(WAL)", "synchronous(FULL)"}, "_txlock": {"immediate"},
		}.Encode()}).String())
	case "postgres":
		db, err = sql.Open("pgx", dsn)
	}
	if err != nil {
		return y, err
	}
	if y.FsyncMS, err = fsyncLatency(folder); err != nil || db == nil {
		return y, err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	table := fmt.Sprintf("flowforge_yardstick_%d", os.Getpid())
	if _, err := db.ExecContext(ctx, "CREATE TABLE "+table+" (id BIGINT PRIMARY KEY, payload TEXT NOT NULL)"); err != nil {
		return y, fmt.Errorf("make the yardstick's table: %w", err)
	}
	defer func() { _, _ = db.ExecContext(context.WithoutCancel(ctx), "DROP TABLE "+table) }()
	next := 0
	if y.CommitsPerS, err = insertFor(ctx, db, table, &next, 1); err != nil {
		return y, err
	}
	y.RowsPerS, err = insertFor(ctx, db, table, &next, batchRows)
	return y, err
}

func removeAll(path string) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(path + suffix)
	}
}

// fsyncLatency gives the median of writing and syncing a block, in milliseconds.
func fsyncLatency(folder string) (float64, error) {
	file, err := os.CreateTemp(folder, ".flowforge-fsync-*")
	if err != nil {
		return 0, fmt.Errorf("make a file to sync: %w", err)
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name())
	}()
	block := make([]byte, fsyncBytes)
	took := make([]time.Duration, fsyncs)
	for i := range took {
		since := time.Now()
		if _, err := file.Write(block); err != nil {
			return 0, fmt.Errorf("write a block: %w", err)
		}
		if err := file.Sync(); err != nil {
			return 0, fmt.Errorf("sync a block: %w", err)
		}
		took[i] = time.Since(since)
	}
	slices.Sort(took)
	return quantile(took, 0.5), nil
}

// insertFor inserts rows for a while, so many a statement, and gives how many a second it were.
func insertFor(ctx context.Context, db *sql.DB, table string, next *int, rows int) (float64, error) {
	payload := strings.Repeat("x", 100)
	began, inserted := time.Now(), 0
	for time.Since(began) < yardstickTime {
		var statement strings.Builder
		statement.WriteString("INSERT INTO " + table + " (id, payload) VALUES ")
		for i := range rows {
			if i > 0 {
				statement.WriteByte(',')
			}
			fmt.Fprintf(&statement, "(%d,'%s')", *next, payload)
			*next++
		}
		if _, err := db.ExecContext(ctx, statement.String()); err != nil {
			return 0, fmt.Errorf("insert rows: %w", err)
		}
		inserted += rows
	}
	return round(float64(inserted) / time.Since(began).Seconds()), nil
}
