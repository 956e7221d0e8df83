package flowforge

import (
	"slices"
	"strings"
	"time"
)

// Run is one execution of one version of a workflow.
type Run struct {
	ID         RunID       `json:"id"`
	Workspace  Workspace   `json:"workspace"`
	Workflow   WorkflowRef `json:"workflow"`
	Status     RunStatus   `json:"status"`
	Reason     string      `json:"reason,omitempty"` // why it has that status, where the status does not say
	Test       bool        `json:"test,omitempty"`   // pinned outputs are used
	Priority   int         `json:"priority,omitempty"`
	Pool       string      `json:"pool,omitempty"`
	ActsFor    string      `json:"acts_for,omitempty"` // whose credentials it may use: a name of the host's; see engine.ActingFor
	Input      Value       `json:"input"`
	Vars       Value       `json:"vars,omitzero"` // an object, frozen at the start
	Output     Value       `json:"output,omitzero"`
	Error      *Failure    `json:"error,omitempty"`
	Origin     *Origin     `json:"origin,omitempty"`
	Seq        int64       `json:"seq"` // of its newest durable event
	CreatedAt  time.Time   `json:"created_at"`
	StartedAt  time.Time   `json:"started_at,omitzero"`
	FinishedAt time.Time   `json:"finished_at,omitzero"`
}

// WorkflowRef says which version of which workflow; ID is empty and Version 0 for an unsaved document.
type WorkflowRef struct {
	ID      WorkflowID `json:"id,omitempty"`
	Name    string     `json:"name"`
	Version int        `json:"version,omitempty"`
	Hash    string     `json:"hash,omitempty"` // SHA-256 of the document's canonical JSON, hexadecimal
}

// Origin says what a run came from, and how.
type Origin struct {
	Run  RunID      `json:"run,omitempty"` // none, of OriginSchedule
	Kind OriginKind `json:"kind"`
	Node NodeID     `json:"node,omitempty"`

	Element string   `json:"element,omitempty"` // with Node, of the element that started a child
	Depth   int      `json:"depth,omitempty"`   // of a child: how many runs are above it
	Keys    RunID    `json:"keys,omitempty"`    // the run whose idempotency keys are used again
	Anew    []NodeID `json:"anew,omitempty"`    // nodes that have new keys all the same, with all that follows them

	Schedule ScheduleID `json:"schedule,omitempty"` // that started it, of OriginSchedule
}

// OriginKind says how a run came from another one.
type OriginKind string

// How a run may come from another one.
const (
	OriginRetry     OriginKind = "retry"      // made again after its end
	OriginOnFailure OriginKind = "on_failure" // the handler of a failed run
	OriginParent    OriginKind = "parent"     // started by core.subworkflow, which waits for it
	OriginDetached  OriginKind = "detached"   // started by core.subworkflow, which does not
	OriginSchedule  OriginKind = "schedule"   // started by a schedule
)

// Failure is an error as it is recorded and as expressions and error ports see it.
type Failure struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Node    NodeID `json:"node,omitempty"`
	Element string `json:"element,omitempty"`
	Details Value  `json:"details,omitzero"`
}

// RunStatus is where a run is in its life.
type RunStatus string

// The statuses of a run; the last four are terminal.
const (
	RunQueued    RunStatus = "queued"
	RunRunning   RunStatus = "running"
	RunWaiting   RunStatus = "waiting" // for a timer, a signal, a decision
	RunPaused    RunStatus = "paused"
	RunCanceling RunStatus = "canceling"
	RunSucceeded RunStatus = "succeeded"
	RunFailed    RunStatus = "failed"
	RunCanceled  RunStatus = "canceled"
	RunTimedOut  RunStatus = "timed_out"
)

// Terminal reports whether nothing follows the status.
func (s RunStatus) Terminal() bool {
	return s == RunSucceeded || s == RunFailed || s == RunCanceled || s == RunTimedOut
}

// CanBecome reports whether a run may go from this status to the next in one step.
func (s RunStatus) CanBecome(next RunStatus) bool {
	return slices.Contains(runTransitions(s), next)
}

func runTransitions(s RunStatus) []RunStatus {
	switch s {
	case RunQueued:
		return []RunStatus{RunRunning, RunPaused, RunCanceling, RunCanceled, RunFailed, RunTimedOut}
	case RunRunning:
		return []RunStatus{
			RunQueued, RunWaiting, RunPaused, RunCanceling,
			RunSucceeded, RunFailed, RunCanceled, RunTimedOut,
		}
	case RunWaiting:
		return []RunStatus{RunRunning, RunPaused, RunCanceling, RunFailed, RunCanceled, RunTimedOut}
	case RunPaused:
		return []RunStatus{RunQueued, RunRunning, RunWaiting, RunCanceling, RunCanceled, RunTimedOut}
	case RunCanceling:
		return []RunStatus{RunCanceled}
	case RunSucceeded, RunFailed, RunCanceled, RunTimedOut:
	}
	return nil
}

