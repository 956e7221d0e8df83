package engine

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// How schedules are looked after.
const (
	fireAtOnce   = 100                   // schedules
	startsAtOnce = 20                    // runs of one schedule, when it catches up
	omitAtOnce   = 10_000                // times of one schedule without a run
	maxFirePause = 2 * time.Second       // between two looks: another process may save a schedule
	fireSpread   = 20 * time.Millisecond // engines do not all look at the moment when one is due
)

// fireSchedules starts the runs of schedules when they are due, until ctx ends. Every engine does; the store lets one
// of them have each time. What is due is told by the store's clock, so that nothing starts early.
func (e *Engine) fireSchedules(ctx context.Context) {
	for ctx.Err() == nil {
		next, err := e.fireDue(ctx)
		if err != nil && ctx.Err() == nil {
			e.logger.WarnContext(ctx, "fire schedules", "error", err)
		}
		wait := time.Duration(float64(maxFirePause) * (0.8 + 0.2*e.config.Random()))
		if next > 0 {
			wait = min(wait, next+time.Duration(float64(fireSpread)*e.config.Random()))
		}
		e.pauseOr(ctx, wait, e.wound)
	}
}

// pauseOr waits for a time, or until it is told not to.
func (e *Engine) pauseOr(ctx context.Context, wait time.Duration, told <-chan struct{}) {
	over, end := context.WithCancel(ctx)
	defer end()
	timer := e.clock.AfterFunc(wait, end)
	defer timer.Stop()
	select {
	case <-told:
	case <-over.Done():
	}
}

