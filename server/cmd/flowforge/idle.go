package main

import (
	"context"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// idleness knows whether runs are left that a worker could go on with.
type idleness struct {
	store     store.Store
	workspace flowforge.Workspace
	pools     []string
	types     []string
	soon      time.Duration
}

// How often the store is asked whether runs are left.
const (
	idlePause    = 100 * time.Millisecond
	maxIdlePause = time.Second
)

// wait waits until nothing is left. Since a lease that a dead process holds ends some time, so does its wait.
func (i *idleness) wait(ctx context.Context) error {
	pause := idlePause
	for {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		left, err := i.left(ctx)
		switch {
		case err != nil && ctx.Err() == nil && flowforge.CodeOf(err) != flowforge.CodeUnavailable:
			return err
		case err == nil && !left:
			return nil
		}
		pause = min(2*pause, maxIdlePause)
	}
}

// left reports whether a run is left that goes on now or soon: one that somebody holds a lease of, that is ready to
// be claimed here, or that wakes soon.
func (i *idleness) left(ctx context.Context) (bool, error) {
	now, err := i.store.Now(ctx)
	if err != nil {
		return false, err
	}
	filter := store.Filter{Limit: runsPage, Statuses: append([]flowforge.RunStatus{flowforge.RunCanceling}, unfinished...)}
	for {
		runs, err := i.store.List(ctx, i.workspace, filter)
		if err != nil {
			return false, err
		}
		for _, run := range runs {
			standing, err := i.store.Standing(ctx, i.workspace, run.ID)
			switch {
			case flowforge.CodeOf(err) == flowforge.CodeNotFound: // forgotten since
			case err != nil:
				return false, err
			case i.goesOn(run, standing, now):
				return true, nil
			}
			filter.Before = run.ID
		}
		if len(runs) < runsPage {
			return false, nil
		}
	}
}

func (i *idleness) goesOn(run flowforge.Run, s store.Standing, now time.Time) bool {
	switch {
	case s.Worker != "":
		return true
	case !slices.Contains(i.pools, run.Pool), !containsAll(i.types, s.NodeTypes):
		return false // not here
	case s.Unread > 0:
		return true
	case slices.ContainsFunc(s.Slots, func(slot store.SlotStanding) bool { return !slot.Held && len(slot.Holders) >= slot.Limit }):
		return false // those that hold the slots count
	case !s.WakeAt.IsZero():
		return s.WakeAt.Sub(now) <= i.soon
	}
	return run.Status != flowforge.RunWaiting && run.Status != flowforge.RunPaused
}

func containsAll(have, want []string) bool {
	return !slices.ContainsFunc(want, func(one string) bool { return !slices.Contains(have, one) })
}
