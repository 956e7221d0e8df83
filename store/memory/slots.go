package memory

import (
	"container/list"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Each workspace has limits of its own.
type slotKey struct {
	workspace flowforge.Workspace
	key       string
}

// A slot is a key with those who hold a place under its limit, and those who wait for one.
type slot struct {
	holders *list.List // of *run, the longest first
	waiting line
}

func (k *slot) hold(r *run, need *slotOf) { need.place = k.holders.PushBack(r) }

func (k *slot) yield(need *slotOf) {
	k.holders.Remove(need.place)
	need.place = nil
}

// A slotOf is a slot that a run needs.
type slotOf struct {
	store.Slot
	place *list.Element // among the holders; nil: not held
}

func slotsOf(slots []store.Slot) ([]slotOf, error) {
	if len(slots) == 0 {
		return nil, nil
	}
	needed := make([]slotOf, len(slots))
	for i, slot := range slots {
		if slot.Limit < 1 {
			return nil, flowforge.Errorf(flowforge.CodeInvalidValue, "slot %q: a limit of %d lets nothing run", slot.Key, slot.Limit)
		}
		for _, other := range slots[:i] {
			if other.Key == slot.Key {
				return nil, flowforge.Errorf(flowforge.CodeInvalidValue, "slot %q is asked for twice", slot.Key)
			}
		}
		needed[i].Slot = slot
	}
	return needed, nil
}

func (s *Store) slot(r *run, key string) *slot {
	name := slotKey{r.Workspace, key}
	k := s.slots[name]
	if k == nil {
		k = &slot{holders: list.New(), waiting: s.newLine()}
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
			k.waiting.join(&r.spot, r.rank(r.since))
			return false
		}
	}
	for i := range r.slots {
		if r.slots[i].place == nil {
			s.slot(r, r.slots[i].Key).hold(r, &r.slots[i])
		}
	}
	return true
}

// free gives slots of a run back, all of them or those that it holds only while it does not wait, and grants
// them to the oldest waiters.
func (s *Store) free(r *run, all bool) {
	var freed []*slot
	for i := range r.slots {
		if r.slots[i].place != nil && (all || r.slots[i].ReleaseWhileWaiting) {
			k := s.slot(r, r.slots[i].Key)
			k.yield(&r.slots[i])
			freed = append(freed, k)
		}
	}
	for _, k := range freed {
		s.grant(k)
	}
	for i := range r.slots {
		name := slotKey{r.Workspace, r.slots[i].Key}
		if k := s.slots[name]; k != nil && k.holders.Len() == 0 && k.waiting.first() == nil {
			delete(s.slots, name)
		}
	}
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
