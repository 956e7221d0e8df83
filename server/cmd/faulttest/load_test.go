//go:build linux || darwin

package faulttest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

// TestManyTimersInOneSecond parks many runs until the same second.
func TestManyTimersInOneSecond(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		many := count(1_000, 10_000)
		w.spawn("", "-lease", "10s")
		due := time.Now().Add(time.Duration(count(8, 60)) * time.Second).Truncate(time.Second)
		runs := w.startWith(document(t, `
name: timer
nodes:
  - {id: w, type: core.wait, params: {until: "{{ input.at }}"}}
  - {id: n, type: test.effect}
connections:
  - {from: w, to: n}
`), many, func(i int) any {
			return map[string]any{"at": due.Add(time.Duration(i%10) * 100 * time.Millisecond).UTC().Format(time.RFC3339Nano)}
		})
		w.check(max(time.Until(due), 0)+recovery+time.Duration(count(0, 120))*time.Second, runs, many)
		for _, c := range w.sink.all() {
			at, _ := c.Input.Any().(map[string]any)["at"].(string)
			wanted, err := time.Parse(time.RFC3339Nano, at)
			require.NoError(t, err)
			require.False(t, c.at.Before(wanted), "I5: %s is early by %s", c.Run, wanted.Sub(c.at))
		}
	})
}

// TestABacklogOfRuns lets more runs wait than a worker may own at a time; a worker is killed amid them.
func TestABacklogOfRuns(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		many := count(2_000, 100_000)
		runs := w.start(document(t, `{"name": "one", "nodes": [{"id": "n", "type": "test.effect"}]}`), many)
		first := w.spawn("", "-runs", "200", "-lease", "5s")
		w.spawn("", "-runs", "200", "-lease", "5s")
		w.sink.await(t, "n", many/4)
		first.kill()
		w.check(recovery+time.Duration(count(30, 3600))*time.Second, runs, many)
		require.LessOrEqual(t, len(w.sink.all()), many+200, "only what the worker had is repeated")
	})
}

// TestALargeRunIsKilledMidway is what users do: one run of many tasks whose process dies, and is started again.
func TestALargeRunIsKilledMidway(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		const layers, width = 20, 100
		runs := w.start(layered(t, layers, width), 1)
		first := w.spawn("")
		w.sink.awaitKeys(t, layers*width*4/10)
		first.kill()
		before := w.sink.keys()
		require.Less(t, before, layers*width, "it was killed too late")
		w.spawn("")
		w.check(recovery+30*time.Second, runs, layers*width)
		repeated := len(w.sink.all()) - layers*width
		t.Logf("killed after %d of %d tasks; %d were done again", before, layers*width, repeated)
		require.LessOrEqual(t, repeated, 300, "what was done is not done again")
	})
}

// layered makes a graph each of whose tasks needs two of the layer above.
func layered(t *testing.T, layers, width int) *flowforge.Workflow {
	t.Helper()
	var nodes, connections []string
	for layer := range layers {
		for i := range width {
			nodes = append(nodes, fmt.Sprintf(`{"id": "n%d_%d", "type": "test.effect"}`, layer, i))
			if layer == 0 {
				continue
			}
			for _, above := range []int{i, (i + 1) % width} {
				connections = append(connections, fmt.Sprintf(`{"from": "n%d_%d", "to": "n%d_%d"}`, layer-1, above, layer, i))
			}
		}
	}
	return document(t, fmt.Sprintf(`{"name": "layered", "nodes": [%s], "connections": [%s]}`,
		strings.Join(nodes, ","), strings.Join(connections, ",")))
}

