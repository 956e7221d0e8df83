//go:build linux || darwin

package faulttest_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

// TestWorkersAreRestartedInTurn ends one worker after the other by SIGTERM under load, as a deployment does: no run
// fails, and no attempt is lost or made twice.
func TestWorkersAreRestartedInTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onPostgres)
	w.publish(document(t, inner))
	redis := newRedis(t)
	pools := []string{"", "gpu", "gpu,"}
	workers := make([]*process, len(pools))
	for i := range workers {
		workers[i] = w.spawn("", redis.arguments("-pools", pools[i])...)
	}
	const pooledLimit = 3
	many := count(30, 2_000)
	first := w.newStarters(w.address, "a", document(t, everything), many, redis.arguments("-watch", "10", "-pause", "50ms")...)
	second := w.newStarters(w.address, "b", document(t, pooled), many, redis.arguments("-watch", "10", "-pause", "50ms")...)
	w.sink.awaitKeys(t, many/10)
	for range count(1, 10) {
		for i, p := range workers {
			p.signal(syscall.SIGTERM)
			p.awaitEnd(t, recovery)
			require.NoError(t, p.err, "%s", tail(p.log.String()))
			workers[i] = w.spawn("", redis.arguments("-pools", pools[i])...)
		}
	}
	limit := recovery + time.Duration(many/5)*time.Second
	runs := append(first.await(limit), second.await(limit)...)
	w.check(limit, runs, (everyEffects+pooledEffects)*many)
	first.requireNoneLost()
	second.requireNoneLost()
	w.requireClean()
	failures := 2 * many // of the node r
	require.Len(t, w.sink.all(), w.sink.keys()+failures, "an effect was repeated")
	for _, run := range w.runs() {
		for _, n := range w.nodeRuns(run.ID) {
			require.Zero(t, n.Lost, "an attempt was lost: %+v", n)
		}
	}
	w.checkOverlaps(pooledLimit*2, false, func(run flowforge.Run) string {
		if run.Workflow.Name == "pooled" {
			return "of both keys"
		}
		return ""
	})
}

// TestAnOldWorkerBesideANewOne lets hints of runs reach a worker that does not know their node type: it leaves them and
// their tasks alone, and does what it knows, before a new one comes and beside it.
func TestAnOldWorkerBesideANewOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onPostgres)
	redis := newRedis(t)
	old := w.spawn("", redis.arguments("-without-effects", "-pools", "gpu,")...)
	many := count(20, 500)
	plain := document(t, `{"name": "plain", "nodes": [{"id": "n", "type": "core.noop"}]}`)
	start := func(keys string, workflow *flowforge.Workflow) []flowforge.RunID {
		return w.newStarters(w.address, keys, workflow, many, redis.arguments("-at-once", "4")...).await(recovery)
	}
	effects, known := start("a", document(t, pooled)), start("b", plain)
	for _, id := range known {
		eventually(t, recovery, func() string {
			if run := w.run(id); run.Status != flowforge.RunSucceeded {
				return "the run without effects is " + string(run.Status)
			}
			return ""
		})
	}
	for _, id := range effects {
		run := w.run(id)
		require.Equal(t, flowforge.RunQueued, run.Status)
		require.True(t, run.StartedAt.IsZero())
	}
	w.spawn("", redis.arguments("-pools", "gpu,")...)
	effects, known = append(effects, start("c", document(t, pooled))...), append(known, start("d", plain)...)
	w.check(recovery+time.Duration(many)*time.Second, append(effects, known...), pooledEffects*len(effects))
	require.Len(t, w.sink.all(), w.sink.keys(), "an effect was repeated")
	require.NotContains(t, old.log.String(), "level=ERROR")
	w.requireClean()
}
