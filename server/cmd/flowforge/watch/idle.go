package watch

import (
	"context"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Idleness knows whether runs are left that a worker could go on with.
type Idleness struct {
	Store     store.Store
	Workspace flowforge.Workspace
	Pools     []string      // that the worker serves
	Types     []string      // of nodes that it has
	Soon      time.Duration // a run that wakes within this time is left
}

// How often the store is asked whether runs are left.
const (
	idlePause    = 100 * time.Millisecond
	maxIdlePause = time.Second
)

// page is how many runs are read at a time.
const page = 200

// Wait waits until nothing is left. Since a lease that a dead process holds ends some time, so does its wait.
func (i *Idleness) Wait(ctx context.Context) error {
	pause := idlePause
	for {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		began := time.Now()
		left, err := i.left(ctx)
		switch {
		case err != nil && ctx.Err() == nil && !passes(err):
			return err
		case err == nil && !left:
			return nil
		}
		pause = max(min(2*pause, maxIdlePause), 3*time.Since(began)) // where many runs wait, looking takes its time
	}
}

// passes reports whether looking again may do: the store is away, or a run was forgotten while it was looked at.
func passes(err error) bool {
	code := flowforge.CodeOf(err)
	return code == flowforge.CodeUnavailable || code == flowforge.CodeNotFound
}

// left reports whether a run is left that goes on now or soon: one that somebody holds a lease of, that is ready to
// be claimed here, or that wakes soon, and one of which a task is left.
func (i *Idleness) left(ctx context.Context) (bool, error) {
	now, err := i.Store.Now(ctx)
	if err != nil {
		return false, err
	}
	filter := store.Filter{Limit: page, Statuses: []flowforge.RunStatus{
		flowforge.RunQueued, flowforge.RunRunning, flowforge.RunWaiting, flowforge.RunPaused, flowforge.RunCanceling,
	}}
	for {
		runs, err := i.Store.List(ctx, i.Workspace, filter)
		if err != nil {
			return false, err
		}
		for _, run := range runs {
			standing, err := i.Store.Standing(ctx, i.Workspace, run.ID)
			switch {
			case flowforge.CodeOf(err) == flowforge.CodeNotFound: // forgotten since
			case err != nil:
				return false, err
			case i.goesOn(run, standing, now):
				return true, nil
			}
			filter.Before = run.ID
		}
		if len(runs) < page {
			return false, nil
		}
	}
}

func (i *Idleness) goesOn(run flowforge.Run, s store.Standing, now time.Time) bool {
	switch {
	case s.Worker != "", slices.ContainsFunc(s.Tasks, func(task store.TaskStanding) bool { return i.takes(task, now) }):
		return true
	case !slices.Contains(i.Pools, run.Pool), !containsAll(i.Types, s.NodeTypes):
		return false // not here
	case s.Unread > 0:
		return true
	case slices.ContainsFunc(s.Slots, func(slot store.SlotStanding) bool { return !slot.Held && len(slot.Holders) >= slot.Limit }):
		return false // those that hold the slots count
	case !s.WakeAt.IsZero():
		return s.WakeAt.Sub(now) <= i.Soon
	}
	return run.Status != flowforge.RunWaiting && run.Status != flowforge.RunPaused
}

// takes reports whether a task is left: one that a worker has, or that is ready to be claimed here.
func (i *Idleness) takes(task store.TaskStanding, now time.Time) bool {
	return !task.Canceled && (task.LeaseEnds.After(now) || slices.Contains(i.Pools, task.Pool))
}

func containsAll(have, want []string) bool {
	return !slices.ContainsFunc(want, func(one string) bool { return !slices.Contains(have, one) })
}
