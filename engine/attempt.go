package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/nodes"
)

// patience is how long a stopped attempt may take to end before it is abandoned.
const patience = 10 * time.Second

// What a stopped attempt's context says.
var (
	errStopped = flowforge.Errorf(flowforge.CodeCanceled, "the node was canceled")
	errTimeout = flowforge.Errorf(flowforge.CodeTimeout, "the attempt took longer than its timeout")
)

// begin puts a node run's next job in line, unless its result is copied from the run that this one retries.
func (r *run) begin(ref dag.Ref, kind jobKind) {
	a := r.activityAt(ref)
	if r.past == nil && kind != jobCollect && r.copy(a) {
		return
	}
	r.ask(a, kind)
}

func (a *activity) hasEffect() bool {
	return !a.node.Pure && a.node.Type.Spec.Kind != nodes.Control && !a.passesOn()
}

// passesOn reports whether the node gives its output without running.
func (a *activity) passesOn() bool {
	return a.node.Doc.Disabled || (a.node.Doc.Pinned != nil && a.run.info.Test)
}

// attempt makes one attempt. It reports false where the plan has been told already.
func (r *run) attempt(a *activity) (event dag.Event, told bool) {
	ctx, ok := r.beginAttempt(a)
	if !ok {
		return dag.Event{Kind: dag.Canceled, At: a.ref}, true
	}
	if cost := r.engine.budget.costOf(&a.node.Type.Spec); cost > 0 {
		if err := r.engine.budget.take(ctx, cost); err != nil {
			return r.endAttempt(ctx, a, nil, err)
		}
		defer r.engine.budget.give(cost)
	}
	r.limitAttempt(a)
	failpoint("attempt.before")
	ports, err := r.execute(ctx, a)
	failpoint("attempt.after")
	if await, waits := errors.AsType[*nodes.Await](err); waits && await.Child != nil {
		if prepared := r.prepareChild(ctx, a, await.Child); prepared != nil {
			err = prepared
		}
	}
	return r.endAttempt(ctx, a, ports, err)
}

// beginAttempt gives the context of an attempt, or false where the node run was stopped before it began.
func (r *run) beginAttempt(a *activity) (context.Context, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.stopped || r.lost != nil {
		return nil, false
	}
	now := r.engine.now()
	if a.attempts++; a.began.IsZero() {
		a.began = now
	}
	ctx := r.attemptContext(a)
	r.note(a, flowforge.EventNodeStarted, now, nil)
	return ctx, true
}

// limitAttempt sets the alarm of an attempt's timeout.
func (r *run) limitAttempt(a *activity) {
	timeout := a.node.Doc.Timeout.Std()
	if timeout <= 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.cancel != nil {
		a.timer = r.engine.alarmIn(timeout, func() { r.timeOut(a) })
	}
}

// attemptContext gives the context of an attempt. What stops one attempt of a frame stops all of them, unless
// the node has a timeout or is a finally node; only then the attempt needs a context of its own.
func (r *run) attemptContext(a *activity) context.Context {
	parent := a.frame.ctx
	if a.node.Doc.Finally {
		parent = r.ctx
	} else if a.node.Doc.Timeout == 0 && a.node.Doc.NodeTimeout == 0 {
		a.cancel = a.frame.cancel
		return parent
	}
	ctx, cancel := context.WithCancelCause(parent)
	a.cancel, a.done = cancel, cancel
	return ctx
}

// timeOut ends an attempt that took longer than its timeout, and abandons it if it does not end.
func (r *run) timeOut(a *activity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.cancel == nil || a.stopped {
		return
	}
	a.cancel(errTimeout)
	r.bePatient(a, errTimeout)
}

// stop ends what a node run is doing: an attempt, a backoff, a wait, or waiting for its turn.
func (r *run) stop(ref dag.Ref) {
	a := r.live[ref]
	if a == nil {
		return
	}
	a.stopped = true
	if r.past != nil {
		return
	}
	if a.task != nil {
		r.callBack(a, recallEvery)
		return
	}
	if a.cancel == nil {
		r.stopWaiting(a)
		return
	}
	cause := errStopped
	if a.expired {
		cause = a.nodeTimeout()
	}
	a.cancel(cause)
	r.bePatient(a, cause)
}

