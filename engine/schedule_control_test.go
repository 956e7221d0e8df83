package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
)

func TestAPausedScheduleStartsNothingAndMakesUpForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := looped(t, engine.Config{})
		published(t, e, "w", flowforge.Node{ID: "n", Type: "core.noop"})
		saveSchedule(t, e, engine.Schedule{ID: "s", Workflow: "w", Every: flowforge.Duration(time.Minute)})
		paused, err := e.PauseSchedule(t.Context(), flowforge.Local, "s")
		require.NoError(t, err)
		require.True(t, paused.Paused)
		require.Zero(t, scheduleNow(t, e, "s").NextAt)
		time.Sleep(5*time.Minute + time.Second)
		require.Empty(t, runsOf(t, e, "s"))
		_, err = e.ResumeSchedule(t.Context(), flowforge.Local, "s")
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.Equal(t, []string{"2000-01-01T00:06:00Z"}, dueTimes(runsOf(t, e, "s")))
		require.Zero(t, scheduleNow(t, e, "s").Missed.Count)
		for _, change := range []func() error{
			func() error { _, err := e.PauseSchedule(t.Context(), flowforge.Local, "none"); return err },
			func() error { _, err := e.ResumeSchedule(t.Context(), flowforge.Local, "none"); return err },
			func() error { _, err := e.TriggerSchedule(t.Context(), flowforge.Local, "none"); return err },
			func() error { return e.DeleteSchedule(t.Context(), flowforge.Local, "none") },
		} {
			require.ErrorIs(t, change(), &flowforge.Error{Code: flowforge.CodeNotFound})
		}
	})
}

func TestAScheduleIsTriggeredByHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := looped(t, engine.Config{})
		published(t, e, "w", flowforge.Node{ID: "n", Type: "core.noop"})
		before := saveSchedule(t, e, engine.Schedule{ID: "s", Workflow: "w", Cron: "@yearly", Jitter: flowforge.Duration(time.Hour)})
		run, err := e.TriggerSchedule(t.Context(), flowforge.Local, "s")
		require.NoError(t, err)
		ended(t, e, run)
		require.Equal(t, []string{"2000-01-01T00:00:00Z"}, dueTimes(runsOf(t, e, "s")))
		require.Equal(t, before.NextAt, scheduleNow(t, e, "s").NextAt)
	})
}

func TestJitterDelaysARunWithinItsBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := looped(t, engine.Config{})
		published(t, e, "w", flowforge.Node{ID: "n", Type: "core.noop"})
		saveSchedule(t, e, engine.Schedule{
			ID: "s", Workflow: "w", Every: flowforge.Duration(time.Hour), Jitter: flowforge.Duration(30 * time.Minute),
		})
		time.Sleep(5*time.Hour + 31*time.Minute)
		delays := make(map[time.Duration]bool)
		for i, run := range runsOf(t, e, "s") {
			delay := run.StartedAt.Sub(time.Date(2000, 1, 1, i+1, 0, 0, 0, time.UTC))
			require.Greater(t, delay, time.Duration(0))
			require.Less(t, delay, 30*time.Minute+5*time.Second)
			delays[delay.Truncate(10*time.Second)] = true
		}
		require.Greater(t, len(delays), 2, "each is another")
	})
}

func TestBackfillMakesTheRunsThatThereAreNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g overlaps
		e := looped(t, engine.Config{}, g.node())
		published(t, e, "w", flowforge.Node{ID: "n", Type: "test.long"})
		time.Sleep(time.Hour)
		began := time.Now()
		saveSchedule(t, e, engine.Schedule{ID: "s", Workflow: "w", Every: flowforge.Duration(10 * time.Minute)})
		time.Sleep(30*time.Minute + time.Second)
		wish := engine.Backfill{Schedule: "s", From: began.Add(-30 * time.Minute), To: began.Add(25 * time.Minute)}
		var told []engine.Backfilled
		wish.Told = func(progress engine.Backfilled) { told = append(told, progress) }
		done, err := e.BackfillSchedule(t.Context(), flowforge.Local, wish)
		require.NoError(t, err)
		require.Equal(t, engine.Backfilled{Times: 6, Started: 4, Existing: 2}, done)
		require.Equal(t, []engine.Backfilled{done}, told)
		again, err := e.BackfillSchedule(t.Context(), flowforge.Local, wish)
		require.NoError(t, err)
		require.Equal(t, engine.Backfilled{Times: 6, Existing: 6}, again)
		time.Sleep(9 * time.Minute)
		require.Len(t, runsOf(t, e, "s"), 7)
		require.LessOrEqual(t, g.most(), 2, "they run one after the other, beside the one of the schedule")

		wish.To = time.Now().Add(time.Minute)
		_, err = e.BackfillSchedule(t.Context(), flowforge.Local, wish)
		require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeInvalidInput})
		wish.From, wish.To = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), began
		_, err = e.BackfillSchedule(t.Context(), flowforge.Local, wish)
		require.ErrorContains(t, err, "more than 10000 times")
	})
}

