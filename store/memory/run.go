package memory

import (
	"cmp"
	"container/list"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Two workspaces may have runs of the same ID; neither learns of the other.
type runKey struct {
	workspace flowforge.Workspace
	run       flowforge.RunID
}

// A run is all that is kept of a run.
type run struct {
	flowforge.Run
	spot        spot // where it waits
	group       *group
	key         string // its idempotency key
	fingerprint string
	text        string // the hash of its document

	held   bool // someone has its lease, which may have ended
	worker flowforge.WorkerID
	epoch  int64
	until  time.Time          // the end of the lease
	lost   int                // leases that ran out in a row, of those that were taken over
	mail   flowforge.WorkerID // who is told of its unread messages

	parked  bool
	wakeAt  time.Time
	journal []byte
	since   time.Time // it waits since, and is the order-th to do so
	order   uint64
	slots   []slotOf

	gathers *gathering // nil: no start joins it any more
	joined  []string   // the names of the starts that did

	events pages[flowforge.Event]
	nodes  nodes
	logs   pages[store.LogLine]
	inbox  inbox
	tasks  []*task

	finished *list.Element // among the finished runs; nil: not counted
}

// A group is the runs of a workspace that the same workers can run.
type group struct {
	name  string // of the three that follow
	space flowforge.Workspace
	pool  string
	types []string // sorted
	runs  int      // how many runs refer to it
	ready line
}

// groupOf gives the group of a workspace, a pool and node types.
func (s *Store) groupOf(workspace flowforge.Workspace, pool string, types []string) *group {
	s.scratch = append(append(append(s.scratch[:0], workspace...), 0), pool...)
	for _, name := range types {
		s.scratch = append(append(s.scratch, 0), name...)
	}
	g := s.groups[string(s.scratch)]
	if g == nil {
		g = &group{name: string(s.scratch), space: workspace, pool: pool, types: slices.Clone(types), ready: s.newLine()}
		s.groups[g.name] = g
	}
	return g
}

// within reports whether all of some is in all; both are sorted.
func within(some, all []string) bool {
	for _, name := range some {
		for len(all) > 0 && all[0] < name {
			all = all[1:]
		}
		if len(all) == 0 || all[0] != name {
			return false
		}
	}
	return true
}

func (r *run) rank(at time.Time) rank { return rank{at: at, order: r.order} }

func (r *run) ready() rank {
	ready := r.inLine()
	ready.fresh = r.StartedAt.IsZero()
	return ready
}

// inLine gives the place of a run that waits for a slot.
func (r *run) inLine() rank {
	const middle = 3 // what priority 0 means
	return rank{priority: cmp.Or(r.Priority, middle), at: r.since, order: r.order}
}

// waits notes that the run begins to wait to be claimed.
func (s *Store) waits(r *run, since time.Time) { r.since, r.order = since, s.next() }

// asleep reports whether nothing has happened that the run waits for. A run that has not begun sleeps until its
// time; a parked one also wakes for a message.
func (r *run) asleep(now time.Time) bool {
	if !r.parked {
		return r.wakeAt.After(now)
	}
	return len(r.inbox.unread) == 0 && (r.wakeAt.IsZero() || r.wakeAt.After(now))
}

// claimable reports whether a run, which is in no line, may be leased now. If not, it is put where it waits for
// that. A run that was asked to cancel waits neither for its time nor for slots: it will not do anything.
func (s *Store) claimable(r *run, now time.Time) bool {
	switch {
	case r.inbox.cancels > 0:
		return true
	case r.asleep(now):
		if !r.wakeAt.IsZero() {
			s.sleeping.join(&r.spot, r.rank(r.wakeAt))
		}
		return false
	default:
		return s.take(r, nil)
	}
}

// place puts a run that nobody works on where it belongs.
func (s *Store) place(r *run, now time.Time) {
	r.spot.leave()
	if s.claimable(r, now) {
		r.group.ready.join(&r.spot, r.ready())
	}
}

// lease gives a run, which is in no line, to a worker.
func (s *Store) lease(r *run, worker flowforge.WorkerID, until time.Time) {
	if r.held {
		r.lost++
	}
	r.held, r.worker, r.until = true, worker, until
	if r.epoch++; r.epoch == 1 {
		s.leaveQueue(r)
		s.stopGathering(r)
	}
	r.parked, r.wakeAt = false, time.Time{}
	s.leases.join(&r.spot, r.rank(until))
	s.deliver(r)
}

// unlease ends a run's lease. Its epoch stays until the next lease, so that a resent transition is known.
func (s *Store) unlease(r *run) {
	r.held, r.worker, r.until, r.lost = false, "", time.Time{}, 0
	r.spot.leave()
	s.deliver(r)
}

// tick lets go on what only waited for a moment that has come: the end of a lease, the time to wake. Who held
// the lease may still write and renew until someone else has claimed the run.
func (s *Store) tick(now time.Time) {
	for sp := s.timed.due(now); sp != nil; sp = s.timed.due(now) {
		s.yield(sp.place)
	}
	for sp := s.leases.due(now); sp != nil; sp = s.leases.due(now) {
		s.waits(sp.run, sp.run.until)
		s.place(sp.run, now)
	}
	for sp := s.sleeping.due(now); sp != nil; sp = s.sleeping.due(now) {
		s.waits(sp.run, sp.run.wakeAt)
		s.place(sp.run, now)
	}
}

// leaveQueue counts a run no more among the queued ones.
func (s *Store) leaveQueue(r *run) {
	if s.queued[r.Workspace]--; s.queued[r.Workspace] == 0 {
		delete(s.queued, r.Workspace)
	}
}
