// Package store is the contract of what FlowForge keeps: workflows, runs with their node runs and events, the
// messages sent to runs, tasks and blobs. The store is the truth; queues and buses only make things faster.
//
// Three rules hold for every implementation, and store/storetest checks them. A run is written only by who
// holds its lease: each lease has an epoch, and a write with another epoch is refused alone, without failing
// its batch. Sending a write again after an unknown outcome is safe. Another workspace's object answers
// exactly as one that does not exist: an Error with flowforge.CodeNotFound.
//
// Instants are kept to the microsecond at least, values as their canonical JSON. What a store is given and what
// it gives out is shared: neither side changes it. A closed store answers flowforge.CodeClosed.
package store

import (
	"context"
	"io"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Store is everything an engine needs.
//
//nolint:interfacebloat // It is the sum of the roles, for who opens one; who uses a store takes roles.
type Store interface {
	Runs
	Inbox
	History
	Workflows
	Tasks
	Blobs
	io.Closer
}

// Runs is how an engine creates, owns and advances runs. Its methods take many at once, since the cost of a
// store is the round trip; each item is judged alone.
type Runs interface {
	// Create makes runs. One whose ID exists, or whose workspace has seen its IdempotencyKey, changes nothing
	// and answers what there is. Runs with a Lease are owned by it from the start, unless a slot they need is
	// taken or their WakeAt is to come; the others wait to be claimed.
	Create(ctx context.Context, runs []NewRun) ([]Created, error)

	// Claim leases runs that are ready: those whose wake-up time has come and that have their slots, parked ones
	// with unread messages, those that were released or whose lease has ended. A run with an unread
	// MessageCancel is ready whatever it waits for, even a slot, since all it will do is end; no other message
	// lets a run begin before its time. By priority, then the longest waiting first; never one that needs a
	// node type or a pool the claim does not name.
	Claim(ctx context.Context, claim Claim) ([]Claimed, error)

	// Commit applies transitions, each only where the run has the transition's epoch and FromSeq, and each
	// whole or not at all. A run that is already at ToSeq or beyond under that epoch has applied it before,
	// which is success. Transitions of one run are in order and may follow each other in one batch. A lease
	// that has ended still holds until someone else claims the run: the epoch decides, not the clock. What
	// would leave a gap in the events, follow an end or change a recorded result is CodeConflict.
	Commit(ctx context.Context, transitions []Transition) ([]Committed, error)

	// Renew prolongs leases, from now on, and tells which were lost.
	Renew(ctx context.Context, leases []Lease) ([]Renewed, error)

	// Release gives runs back, to be claimed by any worker at once; leases lost already are ignored.
	Release(ctx context.Context, leases []Lease) error
}

// NewRun is a run to be created. Its status is queued and its Seq 1: the event EventRunCreated.
type NewRun struct {
	Run       flowforge.Run
	Document  Document
	NodeTypes []string  // what a worker must have to run it: "core.set@1", sorted
	WakeAt    time.Time // not claimed earlier; zero: at once
	Slots     []Slot    // all needed before it may be claimed
	Lease     *Lease    // eager start; Epoch is ignored; nil: to be claimed

	IdempotencyKey string // unique within the workspace; empty: none
	Fingerprint    string // of the request: the same key with another one is CodeConflict
}

// Document is a workflow as text; the same text has the same Hash, and is kept once.
type Document struct {
	Hash string          // SHA-256 of the canonical JSON, hexadecimal
	Text flowforge.Value // canonical JSON
}

// Slot is one place under a concurrency limit. It is taken when granted and freed when the run ends, or when
// it parks where ReleaseWhileWaiting. Who needs several gets all of them or none. A freed one is for the oldest
// who waits for it, and nobody new takes it before.
type Slot struct {
	Key                 string // of the workspace; once per run
	Limit               int    // at least 1
	ReleaseWhileWaiting bool
}

// Created answers a NewRun.
type Created struct {
	Run      flowforge.Run // as it is stored
	Existing bool          // it was there before
	Err      error         // this run was refused

	// Epoch is that of the lease; 0: not leased. An existing run has it only where it has the ID and the worker
	// that were sent, so that a start whose outcome is unknown may be sent again.
	Epoch int64
}

// Lease is the right to write a run until a moment that only the store's clock knows.
type Lease struct {
	Worker    flowforge.WorkerID
	Workspace flowforge.Workspace
	Run       flowforge.RunID
	Epoch     int64
	For       time.Duration
}

// Claim asks for runs to own.
type Claim struct {
	Worker    flowforge.WorkerID
	Pools     []string // "" is the default pool
	NodeTypes []string // what the worker can run: "core.set@1", sorted
	Limit     int
	For       time.Duration // of the leases
}

// Claimed is a run with all that is needed to go on with it.
type Claimed struct {
	Run      flowforge.Run
	Lease    Lease
	Claims   int                 // how often it was leased, this time and an eager start included
	Nodes    []flowforge.NodeRun // recorded ones, with outputs unless dropped
	Snapshot []byte              // of the last Park; nil: never parked
	Messages []Message           // unread ones, oldest first
}

// Transition is one step of a run's life: everything that changes in it at once.
type Transition struct {
	Workspace flowforge.Workspace
	Run       flowforge.RunID
	Epoch     int64

	// FromSeq and ToSeq are the sequence numbers of the newest durable event before and after. Where they are
	// equal there are no events, and applying the transition twice is the same as once, except that its log
	// lines may be there twice.
	FromSeq, ToSeq int64
	Events         []flowforge.Event // FromSeq+1 to ToSeq

	Status    flowforge.RunStatus // of the run afterwards: terminal with End, and only then
	StartedAt time.Time           // zero: unchanged
	End       *End                // the run ends; its lease and slots with it
	Park      *Park               // the run waits without a worker; its lease ends

	Nodes   []flowforge.NodeRun // set, by node and element, each once; a terminal one never changes again
	Dropped []NodeKey           // also with AllElements: outputs that going on will not read; a store may forget them
	Logs    []LogLine           // to be appended

	Read        []string           // ids of messages this transition applies
	Tasks       []Task             // to be created
	CancelTasks []flowforge.TaskID // to be told that their result is not wanted
	Starts      []NewRun           // runs to be created with it, as Create does: children, handlers
}

// NodeKey names a node run within its run.
type NodeKey struct {
	Node    flowforge.NodeID
	Element string
}

// AllElements as the Element of a NodeKey in Dropped means all elements of the node.
const AllElements = "*"

// End is how a run ended. The transition's last event is the flowforge.RunEnd of its status.
type End struct {
	Reason     string
	Output     flowforge.Value
	Error      *flowforge.Failure
	FinishedAt time.Time
}

// Park is a run that waits.
type Park struct {
	Snapshot []byte    // opaque state of the engine
	WakeAt   time.Time // zero: only a message wakes it
}

// LogLine is a line that a node logged.
type LogLine struct {
	At      time.Time        `json:"at"`
	Node    flowforge.NodeID `json:"node"`
	Element string           `json:"element,omitempty"`
	Attempt int              `json:"attempt"`
	Level   string           `json:"level"` // as slog.Level writes it: "INFO"
	Message string           `json:"message"`
	Fields  flowforge.Value  `json:"fields,omitzero"`
}

// Committed answers a Transition.
type Committed struct {
	Err    error // CodeStaleEpoch where the lease was lost; other errors are of this transition alone
	Unread bool  // the run has messages that no transition has read

	Started []Created // answers the transition's Starts
}

// Renewed answers a Lease to be renewed.
type Renewed struct {
	Lost   bool
	Unread bool // the run has messages that no transition has read
}

// Inbox is how everyone but its owner reaches a run.
type Inbox interface {
	// Send puts a message into a run's inbox. A second one with the same ID changes nothing, whatever became of
	// the first. To a run that has ended it is CodeConflict.
	Send(ctx context.Context, message Message) error
	// Messages gives the unread messages of a run, oldest first.
	Messages(ctx context.Context, workspace flowforge.Workspace, run flowforge.RunID) ([]Message, error)
}

// Message asks a run to do something.
type Message struct {
	Workspace flowforge.Workspace
	Run       flowforge.RunID
	ID        string // unique within the run: the sender's idempotency key
	Kind      MessageKind
	Payload   flowforge.Value
	At        time.Time
}

// MessageKind says what a message asks for.
type MessageKind string

// The kinds of messages.
const (
	MessageCancel    MessageKind = "cancel" // Payload: {"reason"}
	MessagePause     MessageKind = "pause"
	MessageResume    MessageKind = "resume"
	MessageSignal    MessageKind = "signal"     // Payload: {"name", "data"}
	MessageTaskDone  MessageKind = "task_done"  // Payload: TaskResult
	MessageChildDone MessageKind = "child_done" // Payload: {"run", "status", "output", "error"}
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
	Workflow string // name
	Statuses []flowforge.RunStatus
	Before   flowforge.RunID // only older ones: the last of the page before; unknown: CodeNotFound
	Limit    int             // 0: 50
}

// Workflows keeps saved workflows: a draft that changes and numbered versions that do not.
type Workflows interface {
	// SaveDraft saves the draft of the workflow with the document's name, which is unique in the workspace. An
	// empty id makes a workflow if there is none of that name, and else means the one there is. With an id the
	// name may change; to another workflow's it is CodeConflict.
	SaveDraft(ctx context.Context, workspace flowforge.Workspace, saved SavedWorkflow) (SavedWorkflow, error)
	// Publish makes the draft an immutable version, the next number, and the one that starts use.
	Publish(ctx context.Context, workspace flowforge.Workspace, id flowforge.WorkflowID) (SavedWorkflow, error)
	// Workflow finds one by name: version -1 is the draft, 0 the published version.
	Workflow(ctx context.Context, workspace flowforge.Workspace, name string, version int) (SavedWorkflow, error)
	// ListWorkflows gives the workflows in order of name, without documents, after the name `after`.
	ListWorkflows(ctx context.Context, workspace flowforge.Workspace, after string, limit int) ([]SavedWorkflow, error)
}

// Which version of a workflow is meant, where it is not a number.
const (
	DraftVersion     = -1
	PublishedVersion = 0
)

// SavedWorkflow is a version of a workflow, or its draft.
type SavedWorkflow struct {
	ID        flowforge.WorkflowID
	Name      string
	Version   int // of Document; DraftVersion for the draft
	Published int // the version that starts use; 0: none yet
	Document  Document
	SavedAt   time.Time
}

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

// Blobs keeps data too large for a row, by the hash of its content and per workspace.
type Blobs interface {
	// PutBlob stores all of data and gives its SHA-256 in hexadecimal and its size in bytes.
	PutBlob(ctx context.Context, workspace flowforge.Workspace, data io.Reader) (hash string, size int64, err error)
	// OpenBlob reads stored data.
	OpenBlob(ctx context.Context, workspace flowforge.Workspace, hash string) (io.ReadCloser, error)
}