// stopWaiting ends what a node run does without an attempt: a backoff, a wait, or waiting for its turn.
func (r *run) stopWaiting(a *activity) {
	r.forsake(a)
	if a.timer != nil {
		a.timer.stop()
		a.timer = nil
		return
	}
	if r.effects.remove(a) || r.transacts.remove(a) || r.handovers.remove(a) {
		r.ready.push(job{kind: jobAttempt, activity: a})
	}
	for i, j := range r.later {
		if j.activity == a {
			r.later = append(r.later[:i:i], r.later[i+1:]...)
			r.ready.push(j)
			return
		}
	}
}

func (a *activity) nodeTimeout() *flowforge.Error {
	return flowforge.Errorf(flowforge.CodeNodeTimeout, "the node took longer than its node_timeout of %s", a.node.Doc.NodeTimeout)
}

// bePatient abandons an attempt that does not end when it is told to: the run goes on without it, and the
// slot stays taken until it ends after all.
func (r *run) bePatient(a *activity, cause error) {
	if a.patience != nil {
		return
	}
	attempt := a.attempts
	a.patience = r.engine.alarmIn(patience, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if a.cancel == nil || a.attempts != attempt || r.live[a.ref] != a {
			return
		}
		a.abandoned = true
		r.lanes--
		r.engine.abandoned.Add(1)
		r.engine.meter.AttemptAbandoned(a.node.Doc.Type)
		// The node run goes on as another activity, so that what the abandoned attempt still does meets none.
		next := *a
		next.abandoned, next.patience = false, nil
		r.live[a.ref] = &next
		err := fmt.Errorf("%w, and did not end within %s: it was abandoned", cause, patience)
		if next.atMostOnce() {
			r.letGo(&next)
			r.doubtful(&next, err)
		} else {
			r.apply(r.attemptEvent(&next, nil, err))
		}
		r.kick()
	})
}

// execute resolves the parameters and runs the node; a panic is an error of its own.
func (r *run) execute(ctx context.Context, a *activity) (ports flowforge.Ports, err error) {
	return r.executeWith(ctx, a, a.node.Type.Node)
}

func (r *run) executeWith(ctx context.Context, a *activity, node nodes.Node) (ports flowforge.Ports, err error) {
	defer func() {
		if panicked := r.engine.panicOf(ctx, recover(), r.info.ID, a.node.Doc.ID); panicked != nil {
			ports, err = nil, panicked
		}
	}()
	switch {
	case a.node.Doc.Pinned != nil && r.info.Test:
		return flowforge.Out(*a.node.Doc.Pinned), nil
	case a.node.Doc.Disabled:
		input, err := r.inputOf(a)
		return flowforge.Out(input), err
	}
	call, err := r.callOf(ctx, a)
	if err != nil {
		return nil, err
	}
	if len(a.node.Doc.Credentials) > 0 {
		return guarded(ctx, node, call)
	}
	return node.Execute(ctx, call)
}

// panicOf gives the error of a node that panicked; nil where it did not.
func (e *Engine) panicOf(ctx context.Context, p any, run flowforge.RunID, node flowforge.NodeID) error {
	if p == nil {
		return nil
	}
	e.logger.ErrorContext(ctx, "node panicked", "run", run, "node", node, "panic", p, "stack", string(debug.Stack()))
	return nodes.Permanent(flowforge.Errorf(flowforge.CodePanic, "the node panicked: %v", p))
}

// endAttempt makes an event of what an attempt came to.
func (r *run) endAttempt(ctx context.Context, a *activity, ports flowforge.Ports, err error) (event dag.Event, told bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.abandoned {
		r.engine.abandoned.Add(-1)
		if late := r.live[a.ref]; err == nil && late != nil && late.doubt != nil {
			r.apply(r.decided(late, ports)) //nolint:contextcheck // What follows belongs to the run, not to the attempt.
			r.kick()                        //nolint:contextcheck // The run goes on in contexts of its own.
		}
		return dag.Event{}, false
	}
	cause := context.Cause(ctx)
	if cause != nil && err != nil {
		// The node's own error says less than why its context ended, unless it says something else.
		if errors.Is(err, context.Canceled) || errors.Is(err, cause) {
			err = cause
		}
	}
	switch {
	case r.lost != nil && err == nil && a.atMostOnce():
		r.mu.Unlock()
		r.engine.tellLate(r.info.Workspace, r.info.ID, a.key(), ports) //nolint:contextcheck // The attempt's context has ended.
		r.mu.Lock()
		return dag.Event{}, false
	case cause != nil && err != nil && r.lost == nil && a.atMostOnce() && !nodes.AdviceOf(err).NotDone:
		r.letGo(a)
		r.doubtful(a, err)
		return dag.Event{}, false
	}
	return r.attemptEvent(a, ports, err), true
}

