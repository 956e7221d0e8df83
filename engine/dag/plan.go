package dag

import (
	"slices"

	"github.com/flowforge-go/flowforge"
)

// Apply takes an event and answers with what follows. The answer is valid until the next call.
func (s *State) Apply(e Event) []Action {
	s.actions = s.actions[:0]
	if s.done {
		return nil
	}
	switch e.Kind {
	case CancelRun:
		s.endRun(flowforge.RunCanceled, flowforge.ReasonRunCanceled)
	case TimeOutRun:
		s.endRun(flowforge.RunTimedOut, flowforge.ReasonRunTimedOut)
	case TimeOutFinally:
		if f := s.frame(e.At.Frame); f != nil {
			s.endFinally(f, flowforge.ReasonRunTimedOut)
		}
	default:
		if f := s.frameOf(e.At); f != nil {
			s.applyTo(f, e)
		}
	}
	return s.actions
}

// frameOf finds the frame of a node run; nil where there is no such node run.
func (s *State) frameOf(at Ref) *frame {
	f := s.frame(at.Frame)
	if f == nil || at.Node < 0 || int(at.Node) >= len(f.nodes) {
		return nil
	}
	return f
}

func (s *State) applyTo(f *frame, e Event) {
	if e.At.Element != NoElement {
		if l := f.loops[e.At.Node]; l != nil && l.active[e.At.Element] != nil {
			s.elementEvent(f, e, l, l.active[e.At.Element])
		}
		return
	}
	n := &f.nodes[e.At.Node]
	if n.status == pending || n.status.terminal() {
		return
	}
	if l := f.loops[e.At.Node]; l == nil {
		s.nodeEvent(f, e, n)
	} else if e.Kind == TimedOut && !l.canceled {
		n.expired = true
		s.stopLoop(f, e.At.Node, l)
	}
}

// nodeEvent applies an event to a node that is not a loop with elements.
func (s *State) nodeEvent(f *frame, e Event, n *nodeState) {
	i := e.At.Node
	spec := &f.graph.Nodes[i]
	switch e.Kind {
	case TimedOut:
		s.expire(f, e.At, n)
		return
	case Expanded:
		switch {
		case !spec.IsLoop():
		case n.status == running:
			s.beginLoop(f, e)
		case n.status == stopping:
			s.cancelNode(f, i)
		}
		return
	default:
	}
	switch end, code := s.judge(e, spec, &n.try); end {
	case succeeded:
		if e.Kind == StopRun {
			s.stopRun(f, i)
			return
		}
		s.succeed(f, i, e.Ports)
	case failed:
		s.fail(f, i, code)
	case canceled:
		s.cancelNode(f, i)
	default:
	}
}

// enter starts what a frame begins with.
func (s *State) enter(f *frame) {
	for _, root := range f.graph.Roots {
		s.activate(f, root)
	}
	s.checkFrame(f)
}

func (s *State) activate(f *frame, i int32) {
	f.nodes[i].status = running
	kind := Run
	if f.graph.Nodes[i].IsLoop() {
		kind = Expand
	}
	s.act(Action{Kind: kind, At: Ref{f.number, i, NoElement}})
}

// stopRun ends a node as succeeded and the run with it.
func (s *State) stopRun(f *frame, i int32) {
	s.terminate(f, i, succeeded, "", "")
	s.settle(f, settlement{node: i, outcome: notTaken})
	s.endRun(flowforge.RunSucceeded, flowforge.ReasonRunStopped)
	s.checkFrame(f)
}

func (s *State) succeed(f *frame, i int32, ports []int32) {
	s.terminate(f, i, succeeded, "", "")
	s.settle(f, settlement{node: i, ports: ports, outcome: notTaken})
	s.checkFrame(f)
}

// fail ends a node as failed and does what its on_error says. The code is that of a failure nobody reported.
func (s *State) fail(f *frame, i int32, code flowforge.Code) {
	n := &f.graph.Nodes[i]
	s.terminate(f, i, failed, "", code)
	switch n.OnError {
	case flowforge.OnErrorContinue:
		s.settle(f, settlement{node: i, ports: []int32{n.Port(flowforge.PortOut)}, outcome: notTaken})
	case flowforge.OnErrorRoute:
		s.settle(f, settlement{node: i, ports: []int32{n.Port(flowforge.PortError)}, outcome: notTaken})
	case flowforge.OnErrorFail:
		f.failed = true
		s.settle(f, settlement{node: i, outcome: failedUp})
		if f.graph.FailFast && !n.Doc.Finally {
			s.cancelFrame(f, flowforge.ReasonFailFast)
		}
	}
	s.checkFrame(f)
}

// cancelNode ends a node that was asked to stop, and has.
func (s *State) cancelNode(f *frame, i int32) {
	if f.nodes[i].expired {
		s.fail(f, i, flowforge.CodeNodeTimeout)
		return
	}
	s.terminate(f, i, canceled, f.reason, "")
	s.checkFrame(f)
}

// terminate ends a node.
func (s *State) terminate(f *frame, i int32, end status, reason flowforge.Reason, code flowforge.Code) {
	f.nodes[i].status = end
	delete(f.loops, i)
	if f.graph.Nodes[i].Doc.Finally {
		f.openFinals--
	} else {
		f.open--
	}
	s.act(Action{Kind: Ended, At: Ref{f.number, i, NoElement}, Status: end.public(), Reason: reason, Code: code})
}

