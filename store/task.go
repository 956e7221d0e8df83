package store

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Tasks is how workers of other pools run nodes for a run they do not own.
type Tasks interface {
	// ClaimTasks leases tasks of the claim's pools and node types.
	ClaimTasks(ctx context.Context, claim Claim) ([]ClaimedTask, error)
	// RenewTasks prolongs leases; a task whose lease was lost or whose result is not wanted says so.
	RenewTasks(ctx context.Context, leases []TaskLease) ([]RenewedTask, error)
	// FinishTask records a result under the lease's epoch and puts MessageTaskDone into the run's inbox; with
	// another epoch it is CodeStaleEpoch. A second one changes nothing, nor does one whose result is not wanted.
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
}

// RenewedTask answers a TaskLease to be renewed.
type RenewedTask struct {
	Lost     bool
	Canceled bool
}

// TaskResult is what came of a task.
type TaskResult struct {
	Task   flowforge.TaskID   `json:"task"`
	Output flowforge.Ports    `json:"output,omitempty"`
	Error  *flowforge.Failure `json:"error,omitempty"`
}
