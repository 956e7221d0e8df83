package memory

import (
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/limits"
)

// A gathering is a run that starts may still join.
type gathering struct {
	name   slotKey
	run    *run
	inputs int
}

// joinedBefore gives the run that a start has joined, if it has.
func (s *Store) joinedBefore(n *store.NewRun) *run {
	return s.joined[idempotencyKey{n.Run.Workspace, n.Name()}]
}

// join lets a start join a run that gathers, if there is one.
func (s *Store) join(n *store.NewRun, now time.Time) *run {
	if n.Gather == nil {
		return nil
	}
	g := s.gathered[slotKey{n.Run.Workspace, n.Gather.Key}]
	if g == nil || g.run.Status.Terminal() || g.run.inbox.cancels > 0 {
		return nil
	}
	r := g.run
	s.joined[idempotencyKey{r.Workspace, n.Name()}] = r
	r.joined = append(r.joined, n.Name())
	r.inbox.put(store.Message{
		Workspace: r.Workspace, Run: r.ID, ID: n.Name(), Kind: store.MessageInput, Payload: n.Run.Input, At: now,
	})
	g.inputs++
	switch {
	case n.Gather.Size == 0:
		s.wakeNotBefore(r, now.Add(n.Gather.Period), now)
	case g.inputs >= n.Gather.Size:
		s.stopGathering(r)
		s.wakeNotBefore(r, time.Time{}, now)
	}
	return r
}

// wakeNotBefore changes when a run that has not begun is due.
func (s *Store) wakeNotBefore(r *run, at, now time.Time) {
	r.wakeAt = at
	s.waits(r, now)
	s.place(r, now)
}

// gather lets others join a new run.
func (s *Store) gather(r *run, by *store.Gather) {
	if by == nil || by.Size == 1 {
		return
	}
	name := slotKey{r.Workspace, by.Key}
	if before := s.gathered[name]; before != nil {
		before.run.gathers = nil
	}
	r.gathers = &gathering{name: name, run: r, inputs: 1}
	s.gathered[name] = r.gathers
}

// stopGathering lets no more starts join a run.
func (s *Store) stopGathering(r *run) {
	if r.gathers != nil {
		delete(s.gathered, r.gathers.name)
		r.gathers = nil
	}
}

// admit takes for a new run the places that are taken when it is created. Where they are not to be had it gives the
// answer; nil: the run may be made.
func (s *Store) admit(r *run, backlog int, now time.Time) *store.Created {
	if backlog > 0 && s.queued[r.Workspace] >= backlog {
		return &store.Created{Err: limits.BacklogFull(r.Workspace, backlog)}
	}
	for i := range r.slots {
		if need := &r.slots[i].Slot; limits.TakenAtOnce(need) {
			if answer := s.slots[slotKey{r.Workspace, need.Key}].refuse(need, now); answer != nil {
				return answer
			}
		}
	}
	for i := range r.slots {
		if need := &r.slots[i]; limits.TakenAtOnce(&need.Slot) {
			s.hold(s.slot(r, need.Key), r, need, now)
		}
	}
	return nil
}

// refuse gives the answer to a run that finds no place; nil: there is one.
func (k *slot) refuse(need *store.Slot, now time.Time) *store.Created {
	if k == nil || k.holders.Len() < need.Limit && k.waiting.first() == nil {
		return nil
	}
	refusal := &store.Created{Err: limits.Refused(need)}
	if first := k.holders.Front(); first != nil {
		holder := first.Value.(*place) //nolint:errcheck,forcetypeassert // It holds nothing else.
		if need.AtLimit == store.LimitAnswers {
			return &store.Created{Run: holder.run.Run, Existing: true}
		}
		if !holder.until.IsZero() {
			refusal.After = holder.until.Sub(now)
		}
	}
	return refusal
}

// cancelOlder asks the oldest runs with a slot to cancel, so that a new one leaves no more than its limit.
func (s *Store) cancelOlder(r *run, now time.Time) {
	for i := range r.slots {
		if r.slots[i].AtLimit != store.LimitCancels {
			continue
		}
		k := s.slot(r, r.slots[i].Key)
		var rivals []limits.Rival
		for e := k.holders.Front(); e != nil; e = e.Next() {
			if holder := e.Value.(*place).run; holder != r { //nolint:errcheck,forcetypeassert // It holds nothing else.
				rivals = append(rivals, holder.rival())
			}
		}
		for sp := range k.waiting.inOrder() {
			if sp.run != r {
				rivals = append(rivals, sp.run.rival())
			}
		}
		for _, id := range limits.Surplus(rivals, r.slots[i].Limit) {
			older := s.runs[runKey{r.Workspace, id}]
			_ = s.send(older, limits.Superseded(r.Workspace, id, r.ID, now)) // it has not ended: it has a place or waits
		}
		k.tidy(s)
	}
}

func (r *run) rival() limits.Rival {
	leaving := r.inbox.cancels > 0 || r.Status == flowforge.RunCanceling
	return limits.Rival{Run: r.ID, CreatedAt: r.CreatedAt, Leaving: leaving}
}