// NodeRun is the run of one node, or of one element of it, within a run.
type NodeRun struct {
	Node       NodeID     `json:"id"`
	Element    string     `json:"element,omitempty"` // path of indices from the outermost loop inward: "3/0/17"
	Status     NodeStatus `json:"status"`
	Reason     Reason     `json:"reason,omitempty"`
	Attempts   int        `json:"attempts"` // attempts begun, lost ones included
	Lost       int        `json:"lost,omitempty"`
	Copied     bool       `json:"copied,omitempty"` // from the run it was retried from
	StartedAt  time.Time  `json:"started_at,omitzero"`
	FinishedAt time.Time  `json:"finished_at,omitzero"`
	Output     Ports      `json:"output,omitempty"`
	Error      *Failure   `json:"error,omitempty"`
	ResumeAt   time.Time  `json:"resume_at,omitzero"` // when one that is retrying or waiting goes on, where that is known
	Awaits     Value      `json:"awaits,omitzero"`    // what one that is waiting waits for: {"signal"}, {"run"} ...

	// A large output that stands elsewhere is not recorded again: Output has its ports with null.
	Passed   []Port `json:"passed,omitempty"`   // ports that emitted the node's input
	Gathered bool   `json:"gathered,omitempty"` // each port emitted the list of what the elements did
}

// NodeStatus is where a node run is in its life.
type NodeStatus string

// The statuses of a node run; the last four are terminal.
const (
	NodePending   NodeStatus = "pending" // its connections have not settled
	NodeReady     NodeStatus = "ready"   // may start as soon as there is room
	NodeRunning   NodeStatus = "running"
	NodeRetrying  NodeStatus = "retrying" // an attempt failed, the next one waits for its backoff
	NodeWaiting   NodeStatus = "waiting"  // for a timer, a signal, an approval, a child
	NodeInDoubt   NodeStatus = "in_doubt" // its effect may or may not have happened
	NodeSucceeded NodeStatus = "succeeded"
	NodeFailed    NodeStatus = "failed"
	NodeSkipped   NodeStatus = "skipped"
	NodeCanceled  NodeStatus = "canceled"
)

// Terminal reports whether nothing follows the status.
func (s NodeStatus) Terminal() bool {
	return s == NodeSucceeded || s == NodeFailed || s == NodeSkipped || s == NodeCanceled
}

// CanBecome reports whether a node run may go from this status to the next in one step.
func (s NodeStatus) CanBecome(next NodeStatus) bool {
	return slices.Contains(nodeTransitions(s), next)
}

func nodeTransitions(s NodeStatus) []NodeStatus {
	switch s {
	case NodePending:
		return []NodeStatus{NodeReady, NodeSkipped, NodeCanceled}
	case NodeReady:
		return []NodeStatus{NodeRunning, NodeFailed, NodeCanceled}
	case NodeRunning:
		return []NodeStatus{NodeRetrying, NodeWaiting, NodeInDoubt, NodeSucceeded, NodeFailed, NodeCanceled}
	case NodeRetrying:
		return []NodeStatus{NodeReady, NodeRunning, NodeFailed, NodeCanceled}
	case NodeWaiting, NodeInDoubt:
		return []NodeStatus{NodeReady, NodeRunning, NodeRetrying, NodeSucceeded, NodeFailed, NodeCanceled}
	case NodeSucceeded, NodeFailed, NodeSkipped, NodeCanceled:
	}
	return nil
}

// Reason says why a node run has its status, where the status alone does not.
type Reason string

// The reasons.
const (
	ReasonNoInput        Reason = "no_input"        // skipped: nothing was delivered to it
	ReasonUpstreamFailed Reason = "upstream_failed" // skipped: a node it needs failed
	ReasonFailFast       Reason = "fail_fast"       // canceled: another branch failed
	ReasonRunCanceled    Reason = "run_canceled"
	ReasonRunTimedOut    Reason = "run_timed_out"
	ReasonRunStopped     Reason = "run_stopped"   // canceled: core.stop ended the run
	ReasonNodeCanceled   Reason = "node_canceled" // canceled: the node whose element it is ended
	ReasonDisabled       Reason = "disabled"      // succeeded: its input passed on
	ReasonPinned         Reason = "pinned"        // succeeded: with its pinned output
	ReasonCopied         Reason = "copied"        // as in the run that this one retries
)

// Ports is what a node emits: a value for each port it delivers on, in no particular order, each port once.
type Ports []PortValue

// PortValue is a value on a port.
type PortValue struct {
	Port  Port  `json:"port"`
	Value Value `json:"value"`
}

// Out makes the Ports of a node that emits only on "out".
func Out(value Value) Ports { return Ports{{Port: PortOut, Value: value}} }

// On makes the Ports of a node that emits only on port.
func On(port Port, value Value) Ports { return Ports{{Port: port, Value: value}} }

// Get gives the value on a port and whether there is one.
func (p Ports) Get(port Port) (Value, bool) {
	for _, out := range p {
		if out.Port == port {
			return out.Value, true
		}
	}
	return Value{}, false
}

// String gives the ports and their values, for messages and tests.
func (p Ports) String() string {
	parts := make([]string, len(p))
	for i, out := range p {
		parts[i] = string(out.Port) + ": " + out.Value.String()
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
