package dag

import (
	"maps"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// beginLoop starts a loop whose elements are known.
func (s *State) beginLoop(f *frame, e Event) {
	n := &f.graph.Nodes[e.At.Node]
	l := &loop{count: max(e.Count, 0), parallel: n.Parallel, active: make(map[int32]*element)}
	if e.Parallel > 0 && n.Loop != nodes.LoopRepeat {
		l.parallel = e.Parallel
	}
	if f.loops == nil {
		f.loops = make(map[int32]*loop)
	}
	f.loops[e.At.Node] = l
	s.goOn(f, e.At.Node, l)
}

// goOn starts the next elements of a loop, or ends it after the last.
func (s *State) goOn(f *frame, i int32, l *loop) {
	for !l.stop && l.next < l.count && len(l.active) < int(l.parallel) {
		s.startElement(f, i, l)
	}
	if len(l.active) > 0 || (!l.stop && l.next < l.count) {
		return
	}
	n := &f.graph.Nodes[i]
	switch {
	case l.canceled:
		s.cancelNode(f, i)
	case l.failed && (n.OnError == flowforge.OnErrorFail || n.Loop == nodes.LoopRepeat):
		s.fail(f, i, "")
	default:
		f.nodes[i].status = collecting
		delete(f.loops, i)
		s.act(Action{Kind: Collect, At: Ref{f.number, i, NoElement}})
	}
}

func (s *State) startElement(f *frame, i int32, l *loop) {
	at := Ref{f.number, i, l.next}
	e := &element{try: try{status: running}, frame: -1}
	l.active[l.next] = e
	l.next++
	body := f.graph.Nodes[i].Body
	if body == nil {
		s.act(Action{Kind: Run, At: at})
		return
	}
	pass := s.newPass(body, at)
	e.frame = pass.number
	s.act(Action{Kind: Enter, At: at, Frame: pass.number})
	s.enter(pass)
}

// stopLoop starts no more elements and asks those that run to stop.
func (s *State) stopLoop(f *frame, i int32, l *loop) {
	if l.canceled {
		return
	}
	l.canceled, l.stop = true, true
	for _, number := range slices.Sorted(maps.Keys(l.active)) {
		e := l.active[number]
		if e == nil {
			continue // ended with another one
		}
		at := Ref{f.number, i, number}
		switch {
		case e.frame >= 0:
			pass := s.frame(e.frame)
			s.cancelFrame(pass, s.cancelReason(f))
			s.checkFrame(pass)
		case e.status == running:
			e.status = stopping
			s.act(Action{Kind: Stop, At: at})
		case e.status != stopping:
			s.act(Action{Kind: Stop, At: at})
			s.endElement(f, at, l, canceled, "")
		}
	}
	if f.loops[i] == l {
		s.goOn(f, i, l)
	}
}

// cancelReason says why the elements of a loop are canceled.
func (s *State) cancelReason(f *frame) flowforge.Reason {
	return orDefault(f.reason, flowforge.ReasonNodeCanceled)
}

// elementEvent applies an event to an element that runs.
func (s *State) elementEvent(f *frame, e Event, l *loop, el *element) {
	if pass := s.passes[el.frame]; pass != nil && pass.phase != over {
		return // its body has not ended
	}
	n := &f.graph.Nodes[e.At.Node]
	end, code := s.judge(e, n, &el.try)
	if end == pending {
		return
	}
	if end == succeeded && n.Loop == nodes.LoopRepeat && !e.More {
		l.stop = true
	}
	s.endElement(f, e.At, l, end, code)
	if e.Kind == StopRun {
		s.endRun(flowforge.RunSucceeded, flowforge.ReasonRunStopped)
	}
	s.continueLoop(f, e.At.Node, l)
}

// continueLoop goes on with a loop unless the end of an element has ended it already.
func (s *State) continueLoop(f *frame, i int32, l *loop) {
	if f.loops[i] == l {
		s.goOn(f, i, l)
	}
}

// endElement ends an element; the loop goes on with continueLoop.
func (s *State) endElement(f *frame, at Ref, l *loop, end status, code flowforge.Code) {
	el := l.active[at.Element]
	delete(l.active, at.Element)
	delete(s.passes, el.frame)
	var reason flowforge.Reason
	if end == canceled {
		reason = s.cancelReason(f)
	}
	n := &f.graph.Nodes[at.Node]
	if end == failed {
		l.failed = true
		if n.OnError == flowforge.OnErrorFail || n.Loop == nodes.LoopRepeat {
			l.stop = true
		}
	}
	s.act(Action{Kind: Ended, At: at, Status: end.public(), Reason: reason, Code: code})
}

// leaveBody ends a pass through a body. One that succeeded still has its output to be made, so that its
// element goes on until that is answered.
func (s *State) leaveBody(f *frame) {
	outer := s.frame(f.owner.Frame)
	l := outer.loops[f.owner.Node]
	end := succeeded
	switch {
	case f.failed:
		end = failed
	case f.reason != "":
		end = canceled
	}
	s.act(Action{Kind: Leave, At: f.owner, Frame: f.number, Status: end.public()})
	if end == succeeded {
		return
	}
	s.endElement(outer, f.owner, l, end, "")
	s.continueLoop(outer, f.owner.Node, l)
}
