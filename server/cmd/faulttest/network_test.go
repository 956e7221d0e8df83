//go:build linux || darwin

package faulttest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/flowforge-go/flowforge"
)

// TestTheConnectionIsCutDuringCommit cuts connections after the server has got a COMMIT and before the worker has got
// the answer.
func TestTheConnectionIsCutDuringCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onPostgres)
	w.publish(document(t, inner))
	p, address := newProxy(t, w.address)
	runs := w.start(document(t, everything), count(6, 50))
	w.spawnOn(address, "")
	w.sink.await(t, "a", 1)
	p.loseCommit(1)
	const cuts = 4
	for i := range cuts {
		eventually(t, recovery, func() string {
			if p.lost() <= i {
				return fmt.Sprintf("%d answers were lost, want %d", p.lost(), cuts)
			}
			return ""
		})
		p.loseCommit(1 + w.random.IntN(3))
	}
	w.check(recovery, runs, everyEffects*len(runs))
}

// TestAWorkerIsPartitioned keeps a worker from the database for longer than its lease; then what it had sent arrives.
func TestAWorkerIsPartitioned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onPostgres)
	p, address := newProxy(t, w.address)
	runs := w.start(document(t, gated), count(4, 50))
	parted := w.spawnOn(address, "")
	w.sink.await(t, "g", len(runs))
	p.partition()
	w.spawn("")
	w.sink.await(t, "g", 2*len(runs))
	w.sink.open("g")
	p.heal()
	w.check(recovery, runs, gatedEffects*len(runs))
	eventually(t, recovery, func() string {
		if !parted.noticed() {
			return "the worker that was parted went on as if it had the runs"
		}
		return ""
	})
}

// TestTheNetworkIsSlowAndCut delays all that goes to the database and back, and cuts all connections now and then.
func TestTheNetworkIsSlowAndCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onPostgres)
	w.publish(document(t, inner))
	p, address := newProxy(t, w.address)
	p.slow(10 * time.Millisecond)
	runs := w.start(document(t, everything), count(4, 50))
	w.spawnOn(address, "", "-lease", "5s") // connecting again takes some round trips
	w.spawnOn(address, "", "-lease", "5s")
	for _, node := range []string{"a", "b", "d", "r"} {
		w.sink.await(t, flowforge.NodeID(node), 1)
		p.cut()
	}
	w.check(recovery, runs, everyEffects*len(runs))
}
