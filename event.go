package flowforge

import "time"

// Event is something that happened in a run. Durable events have a sequence number, gapless within their
// run; live notes have After instead, the number of the durable event they follow, and may be lost.
type Event struct {
	Run     RunID     `json:"run"`
	Seq     int64     `json:"seq,omitempty"`
	After   int64     `json:"after,omitempty"`
	Kind    EventKind `json:"kind"`
	At      time.Time `json:"at"`
	Node    NodeID    `json:"node,omitempty"`
	Element string    `json:"element,omitempty"`
	Attempt int       `json:"attempt,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Error   *Failure  `json:"error,omitempty"`
	Data    Value     `json:"data,omitzero"` // what the kind says; null where it says nothing
}

// EventKind says what happened.
type EventKind string

// The durable events. A run's first is EventRunCreated, its last one of the four ends.
const (
	EventRunCreated    EventKind = "run.created"
	EventRunStarted    EventKind = "run.started"
	EventRunWaiting    EventKind = "run.waiting"
	EventRunPaused     EventKind = "run.paused"
	EventRunResumed    EventKind = "run.resumed"
	EventRunCanceling  EventKind = "run.canceling"
	EventRunSucceeded  EventKind = "run.succeeded"
	EventRunFailed     EventKind = "run.failed"
	EventRunCanceled   EventKind = "run.canceled"
	EventRunTimedOut   EventKind = "run.timed_out"
	EventNodeSucceeded EventKind = "node.succeeded"
	EventNodeFailed    EventKind = "node.failed"
	EventNodeSkipped   EventKind = "node.skipped"
	EventNodeCanceled  EventKind = "node.canceled"
	EventNodeRetrying  EventKind = "node.retrying" // Data: {"next_at": time}
	EventNodeWaiting   EventKind = "node.waiting"  // Data: {"until": time} where it is known
	EventNodeInDoubt   EventKind = "node.in_doubt" // its effect may or may not have happened; Error: why
	EventNodeElements  EventKind = "node.elements" // a batch of elements ended; Data: {"done", "failed", "total"}
)

// The live notes.
const (
	EventNodeStarted  EventKind = "node.started"
	EventNodeProgress EventKind = "node.progress" // Data: {"fraction": 0..1, "message"}
	EventNodeLog      EventKind = "node.log"      // Data: {"level", "message", "fields"}
)

// RunEnd gives the event of a run that ends with status, or "" where status is not terminal.
func RunEnd(status RunStatus) EventKind {
	if status.Terminal() {
		return EventKind("run." + status)
	}
	return ""
}

// NodeEnd gives the event of a node run that ends with status, or "" where status is not terminal.
func NodeEnd(status NodeStatus) EventKind {
	if status.Terminal() {
		return EventKind("node." + status)
	}
	return ""
}
