package engine

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// resume goes on with a run that another worker, or an earlier process, has begun. The plan is told again what the
// journal says it was told, so that it is where it was when the last transition was committed; what came of each
// node run is in its record. Then all that was under way is asked for again.
func (r *run) resume(claimed store.Claimed) error {
	r.engine.own(r)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.engine.now()
	r.past = recordsOf(claimed.Nodes, false)
	if err := r.replay(claimed.Journal); err != nil {
		return err
	}
	past := r.past
	r.past, r.pending, r.journaled = nil, pending{}, int64(len(claimed.Journal))
	if claimed.Run.StartedAt.IsZero() {
		r.noteStart()
	}
	if !r.state.Done() {
		r.restoreStatus(claimed.Run)
	}
	r.askAgain(past)
	r.perform(nil)
	failpoint("resume")
	r.open(claimed.Messages)
	return nil
}

// recordsOf gives node runs by what they are of; only those that are copied, if that is wanted.
func recordsOf(recorded []flowforge.NodeRun, copied bool) map[store.NodeKey]*flowforge.NodeRun {
	records := make(map[store.NodeKey]*flowforge.NodeRun, len(recorded))
	for i := range recorded {
		if !copied || recorded[i].Copied {
			records[store.NodeKey{Node: recorded[i].Node, Element: recorded[i].Element}] = &recorded[i]
		}
	}
	return records
}

// replay tells the plan what it was told before.
func (r *run) replay(journal []byte) (err error) {
	r.perform(r.state.Start())
	for len(journal) > 0 {
		if journal[0] >= entryStopOutput {
			var kind byte
			var content []byte
			if kind, content, journal, err = readEntry(journal); err == nil {
				err = r.remember(kind, content)
			}
			if err != nil {
				return err
			}
			continue
		}
		var event dag.Event
		if event, journal, err = dag.ReadEvent(journal); err != nil {
			return err
		}
		if err := r.recall(event); err != nil {
			return err
		}
		r.perform(r.state.Apply(event))
	}
	return nil
}

// remember takes in an entry of the journal that is no event of the plan.
func (r *run) remember(kind byte, content []byte) error {
	var err error
	switch kind {
	case entryStopOutput:
		r.stopOutput = &flowforge.Value{}
		err = json.Unmarshal(content, r.stopOutput)
	case entryAwait:
		w := &awaited{}
		if err = json.Unmarshal(content, w); err == nil {
			if a := r.live[w.At]; a != nil {
				a.awaits = w
			}
		}
	case entrySignal:
		var s signal
		if err = json.Unmarshal(content, &s); err == nil {
			r.signals = append(r.signals, s)
		}
	case entryTaken:
		var id string
		if err = json.Unmarshal(content, &id); err == nil {
			r.signals = slices.DeleteFunc(r.signals, func(s signal) bool { return s.ID == id })
		}
	case entryFinally:
		var limit finally
		if err = json.Unmarshal(content, &limit); err == nil {
			if f := r.frames[limit.Frame]; f != nil {
				f.until = limit.Until
			}
		}
	case entryItems:
		var list items
		if err = json.Unmarshal(content, &list); err == nil {
			if a := r.live[list.At]; a != nil {
				a.list = &list
			}
		}
	case entryTask:
		task := &handed{}
		if err = json.Unmarshal(content, task); err == nil {
			if a := r.live[task.At]; a != nil {
				a.task = task
				r.out++
			}
		}
	default:
		err = flowforge.Errorf(flowforge.CodeUnsupported, "the journal has entries of kind %d, which this version does not know", kind)
	}
	return err
}

// recall makes the engine's side of what an event tells the plan.
func (r *run) recall(event dag.Event) error {
	a := r.live[event.At]
	if a == nil {
		return nil
	}
	switch event.Kind {
	case dag.Succeeded, dag.Failed, dag.Lost, dag.Canceled, dag.Waiting, dag.StopRun:
		r.takeBack(a)
	default: // it only asks the attempt to end, or is none of its own
	}
	switch {
	case event.Kind == dag.Expanded:
		return r.expandAgain(a, event)
	case event.Kind == dag.Waiting:
		a.due = jobAwait
	case a.due == jobLeave && a.pass != nil:
		r.dropFrame(a.pass)
		a.pass, a.due = nil, jobNone
		if record := r.past[a.key()]; record != nil && event.Kind == dag.Succeeded {
			a.frame.gathers[a.ref.Node].previous, _ = record.Output.Get(flowforge.PortOut)
		}
	}
	return nil
}

