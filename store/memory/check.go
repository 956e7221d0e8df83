package memory

import (
	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// check refuses a transition that would break what every run promises: events without a gap, nothing after the
// end, results that never change, and nothing of another workspace.
func (s *Store) check(r *run, t *store.Transition) error {
	if err := checkStatus(r, t); err != nil {
		return err
	}
	if err := checkEvents(t); err != nil {
		return err
	}
	for i := range t.Nodes {
		node := &t.Nodes[i]
		record := r.nodes.find(store.NodeKey{Node: node.Node, Element: node.Element}, &s.steps)
		if record != nil && record.status().Terminal() && !record.records(node) {
			return refused(t, "node run %s %q has its result, which does not change", node.Node, node.Element)
		}
	}
	for i := range t.Tasks {
		task := &t.Tasks[i]
		if task.Workspace != r.Workspace || task.Run != r.ID {
			return refused(t, "task %s is of another run", task.ID)
		}
		if known := s.tasks[task.ID]; known != nil && known.owner != r {
			return refused(t, "task %s is not new", task.ID)
		}
	}
	return s.checkStarts(t)
}

func checkStatus(r *run, t *store.Transition) error {
	ends := t.Status.Terminal()
	switch {
	case t.Status == "":
		return refused(t, "it has no status")
	case ends != (t.End != nil):
		return refused(t, "status %q and End do not agree", t.Status)
	case ends && t.Park != nil:
		return refused(t, "a run that ends cannot park")
	case r.Status == flowforge.RunCanceling && t.Status != flowforge.RunCanceling && t.Status != flowforge.RunCanceled:
		return refused(t, "a run that is canceling cannot become %s", t.Status)
	}
	return nil
}

func checkEvents(t *store.Transition) error {
	if int64(len(t.Events)) != t.ToSeq-t.FromSeq {
		return refused(t, "it has %d events", len(t.Events))
	}
	for i := range t.Events {
		if seq := t.FromSeq + 1 + int64(i); t.Events[i].Seq != seq {
			return refused(t, "event %d stands where %d should", t.Events[i].Seq, seq)
		}
		if last := i == len(t.Events)-1; endsRun(t.Events[i].Kind) && (t.End == nil || !last) {
			return refused(t, "event %s is the last of a run, with its End", t.Events[i].Kind)
		}
	}
	if t.End == nil {
		return nil
	}
	if n := len(t.Events); n == 0 || t.Events[n-1].Kind != flowforge.RunEnd(t.Status) {
		return refused(t, "a run that ends as %s needs the event of that as its last", t.Status)
	}
	return nil
}

func endsRun(kind flowforge.EventKind) bool {
	switch kind {
	case flowforge.EventRunSucceeded, flowforge.EventRunFailed, flowforge.EventRunCanceled, flowforge.EventRunTimedOut:
		return true
	default:
		return false
	}
}

func (s *Store) checkStarts(t *store.Transition) error {
	for i := range t.Starts {
		start := &t.Starts[i]
		if start.Run.Workspace != t.Workspace {
			return refused(t, "run %s, which it starts, is of another workspace", start.Run.ID)
		}
		if _, err := s.existing(start); err != nil {
			return err
		}
		if _, err := slotsOf(start.Slots); err != nil {
			return err
		}
	}
	return nil
}

func refused(t *store.Transition, format string, args ...any) error {
	err := flowforge.Errorf(flowforge.CodeConflict, format, args...)
	err.Msg = "transition of run " + string(t.Run) + ": " + err.Msg
	return err
}
