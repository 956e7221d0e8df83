// Package flowforge holds the nouns of the FlowForge workflow engine: the workflow document, values, runs,
// events and errors. It has no behaviour beyond decoding and checking itself and imports only the standard
// library, so that every other package can speak of the same things. To run workflows, import
// github.com/flowforge-go/flowforge/engine.
package flowforge

import (
	"encoding/json"
	"fmt"
	"time"
)

// Identifiers. The engine mints the random ones as UUIDv7, so that they sort by their time of creation.
type (
	// RunID names one execution of a workflow.
	RunID string
	// WorkflowID names a saved workflow.
	WorkflowID string
	// NodeID names a node; it is unique in its document, nested bodies included: [a-z][a-z0-9_]*.
	NodeID string
	// Workspace names a tenant.
	Workspace string
	// WorkerID names one engine that claims runs.
	WorkerID string
	// TaskID names a node run handed to another pool.
	TaskID string
	// ScheduleID identifies a schedule within its workspace.
	ScheduleID string
	// Port names an input or output of a node.
	Port string
)

// Local is the workspace of programs that have only one tenant.
const Local Workspace = "local"

// Ports that the engine itself gives a meaning.
const (
	PortIn    Port = "in"    // the one input port of a node
	PortOut   Port = "out"   // the default output port
	PortError Port = "error" // where on_error: route delivers the error
)

// Workflow is a workflow document: what a user writes, stores and edits.
type Workflow struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Settings    Settings `json:"settings,omitzero"`
	InputSchema Value    `json:"input_schema,omitzero"` // JSON Schema 2020-12, checked at start; null: anything
	Graph
}

// Graph is a set of nodes and the connections between them: the body of a workflow, of core.foreach and of
// core.repeat.
type Graph struct {
	Nodes       []Node       `json:"nodes"`
	Connections []Connection `json:"connections,omitempty"`
	Output      Value        `json:"output,omitzero"` // a template; null: made from the terminal nodes
}

// Node is one step of a workflow. The zero value of each optional field means its default.
type Node struct {
	ID          NodeID            `json:"id"`
	Type        string            `json:"type"`
	TypeVersion int               `json:"type_version,omitempty"` // 0: the newest
	Name        string            `json:"name,omitempty"`
	Notes       string            `json:"notes,omitempty"`
	Position    *Position         `json:"position,omitempty"`
	Disabled    bool              `json:"disabled,omitempty"` // its input passes on to "out"
	Pinned      *Value            `json:"pinned,omitempty"`   // its output in test runs, instead of running it
	Params      Value             `json:"params,omitzero"`    // an object; its strings are templates
	Credentials map[string]string `json:"credentials,omitempty"`

	Join         Join        `json:"join,omitempty"`
	Each         Value       `json:"each,omitzero"`           // a template that gives a list; null: runs once
	EachParallel int         `json:"each_parallel,omitempty"` // elements at a time; 0: DefaultParallel
	Retry        RetryPolicy `json:"retry,omitzero"`
	Timeout      Duration    `json:"timeout,omitempty"`      // of one attempt; 0: none
	NodeTimeout  Duration    `json:"node_timeout,omitempty"` // of all attempts and elements; 0: none
	OnError      OnError     `json:"on_error,omitempty"`
	Delivery     Delivery    `json:"delivery,omitempty"`
	Finally      bool        `json:"finally,omitempty"`
	Pool         string      `json:"pool,omitempty"` // pool of workers that runs it; empty: the run's
}

// DefaultFinallyTimeout bounds the finally nodes of a run, unless the document says.
const DefaultFinallyTimeout = time.Minute

// DefaultParallel is how many elements of an each or a foreach run at a time, unless the document says.
const DefaultParallel = 16

// Position is where a designer draws a node, in its own units.
type Position struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Connection carries what a node emits on a port to another node's input.
type Connection struct {
	From Endpoint `json:"from"`
	To   Endpoint `json:"to"`
}

// Join says when a node with several incoming connections runs.
type Join string

// The joins; the empty Join is JoinSettled.
const (
	JoinSettled Join = "settled" // once all have settled, if none failed and one at least was delivered
	JoinAll     Join = "all"     // once all were delivered
	JoinFirst   Join = "first"   // at the first delivery
)

