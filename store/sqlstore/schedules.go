package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/limits"
)

const (
	upsertSchedule = `{with workspace:text id:text next:bigint definition:text}
		INSERT INTO schedules (workspace, id, next_at, definition) SELECT workspace, id, next, definition FROM s WHERE true
		ON CONFLICT (workspace, id) DO UPDATE SET next_at = excluded.next_at, definition = excluded.definition`
	deleteSchedule = `{with workspace:text id:text}
		DELETE FROM schedules WHERE (workspace, id) IN (SELECT workspace, id FROM s) RETURNING id`
	listSchedules = `{with workspace:text after:text most:bigint}
		SELECT c.workspace, c.id, c.next_at, c.definition FROM schedules c
		WHERE c.workspace = (SELECT workspace FROM s) AND c.id > (SELECT after FROM s)
		ORDER BY c.id LIMIT (SELECT most FROM s)`
	dueSchedules = `{with most:bigint}
		SELECT c.workspace, c.id, c.next_at, c.definition FROM schedules c
		WHERE c.next_at <= {now} ORDER BY c.next_at LIMIT (SELECT most FROM s)`
	lockSchedules = `{with workspace:text id:text}
		SELECT r.workspace, r.id, r.next_at FROM s JOIN schedules r ON r.workspace = s.workspace AND r.id = s.id
		ORDER BY r.workspace, r.id {lock}`
	windSchedules = `{with workspace:text id:text next:bigint}
		UPDATE schedules AS c SET next_at = s.next FROM s WHERE c.workspace = s.workspace AND c.id = s.id`
)

// SaveSchedule makes or replaces a schedule.
func (s *Store) SaveSchedule(ctx context.Context, saved store.Schedule) error {
	if err := saved.Definition.Check(); err != nil {
		return err
	}
	return s.writeOf(ctx, "save a schedule", saved.Workspace, exec(upsertSchedule, [][]any{{
		string(saved.Workspace), string(saved.ID), micros(saved.NextAt), saved.Definition.String(),
	}}))
}

// DeleteSchedule forgets a schedule.
func (s *Store) DeleteSchedule(ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID) error {
	gone := query(deleteSchedule, [][]any{{string(workspace), string(id)}})
	if err := s.writeOf(ctx, "delete a schedule", workspace, gone); err != nil {
		return err
	}
	if len(gone.out) == 0 {
		return noSchedule(id)
	}
	return nil
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
func (s *Store) DueSchedules(ctx context.Context, limit int) ([]store.Schedule, error) {
	return s.readSchedules(ctx, "", query(dueSchedules, [][]any{{most(limit)}}))
}

func (s *Store) readSchedules(ctx context.Context, workspace string, found *call) ([]store.Schedule, error) {
	if err := s.read(ctx, "read schedules", workspace, found); err != nil {
		return nil, err
	}
	all := make([]store.Schedule, len(found.out))
	for i := range found.out {
		r := &found.out[i]
		all[i] = store.Schedule{Workspace: flowforge.Workspace(r.text()), ID: flowforge.ScheduleID(r.text()), NextAt: r.time()}
		definition, err := flowforge.StoredValue(r.next())
		if err = cmp.Or(err, r.err); err != nil {
			return nil, s.failure(ctx, "read schedules", err)
		}
		all[i].Definition = definition
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

// fire judges firings under locks on their schedules, and applies those that are good.
func (s *Store) fire(ctx context.Context, x *session, all []*firing) error {
	next, err := nextTimes(ctx, x, all)
	if err != nil {
		return err
	}
	if err := s.checkFirings(ctx, x, all); err != nil {
		return err
	}
	var starts []*creation
	moved := map[scheduleKey]any{}
	for _, f := range all {
		at, found := next[f.key()]
		switch {
		case f.answer.Err != nil:
		case !found:
			f.refuse(noSchedule(f.Schedule))
		case at == 0 || at != instant(f.At):
			f.refuse(flowforge.Errorf(flowforge.CodeConflict, "schedule %q was fired or changed already", f.Schedule))
		default:
			next[f.key()], moved[f.key()] = instant(f.Next), micros(f.Next)
			starts = append(starts, f.starts...)
		}
	}
	rows := make([][]any, 0, len(moved))
	for key, at := range moved {
		rows = append(rows, []any{string(key.workspace), string(key.id), at})
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

// nextTimes locks the schedules that firings are of, and gives their times; 0: paused.
func nextTimes(ctx context.Context, x *session, all []*firing) (map[scheduleKey]int64, error) {
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
	next := map[scheduleKey]int64{}
	for i := range locked.out {
		r := &locked.out[i]
		next[scheduleKey{flowforge.Workspace(r.text()), flowforge.ScheduleID(r.text())}] = r.int()
		if r.err != nil {
			return nil, fmt.Errorf("read a schedule: %w", r.err)
		}
	}
	return next, nil
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
		err := limits.Check(c.Slots)
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
