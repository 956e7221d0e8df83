//go:build linux || darwin

package faulttest_test

import (
	"fmt"
	"testing"
	"time"
)

// Everything that a run can be in the middle of: branches that join, elements, a wait that parks it, a retry, another
// workflow, an attempt that outlasts a renewal. It comes to everyEffects effects, one of them of the other workflow.
const (
	everything = `
name: everything
nodes:
  - {id: a, type: test.effect}
  - {id: b, type: test.effect}
  - {id: c, type: test.effect, params: {takes: 700ms}}
  - {id: d, type: test.effect, params: {given: "{{ [nodes.b.output, nodes.c.output] }}"}}
  - {id: e, type: test.effect, each: "{{ [1, 2, 3, 4, 5] }}", each_parallel: 2, params: {given: "{{ [item, nodes.d.output] }}"}}
  - {id: pause, type: core.wait, params: {duration: 300ms}}
  - {id: r, type: test.effect, params: {fail: 2}, retry: {max_attempts: 4, initial_interval: 20ms}}
  - {id: sub, type: core.subworkflow, params: {workflow: inner}}
  - {id: pure, type: core.set, params: {values: {n: "{{ nodes.r.output.n }}"}}}
  - {id: z, type: test.effect, params: {given: "{{ nodes.e.output }}"}}
connections:
  - {from: a, to: b}
  - {from: a, to: c}
  - {from: b, to: d}
  - {from: c, to: d}
  - {from: d, to: e}
  - {from: e, to: pause}
  - {from: pause, to: r}
  - {from: r, to: sub}
  - {from: sub, to: pure}
  - {from: pure, to: z}
`
	everyEffects = 12
	inner        = `
name: inner
nodes:
  - {id: i, type: test.effect}
  - {id: w, type: core.wait, params: {duration: 200ms}}
connections:
  - {from: i, to: w}
`
)

// recovery is how long everything may take to end after the last fault: a lease, the look for runs, and the work.
const recovery = 30 * time.Second

// TestKillAtFailpoints kills a worker at a place the first time it comes there, the next worker some times later,
// and so on; the last one is left alone.
func TestKillAtFailpoints(t *testing.T) {
	t.Parallel()
	for _, place := range []string{
		"commit.before", "commit.after", "attempt.before", "attempt.after", "claim.after", "resume", "park.after", "renew.after",
	} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(w *world) {
				t := w.t
				w.publish(document(t, inner))
				runs := w.start(document(t, everything), count(2, 20))
				w.spawn(place+":1").awaitEndAt(t, place)
				for range count(1, 3) {
					p := w.spawn(fmt.Sprintf("%s:%d", place, 2+w.random.IntN(6)))
					w.killedOrFinished(p)
				}
				w.spawn("")
				w.check(recovery, runs, everyEffects*len(runs))
			})
		})
	}
}

// awaitEndAt waits until a process was killed at its failpoint.
func (p *process) awaitEndAt(t *testing.T, place string) {
	t.Helper()
	p.awaitEnd(t, recovery)
	if !p.wasKilled() || len(p.log.lines("failpoint")) == 0 {
		t.Fatalf("the process was not killed at %s: %v\n%s", place, p.err, tail(p.log.String()))
	}
}

// killedOrFinished waits until a worker is dead, or its work is done without it having come to its failpoint.
func (w *world) killedOrFinished(p *process) {
	w.t.Helper()
	eventually(w.t, recovery, func() string {
		select {
		case <-p.ended:
			return ""
		default:
		}
		for _, run := range w.runs() {
			if !w.observe(run.ID).Terminal() {
				return fmt.Sprintf("run %s is %s", run.ID, run.Status)
			}
		}
		return ""
	})
}
