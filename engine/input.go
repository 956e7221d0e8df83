package engine

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/nodes"
)

// callOf works out what a node is called with.
func (r *run) callOf(ctx context.Context, a *activity) (call *nodes.Call, err error) {
	call = &nodes.Call{
		Workspace: r.info.Workspace,
		Workflow:  r.info.Workflow.Name,
		Run:       r.info.ID,
		Node:      a.node.Doc.ID,
		Element:   a.path,
		Attempt:   a.attempts,
		KeyRun:    r.keyRun(a),
		Host:      a,
	}
	if call.Input, err = r.inputOf(a); err != nil {
		return nil, err
	}
	if a.node.Params != nil {
		if constant, is := a.node.Params.Constant(); is {
			call.Params = constant
		} else if call.Params, err = a.node.Params.Eval(ctx, r.env(a)); err != nil {
			return nil, nodes.Permanent(err)
		}
	}
	return call, nil
}

// inputOf gives what a node is called with: what its connections delivered, or the element of an each.
func (r *run) inputOf(a *activity) (flowforge.Value, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	input, err := r.inputUnder(a)
	a.input = input
	return input, err
}

// inputUnder is inputOf for who holds the lock.
func (r *run) inputUnder(a *activity) (flowforge.Value, error) {
	if a.ref.Element != dag.NoElement && a.node.Body == nil {
		return flowforge.Freeze(a.item)
	}
	return r.connectedUnder(a.frame, a.ref.Node), nil
}

// connected gives what the connections of a node delivered: the value of the only one, or of the winner
// under join first; of several an object keyed by source. A node without connections gets what its graph was
// called with.
func (r *run) connected(f *frame, i int32) flowforge.Value {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.connectedUnder(f, i)
}

// connectedUnder is connected for who holds the lock.
func (r *run) connectedUnder(f *frame, i int32) flowforge.Value {
	n := &f.graph.Nodes[i]
	if len(n.In) == 0 {
		return f.input
	}
	if len(n.In) == 1 {
		return f.delivered(n.In[0])
	}
	if n.Join == flowforge.JoinFirst {
		if winner := r.state.Winner(f.number, i); winner >= 0 {
			return f.delivered(n.In[winner])
		}
		return flowforge.Value{}
	}
	parts := make(map[string]flowforge.Value, len(n.In))
	for _, edge := range n.In {
		source := &f.graph.Nodes[edge.Node]
		if value, ok := f.results[edge.Node].ports.Get(source.Ports[edge.Port]); ok {
			parts[edge.Key] = value
		}
	}
	return flowforge.ObjectOf(parts)
}

func (f *frame) delivered(edge dag.Edge) flowforge.Value {
	value, _ := f.results[edge.Node].ports.Get(f.graph.Nodes[edge.Node].Ports[edge.Port])
	return value
}
