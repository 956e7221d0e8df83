package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/cron"
	"github.com/flowforge-go/flowforge/store"
)

// Schedule starts runs of a saved workflow at times: by Cron or at each Every.
type Schedule struct {
	ID       flowforge.ScheduleID `json:"id"`
	Workflow string               `json:"workflow"`          // the name of a saved one
	Version  int                  `json:"version,omitempty"` // 0: the version that is published when it is due
	Cron     string               `json:"cron,omitempty"`    // as cron.Parse reads it
	Every    flowforge.Duration   `json:"every,omitempty"`
	TimeZone string               `json:"time_zone,omitempty"` // of Cron; empty: UTC
	Input    flowforge.Value      `json:"input,omitzero"`      // an object or null; the runs get schedule and scheduled_at with it
	Overlap  Overlap              `json:"overlap,omitempty"`
	CatchUp  flowforge.Duration   `json:"catch_up,omitempty"` // how late a run may start; 0: DefaultCatchUp
	Jitter   flowforge.Duration   `json:"jitter,omitempty"`   // runs begin up to so much later than they are due
	Priority int                  `json:"priority,omitempty"` // of its runs; 0: the document's
	Pool     string               `json:"pool,omitempty"`     // of its runs
	Paused   bool                 `json:"paused,omitempty"`

	// Node is the node of type trigger.schedule that it was made of, when the workflow was published.
	Node flowforge.NodeID `json:"node,omitempty"`
}

// Overlap says what happens when a schedule is due and its run before has not ended.
type Overlap string

// What may happen; the empty Overlap is OverlapSkip.
const (
	OverlapSkip  Overlap = "skip"  // there is no run for this time
	OverlapQueue Overlap = "queue" // its runs wait for each other
	OverlapAll   Overlap = "all"   // they run at once
)

// DefaultCatchUp is how late a run of a schedule may start, unless the schedule says: long enough for a deploy or a
// database that is restarted.
const DefaultCatchUp = 10 * time.Minute

// ScheduleStatus is a schedule and what came of it.
type ScheduleStatus struct {
	Schedule

	NextAt time.Time `json:"next_at,omitzero"` // zero: it is paused
	ScheduleState
}

// ScheduleState counts what a schedule did since it was made.
type ScheduleState struct {
	Fired  int               `json:"fired"`   // times with a run
	LastAt time.Time         `json:"last_at"` // the last of them
	Last   flowforge.RunID   `json:"last_run,omitempty"`
	Failed int               `json:"failed"` // times at which no run could be made
	Error  *ScheduleError    `json:"last_error,omitempty"`
	Skips  ScheduleOmissions `json:"skipped"` // times at which the run before had not ended
	Missed ScheduleOmissions `json:"missed"`  // times that were found when they were older than the catch-up window
}

// ScheduleOmissions counts times without a run.
type ScheduleOmissions struct {
	Count  int       `json:"count"`
	LastAt time.Time `json:"last_at,omitzero"`
}

func (o *ScheduleOmissions) add(at time.Time) { o.Count, o.LastAt = o.Count+1, at }

// ScheduleError tells why a schedule could not start the run of a time.
type ScheduleError struct {
	At      time.Time      `json:"at"`
	Code    flowforge.Code `json:"code"`
	Message string         `json:"message"`
}

// spec gives when the schedule is due.
func (s *Schedule) spec() (*cron.Spec, error) { return cron.Of(s.Cron, s.Every.Std(), s.TimeZone) }

func (s *Schedule) sameTimes(other *Schedule) bool {
	return s.Cron == other.Cron && s.Every == other.Every && s.TimeZone == other.TimeZone
}

// SaveSchedule makes or replaces the schedule of its ID, and tells how it is then. One that has problems, or whose
// workflow cannot be started with its input, is an Error with CodeInvalidInput or CodeNotFound.
func (e *Engine) SaveSchedule(ctx context.Context, workspace flowforge.Workspace, schedule Schedule) (ScheduleStatus, error) {
	if err := schedule.check(); err != nil {
		return ScheduleStatus{}, err
	}
	if err := e.checkStart(ctx, workspace, &schedule); err != nil {
		return ScheduleStatus{}, err
	}
	return e.saveSchedule(ctx, workspace, schedule.ID, func(now *Schedule) error {
		if now.Node != "" {
			return flowforge.Errorf(flowforge.CodeConflict,
				"schedule %q is made of node %s of workflow %s: change the node and publish the workflow", now.ID, now.Node, now.Workflow)
		}
		*now = schedule
		return nil
	})
}

// PauseSchedule keeps a schedule from starting runs. What is due meanwhile is not made up for.
func (e *Engine) PauseSchedule(ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID) (ScheduleStatus, error) {
	return e.saveSchedule(ctx, workspace, id, func(now *Schedule) error { return now.pause(id, true) })
}