func (s status) public() flowforge.NodeStatus {
	switch s {
	case succeeded:
		return flowforge.NodeSucceeded
	case failed:
		return flowforge.NodeFailed
	case skipped:
		return flowforge.NodeSkipped
	case canceled:
		return flowforge.NodeCanceled
	case retrying:
		return flowforge.NodeRetrying
	case waiting:
		return flowforge.NodeWaiting
	case running, stopping, collecting:
		return flowforge.NodeRunning
	case pending:
	}
	return flowforge.NodePending
}

// settle settles the outgoing connections of a node and of all that is skipped because of it. It works off a
// list instead of calling itself, since a path may be as long as the graph.
func (s *State) settle(f *frame, first settlement) {
	s.settled = append(s.settled[:0], first)
	for len(s.settled) > 0 {
		last := len(s.settled) - 1
		next := s.settled[last]
		s.settled = s.settled[:last]
		for _, edge := range f.graph.Nodes[next.node].Out {
			result := next.outcome
			if slices.Contains(next.ports, edge.Port) {
				result = delivered
			}
			s.settleEdge(f, edge, result)
		}
	}
}

func (s *State) settleEdge(f *frame, edge Edge, result outcome) {
	i := edge.Node
	n := &f.nodes[i]
	n.unsettled--
	if n.status != pending {
		return // started by the first delivery, or canceled
	}
	n.seen |= result
	seen := n.seen
	join := f.graph.Nodes[i].Join
	switch {
	case join == flowforge.JoinFirst && result == delivered:
		n.winner = edge.Slot
		s.activate(f, i)
	case n.unsettled > 0:
	case join != flowforge.JoinFirst && seen&failedUp != 0:
		s.skip(f, i, flowforge.ReasonUpstreamFailed)
	case join == flowforge.JoinAll && seen == delivered, join == flowforge.JoinSettled && seen&delivered != 0:
		s.activate(f, i)
	case seen&failedUp != 0:
		s.skip(f, i, flowforge.ReasonUpstreamFailed)
	default:
		s.skip(f, i, flowforge.ReasonNoInput)
	}
}

func (s *State) skip(f *frame, i int32, reason flowforge.Reason) {
	s.terminate(f, i, skipped, reason, "")
	result := notTaken
	if reason == flowforge.ReasonUpstreamFailed {
		result = failedUp
	}
	s.settled = append(s.settled, settlement{node: i, outcome: result})
}

// cancelFrame ends all that has not ended in a frame; what runs is asked to stop. Finally nodes are spared.
func (s *State) cancelFrame(f *frame, reason flowforge.Reason) {
	if f.phase != working || f.reason != "" {
		return
	}
	f.reason = reason
	for i := range f.nodes {
		if !f.graph.Nodes[i].Doc.Finally {
			s.stopNode(f, int32(i))
		}
	}
}

func (s *State) stopNode(f *frame, i int32) {
	n := &f.nodes[i]
	at := Ref{f.number, i, NoElement}
	switch {
	case n.status.terminal(), n.status == stopping, n.status == collecting:
	case n.status == pending:
		s.terminate(f, i, canceled, f.reason, "")
	case f.loops[i] != nil:
		s.stopLoop(f, i, f.loops[i])
	case n.status == running:
		n.status = stopping
		s.act(Action{Kind: Stop, At: at})
	default:
		s.act(Action{Kind: Stop, At: at})
		s.terminate(f, i, canceled, f.reason, "")
	}
}

// endRun decides how the run ends, whatever the nodes that are canceled for it come to. A run that is ending
// already can only be canceled.
func (s *State) endRun(status flowforge.RunStatus, reason flowforge.Reason) {
	f := s.root
	if status != flowforge.RunCanceled && (f.phase != working || f.reason != "") {
		return
	}
	s.end = status
	s.cancelFrame(f, reason)
	s.checkFrame(f)
}

// endFinally ends the finally nodes of a frame.
func (s *State) endFinally(f *frame, reason flowforge.Reason) {
	if f.phase != finalizing {
		return
	}
	f.reason, f.failed = reason, true
	for _, i := range f.graph.Finals {
		s.stopNode(f, i)
	}
	s.checkFrame(f)
}

// checkFrame goes on to the finally nodes when all others have ended, and leaves the frame after them.
func (s *State) checkFrame(f *frame) {
	if f.phase == working && f.open == 0 {
		f.phase = finalizing
		if f == s.root && s.end == flowforge.RunSucceeded {
			f.failed = false
		}
		if len(f.graph.Finals) > 0 {
			s.act(Action{Kind: Finally, Frame: f.number})
			for _, i := range f.graph.Finals {
				s.activate(f, i)
			}
		}
	}
	if f.phase == finalizing && f.openFinals == 0 {
		f.phase = over
		s.leave(f)
	}
}

func (s *State) leave(f *frame) {
	if f.number == 0 {
		s.done = true
		end := s.end
		switch {
		case end == flowforge.RunCanceled, end == flowforge.RunTimedOut:
		case f.failed:
			end = flowforge.RunFailed
		default:
			end = flowforge.RunSucceeded
		}
		s.act(Action{Kind: Done, RunStatus: end})
		return
	}
	s.leaveBody(f)
}
