package engine

import (
	"context"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// frame is one pass through a graph: the data beside the plan's own frame of that number.
type frame struct {
	number int32
	graph  *dag.Graph
	outer  *frame
	owner  dag.Ref // the element it is a pass for

	path   string          // of its nodes: the element path
	item   any             // `item` in its expressions
	index  int             // `index`
	input  flowforge.Value // of the nodes it begins with
	ctx    context.Context //nolint:containedctx // The parent of its attempts.
	cancel context.CancelCauseFunc

	results []result
	readers []int32 // how many nodes may still read each output
	failure *flowforge.Failure
	gathers map[int32]*gather
	finals  bool      // its finally nodes run
	until   time.Time // when they are to end, of a run that is being resumed
	timer   *alarm    // of those, in a body
}

// result is what a node came to.
type result struct {
	succeeded bool
	ports     flowforge.Ports
	failure   *flowforge.Failure
	errors    flowforge.Value // of the elements that failed
	sourced   bool            // the record of a node that it was delivered to refers to it
}

func newFrame(number int32, graph *dag.Graph, outer *frame, owner dag.Ref) *frame {
	f := &frame{
		number:  number,
		graph:   graph,
		outer:   outer,
		owner:   owner,
		results: make([]result, len(graph.Nodes)),
		readers: make([]int32, len(graph.Nodes)),
	}
	for i := range graph.Nodes {
		f.readers[i] = graph.Nodes[i].Readers
	}
	return f
}

// activity is a node run, or an element of one, that has begun and not ended.
type activity struct {
	run   *run
	frame *frame
	ref   dag.Ref
	node  *dag.Node

	path     string // the element path
	item     any
	index    int
	input    flowforge.Value // of the latest attempt
	attempts int
	losses   int       // of the attempts
	began    time.Time // the first attempt
	ports    flowforge.Ports
	failure  *flowforge.Failure
	errors   flowforge.Value
	advice   nodes.Advice

	cancel    context.CancelCauseFunc // ends the attempt that is being made; nil: none is
	done      context.CancelCauseFunc // lets go of a context of its own; nil: it has the frame's
	timer     *alarm                  // of a timeout, a backoff or a wait
	limit     *alarm                  // of node_timeout
	patience  *alarm                  // until a stopped attempt is abandoned
	awaits    *awaited                // what it waits for; nil: it does not
	child     *store.NewRun           // what it is about to start
	task      *handed                 // its attempt is a task; nil: it is not
	doubt     *flowforge.Failure      // why its effect may or may not have happened; nil: there is no doubt
	due       jobKind                 // what the plan last asked for, while the run is being resumed
	pass      *frame                  // that has ended, and whose output is to be made
	list      *items                  // what the journal says the loop runs over
	effect    bool                    // its start was recorded
	copied    bool                    // its result is that of the run that this one retries
	stopped   bool                    // asked to stop
	expired   bool                    // asked to stop because of node_timeout
	abandoned bool
}

func (a *activity) stopTimers() {
	for _, timer := range []*alarm{a.timer, a.limit, a.patience} {
		timer.stop()
	}
	a.timer, a.limit, a.patience = nil, nil, nil
}

// activityAt finds the activity of a node run, or makes one.
func (r *run) activityAt(ref dag.Ref) *activity {
	if a := r.live[ref]; a != nil {
		return a
	}
	f := r.frames[ref.Frame]
	a := &activity{run: r, frame: f, ref: ref, node: &f.graph.Nodes[ref.Node], path: f.path, item: f.item, index: f.index}
	if ref.Element != dag.NoElement {
		a.index = int(ref.Element)
		a.path = elementPath(f.path, a.index)
		if g := f.gathers[ref.Node]; g != nil && g.items != nil {
			a.item = g.items[ref.Element]
		}
	} else if r.past == nil {
		r.limitNode(a, r.engine.now())
	}
	r.live[ref] = a
	return a
}

// limitNode sets the alarm of a node's node_timeout.
func (r *run) limitNode(a *activity, began time.Time) {
	if limit := a.node.Doc.NodeTimeout.Std(); limit > 0 && a.ref.Element == dag.NoElement {
		a.limit = r.engine.alarmAt(began.Add(limit), func() { r.expire(a) })
	}
}

// key names the activity's record.
func (a *activity) key() store.NodeKey { return store.NodeKey{Node: a.node.Doc.ID, Element: a.path} }

func elementPath(outer string, index int) string {
	if outer == "" {
		return strconv.Itoa(index)
	}
	return outer + "/" + strconv.Itoa(index)
}

// expire tells the plan that a node took too long.
func (r *run) expire(a *activity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live[a.ref] != a {
		return
	}
	a.expired = true
	r.apply(dag.Event{Kind: dag.TimedOut, At: a.ref})
	r.kick()
}

// enter begins a pass through the body of a loop.
func (r *run) enter(action dag.Action) {
	a := r.activityAt(action.At)
	a.attempts, a.began = 1, r.now
	f := newFrame(action.Frame, a.node.Body, a.frame, action.At)
	f.path, f.item, f.index = a.path, a.item, a.index
	f.ctx, f.cancel = context.WithCancelCause(a.frame.ctx)
	f.input = a.frame.gathers[action.At.Node].next(a)
	r.frames[action.Frame] = f
}

// leave ends a pass through the body of a loop.
func (r *run) leave(action dag.Action) {
	f := r.frames[action.Frame]
	f.timer.stop()
	a := r.activityAt(action.At)
	if action.Status == flowforge.NodeSucceeded {
		a.pass = f
		r.ask(a, jobLeave)
		return
	}
	a.failure = f.failure
	r.dropFrame(f)
}

// dropFrame lets go of a pass that has ended, and of the outputs that were kept for its own.
func (r *run) dropFrame(f *frame) {
	f.cancel(nil)
	delete(r.frames, f.number)
	for i := range f.results {
		if isLarge(f.results[i].ports) {
			r.pending.drop(f.graph.Nodes[i].Doc.ID, f.path)
		}
	}
}

// release lets go of the outputs that a node, now ended, was the last to read, and of its own if none will.
func (r *run) release(f *frame, i int32) {
	n := &f.graph.Nodes[i]
	for _, read := range n.Reads {
		if f.readers[read]--; f.readers[read] == 0 {
			r.drop(f, read)
		}
	}
	if n.Readers == 0 {
		r.drop(f, i)
	}
}

func (r *run) drop(f *frame, i int32) {
	if f.graph.Nodes[i].Kept || f.results[i].ports == nil {
		return
	}
	large := isLarge(f.results[i].ports)
	f.results[i].ports = nil
	if large && !f.results[i].sourced {
		r.pending.drop(f.graph.Nodes[i].Doc.ID, f.path)
	}
}