// expandAgain finds the elements of a loop again. Those of a loop that has ended are not needed, nor may what they
// were made of still be there.
func (r *run) expandAgain(a *activity, event dag.Event) error {
	g := &gather{}
	record := r.past[a.key()]
	switch {
	case record != nil && record.Status.Terminal():
		if a.node.Loop == nodes.LoopRepeat {
			g.last, g.done = int(event.Count), make([]flowforge.Ports, 1)
		} else {
			g.done = make([]flowforge.Ports, event.Count)
		}
	default:
		r.mu.Unlock() // evaluating reads what is under the lock; nobody else has the run yet
		found, _, err := r.elements(a)
		r.mu.Lock()
		if err == nil && found.count() != event.Count {
			err = flowforge.Errorf(flowforge.CodeConflict, "%s ran over %d elements, but there are %d now", a.title(), event.Count, found.count())
		}
		if err != nil {
			return err
		}
		g = found
	}
	r.gatherFor(a, g)
	a.due = jobNone
	return nil
}

// restore gives an activity that ended what is recorded of it.
func (r *run) restore(a *activity, status flowforge.NodeStatus) {
	record := r.past[a.key()]
	if record == nil || record.Status != status {
		return
	}
	a.ports, a.failure = record.Output, record.Error
	a.attempts, a.losses, a.began = record.Attempts, record.Lost, record.StartedAt
	r.lengthen(a, record)
	if g := a.frame.gathers[a.ref.Node]; g != nil && a.ref.Element == dag.NoElement {
		a.errors = g.errors()
	}
}

// restoreStatus gives a run that has been parked, paused or lost the status to go on with.
func (r *run) restoreStatus(stored flowforge.Run) {
	r.info.Status, r.info.Reason = stored.Status, stored.Reason
	switch stored.Status {
	case flowforge.RunPaused:
		r.paused = true
	case flowforge.RunCanceling:
		r.canceling = true
	case flowforge.RunWaiting:
		r.info.Status, r.info.Reason = flowforge.RunRunning, ""
		r.record(flowforge.Event{Kind: flowforge.EventRunResumed})
	default:
		r.info.Status = flowforge.RunRunning
	}
}

// askAgain asks for all that was under way when the run was left, and sets the alarms again.
func (r *run) askAgain(past map[store.NodeKey]*flowforge.NodeRun) {
	root := r.frames[0]
	if !root.finals && !r.state.Done() {
		r.limitRun()
	}
	for _, f := range r.frames {
		if f.finals && !r.state.Done() {
			r.limitFinally(f, f.until)
		}
	}
	under := make([]*activity, 0, len(r.live))
	for _, a := range r.live {
		under = append(under, a)
	}
	slices.SortFunc(under, func(a, b *activity) int {
		return cmp.Or(cmp.Compare(a.ref.Frame, b.ref.Frame), cmp.Compare(a.ref.Node, b.ref.Node), cmp.Compare(a.ref.Element, b.ref.Element))
	})
	for _, a := range under {
		if r.live[a.ref] == a { // what was asked again before may have ended it
			r.goOnWith(a, past[a.key()])
		}
	}
}

// goOnWith asks for what the plan asked for last of an activity; record is what is known of it, if anything.
func (r *run) goOnWith(a *activity, record *flowforge.NodeRun) {
	began := r.now
	if record != nil {
		a.attempts, a.losses = record.Attempts, record.Lost
		if a.began = record.StartedAt; !a.began.IsZero() {
			began = a.began
		}
	}
	r.limitNode(a, began)
	due := a.due
	a.due = jobNone
	switch {
	case a.task != nil && a.stopped:
		r.callBack(a, 0) // it was parked until then
	case a.task != nil: // its result comes into the inbox
	case due == jobAwait && record != nil && record.Status == flowforge.NodeInDoubt:
		a.doubt = record.Error
	case due == jobAwait && a.awaits != nil:
		r.waitFor(a)
	case due == jobBackoff && record != nil:
		r.backOff(a, record.ResumeAt)
	case due == jobAttempt && a.hasEffect() && record != nil && record.Status == flowforge.NodeInDoubt:
		a.doubt = record.Error
	case due == jobAttempt && a.hasEffect() && record != nil && record.Status == flowforge.NodeRunning:
		r.attemptLost(a)
	case a.stopped:
		r.apply(dag.Event{Kind: dag.Canceled, At: a.ref})
	case due == jobBackoff:
		r.apply(dag.Event{Kind: dag.TimerFired, At: a.ref})
	case due == jobAttempt:
		r.begin(a.ref, jobAttempt)
	case due != jobNone:
		r.ask(a, due)
	}
}

// attemptLost tells the plan of an attempt that was under way when its worker was lost.
func (r *run) attemptLost(a *activity) {
	a.losses++
	lost := flowforge.Errorf(flowforge.CodeWorkerLost, "the worker was lost during attempt %s", strconv.Itoa(a.attempts))
	if a.atMostOnce() {
		r.doubtful(a, lost)
		return
	}
	// While the run is paused nothing else tells of the loss, and it would be taken for another one when it goes on.
	r.recordNode(flowforge.NodeRun{
		Node: a.node.Doc.ID, Element: a.path, Status: flowforge.NodeRetrying, Attempts: a.attempts, Lost: a.losses,
		StartedAt: a.began, ResumeAt: r.now,
	})
	r.apply(dag.Event{Kind: dag.Lost, At: a.ref})
}
