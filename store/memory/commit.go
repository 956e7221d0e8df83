package memory

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Commit applies transitions.
func (s *Store) Commit(ctx context.Context, transitions []store.Transition) ([]store.Committed, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := s.now()
	answers := make([]store.Committed, len(transitions))
	for i := range transitions {
		answers[i] = s.commit(&transitions[i], now)
	}
	return answers, nil
}

// commit applies one transition, all of it or nothing.
func (s *Store) commit(t *store.Transition, now time.Time) store.Committed {
	r, err := s.find(t.Workspace, t.Run)
	if err != nil {
		return store.Committed{Err: err}
	}
	applied, err := r.guard(t)
	if err != nil {
		return store.Committed{Err: err}
	}
	var started []store.Created
	freed := !applied && (t.End != nil || t.Park != nil) && r.awaited(t.End != nil)
	if applied {
		started = s.startedBefore(t)
	} else {
		if err := s.check(r, t); err != nil {
			return store.Committed{Err: err}
		}
		started = s.apply(r, t, now)
	}
	return store.Committed{Unread: len(r.inbox.unread) > 0, Freed: freed, Started: started}
}

// guard refuses a transition that is not the run's next, and reports whether it was applied before. Only who has
// the epoch could bring the run to where the transition leads, or beyond.
func (r *run) guard(t *store.Transition) (applied bool, err error) {
	switch {
	case t.Epoch != r.epoch:
		return false, flowforge.Errorf(flowforge.CodeStaleEpoch, "run %s: epoch %d is over, it is %d", r.ID, t.Epoch, r.epoch)
	case r.held && t.FromSeq == r.Seq:
		return false, nil
	case t.ToSeq < r.Seq, t.ToSeq == r.Seq && (t.FromSeq < t.ToSeq || r.parked):
		return true, nil
	case r.Status.Terminal():
		return false, flowforge.Errorf(flowforge.CodeConflict, "run %s has ended", r.ID)
	case !r.held:
		return false, flowforge.Errorf(flowforge.CodeStaleEpoch, "run %s: the lease of epoch %d was given up", r.ID, t.Epoch)
	default:
		return false, flowforge.Errorf(flowforge.CodeConflict,
			"run %s is at event %d: a transition from %d to %d does not follow", r.ID, r.Seq, t.FromSeq, t.ToSeq)
	}
}

// apply makes the changes of a transition that check has accepted. Its order matters: a run that it starts may
// wait for the slot that it frees.
func (s *Store) apply(r *run, t *store.Transition, now time.Time) (started []store.Created) {
	r.Status, r.Reason, r.Seq = t.Status, t.Reason, t.ToSeq
	if t.Input != nil {
		r.Input = *t.Input
	}
	if !t.StartedAt.IsZero() {
		r.StartedAt = t.StartedAt
	}
	if t.JournalAt == int64(len(r.journal)) {
		r.journal = append(r.journal, t.Journal...)
	}
	for i := range t.Events {
		r.events.add(t.Events[i])
	}
	for i := range t.Nodes {
		r.nodes.set(&t.Nodes[i], &s.steps)
	}
	for _, key := range t.Dropped {
		r.nodes.drop(key, &s.steps)
	}
	for i := range t.Logs {
		r.logs.add(t.Logs[i])
	}
	if len(t.Read) > 0 {
		r.inbox.read(t.Read)
		s.deliver(r)
	}
	for i := range t.Tasks {
		s.addTask(r, &t.Tasks[i], now)
	}
	for _, id := range t.CancelTasks {
		if task := s.tasks[id]; task != nil && task.owner == r {
			s.cancel(task)
		}
	}
	switch {
	case t.End != nil:
		s.end(r, t.End, now)
	case t.Park != nil:
		s.park(r, t.Park, now)
	case t.For > 0:
		s.prolong(r, now.Add(t.For))
	}
	if len(t.Starts) > 0 {
		started = make([]store.Created, len(t.Starts))
	}
	for i := range t.Starts {
		started[i] = s.create(&t.Starts[i], now)
	}
	s.sendAll(t.Sends)
	return started
}

// startedBefore answers the starts of a transition that was applied before.
func (s *Store) startedBefore(t *store.Transition) []store.Created {
	started := make([]store.Created, len(t.Starts))
	for i := range t.Starts {
		start := &t.Starts[i]
		if r, err := s.existing(start); r != nil {
			started[i] = r.again(start)
		} else { // it has ended, and was forgotten
			started[i] = store.Created{Run: start.Run, Existing: true, Err: err}
		}
	}
	return started
}

// end frees all that the run held.
func (s *Store) end(r *run, end *store.End, now time.Time) {
	r.Output, r.Error, r.FinishedAt = end.Output, end.Error, end.FinishedAt
	r.journal = nil
	r.inbox.close()
	s.unlease(r)
	for _, task := range r.tasks {
		s.cancel(task)
	}
	if r.slots != nil {
		s.tick(now)
		s.free(r, true)
		r.slots = nil
	}
	s.finish(r)
}

func (s *Store) park(r *run, park *store.Park, now time.Time) {
	s.unlease(r)
	r.parked, r.wakeAt = true, park.WakeAt
	if r.slots != nil {
		s.tick(now)
		s.free(r, false)
	}
	s.waits(r, now)
	s.place(r, now)
}
