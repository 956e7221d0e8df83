package store

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Schedules keeps what starts runs at times. A schedule is a row with its next time; firing it moves that time
// and creates its run at once, so that of many who try one succeeds.
type Schedules interface {
	// SaveSchedule makes the schedule of its ID, or replaces all of it but the State. With a Revision it replaces only
	// the schedule that is at that one; otherwise it is CodeConflict.
	SaveSchedule(ctx context.Context, schedule Schedule) error
	// Schedule finds one; CodeNotFound where there is none.
	Schedule(ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID) (Schedule, error)
	// DeleteSchedule forgets one; CodeNotFound where there is none.
	DeleteSchedule(ctx context.Context, workspace flowforge.Workspace, id flowforge.ScheduleID) error
	// ListSchedules gives a workspace's in order of ID, after the ID `after`.
	ListSchedules(ctx context.Context, workspace flowforge.Workspace, after flowforge.ScheduleID, limit int) ([]Schedule, error)
	// DueSchedules gives those of all workspaces whose NextAt has come, the longest overdue first.
	DueSchedules(ctx context.Context, limit int) (Due, error)
	// Fire applies firings, each whole or not at all; one whose schedule is not at its At or its Revision any more is
	// CodeConflict.
	Fire(ctx context.Context, firings []Firing) ([]Fired, error)
}

// Schedule is what starts runs at times.
type Schedule struct {
	Workspace  flowforge.Workspace
	ID         flowforge.ScheduleID // unique within the workspace
	NextAt     time.Time            // by the store's clock; zero: it is paused
	Definition flowforge.Value      // opaque to the store
	State      flowforge.Value      // what its firings tell, opaque to the store
	Revision   int64                // raised by each SaveSchedule and Fire; to be saved, 0: whatever there is
}

// Due is what a look for due schedules came to.
type Due struct {
	Schedules []Schedule

	// Next is how long it takes until another schedule is due, so that nobody need look before; 0: none is known to
	// be. It is a hint.
	Next time.Duration
}

// Firing is one fire time of a schedule, or several at once.
type Firing struct {
	Workspace flowforge.Workspace
	Schedule  flowforge.ScheduleID
	Revision  int64           // what the schedule's is; 0: any
	At        time.Time       // what NextAt is
	Next      time.Time       // what it becomes; zero: never again
	State     flowforge.Value // what State becomes
	Starts    []NewRun        // created with it, as Create does
}

// Fired answers a Firing.
type Fired struct {
	Started []Created
	Err     error
}
