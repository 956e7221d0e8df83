package memory

import (
	"context"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/store"
)

// A timetable is the schedules of a workspace.
type timetable struct {
	byID map[flowforge.ScheduleID]*schedule
	ids  []flowforge.ScheduleID // sorted
}

type schedule struct {
	store.Schedule
	spot spot // where it waits for its time; one that is paused is in no line
}

// SaveSchedule makes or replaces a schedule.
func (s *Store) SaveSchedule(ctx context.Context, saved store.Schedule) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	all := s.schedules[saved.Workspace]
	if all == nil {
		all = &timetable{byID: map[flowforge.ScheduleID]*schedule{}}
		s.schedules[saved.Workspace] = all
	}
	kept := all.byID[saved.ID]
	if saved.Revision != 0 && (kept == nil || kept.Revision != saved.Revision) {
		return flowforge.Errorf(flowforge.CodeConflict, "schedule %q was changed by someone else", saved.ID)
	}
	if kept == nil {
		kept = &schedule{}
		kept.spot.schedule = kept
		all.byID[saved.ID] = kept
		at, _ := slices.BinarySearch(all.ids, saved.ID)
		all.ids = slices.Insert(all.ids, at, saved.ID)
	}
	if kept.Revision > 0 {
		saved.State = kept.State
	}
	saved.Revision = kept.Revision + 1
	kept.Schedule = saved
	s.wind(kept, saved.NextAt)
	s.tell(auth.Told(ctx, string(saved.ID)))
	return nil
}

// wind sets when a schedule is due.
func (s *Store) wind(kept *schedule, next time.Time) {
	kept.NextAt = next
	kept.spot.leave()
	if !next.IsZero() {
		s.winding.join(&kept.spot, rank{at: next, order: s.next()})
	}
}

// Schedule finds a schedule.
func (s *Store) Schedule(ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID) (store.Schedule, error) {
	if err := s.enter(ctx); err != nil {
		return store.Schedule{}, err
	}
	defer s.mu.Unlock()
	kept, err := s.schedule(workspace, id)
	if err != nil {
		return store.Schedule{}, err
	}
	return kept.Schedule, nil
}

// DeleteSchedule forgets a schedule.
func (s *Store) DeleteSchedule(ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	kept, err := s.schedule(workspace, id)
	if err != nil {
		return err
	}
	kept.spot.leave()
	all := s.schedules[workspace]
	delete(all.byID, id)
	at, _ := slices.BinarySearch(all.ids, id)
	all.ids = slices.Delete(all.ids, at, at+1)
	if len(all.ids) == 0 {
		delete(s.schedules, workspace)
	}
	s.tell(auth.Told(ctx, string(id)))
	return nil
}

func (s *Store) schedule(workspace flowforge.Workspace, id flowforge.ScheduleID) (*schedule, error) {
	if all := s.schedules[workspace]; all != nil && all.byID[id] != nil {
		return all.byID[id], nil
	}
	return nil, flowforge.Errorf(flowforge.CodeNotFound, "there is no schedule %q", id)
}

// ListSchedules gives the schedules of a workspace in order of ID.
func (s *Store) ListSchedules(
	ctx context.Context, workspace flowforge.Workspace, after flowforge.ScheduleID, limit int,
) ([]store.Schedule, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	all := s.schedules[workspace]
	if all == nil {
		return nil, nil
	}
	skip, found := slices.BinarySearch(all.ids, after)
	if found {
		skip++
	}
	from, to := page(len(all.ids), skip, limit)
	listed := make([]store.Schedule, 0, to-from)
	for _, id := range all.ids[from:to] {
		listed = append(listed, all.byID[id].Schedule)
	}
	return listed, nil
}

// DueSchedules gives the schedules of all workspaces whose time has come, the longest overdue first.
func (s *Store) DueSchedules(ctx context.Context, limit int) (store.Due, error) {
	if err := s.enter(ctx); err != nil {
		return store.Due{}, err
	}
	defer s.mu.Unlock()
	now := s.now()
	_, limit = page(len(s.winding.spots), 0, limit)
	var due store.Due
	for sp := range s.winding.inOrder() {
		if sp.rank.at.After(now) {
			due.Next = sp.rank.at.Sub(now)
			break
		}
		if len(due.Schedules) == limit {
			break
		}
		due.Schedules = append(due.Schedules, sp.schedule.Schedule)
	}
	return due, nil
}

// Fire applies firings.
func (s *Store) Fire(ctx context.Context, firings []store.Firing) ([]store.Fired, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := s.now()
	s.tick(now)
	answers := make([]store.Fired, len(firings))
	for i := range firings {
		answers[i] = s.fire(&firings[i], now)
	}
	return answers, nil
}

func (s *Store) fire(f *store.Firing, now time.Time) store.Fired {
	kept, err := s.schedule(f.Workspace, f.Schedule)
	if err != nil {
		return store.Fired{Err: err}
	}
	if kept.NextAt.IsZero() || kept.NextAt.UnixMicro() != f.At.UnixMicro() || f.Revision != 0 && f.Revision != kept.Revision {
		return store.Fired{Err: flowforge.Errorf(flowforge.CodeConflict, "schedule %q was fired or changed already", f.Schedule)}
	}
	if err := s.checkStarts(f.Workspace, f.Starts); err != nil {
		return store.Fired{Err: err}
	}
	kept.State = f.State
	kept.Revision++
	s.wind(kept, f.Next)
	var fired store.Fired
	for i := range f.Starts {
		fired.Started = append(fired.Started, s.create(&f.Starts[i], now))
	}
	return fired
}
