package engine

import (
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/nodes"
)

// gather is what the elements of a loop work on and what came of them.
type gather struct {
	items    []any             // of an each or a foreach
	input    flowforge.Value   // of the loop
	previous flowforge.Value   // output of a repeat's last pass
	last     int               // most passes of a repeat
	done     []flowforge.Ports // what each element emitted
	failures []elementFailure  // in no order
	recorded bool              // what was gathered is not recorded: the elements are
	ended    int32
}

// count gives how many elements there are; of a repeat how many passes there may be.
func (g *gather) count() int32 {
	return int32(max(len(g.items), g.last)) //nolint:gosec // At most maxElements.
}

// elementFailure is an element of `errors`.
type elementFailure struct {
	Index int                `json:"index"`
	Error *flowforge.Failure `json:"error"`
}

// next gives what the next pass through a body begins with.
func (g *gather) next(a *activity) flowforge.Value {
	if a.node.Loop == nodes.LoopRepeat {
		return g.previous
	}
	item, err := flowforge.Freeze(a.item)
	if err != nil {
		return flowforge.Value{} // it is part of a value
	}
	return item
}

// expand finds the elements of a loop.
func (r *run) expand(a *activity) dag.Event {
	r.mu.Lock()
	stopped := a.stopped
	if a.attempts++; a.began.IsZero() {
		a.began = r.engine.now()
	}
	r.note(a, flowforge.EventNodeStarted, a.began, nil)
	r.mu.Unlock()
	if stopped {
		return dag.Event{Kind: dag.Canceled, At: a.ref}
	}
	if a.passesOn() {
		a.ports = flowforge.Out(*a.node.Doc.Pinned) // a disabled node is no loop
		return dag.Event{Kind: dag.Succeeded, At: a.ref, Ports: []int32{a.node.Port(flowforge.PortOut)}}
	}
	g, parallel, err := r.elements(a)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		a.failure = r.failureOf(a, err)
		return dag.Event{Kind: dag.Failed, At: a.ref, Code: a.failure.Code, Permanent: true}
	}
	r.gatherFor(a, g)
	if !a.node.LoopDeterministic() {
		r.noteEntry(entryItems, items{At: a.ref, List: flowforge.MustValue(g.items), Last: g.last})
	}
	if a.node.Doc.NodeTimeout > 0 {
		r.recordNode(flowforge.NodeRun{
			Node: a.node.Doc.ID, Element: a.path, Status: flowforge.NodeRunning, Attempts: a.attempts, StartedAt: a.began,
		})
	}
	return dag.Event{Kind: dag.Expanded, At: a.ref, Count: g.count(), Parallel: parallel}
}

// gatherFor keeps what the elements of a loop work on.
func (r *run) gatherFor(a *activity, g *gather) {
	if a.frame.gathers == nil {
		a.frame.gathers = make(map[int32]*gather)
	}
	a.frame.gathers[a.ref.Node] = g
}

// elements evaluates what a loop runs over.
func (r *run) elements(a *activity) (*gather, int32, error) {
	env := r.env(a)
	g := &gather{input: env.Input, previous: env.Input}
	n := a.node
	if a.list != nil {
		g.items, _ = a.list.List.Any().([]any)
		g.last, g.done = a.list.Last, make([]flowforge.Ports, max(len(g.items), min(a.list.Last, 1)))
		return g, 0, nil
	}
	if n.Loop == nodes.LoopRepeat {
		most, err := n.Max.Eval(a.frame.ctx, env)
		if err != nil {
			return nil, 0, err
		}
		limit, ok := most.Any().(int64)
		if !ok || limit < 1 || limit > maxElements {
			return nil, 0, flowforge.Errorf(flowforge.CodeInvalidParams,
				"max of %s must be a whole number from 1 to %d, not %s", a.title(), maxElements, shorten(most))
		}
		g.last, g.done = int(limit), make([]flowforge.Ports, 1)
		return g, 1, nil
	}
	list, err := n.Each.Eval(a.frame.ctx, env)
	if err != nil {
		return nil, 0, err
	}
	items, ok := list.Any().([]any)
	if !ok {
		return nil, 0, flowforge.Errorf(flowforge.CodeEachNotList, "%s can only run over a list, not over %s", a.title(), shorten(list))
	}
	if len(items) > maxElements {
		return nil, 0, flowforge.Errorf(flowforge.CodeValueTooLarge,
			"%s can run over %d elements at most, not %d", a.title(), maxElements, len(items))
	}
	g.items, g.done = items, make([]flowforge.Ports, len(items))
	parallel, err := r.width(a)
	return g, parallel, err
}

// maxElements bounds the elements of one loop.
const maxElements = 10_000_000

