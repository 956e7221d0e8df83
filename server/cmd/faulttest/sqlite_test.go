//go:build linux || darwin

package faulttest_test

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

// TestProcessesOnOneFileAreKilled kills one process after the other of those that share a file.
func TestProcessesOnOneFileAreKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onSQLite)
	w.publish(document(t, inner))
	runs := w.start(document(t, everything), count(6, 50))
	for _, node := range []flowforge.NodeID{"a", "b", "d", "e", "r"} {
		killed := w.spawn("")
		w.spawn("")
		w.sink.await(t, node, 1+w.random.IntN(len(runs)))
		killed.kill()
	}
	w.check(recovery, runs, everyEffects*len(runs))
	w.isSound()
}

// isSound asks SQLite whether the file is as it should be.
func (w *world) isSound() {
	w.t.Helper()
	db := w.openFile()
	defer db.Close()
	var said string
	require.NoError(w.t, db.QueryRow("PRAGMA integrity_check").Scan(&said))
	require.Equal(w.t, "ok", said)
}

// openFile opens the file without FlowForge; the driver is that of store/sqlite.
func (w *world) openFile() *sql.DB {
	w.t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(w.address, "sqlite:"))
	require.NoError(w.t, err)
	db.SetMaxOpenConns(1)
	return db
}

// TestTheFileIsBusy lets another program hold the file's one write lock for longer than a lease.
func TestTheFileIsBusy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onSQLite)
	w.publish(document(t, inner))
	runs := w.start(document(t, everything), count(6, 50))
	w.spawn("")
	w.spawn("")
	w.sink.await(t, "b", 1)
	db := w.openFile()
	defer db.Close()
	for _, statement := range []string{"PRAGMA busy_timeout = 10000", "BEGIN IMMEDIATE"} {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}
	w.wait(3 * time.Second)
	_, err := db.Exec("ROLLBACK")
	require.NoError(t, err)
	w.check(recovery, runs, everyEffects*len(runs))
}

// TestTheDiskIsFull gives a worker too little room for what it writes; one with room goes on.
func TestTheDiskIsFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onSQLite)
	runs := w.start(document(t, fmt.Sprintf(`
name: large
nodes:
  - {id: a, type: test.effect}
  - {id: s, type: core.set, params: {mode: replace, values: {text: %q}}}
  - {id: b, type: test.effect, params: {given: "{{ nodes.s.output }}"}}
connections:
  - {from: a, to: s}
  - {from: s, to: b}
`, strings.Repeat("x", 5_000))), count(200, 1_000))
	cramped := w.spawn("", "-room", strconv.Itoa(64<<10))
	eventually(t, recovery, func() string {
		if !strings.Contains(cramped.log.String(), "level=WARN msg=\"commit: trying again\"") &&
			!strings.Contains(cramped.log.String(), "level=ERROR") {
			return "the worker had room enough"
		}
		return ""
	})
	w.spawn("")
	w.check(recovery, runs, 2*len(runs))
	w.isSound()
}
