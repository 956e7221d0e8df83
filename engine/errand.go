package engine

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// Why an errand's attempt is ended.
var (
	errTaskLost  = errors.New("the task's lease was lost")
	errTaskGiven = flowforge.Errorf(flowforge.CodeClosed, "the worker was closed during the attempt")
)

// errand is a task that this engine has claimed: one attempt for a run that it need not own. It is the host of its
// node.
type errand struct {
	engine *Engine
	task   store.Task
	call   taskCall
	lease  store.TaskLease
	ctx    context.Context //nolint:containedctx // Of the attempt.
	cancel context.CancelCauseFunc
	fence  Timer // gives it up if its lease is not renewed; the engine's lock holds it
	lost   atomic.Bool

	mu       sync.Mutex
	lines    []store.LogLine
	bytes    int
	patience Timer // until an attempt that does not end is abandoned
	told     bool  // what came of it
	done     chan struct{}
}

// run makes the attempt. The caller holds a slot, which run gives back when the attempt has ended.
func (t *errand) run() {
	defer t.engine.slots.give()
	nodeType := t.nodeType()
	var ports flowforge.Ports
	var err error
	began := t.engine.clock.Now()
	if nodeType == nil {
		err = nodes.NotDone(flowforge.Errorf(flowforge.CodeUnsupported, "the worker has no node type %s any more", t.task.NodeType))
	} else {
		cost := t.engine.budget.costOf(&nodeType.Spec)
		if err = t.engine.budget.take(t.ctx, cost); err == nil {
			defer t.engine.budget.give(cost)
			began = t.engine.clock.Now()
			ports, err = t.attempt(nodeType)
		}
	}
	t.end(ports, err, t.engine.clock.Now().Sub(began))
}

func (t *errand) nodeType() *nodes.Type {
	name, version, _ := strings.Cut(t.task.NodeType, "@")
	number, _ := strconv.Atoi(version)
	found, _ := t.engine.config.Nodes.Lookup(name, number)
	return found
}

// attempt runs the node until it ends; when its time is up it is told to.
func (t *errand) attempt(nodeType *nodes.Type) (ports flowforge.Ports, err error) {
	if limit := t.call.Timeout.Std(); limit > 0 {
		timer := t.engine.clock.AfterFunc(limit, func() { t.stop(errTimeout) })
		defer timer.Stop()
	}
	defer func() {
		if panicked := t.engine.panicOf(t.ctx, recover(), t.task.Run, t.task.Node.Node); panicked != nil {
			ports, err = nil, panicked
		}
	}()
	if t.ctx.Err() != nil {
		return nil, nodes.NotDone(context.Cause(t.ctx))
	}
	failpoint("attempt.before")
	call := &nodes.Call{
		Workspace: t.task.Workspace, Workflow: t.call.Workflow, Run: t.task.Run, Node: t.task.Node.Node,
		Element: t.task.Node.Element, Attempt: t.call.Attempt, KeyRun: t.call.KeyRun,
		Input: t.call.Input, Params: t.call.Params, Host: t,
	}
	if len(t.call.Credentials) > 0 {
		ports, err = guarded(t.ctx, nodeType.Node, call)
	} else {
		ports, err = nodeType.Node.Execute(t.ctx, call)
	}
	failpoint("attempt.after")
	return ports, err
}

// stop tells the attempt to end. One that does not is abandoned: the run goes on without it, and its slot stays taken.
func (t *errand) stop(cause error) {
	if errors.Is(cause, errTaskLost) {
		t.lost.Store(true) // it may have been stopped for another reason before
	}
	t.cancel(cause)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.patience != nil || t.told {
		return
	}
	t.patience = t.engine.clock.AfterFunc(patience, func() {
		t.mu.Lock()
		told := t.told
		t.mu.Unlock()
		if told {
			return
		}
		t.engine.meter.AttemptAbandoned(t.typeName())
		t.end(nil, flowforge.Errorf(flowforge.CodeOf(cause), "%w, and did not end within %s: it was abandoned", cause, patience), patience)
	})
}

