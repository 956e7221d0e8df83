//go:build linux || darwin

package faulttest_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
)

// gated is a workflow whose second effect lasts until the test opens the gate.
const (
	gated = `
name: gated
nodes:
  - {id: a, type: test.effect}
  - {id: g, type: test.effect, params: {gate: g, given: "{{ nodes.a.output }}"}}
  - {id: z, type: test.effect, params: {given: "{{ nodes.g.output }}"}}
connections:
  - {from: a, to: g}
  - {from: g, to: z}
`
	gatedEffects = 3
)

// noticed reports whether a worker was told, or has found out, that runs were not its own any more.
func (p *process) noticed() bool {
	return len(p.out.lines("lost"))+len(p.out.lines("refused")) > 0 || strings.Contains(p.log.String(), "lease could not be renewed in time")
}

func TestAWorkerIsStoppedForLongerThanItsLease(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		runs := w.start(document(t, gated), count(4, 50))
		stopped := w.spawn("")
		w.sink.await(t, "g", len(runs))
		stopped.signal(syscall.SIGSTOP)
		w.spawn("")
		w.sink.await(t, "g", 2*len(runs))
		stopped.signal(syscall.SIGCONT)
		w.sink.open("g")
		w.check(recovery, runs, gatedEffects*len(runs))
		require.True(t, stopped.noticed(), "the worker that was stopped went on as if it had the runs")
	})
}

// TestAZombieIsRefused lets a worker that renews nothing and whose clock stands still write with leases that are
// another's: the store alone keeps it from doing harm.
func TestAZombieIsRefused(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		runs := w.start(document(t, gated), count(4, 50))
		zombie := w.spawn("", "-zombie")
		w.sink.await(t, "g", len(runs))
		w.spawn("")
		w.sink.await(t, "g", 2*len(runs))
		w.sink.open("g")
		eventually(t, recovery, func() string {
			if len(zombie.out.lines("refused")) < len(runs) {
				return "not all that the zombie wrote was refused"
			}
			return ""
		})
		w.check(recovery, runs, gatedEffects*len(runs))
	})
}

// TestAnEffectInDoubtIsNotRepeated kills a worker while an effect that is delivered at most once is under way.
func TestAnEffectInDoubtIsNotRepeated(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		workflow := document(t, gated)
		workflow.Nodes[1].Delivery = flowforge.AtMostOnce
		runs := w.start(workflow, 2)
		first := w.spawn("")
		w.sink.await(t, "g", len(runs))
		first.kill()
		w.spawn("")
		for _, id := range runs {
			eventually(t, recovery, func() string {
				if run := w.run(id); run.Reason != "decision" {
					return "run " + string(id) + " is " + string(run.Status) + ", not in doubt"
				}
				w.observe(id)
				return ""
			})
			require.NoError(t, w.engine.Decide(t.Context(), engine.Decision{
				Run: id, Node: "g", Output: flowforge.Out(flowforge.MustValue("decided")),
			}))
		}
		w.check(recovery, runs, gatedEffects*len(runs))
	})
}

func TestDrainLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		w.publish(document(t, inner))
		runs := w.start(document(t, gated), count(4, 50))
		others := w.start(document(t, everything), count(2, 20))
		first := w.spawn("")
		w.sink.await(t, "g", len(runs))
		w.sink.await(t, "c", 1)
		first.signal(syscall.SIGTERM)
		w.sink.open("g")
		first.awaitEnd(t, recovery)
		require.NoError(t, first.err)
		w.spawn("")
		w.check(recovery, append(runs, others...), gatedEffects*len(runs)+everyEffects*len(others))
		failures := 2 * len(others) // of the node r
		require.Len(t, w.sink.all(), w.sink.keys()+failures, "an effect was repeated")
		for _, run := range w.runs() {
			for _, n := range w.nodeRuns(run.ID) {
				require.Zero(t, n.Lost, "an attempt was lost: %+v", n)
			}
		}
	})
}