func TestAScheduleWithProblemsIsRefused(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	document := published(t, e, "w", flowforge.Node{ID: "n", Type: "core.noop"})
	document.InputSchema = flowforge.MustValue(map[string]any{"type": "object", "additionalProperties": false})
	publish(t, e, "strict", document)
	tests := []struct {
		name    string
		change  func(s *engine.Schedule)
		pointer string
	}{
		{"no id", func(s *engine.Schedule) { s.ID = "" }, "/id"},
		{"an id of a node's", func(s *engine.Schedule) { s.ID = "w/n" }, "/id"},
		{"no workflow", func(s *engine.Schedule) { s.Workflow = "" }, "/workflow"},
		{"no time", func(s *engine.Schedule) { s.Cron = "" }, ""},
		{"two kinds of time", func(s *engine.Schedule) { s.Every = flowforge.Duration(time.Hour) }, ""},
		{"a day that never comes", func(s *engine.Schedule) { s.Cron = "0 0 30 2 *" }, "/cron"},
		{"a zone that is not", func(s *engine.Schedule) { s.TimeZone = "Mars" }, "/time_zone"},
		{"an overlap that is not", func(s *engine.Schedule) { s.Overlap = "none" }, "/overlap"},
		{"no catching up", func(s *engine.Schedule) { s.CatchUp = flowforge.Duration(time.Second) }, "/catch_up"},
		{"an input that is no object", func(s *engine.Schedule) { s.Input = flowforge.MustValue(1) }, "/input"},
		{"an input of the schedule's own", func(s *engine.Schedule) {
			s.Input = flowforge.MustValue(map[string]any{"schedule": 1})
		}, "/input/schedule"},
		{"a priority that is not", func(s *engine.Schedule) { s.Priority = 6 }, "/priority"},
		{"a node", func(s *engine.Schedule) { s.Node = "n" }, "/node"},
		{"a schema that the input does not fit", func(s *engine.Schedule) { s.Workflow = "strict" }, "/input/schedule"},
		{"a negative jitter", func(s *engine.Schedule) { s.Jitter = -1 }, "/jitter"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := engine.Schedule{ID: "s", Workflow: "w", Cron: "@daily"}
			test.change(&s)
			_, err := e.SaveSchedule(t.Context(), flowforge.Local, s)
			require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeInvalidInput})
			problems := flowforge.ProblemsOf(err)
			require.NotEmpty(t, problems)
			require.Equal(t, test.pointer, problems[0].Pointer)
		})
	}
	_, err := e.SaveSchedule(t.Context(), flowforge.Local, engine.Schedule{ID: "s", Workflow: "none", Cron: "@daily"})
	require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeNotFound})
}

func TestPreviewTellsTheNextTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, engine.Config{})
		times, err := e.PreviewSchedule(t.Context(), engine.Schedule{Cron: "0 0 29 2 *"}, 2)
		require.NoError(t, err)
		require.Len(t, times, 2)
		require.Equal(t, "2004-02-29T00:00:00Z", times[1].Format(time.RFC3339))
		_, err = e.PreviewSchedule(t.Context(), engine.Schedule{Cron: "soon"}, 2)
		require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeInvalidInput})
	})
}

func TestPublishingAWorkflowMakesTheSchedulesOfItsNodes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := looped(t, engine.Config{})
		daily := flowforge.Node{ID: "daily", Type: "trigger.schedule", Params: params(map[string]any{
			"cron": "0 6 * * *", "overlap": "queue", "catch_up": "1h", "input": map[string]any{"n": 1},
		})}
		hourly := flowforge.Node{ID: "hourly", Type: "trigger.schedule", Params: params(map[string]any{"every": "1h"})}
		publish(t, e, "w", workflow(nil, daily, hourly))
		first := scheduleNow(t, e, "w/daily")
		require.Equal(t, engine.Schedule{
			ID: "w/daily", Workflow: "w", Node: "daily", Cron: "0 6 * * *", Overlap: engine.OverlapQueue,
			CatchUp: flowforge.Duration(time.Hour), Input: first.Input,
		}, first.Schedule)
		require.Equal(t, `{"n":1}`, first.Input.String())
		time.Sleep(3*time.Hour + time.Second)
		runs := runsOf(t, e, "w/hourly")
		require.Len(t, runs, 3)
		require.Equal(t, flowforge.RunSucceeded, runs[0].Status)

		_, err := e.PauseSchedule(t.Context(), flowforge.Local, "w/daily")
		require.NoError(t, err)
		_, err = e.SaveSchedule(t.Context(), flowforge.Local, engine.Schedule{ID: "other", Workflow: "w", Cron: "@daily"})
		require.NoError(t, err)
		publish(t, e, "w", workflow(nil, daily, flowforge.Node{ID: "hourly", Type: "core.noop"}))
		listed, err := e.Schedules(t.Context(), flowforge.Local, "", 0)
		require.NoError(t, err)
		require.Len(t, listed, 2)
		require.EqualValues(t, "other", listed[0].ID)
		require.EqualValues(t, "w/daily", listed[1].ID)
		require.True(t, listed[1].Paused, "publishing does not resume it")

		_, err = e.Rollback(t.Context(), flowforge.Local, "w", 1)
		require.NoError(t, err)
		require.NotZero(t, scheduleNow(t, e, "w/hourly").NextAt)
		require.NoError(t, e.DeleteSchedule(t.Context(), flowforge.Local, "w/hourly"))
	})
}

func TestADocumentWhoseScheduleCannotStartItIsNotPublished(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	document := workflow(nil, flowforge.Node{ID: "at", Type: "trigger.schedule", Params: params(map[string]any{"cron": "@daily"})})
	document.InputSchema = flowforge.MustValue(map[string]any{"type": "object", "required": []any{"email"}})
	_, err := e.Save(t.Context(), flowforge.Local, document)
	require.NoError(t, err)
	_, err = e.Publish(t.Context(), flowforge.Local, document.Name)
	require.ErrorContains(t, err, "node at")
	require.ErrorContains(t, err, "email")
	_, err = e.GetSchedule(t.Context(), flowforge.Local, "test/at")
	require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeNotFound})
}
