package engine

import (
	"cmp"
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/store"
)

// pending is what has happened in a run and is not written yet.
type pending struct {
	startedAt time.Time
	input     *flowforge.Value // what the run begins with, where it has gathered inputs
	events    []flowforge.Event
	nodes     []flowforge.NodeRun
	dropped   []store.NodeKey
	logs      []store.LogLine
	logLines  int // kept of the run so far
	reads     []string
	seen      map[string]bool // messages applied
	starts    []store.NewRun
	sends     []store.Message
	tasks     []store.Task

	cancelTasks []flowforge.TaskID
	journal     []byte
	since       time.Time // of the oldest
}

// maxPending bounds what waits to be written, in node runs and events, even where nothing depends on it.
const maxPending = 2_000

// showEvery is how long a watcher of a busy run waits at most for what happened.
const showEvery = 50 * time.Millisecond

func (p *pending) empty() bool {
	return len(p.events) == 0 && len(p.nodes) == 0 && len(p.reads) == 0 && len(p.logs) == 0 && len(p.sends) == 0 &&
		len(p.cancelTasks) == 0
}

// drop notes that nobody will read an output again.
func (p *pending) drop(node flowforge.NodeID, element string) {
	p.dropped = append(p.dropped, store.NodeKey{Node: node, Element: element})
}

// gathered notes what a run begins with.
func (p *pending) gathered(input *flowforge.Value, reads []string) {
	p.input = input
	for _, id := range reads {
		p.read(id)
	}
}

// read notes that a message is applied; false where it was already.
func (p *pending) read(id string) bool {
	if p.seen[id] {
		return false
	}
	if p.seen == nil {
		p.seen = make(map[string]bool)
	}
	p.seen[id] = true
	p.reads = append(p.reads, id)
	return true
}

// record adds a durable event, with the run's next sequence number.
func (r *run) record(event flowforge.Event) {
	if r.past != nil {
		return
	}
	r.info.Seq++
	event.Run, event.Seq, event.At = r.info.ID, r.info.Seq, r.now
	if len(r.pending.events) == 0 {
		r.pending.since = r.now
	}
	r.pending.events = append(r.pending.events, event)
}

// note shows watchers something that is not kept.
func (r *run) note(a *activity, kind flowforge.EventKind, at time.Time, data map[string]any) {
	topic, far := r.engine.topics.of(r.key()), r.isWatchedElsewhere()
	if topic == nil && !far || r.past != nil {
		return
	}
	event := flowforge.Event{
		Run: r.info.ID, After: r.info.Seq, Kind: kind, At: at,
		Node: a.node.Doc.ID, Element: a.path, Attempt: a.attempts,
	}
	if data != nil {
		if value, err := flowforge.Freeze(data); err == nil {
			event.Data = value
		}
	}
	if topic != nil {
		topic.publish(event)
	}
	if far {
		r.tellNote(event)
	}
}

// nodeEnded records how a node run ended, and what that means for others.
func (r *run) nodeEnded(action dag.Action) {
	a := r.live[action.At]
	f := r.frames[action.At.Frame]
	n := &f.graph.Nodes[action.At.Node]
	ended := flowforge.NodeRun{
		Node: n.Doc.ID, Element: f.path, Status: action.Status, Reason: action.Reason, FinishedAt: r.now,
	}
	var failure *flowforge.Failure
	copied := false
	if a != nil {
		delete(r.live, action.At)
		a.stopTimers()
		r.unrecord(a)
		if r.past != nil {
			r.restore(a, action.Status)
		}
		copied = a.copied
		ended.Lost = a.losses
		ended.Element, ended.Attempts, ended.StartedAt = a.path, a.attempts, a.began
		switch action.Status {
		case flowforge.NodeSucceeded:
			ended.Output = a.ports
			ended.Reason = a.successReason()
		case flowforge.NodeFailed:
			failure = r.failureIn(a, action.Code)
			a.failure, ended.Error = failure, failure
		case flowforge.NodeCanceled:
			ended.Error = a.doubt
		default:
		}
	}
	if !copied {
		if a != nil && r.past == nil {
			r.shorten(a, &ended)
		}
		r.recordNode(ended)
	}
	if action.At.Element != dag.NoElement {
		r.elementEnded(a, action.Status)
		return
	}
	r.record(flowforge.Event{
		Kind: flowforge.NodeEnd(action.Status), Node: n.Doc.ID, Element: ended.Element, Attempt: ended.Attempts,
		Reason: string(ended.Reason), Error: failure,
	})
	r.keepResult(f, action.At.Node, a, action.Status)
	r.release(f, action.At.Node)
}

