package sqlstore

import (
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/limits"
)

// guard reports whether a transition has been applied before; an error refuses it.
func (l *live) guard(t *store.Transition) (applied bool, err error) {
	switch {
	case t.Epoch != l.epoch:
		return false, flowforge.Errorf(flowforge.CodeStaleEpoch, "run %s: epoch %d is over, it is %d", l.key.Run, t.Epoch, l.epoch)
	case l.held && t.FromSeq == l.seq:
		return false, nil
	case t.ToSeq < l.seq, t.ToSeq == l.seq && (t.FromSeq < t.ToSeq || l.parked):
		return true, nil
	case l.status.Terminal():
		return false, flowforge.Errorf(flowforge.CodeConflict, "run %s has ended", l.key.Run)
	case !l.held:
		return false, flowforge.Errorf(flowforge.CodeStaleEpoch, "run %s: the lease of epoch %d was given up", l.key.Run, t.Epoch)
	default:
		return false, flowforge.Errorf(flowforge.CodeConflict,
			"run %s is at event %d: a transition from %d to %d does not follow", l.key.Run, l.seq, t.FromSeq, t.ToSeq)
	}
}

// check refuses what would break the run's history.
func (b *batch) check(l *live, t *store.Transition) error {
	if err := checkStatus(l, t); err != nil {
		return err
	}
	if err := checkEvents(t); err != nil {
		return err
	}
	if len(t.Journal) > 0 && t.JournalAt > l.journal {
		return refused(t, "its journal begins at byte %d, the run's ends at %d", t.JournalAt, l.journal)
	}
	for i := range t.Nodes {
		node := &t.Nodes[i]
		if was := b.results[nodeKey{l.key, node.Node, node.Element}]; was != nil && !was.same(node) {
			return refused(t, "node run %s %q has its result, which does not change", node.Node, node.Element)
		}
	}
	for i := range t.Tasks {
		task := &t.Tasks[i]
		if task.Workspace != t.Workspace || task.Run != t.Run {
			return refused(t, "task %s is of another run", task.ID)
		}
		if owner, known := b.tasks[task.ID]; known && owner != l.key {
			return refused(t, "task %s is not new", task.ID)
		}
	}
	for i := range t.Sends {
		if t.Sends[i].Workspace != t.Workspace {
			return refused(t, "message %s is to a run of another workspace", t.Sends[i].ID)
		}
	}
	return b.checkStarts(t)
}

func (b *batch) checkStarts(t *store.Transition) error {
	for i := range t.Starts {
		start := &t.Starts[i]
		if start.Run.Workspace != t.Workspace {
			return refused(t, "run %s, which it starts, is of another workspace", start.Run.ID)
		}
		if err := limits.Check(start.Slots); err != nil {
			return err
		}
		if was := b.starts[start]; was != nil && was.byKey && was.fingerprint != start.Fingerprint {
			return usedKey(start.IdempotencyKey)
		}
	}
	return nil
}

func checkStatus(l *live, t *store.Transition) error {
	ends := t.Status.Terminal()
	switch {
	case t.Status == "":
		return refused(t, "it has no status")
	case ends != (t.End != nil):
		return refused(t, "status %q and End do not agree", t.Status)
	case ends && t.Park != nil:
		return refused(t, "a run that ends cannot park")
	case l.status == flowforge.RunCanceling && t.Status != flowforge.RunCanceling && t.Status != flowforge.RunCanceled:
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

func refused(t *store.Transition, format string, args ...any) error {
	err := flowforge.Errorf(flowforge.CodeConflict, format, args...)
	err.Msg = "transition of run " + string(t.Run) + ": " + err.Msg
	return err
}

// A result is what tells a recorded result from another one.
type result struct {
	status   flowforge.NodeStatus
	attempts int
	finished int64
}

func resultOf(node *flowforge.NodeRun) *result {
	return &result{node.Status, node.Attempts, instant(node.FinishedAt)}
}

func (r *result) same(node *flowforge.NodeRun) bool { return *r == *resultOf(node) }

// instant is micros of an instant, 0 for the zero one.
func instant(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
