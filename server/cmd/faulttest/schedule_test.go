//go:build linux || darwin

package faulttest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
)

// TestSchedulesFireOnceAndNeverEarly lets three workers look after the same schedules. One is killed before it fires,
// one after it did, without knowing that; others take their places.
func TestSchedulesFireOnceAndNeverEarly(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		t := w.t
		schedules, many := count(10, 20), count(60, 1_000)
		w.publish(document(t, `{"name": "tick", "nodes": [{"id": "n", "type": "test.effect"}]}`))
		first := w.spawn(fmt.Sprintf("fire.before:%d", 1+w.random.IntN(2)))
		second := w.spawn(fmt.Sprintf("fire.after:%d", 1+w.random.IntN(2)))
		w.spawn("")
		begins := map[flowforge.ScheduleID]time.Time{}
		for i := range schedules {
			status, err := w.engine.SaveSchedule(t.Context(), flowforge.Local, engine.Schedule{
				ID: flowforge.ScheduleID(fmt.Sprintf("s%d", i)), Workflow: "tick", Every: flowforge.Duration(time.Second),
				Overlap: engine.OverlapAll,
			})
			require.NoError(t, err)
			begins[status.ID] = status.NextAt
		}
		first.awaitEndAt(t, "fire.before")
		second.awaitEndAt(t, "fire.after")
		w.spawn("")
		w.spawn("")
		w.sink.awaitKeys(t, many)
		fired := 0
		for id, at := range begins {
			status, err := w.engine.PauseSchedule(t.Context(), flowforge.Local, id)
			require.NoError(t, err)
			require.Zero(t, status.Failed)
			require.Zero(t, status.Missed.Count)
			require.Equal(t, int(status.LastAt.Sub(at)/time.Second)+1, status.Fired, "I5: each second of %s from its first one on", id)
			fired += status.Fired
		}
		var ids []flowforge.RunID
		for _, run := range w.runs() {
			ids = append(ids, run.ID)
		}
		require.Len(t, ids, fired)
		w.check(recovery, ids, fired)
		due := map[string]bool{}
		for _, c := range w.sink.all() {
			fields, _ := c.Input.Any().(map[string]any)
			at, err := time.Parse(time.RFC3339, fmt.Sprint(fields["scheduled_at"]))
			require.NoError(t, err)
			require.False(t, c.at.Before(at), "I5: %s is early by %s", c.Run, at.Sub(c.at))
			due[fmt.Sprint(fields["schedule"], " ", fields["scheduled_at"])] = true
		}
		require.Len(t, due, fired, "I5: each time has one run")
	})
}
