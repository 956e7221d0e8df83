package store

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Inbox is how everyone but its owner reaches a run.
type Inbox interface {
	// Send puts a message into a run's inbox. A second one with the same ID changes nothing, whatever became of
	// the first. To a run that has ended it is CodeConflict.
	Send(ctx context.Context, message Message) error
	// Messages gives the unread messages of a run, oldest first.
	Messages(ctx context.Context, workspace flowforge.Workspace, run flowforge.RunID) ([]Message, error)
	// Unread gives those of the runs that a worker has leased that have unread messages.
	Unread(ctx context.Context, worker flowforge.WorkerID) ([]RunKey, error)
}

// RunKey names a run.
type RunKey struct {
	Workspace flowforge.Workspace
	Run       flowforge.RunID
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
	MessageInput     MessageKind = "input"      // Payload: the input of a start that joined the run, see Gather
	MessageDecide    MessageKind = "decide"     // Payload: {"node", "element", "output"} or {..., "error"}: of what is in doubt
)
