package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/memory"
)

// published saves and publishes a workflow of a name and one node.
func published(t *testing.T, e *engine.Engine, name string, node flowforge.Node) *flowforge.Workflow {
	t.Helper()
	document := workflow(nil, node)
	publish(t, e, name, document)
	return document
}

func saveSchedule(t *testing.T, e *engine.Engine, schedule engine.Schedule) engine.ScheduleStatus {
	t.Helper()
	status, err := e.SaveSchedule(t.Context(), flowforge.Local, schedule)
	require.NoError(t, err)
	return status
}

func scheduleNow(t *testing.T, e *engine.Engine, id flowforge.ScheduleID) engine.ScheduleStatus {
	t.Helper()
	status, err := e.GetSchedule(t.Context(), flowforge.Local, id)
	require.NoError(t, err)
	return status
}

// runsOf gives the runs of a schedule, oldest first.
func runsOf(t *testing.T, e *engine.Engine, id flowforge.ScheduleID) (runs []flowforge.Run) {
	t.Helper()
	var before flowforge.RunID
	for {
		page, err := e.ListRuns(t.Context(), flowforge.Local, store.Filter{Before: before})
		require.NoError(t, err)
		if len(page) == 0 {
			return runs
		}
		for _, listed := range page {
			if before = listed.ID; listed.Origin != nil && listed.Origin.Schedule == id {
				run, err := e.GetRun(t.Context(), flowforge.Local, listed.ID)
				require.NoError(t, err)
				runs = append([]flowforge.Run{run}, runs...)
			}
		}
	}
}

// dueTimes gives the times that runs were told they were due at.
func dueTimes(runs []flowforge.Run) (due []string) {
	for i := range runs {
		fields, _ := runs[i].Input.Any().(map[string]any)
		due = append(due, fmt.Sprint(fields["scheduled_at"]))
	}
	return due
}

func TestAScheduleStartsARunForEachTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // It begins at 2000-01-01T00:00:00Z.
		var m meter
		e := looped(t, engine.Config{Meter: &m})
		published(t, e, "report", flowforge.Node{ID: "n", Type: "core.noop"})
		saved := saveSchedule(t, e, engine.Schedule{
			ID: "nightly", Workflow: "report", Cron: "0 3 * * *", TimeZone: "Europe/Berlin",
			Input: flowforge.MustValue(map[string]any{"region": "north"}), Priority: 2,
		})
		require.Equal(t, "2000-01-01T02:00:00Z", saved.NextAt.Format(time.RFC3339))
		time.Sleep(49 * time.Hour)
		runs := runsOf(t, e, "nightly")
		require.Equal(t, []string{"2000-01-01T02:00:00Z", "2000-01-02T02:00:00Z"}, dueTimes(runs))
		require.Equal(t, "north", runs[0].Input.Any().(map[string]any)["region"])
		require.Equal(t, "nightly", runs[0].Input.Any().(map[string]any)["schedule"])
		require.Equal(t, flowforge.RunSucceeded, runs[1].Status)
		require.Equal(t, 2, runs[0].Priority)
		status := scheduleNow(t, e, "nightly")
		require.Equal(t, 2, status.Fired)
		require.Equal(t, runs[1].ID, status.Last)
		require.Equal(t, "2000-01-03T02:00:00Z", status.NextAt.Format(time.RFC3339))
		require.EqualValues(t, 2, m.fired.Load())
		require.Positive(t, m.late.Load())
		require.Less(t, time.Duration(m.late.Load()), 2*time.Second)
	})
}

