package dag_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
)

// world is what a State acts on: it knows what is to be answered, and notices each action that breaks a promise.
type world struct {
	state  *dag.State
	frames map[int32]*dag.Graph // those that have not ended
	graphs map[int32]*dag.Graph // all, for names
	runs   map[dag.Ref]*nodeRun
	open   map[dag.Ref]task // what is being done
	done   flowforge.RunStatus
	broken []string
}

// nodeRun is what happened to a node run so far.
type nodeRun struct {
	status         flowforge.NodeStatus
	reason         flowforge.Reason
	code           flowforge.Code
	begun          int // times it left pending
	failures, lost int
	parallel, most int32 // elements running and allowed, of a loop
}

// task is what a node run waits for.
type task struct {
	kind    dag.ActionKind // Run, Expand, Collect, Retry or Leave
	waiting bool           // for something outside, after Run
	stopped bool
	frame   int32
}

func newWorld(graph *dag.Graph) *world {
	w := &world{
		state: dag.NewState(graph), frames: make(map[int32]*dag.Graph), graphs: make(map[int32]*dag.Graph),
		runs: make(map[dag.Ref]*nodeRun), open: make(map[dag.Ref]task),
	}
	w.enter(0, graph)
	return w
}

func (w *world) enter(frame int32, graph *dag.Graph) {
	w.frames[frame], w.graphs[frame] = graph, graph
	for i := range graph.Nodes {
		w.runs[dag.Ref{Frame: frame, Node: int32(i), Element: dag.NoElement}] = &nodeRun{status: flowforge.NodePending}
	}
}

