package dag

import (
	"github.com/flowforge-go/flowforge"
)

// judge decides what an event means for a node run: that it ends as succeeded, failed or canceled, or else
// that it goes on. The code is that of a failure that nobody reported.
func (s *State) judge(e Event, n *Node, t *try) (end status, code flowforge.Code) {
	switch {
	case t.status == retrying:
		if e.Kind == TimerFired {
			s.again(e.At, t)
		}
		return pending, ""
	case t.status == waiting && e.Kind != Succeeded && e.Kind != Failed && e.Kind != Lost:
		return pending, ""
	case !n.attempted(e.At) && e.Kind != Succeeded && e.Kind != Failed && e.Kind != Canceled:
		return pending, ""
	}
	switch e.Kind {
	case Succeeded, StopRun:
		return succeeded, ""
	case Waiting:
		if t.status == running {
			t.status = waiting
			return pending, ""
		}
	case Lost:
		t.lost++
		if t.status != stopping && int(t.lost) < orDefault(n.Retry.MaxLost, flowforge.DefaultMaxLost) {
			s.again(e.At, t)
			return pending, ""
		}
		code, e.Permanent = flowforge.CodeWorkerLost, true
	case Canceled:
		// If nobody asked for it, the attempt has given up by itself.
		code, e.Code = flowforge.CodeCanceled, flowforge.CodeCanceled
	case Failed:
	default:
		return pending, ""
	}
	if t.status == stopping {
		return canceled, ""
	}
	t.failures++
	if !e.Permanent && n.attempted(e.At) && n.Retry.Allows(e.Code, int(t.failures)) {
		t.status = retrying
		s.act(Action{Kind: Retry, At: e.At, Failures: t.failures})
		return pending, ""
	}
	return failed, code
}

// attempted reports whether a node run consists of attempts. A loop and a pass through a body do not.
func (n *Node) attempted(at Ref) bool {
	return !n.IsLoop() || (at.Element != NoElement && n.Body == nil)
}

func (s *State) again(at Ref, t *try) {
	t.status = running
	s.act(Action{Kind: Run, At: at})
}

// expire fails a node that took too long, once its attempt has ended.
func (s *State) expire(f *frame, at Ref, n *nodeState) {
	switch n.status {
	case retrying, waiting:
		s.act(Action{Kind: Stop, At: at})
		s.fail(f, at.Node, flowforge.CodeNodeTimeout)
	case running:
		n.expired, n.status = true, stopping
		s.act(Action{Kind: Stop, At: at})
	default:
	}
}
