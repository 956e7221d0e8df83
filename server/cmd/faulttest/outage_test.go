//go:build linux || darwin

package faulttest_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

// show gives the value of a setting.
func (s *server) show(setting string) string {
	s.t.Helper()
	db, err := sql.Open("pgx", s.address)
	require.NoError(s.t, err)
	defer db.Close()
	var value string
	require.NoError(s.t, db.QueryRow("SHOW "+setting).Scan(&value))
	return value
}

// TestPostgreSQLIsKilled kills the server while workers write to it, and starts it again, sooner and later than their
// leases end.
func TestPostgreSQLIsKilled(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := newWorldAt(t, s.address)
	w.publish(document(t, inner))
	runs := w.start(document(t, everything), count(6, 50))
	w.spawn("")
	w.spawn("")
	for i, node := range []string{"b", "e"} {
		w.sink.await(t, flowforge.NodeID(node), 1+w.random.IntN(len(runs)))
		s.kill()
		if i == 1 {
			w.wait(3 * time.Second)
		}
		s.start()
	}
	w.check(recovery, runs, everyEffects*len(runs))
}

// TestPostgreSQLIsReadOnly lets the server refuse all that is written, as a replica does, for longer than a lease.
func TestPostgreSQLIsReadOnly(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := newWorldAt(t, s.address)
	w.publish(document(t, inner))
	runs := w.start(document(t, everything), count(6, 50))
	w.spawn("")
	w.sink.await(t, "b", 1)
	s.set("default_transaction_read_only", "on")
	w.wait(3 * time.Second)
	s.set("default_transaction_read_only", "off")
	w.check(recovery, runs, everyEffects*len(runs))
}

// wait lets a fault last, and looks at the runs as soon as the store can be asked.
func (w *world) wait(fault time.Duration) {
	w.t.Helper()
	<-time.After(fault)
}