// TestCancelRaces cancels runs while they run, wait, end, and lose their worker.
func TestCancelRaces(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		w.publish(document(t, inner))
		runs := w.start(document(t, everything), count(20, 200))
		held := w.start(document(t, gated), 4)
		doomed := w.spawn("")
		w.sink.await(t, "g", len(held))
		w.spawn("")
		canceled := func(id flowforge.RunID) error {
			return w.engine.Cancel(t.Context(), flowforge.Local, id, "the test wants it")
		}
		for i, n := range w.random.Perm(len(runs)) {
			if i == len(runs)/2 {
				doomed.kill()
				for _, id := range held {
					require.NoError(t, canceled(id))
				}
			}
			w.sink.awaitKeys(t, len(held)*2+i*count(4, 3)/2)
			if err := canceled(runs[n]); err != nil {
				require.Equal(t, flowforge.CodeConflict, flowforge.CodeOf(err), "%v", err)
			}
		}
		w.check(recovery, held, -1, flowforge.RunCanceled)
		w.check(recovery, runs, -1, flowforge.RunCanceled, flowforge.RunSucceeded)
		for _, c := range w.sink.all() {
			if run := w.run(c.Run); run.Status == flowforge.RunCanceled {
				require.False(t, c.Began.After(run.FinishedAt), "I6: %s began after run %s was canceled", c.Node, c.Run)
			}
		}
	})
}

// TestAWorkerDoesNotKnowANodeType lets a worker of an older version leave alone what it cannot run.
func TestAWorkerDoesNotKnowANodeType(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		effects := w.start(document(t, `{"name": "one", "nodes": [{"id": "n", "type": "test.effect"}]}`), 5)
		plain := w.start(document(t, `{"name": "plain", "nodes": [{"id": "n", "type": "core.noop"}]}`), 5)
		w.spawn("", "-without-effects")
		for _, id := range plain {
			eventually(t, recovery, func() string {
				if run := w.run(id); run.Status != flowforge.RunSucceeded {
					return "the run without effects is " + string(run.Status)
				}
				return ""
			})
		}
		for _, id := range effects {
			require.Equal(t, flowforge.RunQueued, w.run(id).Status)
		}
		w.spawn("")
		w.check(recovery, append(effects, plain...), len(effects))
	})
}

// TestAnswersOfEffectsAreLost lets effects happen and their nodes not know of it.
func TestAnswersOfEffectsAreLost(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		const lost = 4
		w.sink.loseAnswers(lost)
		workflow := document(t, `{"name": "retried", "nodes": [{"id": "n", "type": "test.effect",
			"retry": {"max_attempts": 5, "initial_interval": "10ms"}}]}`)
		runs := w.start(workflow, 10)
		w.spawn("")
		w.check(recovery, runs, len(runs))
		require.Len(t, w.sink.all(), len(runs)+lost)
	})
}

// TestClocksAreWrong lets workers go on with each other's runs whose clocks are 20 minutes apart.
func TestClocksAreWrong(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		workflow := document(t, `
name: waits
nodes:
  - {id: a, type: test.effect}
  - {id: v, type: core.wait, params: {duration: 1s}}
  - {id: b, type: test.effect, params: {fail: 1}, retry: {max_attempts: 2, initial_interval: 1s, jitter: none}}
  - {id: w, type: core.wait, params: {duration: 1s}}
  - {id: c, type: test.effect}
connections:
  - {from: a, to: v}
  - {from: v, to: b}
  - {from: b, to: w}
  - {from: w, to: c}
`)
		for _, skew := range []string{"10m", "-10m", "0s"} {
			w.spawn("", "-skew", skew)
		}
		runs := w.start(workflow, count(6, 60))
		w.check(recovery, runs, 3*len(runs))
		at := map[flowforge.RunID]map[flowforge.NodeID]time.Time{}
		for _, c := range w.sink.all() {
			if at[c.Run] == nil {
				at[c.Run] = map[flowforge.NodeID]time.Time{}
			}
			at[c.Run][c.Node] = c.at // the last one
		}
		for id, nodes := range at {
			require.GreaterOrEqual(t, nodes["b"].Sub(nodes["a"]), 2*time.Second, "I5: a wait and a backoff of run %s were cut short", id)
			require.GreaterOrEqual(t, nodes["c"].Sub(nodes["b"]), time.Second, "I5: a wait of run %s was cut short", id)
			require.Less(t, nodes["c"].Sub(nodes["a"]), recovery, "run %s waited for the wrong clock", id)
		}
	})
}
