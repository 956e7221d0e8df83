package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// What a schedule puts into the input of its runs.
const (
	fieldSchedule    = "schedule"     // its ID
	fieldScheduledAt = "scheduled_at" // when the run was due, as RFC 3339 writes it, in UTC
)

// inputAt gives the input of the run of a time.
func (s *Schedule) inputAt(at time.Time) flowforge.Value {
	given, _ := s.Input.Any().(map[string]any)
	fields := maps.Clone(given)
	if fields == nil {
		fields = make(map[string]any)
	}
	fields[fieldSchedule], fields[fieldScheduledAt] = string(s.ID), at.UTC().Format(time.RFC3339Nano)
	return flowforge.MustValue(fields)
}

// prepareScheduled makes the run of a time ready to be created. Its ID follows from the schedule and the time, so that
// there is one however often it is made.
func (e *Engine) prepareScheduled(
	ctx context.Context, workspace flowforge.Workspace, s *Schedule, at time.Time,
) (store.NewRun, loaded, error) {
	fresh, found, err := e.prepare(ctx, StartRequest{
		Workspace: workspace, Workflow: s.Workflow, Version: s.Version, Input: s.inputAt(at), Priority: s.Priority, Pool: s.Pool,
	})
	if err != nil {
		return store.NewRun{}, loaded{}, err
	}
	waitWhereRefused(&fresh)
	sum := sha256.Sum256(fmt.Appendf(nil, "schedule\x00%s\x00%s\x00%d", workspace, s.ID, at.UnixMicro()))
	fresh.Run.ID = derivedID(sum)
	fresh.Run.Origin = &flowforge.Origin{Kind: flowforge.OriginSchedule, Schedule: s.ID}
	if s.Overlap == OverlapQueue {
		fresh.Slots = append(fresh.Slots, s.slot())
	}
	if s.Jitter > 0 {
		part := float64(binary.BigEndian.Uint32(sum[16:])) / (1 << 32)
		fresh.WakeAt = at.Add(time.Duration(part * float64(s.Jitter)))
	}
	return fresh, found, nil
}

// slot lets the runs of the schedule run one at a time.
func (s *Schedule) slot() store.Slot { return store.Slot{Key: "schedule:" + string(s.ID), Limit: 1} }

// TriggerSchedule starts a run of a schedule now, whatever runs of it are under way; with OverlapQueue it waits for
// them. The times at which the schedule is due stay as they are.
func (e *Engine) TriggerSchedule(ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID) (flowforge.Run, error) {
	status, err := e.GetSchedule(ctx, workspace, id)
	if err != nil {
		return flowforge.Run{}, err
	}
	if err := e.syncClock(ctx); err != nil {
		return flowforge.Run{}, err
	}
	fresh, found, err := e.prepareScheduled(ctx, workspace, &status.Schedule, e.now())
	if err != nil {
		return flowforge.Run{}, err
	}
	fresh.Run.ID, fresh.WakeAt = flowforge.RunID(e.config.NewID()), time.Time{}
	r, created, err := e.createRun(ctx, fresh, found.workflow, e.mayTakeMore())
	switch {
	case err != nil:
		return created.Run, err
	case r != nil:
		r.created()
	default:
		e.hint(ctx, created.Run)
	}
	return created.Run, nil
}

// Backfill asks for the runs of the times of a schedule from From on and before To, which have come.
type Backfill struct {
	Schedule flowforge.ScheduleID
	From, To time.Time

	// Told is called, where it is not nil, after every so many runs.
	Told func(progress Backfilled)
}

// Backfilled is what came of a Backfill.
type Backfilled struct {
	Times    int `json:"times"`    // at which the schedule was due
	Started  int `json:"started"`  // runs that were made
	Existing int `json:"existing"` // runs that there were before
}

// Bounds on a backfill.
const (
	maxBackfill   = 10_000 // times
	backfillChunk = 100    // runs in one commit
)

// BackfillSchedule makes the runs of times that have passed, where there are none; doing it again makes none twice. They
// run one after the other, unless the schedule has OverlapAll.
func (e *Engine) BackfillSchedule(ctx context.Context, workspace flowforge.Workspace, backfill Backfill) (Backfilled, error) {
	status, err := e.GetSchedule(ctx, workspace, backfill.Schedule)
	if err != nil {
		return Backfilled{}, err
	}
	times, err := e.timesOf(ctx, &status.Schedule, backfill)
	if err != nil {
		return Backfilled{}, err
	}
	if status.Overlap != OverlapAll {
		status.Overlap = OverlapQueue
	}
	status.Jitter = 0
	done := Backfilled{Times: len(times)}
	for len(times) > 0 {
		chunk := times[:min(backfillChunk, len(times))]
		times = times[len(chunk):]
		if err := e.backfill(ctx, workspace, &status.Schedule, chunk, &done); err != nil {
			return done, err
		}
		if backfill.Told != nil {
			backfill.Told(done)
		}
	}
	return done, nil
}

// timesOf gives the times that a backfill is about.
func (e *Engine) timesOf(ctx context.Context, s *Schedule, backfill Backfill) ([]time.Time, error) {
	if err := e.syncClock(ctx); err != nil {
		return nil, err
	}
	if now := e.now(); !backfill.From.Before(backfill.To) || backfill.To.After(now) {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput,
			"a backfill is from an instant to a later one that has come: from %s to %s is not, at %s",
			backfill.From.UTC().Format(time.RFC3339), backfill.To.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	spec, err := s.spec()
	if err != nil {
		return nil, err
	}
	var times []time.Time
	for at := spec.Next(backfill.From.Add(-time.Nanosecond)); !at.IsZero() && at.Before(backfill.To); at = spec.Next(at) {
		if len(times) == maxBackfill {
			return nil, flowforge.Errorf(flowforge.CodeInvalidInput,
				"schedule %q is due more than %d times from %s to %s: fill them in by parts, the first one to %s", s.ID, maxBackfill,
				backfill.From.UTC().Format(time.RFC3339), backfill.To.UTC().Format(time.RFC3339), at.Format(time.RFC3339))
		}
		times = append(times, at)
	}
	return times, nil
}

// backfill makes the runs of some times in one commit.
func (e *Engine) backfill(ctx context.Context, workspace flowforge.Workspace, s *Schedule, times []time.Time, done *Backfilled) error {
	runs := make([]store.NewRun, len(times))
	for i, at := range times {
		fresh, _, err := e.prepareScheduled(ctx, workspace, s, at)
		if err != nil {
			return err
		}
		runs[i] = fresh
	}
	created, err := e.config.Store.Create(ctx, runs)
	if err != nil {
		return err
	}
	for _, c := range created {
		switch {
		case c.Err != nil:
			return c.Err
		case c.Existing:
			done.Existing++
		default:
			done.Started++
			e.hint(ctx, c.Run)
		}
	}
	return nil
}
