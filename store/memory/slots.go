package memory

import (
	"container/list"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/limits"
)

// Each workspace has limits of its own.
type slotKey struct {
	workspace flowforge.Workspace
	key       string
}

// A slot is a key with those who hold a place under its limit, and those who wait for one.
type slot struct {
	name    slotKey
	holders *list.List // of *place, the longest first
	waiting line
}

// A place is held by a run, until it ends or for a time.
type place struct {
	run   *run
	slot  *slot
	until time.Time     // zero: until the run ends
	at    *list.Element // among the holders; nil: it is given back
	spot  spot          // where it waits for its time
}

// A slotOf is a slot that a run needs.
type slotOf struct {
	store.Slot
	place *place // nil: not held
}

// hold gives a run a place.
func (s *Store) hold(k *slot, r *run, need *slotOf, now time.Time) {
	p := &place{run: r, slot: k}
	p.at, need.place = k.holders.PushBack(p), p
	if need.For > 0 {
		p.until, p.spot.place = now.Add(need.For), p
		s.timed.join(&p.spot, rank{at: p.until, order: s.next()})
	}
}

// yield gives a place back.
func (s *Store) yield(p *place) {
	p.slot.holders.Remove(p.at)
	p.at = nil
	p.spot.leave()
	s.grant(p.slot)
	p.slot.tidy(s)
}

// tidy forgets a slot that nobody holds or waits for.
func (k *slot) tidy(s *Store) {
	if k.holders.Len() == 0 && k.waiting.first() == nil {
		delete(s.slots, k.name)
	}
}

func slotsOf(slots []store.Slot) ([]slotOf, error) {
	if len(slots) == 0 {
		return nil, nil
	}
	needed := make([]slotOf, len(slots))
	for i, slot := range slots {
		needed[i].Slot = slot
	}
	return needed, limits.Check(slots)
}

func (s *Store) slot(r *run, key string) *slot {
	name := slotKey{r.Workspace, key}
	k := s.slots[name]
	if k == nil {
		k = &slot{name: name, holders: list.New(), waiting: s.newLine()}
		s.slots[name] = k
	}
	return k
}

// take gives a run, which is in no line, the slots that it lacks: all or none. Where it gets none it joins the
// line of the first that is taken. Nobody passes those in line, unless turn, who was the first of its line.
func (s *Store) take(r *run, turn *slot) bool {
	for i := range r.slots {
		if r.slots[i].place != nil {
			continue
		}
		k := s.slot(r, r.slots[i].Key)
		if k.holders.Len() >= r.slots[i].Limit || k != turn && k.waiting.first() != nil {
			k.waiting.join(&r.spot, r.inLine())
			return false
		}
	}
	now := s.now()
	for i := range r.slots {
		if r.slots[i].place == nil {
			s.hold(s.slot(r, r.slots[i].Key), r, &r.slots[i], now)
		}
	}
	return true
}

// free gives slots of a run back, all of them or those that it holds only while it does not wait, and grants
// them to the oldest waiters. Those that it holds for a time it keeps.
func (s *Store) free(r *run, all bool) {
	var freed []*place
	for i := range r.slots {
		need := &r.slots[i]
		if need.yields(all) {
			freed = append(freed, need.place)
			need.place = nil
		}
	}
	for _, p := range freed {
		s.yield(p)
	}
}

// yields reports whether a run gives the slot back with all others, or with those that it holds only while it does not
// wait.
func (n *slotOf) yields(all bool) bool {
	return n.place != nil && n.For == 0 && (all || n.ReleaseWhileWaiting)
}

// awaited reports whether others wait for slots that a run would give back.
func (r *run) awaited(all bool) bool {
	return slices.ContainsFunc(r.slots, func(need slotOf) bool {
		return need.yields(all) && need.place.slot.waiting.first() != nil
	})
}

// grant lets the oldest waiters of a slot go on while it has room. One that then needs another slot, which is
// taken, waits there, in the order of its age.
func (s *Store) grant(k *slot) {
	for first := k.waiting.first(); first != nil; first = k.waiting.first() {
		r := first.run
		if k.holders.Len() >= r.limit(k, s) {
			return
		}
		r.spot.leave()
		if s.take(r, k) {
			r.group.ready.join(&r.spot, r.ready())
		}
	}
}

// limit gives the limit that a run sees at a slot.
func (r *run) limit(k *slot, s *Store) int {
	for i := range r.slots {
		if s.slot(r, r.slots[i].Key) == k {
			return r.slots[i].Limit
		}
	}
	return 0
}
