package engine

import (
	"context"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/store"
)

// run is a run that this engine owns: the only writer of its state. Work is done in lanes: a lane is a
// goroutine that holds one of the engine's slots, takes a job, does it without the lock, and tells the plan
// what came of it. So a chain of nodes stays on one goroutine, and branches spread over several.
type run struct {
	engine   *Engine
	workflow *dag.Workflow
	lease    store.Lease
	facts    func() flowforge.Value // `run` in expressions
	limit    int                    // lanes at a time
	done     chan struct{}          // closed when it has ended or was lost
	ctx      context.Context        //nolint:containedctx // The parent of its attempts.
	cancel   context.CancelCauseFunc

	mu         sync.Mutex
	info       flowforge.Run
	state      *dag.State
	frames     map[int32]*frame
	live       map[dag.Ref]*activity // node runs that have begun and not ended
	follow     []dag.Event           // what followed at once from an action
	ready      jobs                  // for the lanes to take
	effects    jobs                  // attempts whose start is not recorded yet
	inEffect   int                   // attempts whose start is recorded and that have not ended
	lanes      int
	inLine     bool // waits for a slot
	committing bool
	pending    pending
	now        time.Time // of the event that is being applied
	timer      Timer     // of the run's timeout, then of its finally nodes
	ending     *store.End
	canceling  bool
	stopOutput *flowforge.Value // what core.stop gave
	lost       error            // why it is not this engine's any more
}

// newRun makes a run this engine has just come to own.
func (e *Engine) newRun(info flowforge.Run, workflow *dag.Workflow, epoch int64) *run {
	r := &run{
		engine:   e,
		workflow: workflow,
		lease:    store.Lease{Worker: e.worker, Workspace: info.Workspace, Run: info.ID, Epoch: epoch, For: e.config.Lease},
		limit:    e.config.Workers,
		done:     make(chan struct{}),
		info:     info,
		state:    dag.NewState(workflow.Graph),
		frames:   make(map[int32]*frame, 1),
		live:     make(map[dag.Ref]*activity),
	}
	if most := workflow.Document.Settings.MaxParallel; most > 0 {
		r.limit = min(r.limit, most)
	}
	r.ctx, r.cancel = context.WithCancelCause(e.base)
	r.facts = sync.OnceValue(func() flowforge.Value { return factsOf(info) })
	r.frames[0] = newFrame(0, workflow.Graph, nil, dag.Ref{})
	r.frames[0].input = info.Input
	r.frames[0].ctx, r.frames[0].cancel = context.WithCancelCause(r.ctx)
	return r
}

// factsOf gives what expressions see as `run`.
func factsOf(info flowforge.Run) flowforge.Value {
	return flowforge.MustValue(map[string]any{
		"id":         string(info.ID),
		"workflow":   info.Workflow.Name,
		"version":    info.Workflow.Version,
		"workspace":  string(info.Workspace),
		"created_at": info.CreatedAt.UTC().Format(time.RFC3339Nano),
		"test":       info.Test,
	})
}

// start begins the run.
func (r *run) start() {
	r.engine.own(r)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.engine.clock.Now()
	r.info.StartedAt, r.info.Status = r.now, flowforge.RunRunning
	r.pending.startedAt = r.now
	r.record(flowforge.Event{Kind: flowforge.EventRunStarted})
	if timeout := r.workflow.Document.Settings.Timeout.Std(); timeout > 0 {
		r.timer = r.engine.clock.AfterFunc(timeout, func() { r.tell(dag.Event{Kind: dag.TimeOutRun}) })
	}
	r.perform(r.state.Start())
	r.kick()
}

// tell applies an event that comes from outside the lanes.
func (r *run) tell(event dag.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.apply(event)
	r.kick()
}

// apply tells the plan of an event and does what it answers.
func (r *run) apply(event dag.Event) {
	if r.lost != nil {
		return
	}
	r.now = r.engine.clock.Now()
	r.perform(r.state.Apply(event))
}