// width evaluates how many elements of a foreach run at a time.
func (r *run) width(a *activity) (int32, error) {
	if a.node.Width == nil {
		return 0, nil
	}
	given, err := a.node.Width.Eval(a.frame.ctx, r.env(a))
	if err != nil {
		return 0, err
	}
	parallel, ok := given.Any().(int64)
	if !ok || parallel < 1 || parallel > maxElements {
		return 0, flowforge.Errorf(flowforge.CodeInvalidParams,
			"parallel of %s must be a whole number of at least 1, not %s", a.title(), shorten(given))
	}
	return int32(parallel), nil
}

func shorten(v flowforge.Value) string {
	const limit = 60
	text := []rune(v.String())
	if len(text) > limit {
		return string(text[:limit]) + "…"
	}
	return string(text)
}

// tellElements is how many elements of a loop end at least between two events that tell of them.
const tellElements int32 = 100

// elementEnded keeps what an element came to.
func (r *run) elementEnded(a *activity, status flowforge.NodeStatus) {
	g := a.frame.gathers[a.ref.Node]
	if g == nil {
		return
	}
	g.ended++
	if step := max(tellElements, g.count()/100); g.ended%step == 0 {
		r.record(flowforge.Event{
			Kind: flowforge.EventNodeElements, Node: a.node.Doc.ID, Element: a.frame.path,
			Data: flowforge.MustValue(map[string]any{"done": g.ended, "failed": len(g.failures), "total": g.count()}),
		})
	}
	switch {
	case status == flowforge.NodeFailed:
		g.failures = append(g.failures, elementFailure{Index: a.index, Error: a.failure})
	case status == flowforge.NodeSucceeded && a.node.Loop == nodes.LoopRepeat:
		g.done[0] = a.ports
	case status == flowforge.NodeSucceeded:
		g.done[a.ref.Element] = a.ports
	}
}

// firstFailure gives the failure of the first element, in the order of the list, that failed.
func (g *gather) firstFailure() *flowforge.Failure {
	if g == nil || len(g.failures) == 0 {
		return nil
	}
	return slices.MinFunc(g.failures, func(a, b elementFailure) int { return a.Index - b.Index }).Error
}

// collect gathers what the elements of a loop emitted: on each port the list of it in the order of the
// elements. A port that no element emitted on gets nothing, unless there were no elements.
func (r *run) collect(a *activity) dag.Event {
	r.mu.Lock()
	g := a.frame.gathers[a.ref.Node]
	r.mu.Unlock()
	ports, failures := g.gathered(a.node)
	r.mu.Lock()
	defer r.mu.Unlock()
	a.ports, a.errors = ports, failures
	emitted, err := portsOf(a.node, ports)
	if err != nil {
		return r.failed(a, err)
	}
	return dag.Event{Kind: dag.Succeeded, At: a.ref, Ports: emitted}
}

// gathered makes the ports of a loop of what its elements emitted.
func (g *gather) gathered(n *dag.Node) (ports flowforge.Ports, failures flowforge.Value) {
	if n.Loop == nodes.LoopRepeat {
		return g.done[0], flowforge.Value{}
	}
	failures = g.errors()
	for i, port := range n.Ports {
		routed := n.OnError == flowforge.OnErrorRoute && i == len(n.Ports)-1
		if routed {
			if len(g.failures) > 0 {
				ports = append(ports, flowforge.PortValue{Port: port, Value: failures})
			}
			continue
		}
		list := g.list(port, n.OnError == flowforge.OnErrorContinue && port == flowforge.PortOut)
		if len(list) == 0 && len(g.done) > 0 {
			continue
		}
		ports = append(ports, flowforge.PortValue{Port: port, Value: flowforge.ListOf(list)})
	}
	return ports, failures
}

// errors gives the failures of elements, in the order of the list; null where there are none.
func (g *gather) errors() flowforge.Value {
	if len(g.failures) == 0 {
		return flowforge.Value{}
	}
	slices.SortFunc(g.failures, func(a, b elementFailure) int { return a.Index - b.Index })
	failures, err := flowforge.ValueOf(g.failures)
	if err != nil {
		return flowforge.Value{} // it is made of JSON
	}
	return failures
}

// list gives what the elements emitted on a port; with holes, null stands for those that failed.
func (g *gather) list(port flowforge.Port, holes bool) []flowforge.Value {
	var list []flowforge.Value
	failed := g.failures
	for i, emitted := range g.done {
		value, ok := emitted.Get(port)
		switch {
		case ok:
			list = append(list, value)
		case holes && len(failed) > 0 && failed[0].Index == i:
			list = append(list, flowforge.Value{})
		}
		for len(failed) > 0 && failed[0].Index <= i {
			failed = failed[1:]
		}
	}
	return list
}