func TestManyEnginesStartOneRunForEachTimeAndNoneEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{Keep: -1})
		defer func() { require.NoError(t, shared.Close()) }()
		var mu sync.Mutex
		times := make(map[string]int)
		record := do("test.record", func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			mu.Lock()
			defer mu.Unlock()
			due, _ := call.Input.Any().(map[string]any)["scheduled_at"].(string)
			at, err := time.Parse(time.RFC3339, due)
			if err != nil || time.Now().Before(at) {
				times["early: "+due]++
			}
			times[due]++
			return flowforge.Out(call.Input), nil
		})
		var engines []*engine.Engine
		var stops []func()
		for range 3 {
			e := newEngine(t, engine.Config{Store: shared}, record)
			engines, stops = append(engines, e), append(stops, loop(t, e))
		}
		published(t, engines[0], "w", flowforge.Node{ID: "n", Type: "test.record"})
		began := time.Now()
		const count = 1_000
		saveSchedule(t, engines[0], engine.Schedule{ID: "s", Workflow: "w", Every: flowforge.Duration(time.Second), Overlap: engine.OverlapAll})
		time.Sleep(count*time.Second + 900*time.Millisecond)
		for _, stop := range stops {
			stop()
		}
		mu.Lock()
		defer mu.Unlock()
		require.Len(t, times, count)
		for i := 1; i <= count; i++ {
			require.Equal(t, 1, times[began.UTC().Add(time.Duration(i)*time.Second).Format(time.RFC3339)], "second %d", i)
		}
		require.Equal(t, count, scheduleNow(t, engines[0], "s").Fired)
	})
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	tests := []struct {
		overlap                      engine.Overlap
		runs, skipped, most, started int
	}{
		{"", 3, 3, 1, 3},
		{engine.OverlapSkip, 3, 3, 1, 3},
		{engine.OverlapQueue, 6, 0, 1, 4},
		{engine.OverlapAll, 6, 0, 2, 6},
	}
	for _, test := range tests {
		t.Run("overlap "+string(test.overlap), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var g overlaps
				e := looped(t, engine.Config{}, g.node())
				published(t, e, "w", flowforge.Node{ID: "n", Type: "test.long"})
				saveSchedule(t, e, engine.Schedule{ID: "s", Workflow: "w", Every: flowforge.Duration(time.Minute), Overlap: test.overlap})
				time.Sleep(6*time.Minute + 30*time.Second)
				status := scheduleNow(t, e, "s")
				require.Equal(t, test.runs, status.Fired)
				require.Equal(t, test.skipped, status.Skips.Count)
				require.Len(t, runsOf(t, e, "s"), test.runs)
				require.Equal(t, test.most, g.most())
				require.Equal(t, test.started, g.started())
				if test.skipped > 0 {
					require.Equal(t, "2000-01-01T00:06:00Z", status.Skips.LastAt.Format(time.RFC3339))
				}
			})
		})
	}
}

// overlaps counts how many attempts of 100 seconds there were, and how many at a time.
type overlaps struct {
	mu               sync.Mutex
	now, peak, total int
}

func (g *overlaps) node() nodes.Type {
	return do("test.long", func(ctx context.Context, _ *nodes.Call) (flowforge.Ports, error) {
		g.mu.Lock()
		g.now, g.total = g.now+1, g.total+1
		g.peak = max(g.peak, g.now)
		g.mu.Unlock()
		defer func() {
			g.mu.Lock()
			g.now--
			g.mu.Unlock()
		}()
		select {
		case <-time.After(100 * time.Second):
		case <-ctx.Done():
		}
		return flowforge.Out(flowforge.Value{}), nil
	})
}

func (g *overlaps) most() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.peak
}

func (g *overlaps) started() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total
}

func TestWhatWasDueWhileNobodyWorkedIsCaughtUpWithinTheWindow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		catchUp       time.Duration
		fired, missed int
	}{
		{"the default", 0, 11, 49},
		{"a short one", 90 * time.Second, 2, 58},
		{"a long one", 2 * time.Hour, 60, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEngine(t, engine.Config{})
				published(t, e, "w", flowforge.Node{ID: "n", Type: "core.noop"})
				saveSchedule(t, e, engine.Schedule{
					ID: "s", Workflow: "w", Every: flowforge.Duration(time.Minute), Overlap: engine.OverlapAll, CatchUp: flowforge.Duration(test.catchUp),
				})
				time.Sleep(time.Hour)
				stop := loop(t, e)
				time.Sleep(10 * time.Second)
				stop()
				status := scheduleNow(t, e, "s")
				require.Equal(t, test.fired, status.Fired)
				require.Equal(t, test.missed, status.Missed.Count)
				require.Len(t, runsOf(t, e, "s"), test.fired)
				require.Equal(t, "2000-01-01T01:01:00Z", status.NextAt.Format(time.RFC3339))
			})
		})
	}
}

func TestAScheduleThatCannotStartItsRunSaysSoAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := looped(t, engine.Config{})
		document := published(t, e, "w", flowforge.Node{ID: "n", Type: "core.noop"})
		saveSchedule(t, e, engine.Schedule{ID: "s", Workflow: "w", Every: flowforge.Duration(time.Minute)})
		document.InputSchema = flowforge.MustValue(map[string]any{"type": "object", "required": []any{"email"}})
		publish(t, e, document.Name, document)
		time.Sleep(2*time.Minute + time.Second)
		status := scheduleNow(t, e, "s")
		require.Equal(t, 2, status.Failed)
		require.Zero(t, status.Fired)
		require.Equal(t, flowforge.CodeInvalidInput, status.Error.Code)
		require.Contains(t, status.Error.Message, "email")
		document.InputSchema = flowforge.Value{}
		publish(t, e, document.Name, document)
		time.Sleep(time.Minute)
		require.Equal(t, 1, scheduleNow(t, e, "s").Fired)
	})
}
