//go:build linux || darwin

package faulttest_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
)

// TestSignalsAreTakenOnce sends each signal twice, while one worker after the other is killed: each run takes each
// signal once, in the order they were sent.
func TestSignalsAreTakenOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		runs := w.start(document(t, `
name: signals
nodes:
  - {id: a, type: test.effect}
  - {id: s0, type: core.wait, params: {signal: go}}
  - {id: e0, type: test.effect, params: {given: "{{ nodes.s0.output.out }}"}}
  - {id: s1, type: core.wait, params: {signal: go}}
  - {id: e1, type: test.effect, params: {given: "{{ nodes.s1.output.out }}"}}
  - {id: s2, type: core.wait, params: {signal: go}}
  - {id: s3, type: core.wait, params: {signal: go}}
  - {id: z, type: test.effect, params: {given: "{{ [nodes.s2.output.out, nodes.s3.output.out] }}"}}
connections:
  - {from: a, to: s0}
  - {from: s0, to: e0}
  - {from: e0, to: s1}
  - {from: s1, to: e1}
  - {from: e1, to: s2}
  - {from: s2, to: s3}
  - {from: s3, to: z}
`), count(5, 50))
		worker := w.spawn("")
		for i, before := range []flowforge.NodeID{"a", "e0", "e1", "e1"} {
			for n, id := range runs {
				if n == len(runs)/2 {
					w.sink.await(t, before, n)
					worker.kill()
					worker = w.spawn("")
				}
				for range 2 {
					require.NoError(t, w.engine.Signal(t.Context(), engine.SignalRequest{
						Run: id, Name: "go", Data: flowforge.MustValue(i), IdempotencyKey: strconv.Itoa(i),
					}))
				}
			}
		}
		w.check(recovery, runs, 4*len(runs))
		for node, want := range map[flowforge.NodeID]string{"e0": "0", "e1": "1", "z": "[2,3]"} {
			for _, c := range w.sink.of(node) {
				require.JSONEq(t, want, c.Params.Given.String(), "%s of run %s", node, c.Run)
			}
		}
	})
}