// fireDue fires what is due, and tells how long it takes until more is; 0: that is not known.
func (e *Engine) fireDue(ctx context.Context) (time.Duration, error) {
	if err := e.syncClock(ctx); err != nil {
		return 0, err
	}
	for ctx.Err() == nil {
		due, err := e.config.Store.DueSchedules(ctx, fireAtOnce)
		if err != nil || len(due.Schedules) == 0 {
			return due.Next, err
		}
		turns := make([]*turn, 0, len(due.Schedules))
		for i := range due.Schedules {
			t := e.newTurn(&due.Schedules[i])
			if err := t.plan(ctx); err != nil {
				return 0, err
			}
			turns = append(turns, t)
		}
		if err := e.fireTurns(ctx, turns); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// fireTurns writes turns, and tells of the runs that they have started. One that the store refuses, otherwise than since
// someone else had it, is written without its runs and with the error.
func (e *Engine) fireTurns(ctx context.Context, turns []*turn) error {
	firings := make([]store.Firing, len(turns))
	for i, t := range turns {
		if err := t.seal(); err != nil {
			return err
		}
		firings[i] = t.firing
	}
	failpoint("fire.before")
	answers, err := e.config.Store.Fire(ctx, firings)
	failpoint("fire.after")
	if err != nil {
		return err
	}
	var refused []*turn
	for i, t := range turns {
		switch code := flowforge.CodeOf(answers[i].Err); {
		case answers[i].Err == nil:
			t.tell(ctx, answers[i].Started)
		case code == flowforge.CodeUnavailable:
			return answers[i].Err
		case code != flowforge.CodeConflict && code != flowforge.CodeNotFound && len(t.firing.Starts) > 0:
			refused = append(refused, t.without(ctx, answers[i].Err))
		}
	}
	if len(refused) > 0 {
		return e.fireTurns(ctx, refused)
	}
	return nil
}

// A turn is what becomes of the times of a schedule that have come.
type turn struct {
	engine *Engine
	kept   *store.Schedule
	now    time.Time
	status ScheduleStatus
	firing store.Firing
	times  []time.Time // of firing.Starts
}

func (e *Engine) newTurn(kept *store.Schedule) *turn {
	return &turn{
		engine: e, kept: kept, now: e.now(), status: statusOfSchedule(kept),
		firing: store.Firing{Workspace: kept.Workspace, Schedule: kept.ID, Revision: kept.Revision, At: kept.NextAt},
	}
}

// plan decides about each time that has come, the earliest first, and finds the next. An error means that the store
// cannot be asked just now.
func (t *turn) plan(ctx context.Context) error {
	spec, err := t.status.spec()
	if err != nil {
		t.fail(ctx, t.kept.NextAt, err) // a newer program wrote it: it is saved anew or never due again
		return nil
	}
	window := t.status.CatchUp.Std()
	if window == 0 {
		window = DefaultCatchUp
	}
	at := t.kept.NextAt
	for omitted := 0; !at.IsZero() && !at.After(t.now) && len(t.times) < startsAtOnce && omitted < omitAtOnce; at = spec.Next(at) {
		if at.Before(t.now.Add(-window)) {
			t.status.Missed.add(at)
			omitted++
			continue
		}
		busy, err := t.busy(ctx)
		if err != nil {
			return err
		}
		if busy {
			t.status.Skips.add(at)
			omitted++
			continue
		}
		if err := t.start(ctx, at); err != nil {
			if flowforge.CodeOf(err) == flowforge.CodeUnavailable || ctx.Err() != nil {
				return err
			}
			t.fail(ctx, at, err)
			omitted++
		}
	}
	t.firing.Next = at
	return nil
}

// busy reports whether the run before has not ended, where that matters.
func (t *turn) busy(ctx context.Context) (bool, error) {
	if t.status.Overlap != "" && t.status.Overlap != OverlapSkip || t.status.Last == "" {
		return false, nil
	}
	if len(t.times) > 0 {
		return true, nil
	}
	run, err := t.engine.config.Store.Run(ctx, t.kept.Workspace, t.status.Last)
	if flowforge.CodeOf(err) == flowforge.CodeNotFound {
		return false, nil
	}
	return err == nil && !run.Status.Terminal(), err
}

// start adds the run of a time.
func (t *turn) start(ctx context.Context, at time.Time) error {
	fresh, _, err := t.engine.prepareScheduled(ctx, t.kept.Workspace, &t.status.Schedule, at)
	if err != nil {
		return err
	}
	t.firing.Starts, t.times = append(t.firing.Starts, fresh), append(t.times, at)
	t.status.Fired, t.status.LastAt, t.status.Last = t.status.Fired+1, at, fresh.Run.ID
	return nil
}

// fail notes that the run of a time could not be made.
func (t *turn) fail(ctx context.Context, at time.Time, err error) {
	t.engine.logger.WarnContext(ctx, "start the run of a schedule",
		"workspace", t.kept.Workspace, "schedule", t.kept.ID, "due", at, "error", err)
	t.status.Failed++
	t.status.Error = &ScheduleError{At: at, Code: flowforge.CodeOf(err), Message: err.Error()}
}

// without gives the turn without its runs, which could not be made.
func (t *turn) without(ctx context.Context, err error) *turn {
	left := t.engine.newTurn(t.kept)
	left.firing.Next, left.status.Skips, left.status.Missed = t.firing.Next, t.status.Skips, t.status.Missed
	for _, at := range t.times {
		left.fail(ctx, at, err)
	}
	return left
}

// seal writes the state into the firing.
func (t *turn) seal() (err error) {
	t.firing.State, err = flowforge.ValueOf(t.status.ScheduleState)
	return err
}

// tell wakes the workers of the runs that were started, and the meter.
func (t *turn) tell(ctx context.Context, started []store.Created) {
	for i := range started {
		if started[i].Err != nil {
			t.engine.logger.WarnContext(ctx, "start the run of a schedule",
				"workspace", t.kept.Workspace, "schedule", t.kept.ID, "due", t.times[i], "error", started[i].Err)
			continue
		}
		t.engine.hint(ctx, started[i].Run)
		t.engine.meter.ScheduleFired(t.engine.now().Sub(t.times[i]))
	}
}