// perform does actions, and what follows from them at once.
func (r *run) perform(actions []dag.Action) {
	for {
		for _, action := range actions {
			r.act(action)
		}
		if len(r.follow) == 0 {
			return
		}
		next := r.follow[0]
		r.follow = r.follow[1:]
		actions = r.state.Apply(next)
	}
}

func (r *run) act(action dag.Action) {
	switch action.Kind {
	case dag.Run:
		r.begin(action.At, jobAttempt)
	case dag.Expand:
		r.begin(action.At, jobExpand)
	case dag.Collect:
		r.begin(action.At, jobCollect)
	case dag.Retry:
		r.retry(action)
	case dag.Stop:
		r.stop(action.At)
	case dag.Enter:
		r.enter(action)
	case dag.Leave:
		r.leave(action)
	case dag.Ended:
		r.nodeEnded(action)
	case dag.Finally:
		r.beginFinally(action.Frame)
	case dag.Done:
		r.planned(action.RunStatus)
	}
}

// beginFinally bounds the time of a frame's finally nodes.
func (r *run) beginFinally(number int32) {
	if number == 0 && r.timer != nil {
		r.timer.Stop()
	}
	limit := r.workflow.Document.Settings.FinallyTimeout.Std()
	if limit == 0 {
		limit = flowforge.DefaultFinallyTimeout
	}
	event := dag.Event{Kind: dag.TimeOutFinally, At: dag.Ref{Frame: number}}
	timer := r.engine.clock.AfterFunc(limit, func() { r.tell(event) })
	if number == 0 {
		r.timer = timer
	} else {
		r.frames[number].timer = timer
	}
}

// planned notes how the run ends; its output is still to be made.
func (r *run) planned(status flowforge.RunStatus) {
	if r.timer != nil {
		r.timer.Stop()
	}
	r.info.Status = status
	r.ready.push(job{kind: jobFinish})
}

// requestCancel asks the run to end as canceled.
func (r *run) requestCancel(reason string) {
	if r.canceling || r.ending != nil || r.info.Status.Terminal() {
		return
	}
	r.now = r.engine.clock.Now()
	r.canceling = true
	r.info.Status, r.info.Reason = flowforge.RunCanceling, reason
	r.record(flowforge.Event{Kind: flowforge.EventRunCanceling, Reason: reason})
	r.apply(dag.Event{Kind: dag.CancelRun})
}

// lose gives the run up: another worker has it, or nobody. Its attempts are stopped and write nothing.
func (r *run) lose(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.giveUp(cause)
}

func (r *run) giveUp(cause error) {
	if r.lost != nil || r.finished() {
		return
	}
	r.lost = cause
	r.cancel(cause)
	if r.timer != nil {
		r.timer.Stop()
	}
	for _, a := range r.live {
		a.stopTimers()
	}
	for _, f := range r.frames {
		if f.timer != nil {
			f.timer.Stop()
		}
	}
	r.close()
}

// finished reports whether the run has ended or was lost.
func (r *run) finished() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// close lets go of the run.
func (r *run) close() {
	r.cancel(nil)
	close(r.done)
	r.engine.disown(r)
}

// readInbox applies the messages that others have sent to the run.
func (r *run) readInbox() {
	messages, err := r.engine.config.Store.Messages(r.ctx, r.info.Workspace, r.info.ID)
	if err != nil {
		r.engine.logger.Error("read inbox", "run", r.info.ID, "error", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, message := range messages {
		if !r.pending.read(message.ID) {
			continue
		}
		if message.Kind == store.MessageCancel {
			r.requestCancel(reasonIn(message.Payload))
		}
	}
	r.kick()
}

func reasonIn(payload flowforge.Value) string {
	fields, _ := payload.Any().(map[string]any)
	reason, _ := fields["reason"].(string)
	return reason
}