func (t *errand) typeName() string {
	name, _, _ := strings.Cut(t.task.NodeType, "@")
	return name
}

// end tells what came of the attempt, once.
func (t *errand) end(ports flowforge.Ports, err error, took time.Duration) {
	t.mu.Lock()
	told := t.told
	t.told = true
	if t.patience != nil {
		t.patience.Stop()
	}
	lines := t.lines
	t.mu.Unlock()
	if told {
		return
	}
	defer t.engine.forget(t)
	cause := context.Cause(t.ctx)
	if cause != nil && err != nil && (errors.Is(err, context.Canceled) || errors.Is(err, cause)) {
		if nodes.AdviceOf(err).NotDone {
			cause = nodes.NotDone(cause)
		}
		err = cause
	}
	outcome := t.outcome(ports, err)
	outcome.Logs = lines
	outcome.InDoubt = err != nil && cause != nil && t.call.AtMostOnce && !outcome.NotDone
	t.engine.meter.AttemptEnded(t.typeName(), took, outcome.Error)
	if t.engine.scaler != nil {
		t.engine.scaler.note(t.typeName(), took)
	}
	switch {
	case t.lost.Load():
		if err == nil && t.call.AtMostOnce {
			t.engine.tellLate(t.task.Workspace, t.task.Run, t.task.Node, ports)
		}
	case errors.Is(err, errTaskGiven) && !outcome.InDoubt:
		t.giveBack()
	default:
		t.finish(outcome)
	}
}

func (t *errand) outcome(ports flowforge.Ports, err error) taskOutcome {
	if await, waits := errors.AsType[*nodes.Await](err); waits {
		if await.Child == nil {
			return taskOutcome{Await: await}
		}
		err = nodes.Permanent(flowforge.Errorf(flowforge.CodeUnsupported,
			"%s starts a workflow, which only the run's own worker can: give the node no pool", t.typeName()))
	}
	if stop, stops := errors.AsType[*nodes.Stop](err); stops {
		return taskOutcome{Stop: stop}
	}
	return outcomeOf(ports, err)
}

// finish records what came of the task. It waits out an outage of the store, as long as the lease holds.
func (t *errand) finish(outcome taskOutcome) {
	value, err := flowforge.ValueOf(outcome)
	if err != nil {
		value = flowforge.MustValue(outcomeOf(nil, nodes.Permanent(err)))
	}
	ctx := context.WithoutCancel(t.ctx)
	for tries := 0; ; tries++ {
		failpoint("task.before")
		err = t.engine.config.Store.FinishTask(ctx, t.lease, store.TaskResult{Task: t.task.ID, Outcome: value})
		failpoint("task.after")
		if flowforge.CodeOf(err) != flowforge.CodeUnavailable || t.lost.Load() || t.engine.base.Err() != nil {
			break
		}
		t.engine.pause(ctx, outagePause(tries, t.engine.config.Random()))
	}
	if err != nil {
		t.engine.logger.Error("finish a task", "run", t.task.Run, "node", t.task.Node.Node, "task", t.task.ID, "error", err)
		return
	}
	if r := t.engine.owned(t.task.Run); r != nil {
		r.readInbox()
		return
	}
	t.hint(t.call.Pool)
}

// giveBack lets any worker claim the task at once. Its attempt has ended and told nothing.
func (t *errand) giveBack() {
	err := t.engine.config.Store.ReleaseTasks(context.WithoutCancel(t.ctx), []store.TaskLease{t.lease})
	if err != nil {
		t.engine.logger.Error("give a task back: it goes on when its lease has ended", "run", t.task.Run, "task", t.task.ID, "error", err)
		return
	}
	t.hint(t.task.Pool)
}

// hint tells the workers of a pool that there is something to do for the run.
func (t *errand) hint(pool string) {
	t.engine.hint(context.WithoutCancel(t.ctx), flowforge.Run{ID: t.task.Run, Pool: pool, Priority: t.call.Priority})
}
