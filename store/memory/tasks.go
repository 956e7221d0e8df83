package memory

import (
	"context"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// A task is all that is kept of a task. It is kept as long as its run, without its Call once it is over.
type task struct {
	store.Task
	owner    *run
	spot     spot // where it waits: to be claimed, or for the end of its lease
	since    time.Time
	order    uint64
	worker   flowforge.WorkerID // who has or had its lease; empty: nobody, or it was released
	lost     int
	epoch    int64
	until    time.Time
	canceled bool // its result is not wanted
	finished bool
}

type taskGroupKey struct{ pool, nodeType string }

// addTask makes a task, unless it is there already.
func (s *Store) addTask(r *run, n *store.Task, now time.Time) {
	if s.tasks[n.ID] != nil {
		return
	}
	t := &task{Task: *n, owner: r, since: now, order: s.next()}
	t.spot.task = t
	s.tasks[t.ID] = t
	r.tasks = append(r.tasks, t)
	s.offer(t)
}

// offer puts a task in line to be claimed.
func (s *Store) offer(t *task) {
	key := taskGroupKey{t.Pool, t.NodeType}
	l := s.taskGroups[key]
	if l == nil {
		added := s.newLine()
		l = &added
		s.taskGroups[key] = l
	}
	l.join(&t.spot, rank{priority: t.owner.ready().priority, at: t.since, order: t.order})
}

// cancel lets nobody claim the task any more; who has it is told.
func (s *Store) cancel(t *task) {
	t.canceled = true
	if t.spot.line != &s.taskLeases {
		t.spot.leave()
	}
}

// tickTasks offers tasks again whose lease has ended.
func (s *Store) tickTasks(now time.Time) {
	for sp := s.taskLeases.due(now); sp != nil; sp = s.taskLeases.due(now) {
		sp.leave()
		if t := sp.task; !t.canceled {
			t.since, t.order = t.until, s.next()
			s.offer(t)
		}
	}
}

// ClaimTasks leases tasks.
func (s *Store) ClaimTasks(ctx context.Context, claim store.Claim) ([]store.ClaimedTask, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := s.now()
	s.tickTasks(now)
	var lines []*line
	for _, pool := range claim.Pools {
		for _, nodeType := range claim.NodeTypes {
			if l := s.taskGroups[taskGroupKey{pool, nodeType}]; l != nil && !slices.Contains(lines, l) {
				lines = append(lines, l)
			}
		}
	}
	var claimed []store.ClaimedTask
	for len(claimed) < claim.Limit {
		first := firstOf(lines)
		if first == nil {
			break
		}
		first.leave()
		t := first.task
		if t.worker != "" {
			t.lost++
		}
		t.worker, t.until = claim.Worker, now.Add(claim.For)
		t.epoch++
		s.taskLeases.join(&t.spot, rank{at: t.until})
		claimed = append(claimed, store.ClaimedTask{
			Task:  t.Task,
			Lease: store.TaskLease{Worker: claim.Worker, Task: t.ID, Epoch: t.epoch, For: claim.For},
			Lost:  t.lost,
		})
	}
	return claimed, nil
}

// RenewTasks prolongs leases.
func (s *Store) RenewTasks(ctx context.Context, leases []store.TaskLease) ([]store.RenewedTask, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := s.now()
	answers := make([]store.RenewedTask, len(leases))
	for i, lease := range leases {
		t := s.tasks[lease.Task]
		if !t.heldBy(lease) {
			answers[i].Lost = true
			continue
		}
		t.spot.leave()
		t.until = now.Add(lease.For)
		s.taskLeases.join(&t.spot, rank{at: t.until})
		answers[i].Canceled = t.canceled
	}
	return answers, nil
}

// heldBy reports whether the lease, which may have ended, is the task's newest; there may be no task.
func (t *task) heldBy(lease store.TaskLease) bool {
	return t != nil && !t.finished && t.worker != "" && t.epoch == lease.Epoch
}

// ReleaseTasks gives tasks back.
func (s *Store) ReleaseTasks(ctx context.Context, leases []store.TaskLease) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	now := s.now()
	for _, lease := range leases {
		t := s.tasks[lease.Task]
		if !t.heldBy(lease) {
			continue
		}
		t.spot.leave()
		t.worker, t.lost = "", 0
		if !t.canceled {
			t.since, t.order = now, s.next()
			s.offer(t)
		}
	}
	return nil
}

// FinishTask records a result.
func (s *Store) FinishTask(ctx context.Context, lease store.TaskLease, result store.TaskResult) error {
	result.Task = lease.Task
	payload, err := flowforge.ValueOf(result)
	if err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	t := s.tasks[lease.Task]
	switch {
	case t == nil:
		return flowforge.Errorf(flowforge.CodeNotFound, "there is no task %s", lease.Task)
	case t.finished && t.epoch == lease.Epoch:
		return nil
	case !t.heldBy(lease):
		return flowforge.Errorf(flowforge.CodeStaleEpoch, "task %s: epoch %d is over, it is %d", t.ID, lease.Epoch, t.epoch)
	}
	t.finished, t.Call = true, flowforge.Value{}
	t.spot.leave()
	if t.owner.Status.Terminal() {
		return nil
	}
	return s.send(t.owner, store.Message{
		Workspace: t.Workspace, Run: t.Run, ID: "task_done/" + string(t.ID),
		Kind: store.MessageTaskDone, Payload: payload, At: s.now(),
	})
}
