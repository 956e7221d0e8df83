//go:build linux || darwin

package faulttest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/faulttest"
)

// poisoned is a workflow with a node that harms its worker, and may lose as many attempts as its max_lost says.
const poisoned = `
name: poisoned
nodes:
  - {id: a, type: test.effect}
  - {id: p, type: test.effect, params: {poison: POISON}, timeout: 1s, retry: {max_lost: 2}}
connections:
  - {from: a, to: p}
`

// TestPoison lets nodes panic, end their process, or never end. Their runs fail in the end, and no other one does.
func TestPoison(t *testing.T) {
	t.Parallel()
	tests := []struct {
		poison string
		want   flowforge.Code
		calls  int
	}{
		{faulttest.PoisonPanic, flowforge.CodePanic, 1},
		{faulttest.PoisonExit, flowforge.CodeWorkerLost, 2},
		{faulttest.PoisonHang, flowforge.CodeTimeout, 1},
	}
	for _, test := range tests {
		t.Run(test.poison, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(w *world) {
				t := w.t
				w.publish(document(t, inner))
				sick := w.start(document(t, strings.Replace(poisoned, "POISON", test.poison, 1)), 1)[0]
				healthy := w.start(document(t, everything), 2)
				w.supervise()
				w.check(recovery+20*time.Second, healthy, everyEffects*len(healthy)+2)
				run := w.run(sick)
				require.Equal(t, flowforge.RunFailed, run.Status)
				require.Equal(t, test.want, run.Error.Code, "%+v", run.Error)
				require.Len(t, w.sink.of("p"), test.calls)
			})
		})
	}
}

// supervise starts a worker, and another one whenever it ends, until the test does.
func (w *world) supervise() {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan struct{})
	w.t.Cleanup(func() {
		stop()
		<-done
	})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			p, err := begin(ctx, "", []string{"-store", w.address, "-sink", w.sink.url})
			if err != nil {
				w.t.Error(err)
				return
			}
			<-p.ended
		}
	}()
}