// letGo lets go of what an attempt needed.
func (r *run) letGo(a *activity) {
	if a.done != nil {
		a.done(nil)
	}
	a.cancel, a.done = nil, nil
	a.timer.stop()
	a.patience.stop()
	a.timer, a.patience = nil, nil
}

// attemptEvent notes what an attempt came to and gives the event for the plan.
func (r *run) attemptEvent(a *activity, ports flowforge.Ports, err error) dag.Event {
	r.letGo(a)
	event := dag.Event{At: a.ref}
	await, waits := errors.AsType[*nodes.Await](err)
	stop, stops := errors.AsType[*nodes.Stop](err)
	switch {
	case waits:
		event = r.await(a, await)
	case stops:
		a.ports = flowforge.Ports{}
		r.stopWith(stop.Output)
		event.Kind = dag.StopRun
	case err == nil:
		event.Kind = dag.Succeeded
		event.Ports, err = portsOf(a.node, ports)
		a.ports = ports
	}
	if err != nil && !waits && !stops {
		a.advice = nodes.AdviceOf(err)
		a.failure = r.failureOf(a, err)
		permanent := a.advice.Permanent || (a.atMostOnce() && !a.advice.NotDone)
		event = dag.Event{Kind: dag.Failed, At: a.ref, Code: a.failure.Code, Permanent: permanent}
	}
	if a.task == nil { // otherwise the worker that made it has told
		took := r.engine.clock.Now().Sub(a.began)
		r.engine.meter.AttemptEnded(a.node.Doc.Type, took, a.failure)
		if r.engine.scaler != nil && a.attempts == 1 {
			r.engine.scaler.note(a.node.Doc.Type, took)
		}
	}
	return event
}

// onlyPort is what most nodes emit on.
var onlyPort = []int32{0}

// portsOf gives the indices of the ports that a node emitted on.
func portsOf(n *dag.Node, ports flowforge.Ports) ([]int32, error) {
	if len(ports) == 1 && len(n.Ports) > 0 && n.Ports[0] == ports[0].Port {
		return onlyPort, nil
	}
	emitted := make([]int32, 0, len(ports))
	for _, out := range ports {
		i := n.Port(out.Port)
		if i < 0 {
			return nil, nodes.Permanent(flowforge.Errorf(flowforge.CodeNodeFailed,
				"%s emitted on the port %q, which it does not have", n.Doc.Type, out.Port))
		}
		emitted = append(emitted, i)
	}
	return emitted, nil
}

func (r *run) failureOf(a *activity, err error) *flowforge.Failure {
	failure := nodes.FailureOf(err)
	failure.Node, failure.Element = a.node.Doc.ID, a.path
	return failure
}

// retry waits for the backoff before the next attempt.
func (r *run) retry(action dag.Action) {
	a := r.live[action.At]
	if r.past != nil {
		a.due = jobBackoff
		return
	}
	until := r.engine.after(r.now, max(a.node.Retry.Backoff(int(action.Failures), r.engine.config.Random()), a.advice.After))
	r.unrecord(a)
	r.record(flowforge.Event{
		Kind: flowforge.EventNodeRetrying, Node: a.node.Doc.ID, Element: a.path, Attempt: a.attempts, Error: a.failure,
		Data: flowforge.MustValue(map[string]any{"next_at": until.UTC().Format(time.RFC3339Nano)}),
	})
	r.recordNode(flowforge.NodeRun{
		Node: a.node.Doc.ID, Element: a.path, Status: flowforge.NodeRetrying, Attempts: a.attempts, Lost: a.losses,
		StartedAt: a.began, Error: a.failure, ResumeAt: until,
	})
	r.backOff(a, until)
}

// backOff waits until the next attempt is due.
func (r *run) backOff(a *activity, until time.Time) {
	a.timer = r.engine.alarmAt(until, func() { r.fire(a, dag.Event{Kind: dag.TimerFired, At: a.ref}) })
}

// fire applies the event of a timer, unless it was called off in the meantime.
func (r *run) fire(a *activity, event dag.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.timer == nil || r.live[a.ref] != a {
		return
	}
	a.timer = nil
	r.apply(event)
	r.kick()
}

// title names a node run in messages: "fetch" or "fetch[3/0]".
func (a *activity) title() string {
	if a.path == "" {
		return strconv.Quote(string(a.node.Doc.ID))
	}
	return strconv.Quote(string(a.node.Doc.ID) + "[" + a.path + "]")
}