// ResumeSchedule lets a paused schedule start runs again, from its next time on.
func (e *Engine) ResumeSchedule(ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID) (ScheduleStatus, error) {
	return e.saveSchedule(ctx, workspace, id, func(now *Schedule) error { return now.pause(id, false) })
}

func (s *Schedule) pause(id flowforge.ScheduleID, pause bool) error {
	if s.ID == "" {
		return flowforge.Errorf(flowforge.CodeNotFound, "there is no schedule %q", id)
	}
	s.Paused = pause
	return nil
}

// saveTries is how often a schedule is changed anew, when it was fired or changed at the same moment.
const saveTries = 10

// saveSchedule changes a schedule as it is now, the zero one where there is none. Where its times stay the same its
// next one does, too, so that none is lost that is due at this moment.
func (e *Engine) saveSchedule(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID, change func(now *Schedule) error,
) (ScheduleStatus, error) {
	for tries := 1; ; tries++ {
		status, err := e.trySaveSchedule(ctx, workspace, id, change)
		if flowforge.CodeOf(err) != flowforge.CodeConflict || status.ID == "" || tries == saveTries {
			return status, err
		}
	}
}

func (e *Engine) trySaveSchedule(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID, change func(now *Schedule) error,
) (ScheduleStatus, error) {
	kept, err := e.config.Store.Schedule(ctx, workspace, id)
	if err != nil && flowforge.CodeOf(err) != flowforge.CodeNotFound {
		return ScheduleStatus{}, err
	}
	before := statusOfSchedule(&kept)
	status := before
	if err := cmp.Or(change(&status.Schedule), e.syncClock(ctx)); err != nil {
		return ScheduleStatus{}, err
	}
	spec, err := status.spec()
	if err != nil {
		return ScheduleStatus{}, err
	}
	switch {
	case status.Paused:
		status.NextAt = time.Time{}
	case before.NextAt.IsZero() || !status.sameTimes(&before.Schedule):
		status.NextAt = spec.Next(e.now())
	}
	definition, err := flowforge.ValueOf(status.Schedule)
	if err != nil {
		return ScheduleStatus{}, err
	}
	err = e.config.Store.SaveSchedule(ctx, store.Schedule{
		Workspace: workspace, ID: id, NextAt: status.NextAt, Definition: definition, Revision: kept.Revision,
	})
	if err == nil {
		e.wind()
	}
	return status, err
}

// wind tells a worker loop that a schedule was saved, which may be due before it would look.
func (e *Engine) wind() {
	select {
	case e.wound <- struct{}{}:
	default:
	}
}

// DeleteSchedule forgets a schedule; its runs go on. One that there is not is an Error with CodeNotFound. One that is
// made of a node comes back when its workflow is published again.
func (e *Engine) DeleteSchedule(ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID) error {
	return e.config.Store.DeleteSchedule(ctx, workspace, id)
}

// GetSchedule gives a schedule and what came of it.
func (e *Engine) GetSchedule(ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID) (ScheduleStatus, error) {
	kept, err := e.config.Store.Schedule(ctx, workspace, id)
	if err != nil {
		return ScheduleStatus{}, err
	}
	return statusOfSchedule(&kept), nil
}

// Schedules gives a workspace's schedules in order of ID, after the ID `after`; a limit of 0 is 50.
func (e *Engine) Schedules(
	ctx context.Context, workspace flowforge.Workspace, after flowforge.ScheduleID, limit int,
) ([]ScheduleStatus, error) {
	kept, err := e.config.Store.ListSchedules(ctx, workspace, after, limit)
	if err != nil {
		return nil, err
	}
	all := make([]ScheduleStatus, len(kept))
	for i := range kept {
		all[i] = statusOfSchedule(&kept[i])
	}
	return all, nil
}

// PreviewSchedule gives the next n times at which a schedule is due from now on, fewer where there are no more. It
// need not be saved.
func (e *Engine) PreviewSchedule(ctx context.Context, schedule Schedule, n int) ([]time.Time, error) {
	if err := cmp.Or(problemsWith("the schedule", schedule.checkTimes()), e.syncClock(ctx)); err != nil {
		return nil, err
	}
	spec, err := schedule.spec()
	if err != nil {
		return nil, err
	}
	var times []time.Time
	for at := spec.Next(e.now()); len(times) < n && !at.IsZero(); at = spec.Next(at) {
		times = append(times, at)
	}
	return times, nil
}

// statusOfSchedule reads a schedule as it is kept. What cannot be read, since a newer program wrote it, is left out.
func statusOfSchedule(kept *store.Schedule) ScheduleStatus {
	status := ScheduleStatus{NextAt: kept.NextAt}
	_ = json.Unmarshal(kept.Definition.JSON(), &status.Schedule)
	_ = json.Unmarshal(kept.State.JSON(), &status.ScheduleState)
	return status
}
