package engine

import (
	"slices"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// A node of another pool than those its run's owner serves is handed over: each attempt of it is a task, made by the
// owner and done by a worker of that pool. The worker decides nothing: what it tells, and that it was lost, goes to
// the plan of the run as what an attempt of the owner's own would.

// taskCall is what a task's node is called with, as it is kept. It holds the names of credentials, never secrets.
type taskCall struct {
	Workflow    string             `json:"workflow"`
	Pool        string             `json:"pool,omitempty"` // of the run, whose workers wait for the result
	Priority    int                `json:"priority"`       // of the run
	Attempt     int                `json:"attempt"`
	KeyRun      flowforge.RunID    `json:"key_run"`
	Input       flowforge.Value    `json:"input"`
	Params      flowforge.Value    `json:"params"`
	Timeout     flowforge.Duration `json:"timeout,omitempty"` // of the attempt
	AtMostOnce  bool               `json:"at_most_once,omitempty"`
	Credentials map[string]string  `json:"credentials,omitempty"` // names by slot
	ActsFor     string             `json:"acts_for,omitempty"`    // as the run
	Scope       *taskScope         `json:"scope,omitempty"`       // of a node that evaluates expressions itself
}

// taskScope is what the expressions see that a node evaluates itself.
type taskScope struct {
	Input   flowforge.Value     `json:"input"`
	Trigger flowforge.Value     `json:"trigger"`
	Vars    flowforge.Value     `json:"vars"`
	Run     flowforge.Value     `json:"run"`
	Item    flowforge.Value     `json:"item"`
	Index   int                 `json:"index"`
	Nodes   map[string]nodeView `json:"nodes,omitempty"` // those that the expressions name
	Sources []string            `json:"sources"`         // the expressions: no other text is evaluated
}

// nodeView is what expressions see of a node.
type nodeView struct {
	Output flowforge.Value `json:"output"`
	Error  flowforge.Value `json:"error"`
	Errors flowforge.Value `json:"errors"`
}

// Node gives what a node came to.
func (s *taskScope) Node(id string) expr.NodeView {
	view := s.Nodes[id]
	return expr.NodeView{Output: view.Output, Error: view.Error, Errors: view.Errors}
}

// taskOutcome is what came of a task's attempt.
type taskOutcome struct {
	Output    flowforge.Ports    `json:"output,omitempty"`
	Error     *flowforge.Failure `json:"error,omitempty"`
	Permanent bool               `json:"permanent,omitempty"` // as nodes.Advice
	NotDone   bool               `json:"not_done,omitempty"`
	After     time.Duration      `json:"after,omitempty"`
	Await     *nodes.Await       `json:"await,omitempty"` // the error was this
	Stop      *nodes.Stop        `json:"stop,omitempty"`  // or this
	Lost      bool               `json:"lost,omitempty"`  // the worker that had the attempt was lost
	InDoubt   bool               `json:"in_doubt,omitempty"`
	Logs      []store.LogLine    `json:"logs,omitempty"`
}

// outcomeOf tells what an attempt came to.
func outcomeOf(ports flowforge.Ports, err error) taskOutcome {
	if err == nil {
		return taskOutcome{Output: ports}
	}
	advice := nodes.AdviceOf(err)
	return taskOutcome{
		Error: nodes.FailureOf(err), Permanent: advice.Permanent, NotDone: advice.NotDone, After: advice.After,
	}
}

// err gives the error that the node returned, as far as it was kept.
func (o *taskOutcome) err() error {
	switch {
	case o.Await != nil:
		return o.Await
	case o.Stop != nil:
		return o.Stop
	case o.Error == nil:
		return nil
	}
	err := nodes.Failed(o.Error.Code, o.Error.Details, "%s", o.Error.Message)
	if o.Permanent {
		err = nodes.Permanent(err)
	}
	if o.NotDone {
		err = nodes.NotDone(err)
	}
	if o.After > 0 {
		err = nodes.RetryAfter(err, o.After)
	}
	return err
}

// handed is an attempt that is a task, as the journal keeps it.
type handed struct {
	ID flowforge.TaskID `json:"task"`
	At dag.Ref          `json:"at"`
}

// serves reports whether this engine runs nodes of a pool itself. One that alone has its store runs all.
func (e *Engine) serves(pool string) bool {
	return pool == "" || e.alone || slices.Contains(e.config.Pools, pool)
}

// has reports whether an expression is one of the node's.
func (s *taskScope) has(source string) bool {
	_, found := slices.BinarySearch(s.Sources, source)
	return found
}

// isForOthers reports whether attempts of the node are handed to another pool. What steers the run, and what writes
// in the transaction of the run, stays with it.
func (a *activity) isForOthers() bool {
	spec := &a.node.Type.Spec
	return !a.run.engine.serves(a.node.Doc.Pool) && spec.Kind != nodes.Control && !spec.Transactional && !a.passesOn()
}

// taskOf makes the task of an attempt that is about to be handed over.
func (r *run) taskOf(a *activity, call *nodes.Call) (store.Task, error) {
	spec := &a.node.Type.Spec
	kept := taskCall{
		Workflow: call.Workflow, Pool: r.info.Pool, Priority: r.info.Priority, Attempt: call.Attempt, KeyRun: call.KeyRun,
		Input: call.Input, Params: call.Params, Timeout: a.node.Doc.Timeout, AtMostOnce: a.atMostOnce(),
		Credentials: a.node.Doc.Credentials, ActsFor: r.info.ActsFor,
	}
	var err error
	if kept.Scope, err = r.scopeOf(a); err != nil {
		return store.Task{}, err
	}
	value, err := flowforge.ValueOf(kept)
	if err != nil {
		return store.Task{}, err
	}
	return store.Task{
		ID: flowforge.TaskID(r.engine.config.NewID()), Workspace: r.info.Workspace, Run: r.info.ID, Node: a.key(),
		Pool: a.node.Doc.Pool, NodeType: spec.Type + "@" + strconv.Itoa(spec.Version), Call: value,
	}, nil
}

// scopeOf gives what a node's own expressions see; nil where it has none.
func (r *run) scopeOf(a *activity) (*taskScope, error) {
	if len(a.node.Lambda) == 0 {
		return nil, nil //nolint:nilnil // It has none, and that is no fault.
	}
	env := r.env(a)
	item, err := flowforge.Freeze(env.Item)
	if err != nil {
		return nil, err
	}
	scope := &taskScope{
		Input: env.Input, Trigger: env.Trigger, Vars: env.Vars, Run: env.Run, Item: item, Index: env.Index,
		Nodes: make(map[string]nodeView),
	}
	for source, program := range a.node.Lambda {
		scope.Sources = append(scope.Sources, source)
		for _, reference := range program.Refs() {
			view := env.Nodes.Node(reference.Node)
			scope.Nodes[reference.Node] = nodeView{Output: view.Output, Error: view.Error, Errors: view.Errors}
		}
	}
	slices.Sort(scope.Sources)
	return scope, nil
}
