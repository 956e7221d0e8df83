package store

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
)

// History reads what runs did. Node runs and events come in pages, so that a large run is never in memory
// as a whole; a limit of 0 is 50.
type History interface {
	Run(ctx context.Context, workspace flowforge.Workspace, run flowforge.RunID) (flowforge.Run, error)
	// Document gives the text of a workflow that a run was started with.
	Document(ctx context.Context, workspace flowforge.Workspace, hash string) (Document, error)
	// NodeRuns gives node runs in the order they were first recorded, after the first `skip`.
	NodeRuns(ctx context.Context, workspace flowforge.Workspace, run flowforge.RunID, skip, limit int) ([]flowforge.NodeRun, error)
	// Events gives the durable events after a sequence number, in order.
	Events(ctx context.Context, workspace flowforge.Workspace, run flowforge.RunID, after int64, limit int) ([]flowforge.Event, error)
	// Logs gives the lines that nodes logged, oldest first, after the first `skip`.
	Logs(ctx context.Context, workspace flowforge.Workspace, run flowforge.RunID, skip, limit int) ([]LogLine, error)
	// List gives runs without their input, vars and output, newest first: by CreatedAt, then ID.
	List(ctx context.Context, workspace flowforge.Workspace, filter Filter) ([]flowforge.Run, error)
}

// Filter picks runs; zero fields pick all.
type Filter struct {
	Workflow string          // name
	Origin   flowforge.RunID // the run they came from
	From, To time.Time       // CreatedAt: not before From, and before To
	Statuses []flowforge.RunStatus
	Before   flowforge.RunID // only older ones: the last of the page before; unknown: CodeNotFound
	Limit    int             // 0: 50
}

// Insight tells how runs stand, for those who watch or explain them.
type Insight interface {
	// Standing tells what is known about a run beside what its owner writes.
	Standing(ctx context.Context, workspace flowforge.Workspace, run flowforge.RunID) (Standing, error)
	// Pools tells what waits for workers, by pool in order: those where nothing waits may be left out.
	Pools(ctx context.Context) ([]PoolStanding, error)
	// Seqs gives the number of the newest durable event of each run; 0 where there is no such run.
	Seqs(ctx context.Context, runs []RunKey) ([]int64, error)
}

// PoolStanding is what waits for the workers of a pool.
type PoolStanding struct {
	Pool  string
	Runs  Waiting // that are ready to be claimed
	Tasks Waiting
}

// Waiting is a number of things that wait.
type Waiting struct {
	Count  int           // up to MostCounted are counted
	Oldest time.Duration // how long the one has waited that has done so the longest
}

// MostCounted is how many waiting things are counted: who scales by their number needs to know no more.
const MostCounted = 10_000

// Standing is how a run stands.
type Standing struct {
	Worker    flowforge.WorkerID // whose lease it is; empty: nobody's
	LeaseEnds time.Time          // may be over
	Lost      int                // as in Claimed
	WakeAt    time.Time          // zero: it waits for no time
	Unread    int                // messages
	NodeTypes []string           // as in NewRun
	Slots     []SlotStanding     // in the order of their keys
	Tasks     []TaskStanding     // of a run that has not ended: those without a result, the oldest first
}

// TaskStanding is how a task stands.
type TaskStanding struct {
	ID        flowforge.TaskID
	Node      NodeKey
	Pool      string
	Worker    flowforge.WorkerID // who has it or, where its lease has ended, had it; empty: nobody
	LeaseEnds time.Time          // may be over
	Canceled  bool
}

// SlotStanding is how a run stands with a slot that it needs.
type SlotStanding struct {
	Key     string
	Limit   int
	For     time.Duration // as in Slot
	Held    bool
	Holders []flowforge.RunID // up to 10 of those that hold it, the longest first
	Ahead   int               // runs that wait for it longer
}
