//go:build linux || darwin

package faulttest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestABacklogOfRunsAndTimers lets three workers find many runs that wait, and many more that are due in one second,
// told by Redis. One of them is killed amid them.
func TestABacklogOfRunsAndTimers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onPostgres)
	redis := newRedis(t)
	many, timers := size("BACKLOG", 600, 100_000), size("TIMERS", 300, 10_000)
	due := time.Now().Add(time.Duration(8+timers/200) * time.Second).Truncate(time.Second)
	waiting := w.startWith(document(t, `
name: timer
nodes:
  - {id: w, type: core.wait, params: {until: "{{ input.at }}"}}
  - {id: n, type: test.effect}
connections:
  - {from: w, to: n}
`), timers, func(i int) any {
		return map[string]any{"at": due.Add(time.Duration(i%1000) * time.Millisecond).UTC().Format(time.RFC3339Nano)}
	})
	runs := w.start(document(t, `{"name": "one", "nodes": [{"id": "n", "type": "test.effect"}]}`), many)
	began := time.Now()
	arguments := redis.arguments("-runs", "200", "-lease", "5s")
	first := w.spawn("", arguments...)
	w.spawn("", arguments...)
	w.spawn("", arguments...)
	w.sink.await(t, "n", many/4)
	first.kill()
	w.check(max(time.Until(due), 0)+recovery+time.Duration(many/50)*time.Second, append(runs, waiting...), many+timers)
	t.Logf("%d runs and %d timers within %s", many, timers, time.Since(began))
	require.LessOrEqual(t, len(w.sink.all()), many+timers+200, "only what the worker had is repeated")
	for _, c := range w.sink.all() {
		fields, _ := c.Input.Any().(map[string]any)
		at, timed := fields["at"].(string)
		if !timed {
			continue
		}
		wanted, err := time.Parse(time.RFC3339Nano, at)
		require.NoError(t, err)
		require.False(t, c.at.Before(wanted), "I5: %s is early by %s", c.Run, wanted.Sub(c.at))
	}
	w.requireClean()
}
