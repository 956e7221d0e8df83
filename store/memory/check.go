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
	if len(t.Journal) > 0 && t.JournalAt > int64(len(r.journal)) {
		return refused(t, "its journal begins at byte %d, the run's ends at %d", t.JournalAt, len(r.journal))
	}
	for i := range t.Sends {
		if t.Sends[i].Workspace != r.Workspace {
			return refused(t, "message %q is to another workspace", t.Sends[i].ID)
		}
	}
	return s.checkStarts(r.Workspace, t.Starts)
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

// checkStarts refuses runs to be started by a run or a schedule of a workspace.
func (s *Store) checkStarts(workspace flowforge.Workspace, starts []store.NewRun) error {
	for i := range starts {
		start := &starts[i]
		if start.Run.Workspace != workspace {
			return flowforge.Errorf(flowforge.CodeConflict, "run %s, which is to be started, is of another workspace", start.Run.ID)
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
