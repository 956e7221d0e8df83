package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/queue"
	"github.com/flowforge-go/flowforge/store"
)

// recallEvery is how often a run looks whether attempts have ended that it has called back.
const recallEvery = time.Second

// mayHandOver reports whether an attempt may be handed to another pool: max_parallel bounds those too.
func (r *run) mayHandOver() bool {
	most := r.workflow.Document.Settings.MaxParallel
	return r.handovers.len() > 0 && !r.held() && (most <= 0 || r.out+r.inEffect < most)
}

// handOver makes a task of an attempt. It reports an event where that comes to nothing.
func (r *run) handOver(a *activity) (event dag.Event, told bool) {
	r.mu.Lock()
	if a.stopped || r.lost != nil {
		r.mu.Unlock()
		return dag.Event{Kind: dag.Canceled, At: a.ref}, true
	}
	now := r.engine.now()
	if a.attempts++; a.began.IsZero() {
		a.began = now
	}
	ctx := a.frame.ctx
	if a.node.Doc.Finally {
		ctx = r.ctx
	}
	r.mu.Unlock()
	task, err := r.prepareTask(ctx, a)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case a.stopped:
		return dag.Event{Kind: dag.Canceled, At: a.ref}, true
	case err != nil:
		return r.attemptEvent(a, nil, err), true
	}
	a.task = &handed{ID: task.ID, At: a.ref}
	r.out++
	r.now = r.engine.now()
	r.noteEntry(entryTask, a.task)
	facts := flowforge.MustValue(map[string]any{"pool": task.Pool, "task": string(task.ID)})
	r.record(flowforge.Event{Kind: flowforge.EventNodeWaiting, Node: a.node.Doc.ID, Element: a.path, Attempt: a.attempts, Data: facts})
	r.recordNode(flowforge.NodeRun{
		Node: a.node.Doc.ID, Element: a.path, Status: flowforge.NodeWaiting, Attempts: a.attempts, Lost: a.losses,
		StartedAt: a.began, Awaits: facts,
	})
	r.pending.tasks = append(r.pending.tasks, task)
	return dag.Event{}, false
}

// prepareTask works out what the node is called with.
func (r *run) prepareTask(ctx context.Context, a *activity) (task store.Task, err error) {
	defer func() { err = cmp.Or(r.engine.panicOf(ctx, recover(), r.info.ID, a.node.Doc.ID), err) }()
	call, err := r.callOf(ctx, a)
	if err != nil {
		return store.Task{}, err
	}
	task, err = r.taskOf(a, call)
	if err != nil {
		err = nodes.Permanent(err)
	}
	return task, err
}

// hintTasks tells the workers of the pools that there are tasks.
func (e *Engine) hintTasks(ctx context.Context, tasks []store.Task, priority int) {
	for i := range tasks {
		hint := queue.Hint{Pool: tasks[i].Pool, Priority: priority, Run: tasks[i].Run}
		if err := e.config.Queue.Push(ctx, hint); err != nil {
			e.logger.WarnContext(ctx, "push hint: a task waits for the next poll", "run", tasks[i].Run, "pool", tasks[i].Pool, "error", err)
			return
		}
	}
}

// taskDone applies what came of a task.
func (r *run) taskDone(payload flowforge.Value) {
	var result store.TaskResult
	var outcome taskOutcome
	if json.Unmarshal(payload.JSON(), &result) != nil || result.Outcome.Decode(&outcome) != nil {
		return
	}
	for _, a := range r.live {
		if a.task != nil && a.task.ID == result.Task {
			r.keepLogs(outcome.Logs)
			r.taskEnded(a, &outcome)
			return
		}
	}
}

func (r *run) taskEnded(a *activity, outcome *taskOutcome) {
	var event dag.Event
	switch {
	case outcome.Lost:
		r.takeBack(a)
		r.attemptLost(a)
		return
	case outcome.InDoubt && a.atMostOnce():
		r.takeBack(a)
		r.doubtful(a, outcome.err())
		return
	default:
		event = r.attemptEvent(a, outcome.Output, outcome.err())
		r.takeBack(a)
		r.apply(event)
	}
}

// keepLogs keeps lines that a task's worker has gathered.
func (r *run) keepLogs(lines []store.LogLine) {
	room := max(maxLogLines-r.pending.logLines, 0)
	lines = lines[:min(room, len(lines))]
	r.pending.logLines += len(lines)
	r.pending.logs = append(r.pending.logs, lines...)
}

// takeBack notes that an attempt is no task any more.
func (r *run) takeBack(a *activity) {
	if a.task != nil {
		a.task = nil
		r.out--
	}
}

// callBack lets nobody begin a task any more; the node run goes on when no worker has it.
// The first look whether that is so comes after a time.
func (r *run) callBack(a *activity, look time.Duration) {
	r.pending.cancelTasks = append(r.pending.cancelTasks, a.task.ID)
	if r.recalls == nil {
		r.recalls = r.engine.alarmIn(look, r.lookForRecalled)
	}
}

// lookForRecalled ends the attempts that were called back, where no worker has them any more: nobody has had them, or
// the lease of who had them has ended. It is called without the lock.
func (r *run) lookForRecalled() {
	standing, err := r.engine.config.Store.Standing(r.ctx, r.info.Workspace, r.info.ID)
	if err != nil && r.ctx.Err() == nil {
		r.engine.logger.Error("look for tasks that were called back", "run", r.info.ID, "error", err)
	}
	if err == nil && r.hasFinished(standing.Tasks) {
		r.readInbox()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recalls.stop()
	r.recalls = nil
	if r.lost != nil {
		return
	}
	now := r.engine.now()
	for _, task := range standing.Tasks {
		a := r.recalled(task.ID)
		switch {
		case a == nil || !task.Canceled || task.LeaseEnds.After(now):
		case task.Worker == "":
			r.takeBack(a)
			r.apply(dag.Event{Kind: dag.Canceled, At: a.ref})
		default:
			r.takeBack(a)
			r.attemptLost(a)
		}
	}
	for _, a := range r.live {
		if a.task != nil && a.stopped {
			r.recalls = r.engine.alarmIn(recallEvery, r.lookForRecalled)
			break
		}
	}
	r.kick()
}

// recalled finds the node run whose attempt, a task, was called back.
func (r *run) recalled(id flowforge.TaskID) *activity {
	for _, a := range r.live {
		if a.task != nil && a.task.ID == id && a.stopped {
			return a
		}
	}
	return nil
}

// hasFinished reports whether a task that was called back is not among those without a result: it is in the inbox.
func (r *run) hasFinished(standing []store.TaskStanding) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.live {
		if a.task != nil && a.stopped && !slices.ContainsFunc(standing, func(t store.TaskStanding) bool { return t.ID == a.task.ID }) {
			return true
		}
	}
	return false
}
