package store

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Schedules keeps what starts runs at times. A schedule is a row with its next time; firing it moves that time
// and creates its run at once, so that of many who try one succeeds.
type Schedules interface {
	// SaveSchedule makes or replaces the schedule of its ID.
	SaveSchedule(ctx context.Context, schedule Schedule) error
	// DeleteSchedule forgets one; CodeNotFound where there is none.
	DeleteSchedule(ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID) error
	// ListSchedules gives a workspace's in order of ID, after the ID `after`.
	ListSchedules(ctx context.Context, workspace flowforge.Workspace, after flowforge.ScheduleID, limit int) ([]Schedule, error)
	// DueSchedules gives those of all workspaces whose NextAt has come, the longest overdue first.
	DueSchedules(ctx context.Context, limit int) ([]Schedule, error)
	// Fire applies firings, each whole or not at all; one whose schedule is not at its At any more is CodeConflict.
	Fire(ctx context.Context, firings []Firing) ([]Fired, error)
}

// Schedule is what starts runs at times.
type Schedule struct {
	Workspace  flowforge.Workspace
	ID         flowforge.ScheduleID // unique within the workspace
	NextAt     time.Time            // by the store's clock; zero: it is paused
	Definition flowforge.Value      // opaque to the store
}

// Firing is one fire time of a schedule.
type Firing struct {
	Workspace flowforge.Workspace
	Schedule  flowforge.ScheduleID
	At        time.Time // what NextAt is
	Next      time.Time // what it becomes; zero: never again
	Starts    []NewRun  // created with it, as Create does
}

// Fired answers a Firing.
type Fired struct {
	Started []Created
	Err     error
}