func (r *run) recordNode(ended flowforge.NodeRun) {
	if r.past != nil {
		return
	}
	if len(r.pending.nodes) == 0 {
		r.pending.since = r.now
	}
	r.pending.nodes = append(r.pending.nodes, ended)
}

func (a *activity) successReason() flowforge.Reason {
	switch {
	case a.copied:
		return flowforge.ReasonCopied
	case a.node.Doc.Pinned != nil && a.run.info.Test:
		return flowforge.ReasonPinned
	case a.node.Doc.Disabled:
		return flowforge.ReasonDisabled
	}
	return ""
}

// failureIn gives the failure of a node run: what its attempt reported, what its elements did, or what the
// plan decided.
func (r *run) failureIn(a *activity, code flowforge.Code) *flowforge.Failure {
	switch {
	case code == flowforge.CodeNodeTimeout:
		return r.failureOf(a, a.nodeTimeout())
	case code == flowforge.CodeWorkerLost:
		return r.failureOf(a, flowforge.Errorf(code, "the worker was lost too often"))
	case a.failure != nil:
		return a.failure
	}
	if a.ref.Element == dag.NoElement {
		if failure := a.frame.gathers[a.ref.Node].firstFailure(); failure != nil {
			return failure
		}
	}
	return r.failureOf(a, flowforge.Errorf(cmp.Or(code, flowforge.CodeNodeFailed), "the node failed"))
}

// keepResult keeps what a node came to for those that read it.
func (r *run) keepResult(f *frame, i int32, a *activity, status flowforge.NodeStatus) {
	n, result := &f.graph.Nodes[i], &f.results[i]
	if g := f.gathers[i]; g != nil {
		delete(f.gathers, i)
		if !g.recorded {
			r.dropElements(f, n.Doc.ID, g)
		}
	}
	if a == nil {
		return
	}
	result.errors = a.errors
	switch status {
	case flowforge.NodeSucceeded:
		result.succeeded, result.ports = true, a.ports
	case flowforge.NodeFailed:
		result.failure = a.failure
		switch n.OnError {
		case flowforge.OnErrorContinue:
			result.ports = flowforge.Out(flowforge.Value{})
		case flowforge.OnErrorRoute:
			result.ports = flowforge.On(flowforge.PortError, flowforge.MustValue(a.failure))
		case flowforge.OnErrorFail:
			if f.failure == nil {
				f.failure = a.failure
			}
		}
	default:
	}
}

// dropElements lets go of what the elements of a loop emitted, now that it is gathered.
func (r *run) dropElements(f *frame, node flowforge.NodeID, g *gather) {
	if f.path == "" {
		r.pending.drop(node, store.AllElements)
		return
	}
	for index := range g.done {
		r.pending.drop(node, elementPath(f.path, index))
	}
}

// unrecord notes that an attempt whose start was recorded has ended.
func (r *run) unrecord(a *activity) {
	if a.effect {
		a.effect = false
		r.inEffect--
	}
}

// mustFlush reports whether something waits for what has happened to be written.
func (r *run) mustFlush() bool {
	if r.committing || r.lost != nil {
		return false
	}
	if r.ending != nil || len(r.pending.tasks)+len(r.pending.cancelTasks) > 0 || (r.effects.len() > 0 && r.inEffect < r.limit && !r.held()) {
		return true
	}
	if len(r.pending.events)+len(r.pending.nodes) >= maxPending {
		return true
	}
	return len(r.pending.events) > 0 && r.now.Sub(r.pending.since) >= showEvery &&
		(r.engine.topics.of(r.key()) != nil || r.isWatchedElsewhere())
}

