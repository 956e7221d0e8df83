package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/limits"
)

const (
	upsertSchedule = `{with workspace:text id:text next:bigint definition:text state:text revision:bigint}
		INSERT INTO schedules (workspace, id, next_at, definition, state, revision)
		SELECT workspace, id, next, definition, state, revision + 1 FROM s
		WHERE s.revision = 0 OR EXISTS (SELECT 1 FROM schedules c WHERE c.workspace = s.workspace AND c.id = s.id)
		ON CONFLICT (workspace, id) DO UPDATE SET next_at = excluded.next_at, definition = excluded.definition,
			revision = schedules.revision + 1
		WHERE excluded.revision = 1 OR excluded.revision = schedules.revision + 1 RETURNING revision`
	deleteSchedule = `{with workspace:text id:text}
		DELETE FROM schedules WHERE (workspace, id) IN (SELECT workspace, id FROM s) RETURNING id`
	findSchedule = `{with workspace:text id:text}
		SELECT ` + scheduleColumns + ` FROM s JOIN schedules c ON c.workspace = s.workspace AND c.id = s.id`
	listSchedules = `{with workspace:text after:text most:bigint}
		SELECT ` + scheduleColumns + ` FROM schedules c
		WHERE c.workspace = (SELECT workspace FROM s) AND c.id > (SELECT after FROM s)
		ORDER BY c.id LIMIT (SELECT most FROM s)`
	dueSchedules = `{with most:bigint}
		SELECT ` + scheduleColumns + ` FROM schedules c
		WHERE c.next_at <= {now} ORDER BY c.next_at LIMIT (SELECT most FROM s)`
	nextSchedule  = `SELECT min(c.next_at) - {now} FROM schedules c WHERE c.next_at > {now}`
	lockSchedules = `{with workspace:text id:text}
		SELECT r.workspace, r.id, r.next_at, r.revision FROM s JOIN schedules r ON r.workspace = s.workspace AND r.id = s.id
		ORDER BY r.workspace, r.id {lock}`
	windSchedules = `{with workspace:text id:text next:bigint state:text}
		UPDATE schedules AS c SET next_at = s.next, state = s.state, revision = c.revision + 1
		FROM s WHERE c.workspace = s.workspace AND c.id = s.id`

	scheduleColumns = `c.workspace, c.id, c.next_at, c.definition, c.state, c.revision`
)

// SaveSchedule makes or replaces a schedule.
func (s *Store) SaveSchedule(ctx context.Context, saved store.Schedule) error {
	if err := cmp.Or(saved.Definition.Check(), saved.State.Check()); err != nil {
		return err
	}
	done := query(upsertSchedule, [][]any{{
		string(saved.Workspace), string(saved.ID), micros(saved.NextAt), saved.Definition.String(), saved.State.String(), saved.Revision,
	}})
	return s.writeOf(ctx, "save a schedule", saved.Workspace, auth.Told(ctx, string(saved.ID)), func() error {
		if len(done.out) == 0 {
			return flowforge.Errorf(flowforge.CodeConflict, "schedule %q was changed by someone else", saved.ID)
		}
		return nil
	}, done)
}

// Schedule finds a schedule.
func (s *Store) Schedule(ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID) (store.Schedule, error) {
	found, err := s.readSchedules(ctx, string(workspace), query(findSchedule, [][]any{{string(workspace), string(id)}}))
	if err == nil && len(found) == 0 {
		err = noSchedule(id)
	}
	if err != nil {
		return store.Schedule{}, err
	}
	return found[0], nil
}

// DeleteSchedule forgets a schedule.
func (s *Store) DeleteSchedule(ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID) error {
	gone := query(deleteSchedule, [][]any{{string(workspace), string(id)}})
	return s.writeOf(ctx, "delete a schedule", workspace, auth.Told(ctx, string(id)), func() error {
		if len(gone.out) == 0 {
			return noSchedule(id)
		}
		return nil
	}, gone)
}

func noSchedule(id flowforge.ScheduleID) error {
	return flowforge.Errorf(flowforge.CodeNotFound, "there is no schedule %q", id)
}

// ListSchedules gives the schedules of a workspace in order of ID.
func (s *Store) ListSchedules(
	ctx context.Context, workspace flowforge.Workspace, after flowforge.ScheduleID, limit int,
) ([]store.Schedule, error) {
	return s.readSchedules(ctx, string(workspace), query(listSchedules, [][]any{{string(workspace), string(after), most(limit)}}))
}

// DueSchedules gives the schedules of all workspaces whose time has come, the longest overdue first.
func (s *Store) DueSchedules(ctx context.Context, limit int) (store.Due, error) {
	next := query(nextSchedule, nil)
	due, err := s.readSchedules(ctx, "", query(dueSchedules, [][]any{{most(limit)}}), next)
	if err != nil {
		return store.Due{}, err
	}
	return store.Due{Schedules: due, Next: time.Duration(next.out[0].int()) * time.Microsecond}, nil
}

