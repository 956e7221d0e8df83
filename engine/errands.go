package engine

import (
	"context"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge/store"
)

// maxRenewTasks is the longest time between renewals of tasks: it is then that a worker hears that one was canceled.
const maxRenewTasks = 2 * time.Second

// claimTasks takes tasks of this engine's pools, as many as there is room for, and begins them.
func (e *Engine) claimTasks(ctx context.Context) (claimed int, err error) {
	pools := slices.DeleteFunc(slices.Clone(e.config.Pools), func(pool string) bool { return pool == "" })
	if len(pools) == 0 {
		return 0, nil // nodes of no pool run where their run does
	}
	types, room := e.taskRoom()
	e.mu.Lock()
	e.tasksLeft = room == 0
	e.mu.Unlock()
	if room == 0 {
		return 0, nil
	}
	asked := e.clock.Now()
	tasks, err := e.config.Store.ClaimTasks(ctx, store.Claim{
		Worker: e.worker, Pools: pools, NodeTypes: types, Limit: room, For: e.config.Lease,
	})
	if err != nil {
		return 0, err
	}
	if len(tasks) > 0 {
		failpoint("task.claimed")
	}
	for i := range tasks {
		e.accept(tasks[i], asked) //nolint:contextcheck // A task goes on in a context of its own.
	}
	e.mu.Lock()
	e.tasksLeft = len(tasks) == room
	e.mu.Unlock()
	return len(tasks), nil
}

// taskRoom gives the node types that there is room for, and how many of them: what is claimed begins at once, since
// other workers may have room.
func (e *Engine) taskRoom() (types []string, room int) {
	room = min(e.slots.left(), claimAtOnce)
	types = e.config.Nodes.Names()
	if e.budget.size == 0 {
		return types, room
	}
	left, dearest := e.budget.left(), 1
	types = slices.DeleteFunc(slices.Clone(types), func(name string) bool {
		t := (&errand{engine: e, task: store.Task{NodeType: name}}).nodeType()
		cost := e.budget.costOf(&t.Spec)
		if cost <= left {
			dearest = max(dearest, cost)
		}
		return cost > left
	})
	return types, min(room, left/dearest)
}

// accept begins a task, or tells that the worker that had it was lost: what then happens is the plan's to say.
func (e *Engine) accept(c store.ClaimedTask, asked time.Time) {
	t := &errand{engine: e, task: c.Task, lease: c.Lease, done: make(chan struct{})}
	t.ctx, t.cancel = context.WithCancelCause(e.base)
	err := c.Task.Call.Decode(&t.call)
	switch {
	case !e.keep(t, asked): // the engine was closed while it claimed
		t.giveBack()
		t.cancel(nil)
	case c.Lost > 0:
		go t.tell(taskOutcome{Lost: true})
	case err != nil:
		go t.tell(outcomeOf(nil, err))
	case e.slots.take(t.run):
		go t.run()
	default: // it is in line for a slot
	}
}

// tell records an outcome without an attempt.
func (t *errand) tell(outcome taskOutcome) {
	t.mu.Lock()
	t.told = true
	t.mu.Unlock()
	defer t.engine.forget(t)
	t.finish(outcome)
}

// keep adds a task to those whose leases this engine renews; false: the engine is closed, and gives back what it has.
func (e *Engine) keep(t *errand, asked time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.errands[t.task.ID] = t
	if e.idle == nil {
		e.idle = make(chan struct{})
	}
	e.fenceErrand(t, asked)
	if e.taskKeeper == nil && e.base.Err() == nil {
		e.taskKeeper = e.clock.AfterFunc(e.renewTasksEvery(), e.renewTasks)
	}
	return true
}

// fenceErrand gives a task up when its lease, asked for at an instant, is relied on no more.
func (e *Engine) fenceErrand(t *errand, asked time.Time) {
	if t.fence != nil {
		t.fence.Stop()
	}
	left := e.holdFor() - e.clock.Now().Sub(asked)
	t.fence = e.clock.AfterFunc(max(left, 0), func() {
		e.logger.Error("lease could not be renewed in time: the task is given up", "run", t.task.Run, "task", t.task.ID)
		t.stop(errTaskLost)
	})
}

// forget removes a task that has ended.
func (e *Engine) forget(t *errand) {
	t.cancel(nil)
	close(t.done)
	e.mu.Lock()
	defer e.mu.Unlock()
	t.fence.Stop()
	if e.errands[t.task.ID] == t { // it may have been lost, and claimed anew
		delete(e.errands, t.task.ID)
	}
	if e.bell != nil && e.tasksLeft {
		e.bell() // there is room again
	}
	if len(e.errands) == 0 && e.taskKeeper != nil {
		e.taskKeeper.Stop()
		e.taskKeeper = nil
	}
	e.closeIdle()
}

func (e *Engine) renewTasksEvery() time.Duration { return min(e.renewEvery(), maxRenewTasks) }

// ownErrands gives all tasks that this engine has.
func (e *Engine) ownErrands() []*errand {
	e.mu.Lock()
	defer e.mu.Unlock()
	own := make([]*errand, 0, len(e.errands))
	for _, t := range e.errands {
		own = append(own, t)
	}
	return own
}

// renewTasks prolongs the leases of all tasks of this engine, and ends the attempts of those that were canceled.
func (e *Engine) renewTasks() {
	kept := e.ownErrands()
	leases := make([]store.TaskLease, len(kept))
	for i, t := range kept {
		leases[i] = t.lease
	}
	ctx, cancel := context.WithTimeout(e.base, e.config.Lease/2)
	asked := e.clock.Now()
	renewed, err := e.config.Store.RenewTasks(ctx, leases)
	cancel()
	if err != nil && e.base.Err() == nil {
		e.logger.Error("renew leases of tasks", "tasks", len(leases), "error", err)
	}
	for i, answer := range renewed {
		t := kept[i]
		switch {
		case answer.Lost:
			t.stop(errTaskLost)
		case answer.Canceled:
			t.stop(errStopped)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, answer := range renewed {
		if e.errands[kept[i].task.ID] == kept[i] && !answer.Lost {
			e.fenceErrand(kept[i], asked)
		}
	}
	if e.taskKeeper != nil {
		e.taskKeeper = e.clock.AfterFunc(e.renewTasksEvery(), e.renewTasks)
	}
}

// giveTasksBack ends all attempts of tasks and gives those back that heed it; the leases of others run out.
func (e *Engine) giveTasksBack() {
	given := e.ownErrands()
	for _, t := range given {
		t.stop(errTaskGiven)
	}
	late := make(chan struct{})
	timer := e.clock.AfterFunc(e.config.Lease/4, func() { close(late) })
	defer timer.Stop()
	for _, t := range given {
		select {
		case <-t.done:
		case <-late:
		}
	}
}
