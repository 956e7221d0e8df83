//go:build linux || darwin

package faulttest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestABusyRunKeepsItsLease lets a run commit without a pause, over a network that makes each commit take its time, for
// some times as long as its lease: nobody else takes it.
func TestABusyRunKeepsItsLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onPostgres)
	way, address := newProxy(t, w.address)
	way.slow(20 * time.Millisecond)
	const elements = 300
	runs := w.start(document(t, `
name: busy
nodes:
  - {id: e, type: test.effect, each: "{{ range(0, 300) }}", each_parallel: 10}
`), 1)
	workers := []*process{w.spawnOn(address, ""), w.spawnOn(address, "")}
	w.check(2*recovery, runs, elements)
	for _, p := range workers {
		if strings.Contains(p.log.String(), "could not be renewed in time") {
			return // the machine was too busy for it, and the worker knew that
		}
	}
	require.Equal(t, elements, len(w.sink.all()), "the run was taken from its owner") //nolint:testifylint // They are many.
}