// readSchedules reads the schedules that a call finds; others are read with it.
func (s *Store) readSchedules(ctx context.Context, workspace string, found *call, others ...*call) ([]store.Schedule, error) {
	if err := s.read(ctx, "read schedules", workspace, append(others, found)...); err != nil {
		return nil, err
	}
	all := make([]store.Schedule, len(found.out))
	for i := range found.out {
		r := &found.out[i]
		all[i] = store.Schedule{Workspace: flowforge.Workspace(r.text()), ID: flowforge.ScheduleID(r.text()), NextAt: r.time()}
		definition, failed := flowforge.StoredValue(r.next())
		state, err := flowforge.StoredValue(r.next())
		all[i].Definition, all[i].State, all[i].Revision = definition, state, r.int()
		if err = cmp.Or(failed, err, r.err); err != nil {
			return nil, s.failure(ctx, "read schedules", err)
		}
	}
	return all, nil
}

// Fire applies firings, all in one transaction.
func (s *Store) Fire(ctx context.Context, firings []store.Firing) ([]store.Fired, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	answers := make([]store.Fired, len(firings))
	all := make([]*firing, len(firings))
	for i := range firings {
		all[i] = &firing{Firing: &firings[i], answer: &answers[i]}
	}
	err := s.bisect(ctx, len(all), func(from, to int) error {
		x := s.engine()
		defer x.close(ctx)
		return s.fire(ctx, x, all[from:to])
	}, func(i int, err error) { all[i].refuse(err) })
	return answers, s.failure(ctx, "fire schedules", err)
}

// A firing is one with the place of its answer.
type firing struct {
	*store.Firing
	answer *store.Fired
	starts []*creation
}

type scheduleKey struct {
	workspace flowforge.Workspace
	id        flowforge.ScheduleID
}

func (f *firing) key() scheduleKey { return scheduleKey{f.Workspace, f.Schedule} }

func (f *firing) refuse(err error) { *f.answer, f.starts = store.Fired{Err: err}, nil }

// A winding is how far a schedule is wound.
type winding struct {
	next, revision int64 // next is 0 where it is paused
}

// fire judges firings under locks on their schedules, and applies those that are good.
func (s *Store) fire(ctx context.Context, x *session, all []*firing) error {
	wound, err := windings(ctx, x, all)
	if err != nil {
		return err
	}
	if err := s.checkFirings(ctx, x, all); err != nil {
		return err
	}
	var starts []*creation
	moved := map[scheduleKey]*firing{}
	for _, f := range all {
		at, found := wound[f.key()]
		switch {
		case f.answer.Err != nil:
		case !found:
			f.refuse(noSchedule(f.Schedule))
		case at.next == 0 || at.next != instant(f.At) || f.Revision != 0 && f.Revision != at.revision:
			f.refuse(flowforge.Errorf(flowforge.CodeConflict, "schedule %q was fired or changed already", f.Schedule))
		default:
			wound[f.key()], moved[f.key()] = winding{instant(f.Next), at.revision + 1}, f
			starts = append(starts, f.starts...)
		}
	}
	rows := make([][]any, 0, len(moved))
	for key, f := range moved {
		rows = append(rows, []any{string(key.workspace), string(key.id), micros(f.Next), f.State.String()})
	}
	slices.SortFunc(rows, compareRows)
	wind := exec(windSchedules, rows)
	if len(starts) == 0 {
		return x.commit(ctx, wind)
	}
	if err := x.run(ctx, wind); err != nil {
		return err
	}
	return s.create(ctx, x, starts, true)
}

// windings locks the schedules that firings are of.
func windings(ctx context.Context, x *session, all []*firing) (map[scheduleKey]winding, error) {
	var rows [][]any
	seen := map[scheduleKey]bool{}
	for _, f := range all {
		if !seen[f.key()] {
			seen[f.key()] = true
			rows = append(rows, []any{string(f.Workspace), string(f.Schedule)})
		}
	}
	slices.SortFunc(rows, compareRows)
	locked := query(lockSchedules, rows)
	if err := x.run(ctx, locked); err != nil {
		return nil, err
	}
	wound := map[scheduleKey]winding{}
	for i := range locked.out {
		r := &locked.out[i]
		key := scheduleKey{flowforge.Workspace(r.text()), flowforge.ScheduleID(r.text())}
		wound[key] = winding{r.int(), r.int()}
		if r.err != nil {
			return nil, fmt.Errorf("read a schedule: %w", r.err)
		}
	}
	return wound, nil
}

// checkFirings refuses firings that would start what cannot be started.
func (s *Store) checkFirings(ctx context.Context, x *session, all []*firing) error {
	var starts []*creation
	var of []*firing
	for _, f := range all {
		*f.answer = store.Fired{}
		f.starts = make([]*creation, len(f.Starts))
		if len(f.Starts) > 0 {
			f.answer.Started = make([]store.Created, len(f.Starts))
		}
		for i := range f.Starts {
			f.starts[i] = &creation{NewRun: &f.Starts[i], answer: &f.answer.Started[i]}
			starts, of = append(starts, f.starts[i]), append(of, f)
		}
	}
	found, err := s.find(ctx, x, starts)
	if err != nil {
		return err
	}
	for i, c := range starts {
		f := of[i]
		err := cmp.Or(limits.Check(c.Slots), f.State.Check())
		switch was := found[i]; {
		case f.answer.Err != nil || err != nil:
			err = cmp.Or(f.answer.Err, err)
		case c.Run.Workspace != f.Workspace:
			err = flowforge.Errorf(flowforge.CodeConflict, "run %s, which is to be started, is of another workspace", c.Run.ID)
		case was != nil && was.byKey && was.fingerprint != c.Fingerprint:
			err = usedKey(c.IdempotencyKey)
		}
		if err != nil {
			f.refuse(err)
		}
	}
	return nil
}