func (w *world) breaksf(format string, args ...any) {
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

// start begins the run.
func (w *world) start() []dag.Action { return w.check(w.state.Start()) }

// apply tells the state of an event, which may make no sense.
func (w *world) apply(e dag.Event) []dag.Action {
	over := w.done != ""
	w.notice(e)
	actions := w.state.Apply(e)
	if over && len(actions) > 0 {
		w.breaksf("%v follows the end of the run", actions)
	}
	return w.check(actions)
}

// notice takes away what an event answers.
func (w *world) notice(e dag.Event) {
	t, is := w.open[e.At]
	run := w.runs[e.At]
	if !is || e.Kind > dag.StopRun {
		return
	}
	loop := t.kind != dag.Run && t.kind != dag.Retry
	switch {
	case e.Kind == dag.TimedOut, t.kind == dag.Retry && e.Kind != dag.TimerFired, t.kind != dag.Retry && e.Kind == dag.TimerFired,
		e.Kind == dag.Expanded && t.kind != dag.Expand,
		loop && slices.Contains([]dag.EventKind{dag.Lost, dag.Waiting, dag.StopRun}, e.Kind),
		t.waiting && e.Kind != dag.Succeeded && e.Kind != dag.Failed && e.Kind != dag.Lost:
		return // it does not fit
	case e.Kind == dag.Waiting && !t.stopped:
		t.waiting = true
		w.open[e.At] = t
		w.become(e.At, flowforge.NodeWaiting)
		return
	case e.Kind == dag.Lost:
		run.lost++
	case (e.Kind == dag.Failed || e.Kind == dag.Canceled) && !t.stopped:
		run.failures++
	case e.Kind == dag.Expanded:
		node := &w.frames[e.At.Frame].Nodes[e.At.Node]
		if run.most = node.Parallel; e.Parallel > 0 && node.Until == nil && node.Max == nil {
			run.most = e.Parallel
		}
	}
	delete(w.open, e.At)
}

// check notes what is to be done now.
func (w *world) check(actions []dag.Action) []dag.Action {
	for _, a := range actions {
		if w.done != "" {
			w.breaksf("%s follows Done", action(a, w))
			return actions
		}
		w.act(a)
	}
	return actions
}

func (w *world) act(a dag.Action) {
	switch a.Kind {
	case dag.Run, dag.Expand:
		w.begin(a)
	case dag.Collect:
		w.ask(a.At, task{kind: dag.Collect})
	case dag.Retry:
		w.become(a.At, flowforge.NodeRetrying)
		w.ask(a.At, task{kind: dag.Retry})
		if run := w.runs[a.At]; int(a.Failures) != run.failures {
			w.breaksf("%s after %d failures", action(a, w), run.failures)
		}
	case dag.Stop:
		w.stop(a)
	case dag.Enter:
		w.element(a.At)
		if w.frames[a.Frame] != nil {
			w.breaksf("%s: the frame is there", action(a, w))
		}
		w.become(a.At, flowforge.NodeRunning)
		w.enter(a.Frame, w.frames[a.At.Frame].Nodes[a.At.Node].Body)
	case dag.Leave:
		w.leave(a.Frame)
		if a.Status == flowforge.NodeSucceeded {
			w.ask(a.At, task{kind: dag.Leave, frame: a.Frame})
		}
	case dag.Ended:
		w.ended(a)
	case dag.Finally:
		w.finally(a.Frame)
	case dag.Done:
		w.leave(0)
		w.done = a.RunStatus
		if len(w.open) > 0 || len(w.frames) > 0 {
			w.breaksf("done with %v open and %d frames", w.open, len(w.frames))
		}
	}
}

func (w *world) begin(a dag.Action) {
	if a.At.Element != dag.NoElement && w.runs[a.At] == nil {
		w.element(a.At)
	}
	if w.become(a.At, flowforge.NodeRunning) {
		w.ask(a.At, task{kind: a.Kind})
	}
}

// element notes that an element of a loop begins.
func (w *world) element(at dag.Ref) {
	loop := w.runs[dag.Ref{Frame: at.Frame, Node: at.Node, Element: dag.NoElement}]
	if w.runs[at] != nil || loop == nil || loop.status != flowforge.NodeRunning {
		w.breaksf("element %v begins again or in no loop", at)
		return
	}
	w.runs[at] = &nodeRun{status: flowforge.NodePending}
	if loop.parallel++; loop.parallel > loop.most {
		w.breaksf("%d elements of %v at a time", loop.parallel, at)
	}
}

func (w *world) ask(at dag.Ref, t task) {
	if _, is := w.open[at]; is {
		w.breaksf("%v is asked for while something is done for it", at)
	}
	w.open[at] = t
}

// become moves a node run on; being ready is passed by.
func (w *world) become(at dag.Ref, next flowforge.NodeStatus) bool {
	run := w.runs[at]
	if run == nil {
		w.breaksf("%v is not there", at)
		return false
	}
	if run.status == flowforge.NodePending && next == flowforge.NodeRunning {
		run.status = flowforge.NodeReady
		run.begun++
	}
	if !run.status.CanBecome(next) && (run.status != next || next != flowforge.NodeRunning) {
		w.breaksf("%v goes from %s to %s", at, run.status, next)
	}
	run.status = next
	return true
}

func (w *world) stop(a dag.Action) {
	t, is := w.open[a.At]
	if !is || t.stopped {
		w.breaksf("%s: nothing is to be stopped", action(a, w))
	}
	if t.stopped = true; t.kind == dag.Retry || t.waiting {
		delete(w.open, a.At)
		return
	}
	w.open[a.At] = t
}

func (w *world) ended(a dag.Action) {
	if _, is := w.open[a.At]; is {
		w.breaksf("%s while something is done for it", action(a, w))
	}
	w.become(a.At, a.Status)
	run := w.runs[a.At]
	run.reason, run.code = a.Reason, a.Code
	node := &w.frames[a.At.Frame].Nodes[a.At.Node]
	switch {
	case !a.Status.Terminal():
		w.breaksf("%s is no end", action(a, w))
	case (a.Reason != "") != (a.Status == flowforge.NodeSkipped || a.Status == flowforge.NodeCanceled):
		w.breaksf("%s: a reason is for what was skipped or canceled", action(a, w))
	case run.failures > max(node.Retry.MaxAttempts, 1):
		w.breaksf("%s after %d failures", action(a, w), run.failures)
	}
	if a.At.Element != dag.NoElement {
		w.runs[dag.Ref{Frame: a.At.Frame, Node: a.At.Node, Element: dag.NoElement}].parallel--
		return
	}
	for at, element := range w.runs {
		if at.Frame == a.At.Frame && at.Node == a.At.Node && !element.status.Terminal() {
			w.breaksf("%s before its element %d", action(a, w), at.Element)
		}
	}
}

func (w *world) finally(frame int32) {
	for i := range w.frames[frame].Nodes {
		run := w.runs[dag.Ref{Frame: frame, Node: int32(i), Element: dag.NoElement}]
		if final := w.frames[frame].Nodes[i].Doc.Finally; !final && !run.status.Terminal() || final && run.begun > 0 {
			w.breaksf("finally of %d begins while node %d is %s", frame, i, run.status)
		}
	}
}

// leave checks that a frame has ended and forgets it.
func (w *world) leave(frame int32) {
	for i := range w.frames[frame].Nodes {
		if run := w.runs[dag.Ref{Frame: frame, Node: int32(i), Element: dag.NoElement}]; !run.status.Terminal() || run.begun > 1 {
			w.breaksf("frame %d is left while node %d is %s", frame, i, run.status)
		}
	}
	delete(w.frames, frame)
}

// tasks gives what can be answered, in an order that depends on nothing else.
func (w *world) tasks() []dag.Ref {
	return slices.SortedFunc(maps.Keys(w.open), func(a, b dag.Ref) int {
		return slices.Compare([]int32{a.Frame, a.Node, a.Element}, []int32{b.Frame, b.Node, b.Element})
	})
}