// OnError says what a node's failure means for the run.
type OnError string

// What a failure may mean; the empty OnError is OnErrorFail.
const (
	OnErrorFail     OnError = "fail"     // the run fails
	OnErrorContinue OnError = "continue" // null is delivered on "out"
	OnErrorRoute    OnError = "route"    // the error is delivered on "error"
)

// Delivery says how often a node's effect may happen when workers are lost.
type Delivery string

// The deliveries; the empty Delivery is the node type's own, or else AtLeastOnce.
const (
	AtLeastOnce Delivery = "at_least_once"
	AtMostOnce  Delivery = "at_most_once"
)

// Settings are a workflow's wishes for its runs.
type Settings struct {
	Timeout        Duration `json:"timeout,omitempty"`         // of a whole run; 0: none
	FinallyTimeout Duration `json:"finally_timeout,omitempty"` // of the finally nodes; 0: DefaultFinallyTimeout
	MaxParallel    int      `json:"max_parallel,omitempty"`    // node runs at a time; 0: as many as the engine allows
	FailFast       *bool    `json:"fail_fast,omitempty"`       // nil: true
	OnFailure      string   `json:"on_failure,omitempty"`      // name of the workflow started with a failed run's facts
	Priority       int      `json:"priority,omitempty"`        // 1 (first) to 5; 0: 3
	Pool           string   `json:"pool,omitempty"`            // of the workers that run it, unless the start names one; empty: any of no pool

	Concurrency *Concurrency `json:"concurrency,omitempty"`
	Throttle    *Rate        `json:"throttle,omitempty"`   // delays runs above the rate
	RateLimit   *Rate        `json:"rate_limit,omitempty"` // rejects runs above the rate
	Debounce    *Debounce    `json:"debounce,omitempty"`
	Singleton   *Singleton   `json:"singleton,omitempty"`
	Batch       *Batch       `json:"batch,omitempty"`
}

// Concurrency bounds the runs of a workflow that are in progress at a time, per key.
type Concurrency struct {
	Limit               int     `json:"limit"`
	Key                 string  `json:"key,omitempty"` // a template over input
	OnLimit             OnLimit `json:"on_limit,omitempty"`
	ReleaseWhileWaiting bool    `json:"release_while_waiting,omitempty"`
}

// OnLimit says what happens to a run that finds its concurrency limit reached.
type OnLimit string

// What may happen at the limit; the empty OnLimit is OnLimitQueue.
const (
	OnLimitQueue         OnLimit = "queue"
	OnLimitReject        OnLimit = "reject"
	OnLimitCancelRunning OnLimit = "cancel_running"
)

// Rate is a number of starts in a period, per key.
type Rate struct {
	Limit  int      `json:"limit"`
	Period Duration `json:"period"`
	Key    string   `json:"key,omitempty"` // a template over input
}

// Debounce starts one run for a burst of starts, once none has come for Period.
type Debounce struct {
	Period Duration `json:"period"`
	Key    string   `json:"key,omitempty"` // a template over input
}

// Singleton lets one run per key be in progress; starting another answers the one there is.
type Singleton struct {
	Key string `json:"key,omitempty"` // a template over input
}

// Batch gathers inputs into a list and starts one run for them.
type Batch struct {
	Size   int      `json:"size"`
	Period Duration `json:"period,omitempty"`
	Key    string   `json:"key,omitempty"` // a template over input
}

// StopsAtFailure reports whether a failed node cancels the other branches.
func (s *Settings) StopsAtFailure() bool { return s.FailFast == nil || *s.FailFast }

// Secret is text that must not be seen: everything that formats or encodes it gives "[redacted]".
type Secret struct {
	text *string // a pointer, since fmt asks no method of a value in an unexported field
}

const redacted = "[redacted]"

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{text: &text} }

// Reveal gives the hidden text, for the one place that sends it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Format gives "[redacted]" for every verb of fmt.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String gives "[redacted]".
func (Secret) String() string { return redacted }

// MarshalText gives "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON gives "[redacted]".
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
