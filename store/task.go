package store

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Tasks is how workers of other pools run nodes for a run they do not own.
type Tasks interface {
	// ClaimTasks leases tasks of the claim's pools and node types: those that nobody has had, that were released, or
	// whose lease has ended. One that was canceled is claimed no more.
	ClaimTasks(ctx context.Context, claim Claim) ([]ClaimedTask, error)
	// RenewTasks prolongs leases, from now on; a task whose lease was lost or that was canceled says so.
	RenewTasks(ctx context.Context, leases []TaskLease) ([]RenewedTask, error)
	// ReleaseTasks gives tasks back, to be claimed by any worker at once; leases lost already are ignored.
	ReleaseTasks(ctx context.Context, leases []TaskLease) error
	// FinishTask records a result under the lease's epoch and puts MessageTaskDone into the run's inbox, also where
	// the task was canceled: the run waits for its attempt to end. With another epoch, or after a release, it is
	// CodeStaleEpoch. A second one changes nothing, and a run that has ended gets no message.
	FinishTask(ctx context.Context, lease TaskLease, result TaskResult) error
}

// Task is a node run handed to another pool. It is over with its run at the latest.
type Task struct {
	ID        flowforge.TaskID
	Workspace flowforge.Workspace
	Run       flowforge.RunID
	Node      NodeKey
	Pool      string
	NodeType  string          // "http.request@1"
	Call      flowforge.Value // what the node is called with, opaque to the store
}

// TaskLease is the right to finish a task.
type TaskLease struct {
	Worker flowforge.WorkerID
	Task   flowforge.TaskID
	Epoch  int64
	For    time.Duration
}

// ClaimedTask is a task with its lease.
type ClaimedTask struct {
	Task  Task
	Lease TaskLease
	Lost  int // leases of it that ran out in a row: since it was made or released
}

// RenewedTask answers a TaskLease to be renewed.
type RenewedTask struct {
	Lost     bool
	Canceled bool
}

// TaskResult is what came of a task.
type TaskResult struct {
	Task    flowforge.TaskID `json:"task"`
	Outcome flowforge.Value  `json:"outcome"` // opaque to the store
}
