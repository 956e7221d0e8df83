// Package nodes is the contract between the engine and what it runs: a node type is one value, a Spec that
// says everything about it and a Node that does the work; a Registry is a set of them. It promises that a
// type checked here at save time meets the same checks when it runs. It runs nothing itself.
package nodes

import (
	"context"

	"github.com/flowforge-go/flowforge"
)

// Node does the work of one attempt. Execute is called by many goroutines at once and must return soon after
// ctx ends. What it returns is delivered on the ports of the node; an error fails the attempt, unless it is
// Await or Stop. Permanent, RetryAfter and NotDone say more about an error.
type Node interface {
	Execute(ctx context.Context, call *Call) (flowforge.Ports, error)
}

// Func is a function as a Node.
type Func func(ctx context.Context, call *Call) (flowforge.Ports, error)

// Execute calls the function.
func (f Func) Execute(ctx context.Context, call *Call) (flowforge.Ports, error) { return f(ctx, call) }

// Type is a node type: what it is and how it runs.
type Type struct {
	Spec Spec
	Node Node

	// Ports gives the output ports of a type whose parameters decide them, such as core.switch; nil: those of
	// the Spec. It sees parameters as written, templates included.
	Ports func(params flowforge.Value) []flowforge.Port

	// Check finds what the schema of the parameters cannot say; nil: nothing. It sees parameters as written,
	// templates included; its problems have pointers relative to the parameters.
	Check func(params flowforge.Value) flowforge.Problems

	// Reconcile finds out whether the effect of an attempt in doubt has happened: Ports if it has, an error made
	// with NotDone if it has not, any other error if it cannot tell; nil: only a person can.
	Reconcile Node
}

// Kind says what running a node means for durability.
type Kind string

// The kinds.
const (
	Pure      Kind = "pure"      // deterministic, no effect: may be run again instead of recorded
	Effectful Kind = "effectful" // reaches the world, or reads what may change
	Control   Kind = "control"   // steers the run: triggers, loops, waits
)

// Loop says that a control node repeats the graph in its Body parameter.
type Loop string

// The loops.
const (
	LoopForeach Loop = "foreach" // once for each element of the parameter "items"
	LoopRepeat  Loop = "repeat"  // until the parameter "until" holds
)

// Spec says everything about a node type that can be known without running it. It is the type's entry in
// the catalogue, its reference page and the form that a designer draws.
type Spec struct {
	Type     string             `json:"type"` // "family.verb", such as "http.request"
	Version  int                `json:"version"`
	Title    string             `json:"title"`
	Doc      string             `json:"doc"`      // Markdown; the first sentence stands alone
	Category string             `json:"category"` // "trigger", "flow", "data", "http" ...
	Icon     string             `json:"icon,omitempty"`
	Kind     Kind               `json:"kind"`
	Delivery flowforge.Delivery `json:"delivery,omitempty"` // empty: at_least_once

	// Transactional says that the node writes only to the database that runs are kept in, within a transaction that
	// it finds in its context: what it writes is committed with its result, or not at all. It has a second at most.
	Transactional bool `json:"transactional,omitempty"`

	Outputs     []PortSpec            `json:"outputs"`             // empty when defined: only "out"
	PicksOne    bool                  `json:"picks_one,omitempty"` // emits on one of its ports, never on several
	Params      flowforge.Value       `json:"params"`              // JSON Schema 2020-12
	Output      flowforge.Value       `json:"output"`              // JSON Schema of what "out" delivers; null: anything
	Credentials []CredentialSlot      `json:"credentials,omitempty"`
	Loop        Loop                  `json:"loop,omitempty"`
	Body        string                `json:"body,omitempty"`        // the parameter that holds a nested graph
	Expressions []ExpressionParam     `json:"expressions,omitempty"` // the parameters a node evaluates itself
	Examples    []Example             `json:"examples,omitempty"`
	Retry       flowforge.RetryPolicy `json:"retry,omitzero"` // used where the document has none
}

// PortSpec describes an output port.
type PortSpec struct {
	Name flowforge.Port `json:"name"`
	Doc  string         `json:"doc,omitempty"`
}

// CredentialSlot is a credential that a node takes: the key in the document's `credentials`.
type CredentialSlot struct {
	Name     string   `json:"name"`
	Types    []string `json:"types"` // credential types it can use: "bearer", "basic" ...
	Required bool     `json:"required,omitempty"`
	Doc      string   `json:"doc,omitempty"`
}

// ExpressionParam is a place in the parameters whose expression is not evaluated before the node runs, but by
// the node, once for each thing it looks at.
type ExpressionParam struct {
	Pointer string   `json:"pointer"`        // JSON pointer pattern into the parameters; a step "*" is any key or index
	Scope   []string `json:"scope"`          // names it may use beside the usual ones: "item", "index", "output"
	Path    bool     `json:"path,omitempty"` // plain text is allowed and names a field: "address.city"
}

// Example shows a use of the type; nodetest runs those with a Want.
type Example struct {
	Title  string          `json:"title"`
	Params flowforge.Value `json:"params"`
	Input  flowforge.Value `json:"input,omitzero"`
	Want   flowforge.Ports `json:"want,omitempty"`
}

// OutputPorts gives the output ports of a node with these parameters, in order.
func (t *Type) OutputPorts(params flowforge.Value) []flowforge.Port {
	if t.Ports != nil {
		return t.Ports(params)
	}
	if len(t.Spec.Outputs) == 0 {
		return []flowforge.Port{flowforge.PortOut}
	}
	ports := make([]flowforge.Port, len(t.Spec.Outputs))
	for i, port := range t.Spec.Outputs {
		ports[i] = port.Name
	}
	return ports
}
