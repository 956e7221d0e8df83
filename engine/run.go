package engine

import (
	"context"
	"sync"
	"sync/atomic"
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
	anew     func() []bool          // which nodes have idempotency keys of this run's own
	limit    int                    // lanes at a time
	done     chan struct{}          // closed when it has ended or was lost
	ctx      context.Context        //nolint:containedctx // The parent of its attempts.
	cancel   context.CancelCauseFunc

	leasedAt time.Time   // when its lease was asked for; the engine's lock holds it
	settling atomic.Bool // a commit is on its way that ends the lease

	watchedUntil atomic.Int64 // someone watches it elsewhere, in nanoseconds since 1970; 0: nobody

	mu         sync.Mutex
	begun      bool // its plan is where it is to go on: until then what others ask of it waits
	missed     bool // a message came before that
	info       flowforge.Run
	state      *dag.State
	frames     map[int32]*frame
	live       map[dag.Ref]*activity // node runs that have begun and not ended
	follow     []dag.Event           // what followed at once from an action
	ready      jobs                  // for the lanes to take
	later      []job                 // not to be begun while the run is paused
	effects    jobs                  // attempts whose start is not recorded yet
	foreseen   []*activity           // attempts whose start is recorded with the run itself
	transacts  jobs                  // attempts within a transaction
	handovers  jobs                  // attempts for other pools that are no tasks yet
	out        int                   // attempts that are tasks
	recalls    *alarm                // to look for tasks that were called back; nil: there are none
	inEffect   int                   // attempts whose start is recorded and that have not ended
	lanes      int
	inLine     bool // waits for a slot
	committing bool
	pending    pending
	journaled  int64     // bytes of its journal that are written, or about to be
	now        time.Time // of the event that is being applied
	timer      *alarm    // of the run's timeout, then of its finally nodes
	ending     *store.End
	canceling  bool
	paused     bool
	attended   bool                                 // someone in this process waits for its end
	leaving    bool                                 // it is to be given back as soon as no attempt runs
	stopOutput *flowforge.Value                     // what core.stop gave
	signals    []signal                             // those that nobody has waited for yet
	past       map[store.NodeKey]*flowforge.NodeRun // what is recorded, while the run is being resumed
	copied     map[store.NodeKey]*flowforge.NodeRun // what the run has from the one it is retried from
	lost       error                                // why it is not this engine's any more
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
	r.anew = sync.OnceValue(r.anewNodes)
	r.facts = sync.OnceValue(func() flowforge.Value { return factsOf(info) })
	r.frames[0] = newFrame(0, workflow.Graph, nil, dag.Ref{})
	r.frames[0].input = info.Input
	r.frames[0].ctx, r.frames[0].cancel = context.WithCancelCause(r.ctx)
	return r
}

// factsOf gives what expressions see as `run`.
func factsOf(info flowforge.Run) flowforge.Value {
	facts, err := flowforge.Freeze(map[string]any{
		"id":         string(info.ID),
		"workflow":   info.Workflow.Name,
		"version":    int64(info.Workflow.Version),
		"workspace":  string(info.Workspace),
		"created_at": info.CreatedAt.UTC().Format(time.RFC3339Nano),
		"test":       info.Test,
	})
	if err != nil {
		panic(err) // texts, a number and a bool
	}
	return facts
}

// start begins the run, after what others have asked of it.
func (r *run) start(messages []store.Message) {
	r.engine.own(r)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.beginPlan()
	r.open(messages)
}

// open lets the run go on, and others reach it.
func (r *run) open(messages []store.Message) {
	r.begun = true
	r.receive(messages)
	if r.missed {
		r.missed = false
		r.engine.clock.AfterFunc(0, r.readInbox)
	}
	r.kick()
}

// beginPlan tells the plan to begin.
func (r *run) beginPlan() {
	r.now = r.engine.now()
	r.noteStart()
	r.limitRun()
	r.perform(r.state.Start())
}

// noteStart notes that the run begins now.
func (r *run) noteStart() {
	r.info.StartedAt, r.info.Status = r.now, flowforge.RunRunning
	r.pending.startedAt = r.now
	r.record(flowforge.Event{Kind: flowforge.EventRunStarted})
}

// foresee begins a run that is about to be created with a lease, as far as that goes before it is, and gives the
// records of the attempts that it begins with: they are written with the run, which saves a commit.
func (r *run) foresee() []flowforge.NodeRun {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.beginPlan()
	r.foreseen = r.startEffects()
	records := make([]flowforge.NodeRun, len(r.foreseen))
	for i, a := range r.foreseen {
		records[i] = r.startRecord(a)
	}
	return records
}

// created goes on with a foreseen run that has been created.
func (r *run) created() {
	r.engine.own(r)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.foreseen {
		r.ready.push(job{kind: jobAttempt, activity: a})
	}
	r.foreseen = nil
	r.open(nil)
}

// notCreated forgets a foreseen run.
func (r *run) notCreated() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.giveUp(errLeft)
}

// key names the run.
func (r *run) key() store.RunKey { return store.RunKey{Workspace: r.info.Workspace, Run: r.info.ID} }

// limitRun sets the alarm of the run's timeout.
func (r *run) limitRun() {
	if timeout := r.workflow.Document.Settings.Timeout.Std(); timeout > 0 {
		r.timer = r.engine.alarmAt(r.info.StartedAt.Add(timeout), func() { r.tell(dag.Event{Kind: dag.TimeOutRun}) })
	}
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
	r.now = r.engine.now()
	r.perform(r.plan(event))
}

// plan tells the plan of an event, and notes that in the journal.
func (r *run) plan(event dag.Event) []dag.Action {
	r.pending.journal = event.Append(r.pending.journal)
	return r.state.Apply(event)
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
		actions = r.plan(next)
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
	f := r.frames[number]
	f.finals = true
	if r.past != nil {
		return
	}
	limit := r.workflow.Document.Settings.FinallyTimeout.Std()
	if limit == 0 {
		limit = flowforge.DefaultFinallyTimeout
	}
	until := r.now.Add(limit)
	r.noteEntry(entryFinally, finally{Frame: number, Until: until})
	r.limitFinally(f, until)
}

func (r *run) limitFinally(f *frame, until time.Time) {
	if f.number == 0 {
		r.timer.stop()
	}
	event := dag.Event{Kind: dag.TimeOutFinally, At: dag.Ref{Frame: f.number}}
	timer := r.engine.alarmAt(until, func() { r.tell(event) })
	if f.number == 0 {
		r.timer = timer
	} else {
		f.timer = timer
	}
}

// planned notes how the run ends; its output is still to be made.
func (r *run) planned(status flowforge.RunStatus) {
	r.timer.stop()
	r.info.Status = status
	r.ready.push(job{kind: jobFinish})
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
	r.timer.stop()
	r.recalls.stop()
	for _, a := range r.live {
		a.stopTimers()
	}
	for _, f := range r.frames {
		f.timer.stop()
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