// flush writes what is pending, together with the start of attempts that wait for it. It is called with the
// lock held and gives it up while the store works.
func (r *run) flush() {
	if r.leaving && r.pending.empty() && r.mayLeave() {
		r.handBack(r.engine.base)
		return
	}
	r.committing = true
	var park *store.Park
	if !r.leaving && r.mayLeave() && r.lanes <= 1 {
		park = r.park()
	}
	started := r.startEffects()
	transition := r.transition(started)
	transition.Park = park
	r.settling.Store(transition.End != nil || transition.Park != nil)
	r.mu.Unlock()
	answer, err := r.engine.commits.do(context.WithoutCancel(r.ctx), transition)
	err = cmp.Or(err, answer.Err)
	if err == nil {
		r.engine.hintTasks(r.engine.base, transition.Tasks, r.info.Priority)
	}
	r.mu.Lock()
	r.committing = false
	r.settling.Store(false)
	if r.lost != nil {
		return // it was given up meanwhile; what is written is written
	}
	if err != nil {
		r.engine.logger.Error("commit", "run", r.info.ID, "error", err)
		r.giveUp(err)
		return
	}
	if topic := r.engine.topics.of(r.key()); topic != nil {
		topic.wake()
	}
	if transition.End == nil {
		r.written(transition, answer, started)
		return
	}
	r.ending = nil
	r.engine.passOnSlots(r.info, answer.Freed)
	r.engine.meter.RunEnded(r.info)
	r.engine.adopt(answer.Started)
	r.close()
}

// written goes on after a transition that did not end the run.
func (r *run) written(transition *store.Transition, answer store.Committed, started []*activity) {
	for _, a := range started {
		r.ready.push(job{kind: jobAttempt, activity: a})
	}
	if len(answer.Started) > 0 {
		r.engine.adopt(answer.Started)
	}
	if transition.Park != nil {
		r.engine.passOnSlots(r.info, answer.Freed)
		failpoint("park.after")
		r.giveUp(errParked)
		return
	}
	if len(transition.CancelTasks) > 0 {
		r.mu.Unlock()
		r.lookForRecalled()
		r.mu.Lock()
	}
	if answer.Unread {
		r.mu.Unlock()
		r.readInbox()
		r.mu.Lock()
	}
	if r.mustFlush() {
		r.spread() // this lane goes on writing
	}
}

// startEffects takes the attempts whose start is to be recorded, as many as may run.
func (r *run) startEffects() []*activity {
	var started []*activity
	for r.effects.len() > 0 && r.inEffect < r.limit && !r.held() {
		a := r.effects.pop().activity
		a.effect = true
		r.inEffect++
		started = append(started, a)
	}
	return started
}

// transition makes one step of what is pending.
func (r *run) transition(started []*activity) *store.Transition {
	p := &r.pending
	for _, a := range started {
		r.recordNode(r.startRecord(a))
	}
	transition := &store.Transition{
		Workspace: r.info.Workspace, Run: r.info.ID, Epoch: r.lease.Epoch,
		FromSeq: r.info.Seq - int64(len(p.events)), ToSeq: r.info.Seq, Events: p.events,
		Status: r.info.Status, Reason: r.info.Reason, StartedAt: p.startedAt, Input: p.input, End: r.ending,
		Nodes: p.nodes, Dropped: p.dropped, Logs: p.logs, Read: p.reads, Starts: p.starts, Sends: p.sends,
		Tasks: p.tasks, CancelTasks: p.cancelTasks, For: r.engine.config.Lease,
	}
	if r.ending != nil {
		transition.Dropped = nil // nobody goes on with it
	} else {
		if transition.Status.Terminal() {
			transition.Status = r.unended() // its end is not written yet
		}
		transition.JournalAt, transition.Journal = r.journaled, p.journal
		r.journaled += int64(len(p.journal))
	}
	*p = pending{logLines: p.logLines, seen: p.seen}
	return transition
}

// unended gives the status of a run whose end is decided and not written.
func (r *run) unended() flowforge.RunStatus {
	if r.canceling {
		return flowforge.RunCanceling
	}
	return flowforge.RunRunning
}

// startRecord gives the record of the start of an attempt.
func (r *run) startRecord(a *activity) flowforge.NodeRun {
	return flowforge.NodeRun{
		Node: a.node.Doc.ID, Element: a.path, Status: flowforge.NodeRunning, Attempts: a.attempts + 1, Lost: a.losses,
		StartedAt: startOf(a, r.now),
	}
}

// startOf gives when the first attempt of a node run began.
func startOf(a *activity, now time.Time) time.Time {
	if a.began.IsZero() {
		return now
	}
	return a.began
}
