package storetest

import (
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// A model is what a store should hold, as naively as can be.
type model struct {
	runs []*modelRun // in order of creation
}

// limits are those of the slots in a workspace, by key.
func limits(key string) int {
	if key == "wide" {
		return 2
	}
	return 1
}

type modelRun struct {
	workspace        flowforge.Workspace
	id               flowforge.RunID
	key, fingerprint string

	status  flowforge.RunStatus
	seq     int64
	epoch   int64
	held    bool
	expired bool // its lease has ended, and nobody has taken it over
	lost    int
	parked  bool
	later   bool // it is not to start in this test
	slots   []store.Slot
	granted map[string]bool
	nodes   map[flowforge.NodeID]flowforge.NodeRun
	journal []byte
	unread  []store.Message
	seen    map[string]bool
	last    *store.Transition // the last that was applied
}

func (m *model) find(workspace flowforge.Workspace, id flowforge.RunID) *modelRun {
	for _, r := range m.runs {
		if r.workspace == workspace && r.id == id {
			return r
		}
	}
	return nil
}

func (m *model) withKey(workspace flowforge.Workspace, key string) *modelRun {
	for _, r := range m.runs {
		if key != "" && r.workspace == workspace && r.key == key {
			return r
		}
	}
	return nil
}

func (r *modelRun) canceled() bool {
	return slices.ContainsFunc(r.unread, func(m store.Message) bool { return m.Kind == store.MessageCancel })
}

// ready reports whether a claim may have the run, if it gets its slots.
func (r *modelRun) ready() bool {
	switch {
	case r.status.Terminal(), r.held && !r.expired:
		return false
	case r.canceled():
		return true
	case r.parked:
		return len(r.unread) > 0
	}
	return !r.later
}

func (r *modelRun) needs(key string) bool {
	return slices.ContainsFunc(r.slots, func(s store.Slot) bool { return s.Key == key })
}

// lease notes that the run was leased. Who was not asked to cancel has all its slots by that.
func (r *modelRun) lease() {
	r.epoch++
	if r.held {
		r.lost++
	}
	if !r.canceled() {
		for _, slot := range r.slots {
			r.granted[slot.Key] = true
		}
	}
	r.held, r.expired, r.parked, r.later = true, false, false, false
}

// holders counts the runs that hold a slot, and those that may, since they were canceled while they waited.
func (m *model) holders(workspace flowforge.Workspace, key string) (sure, perhaps int) {
	for _, r := range m.runs {
		switch {
		case r.workspace != workspace || r.status.Terminal() || !r.needs(key):
		case r.granted[key]:
			sure++
		case r.seen["cancel"]:
			perhaps++
		}
	}
	return sure, perhaps
}

// stuck reports whether a ready run has good reason not to be claimed: a slot that it needs is taken.
func (m *model) stuck(r *modelRun) bool {
	if r.canceled() {
		return false
	}
	return slices.ContainsFunc(r.slots, func(s store.Slot) bool {
		sure, perhaps := m.holders(r.workspace, s.Key)
		return !r.granted[s.Key] && sure+perhaps >= s.Limit
	})
}

// commit says what a transition should be answered, and applies it.
func (m *model) commit(t *store.Transition) flowforge.Code {
	r := m.find(t.Workspace, t.Run)
	switch {
	case r == nil:
		return flowforge.CodeNotFound
	case t.Epoch != r.epoch:
		return flowforge.CodeStaleEpoch
	case r.held && t.FromSeq == r.seq:
		return m.apply(r, t)
	case t.ToSeq < r.seq, t.ToSeq == r.seq && (t.FromSeq < t.ToSeq || r.parked):
		return ""
	case !r.held && !r.status.Terminal():
		return flowforge.CodeStaleEpoch
	}
	return flowforge.CodeConflict
}

func (m *model) apply(r *modelRun, t *store.Transition) flowforge.Code {
	for i := range t.Events {
		last := t.End != nil && i == len(t.Events)-1
		if t.Events[i].Seq != t.FromSeq+int64(i)+1 || (t.Events[i].Kind == flowforge.EventRunSucceeded) != last {
			return flowforge.CodeConflict
		}
	}
	for _, node := range t.Nodes {
		recorded := r.nodes[node.Node]
		if recorded.Status.Terminal() && (recorded.Status != node.Status || !recorded.FinishedAt.Equal(node.FinishedAt)) {
			return flowforge.CodeConflict
		}
	}
	for _, node := range t.Nodes {
		r.nodes[node.Node] = node
	}
	r.status, r.seq, r.last = t.Status, t.ToSeq, t
	if t.JournalAt == int64(len(r.journal)) {
		r.journal = append(r.journal, t.Journal...)
	}
	r.unread = slices.DeleteFunc(r.unread, func(m store.Message) bool { return slices.Contains(t.Read, m.ID) })
	switch {
	case t.End != nil:
		r.held, r.unread = false, nil
	case t.Park != nil:
		r.held, r.expired, r.parked, r.lost = false, false, true, 0
		for _, slot := range r.slots {
			if slot.ReleaseWhileWaiting {
				delete(r.granted, slot.Key)
			}
		}
	}
	for _, message := range t.Sends {
		m.send(message)
	}
	return ""
}

// send says what a message should be answered, and takes it in.
func (m *model) send(message store.Message) flowforge.Code {
	r := m.find(message.Workspace, message.Run)
	switch {
	case r == nil:
		return flowforge.CodeNotFound
	case r.seen[message.ID]:
		return ""
	case r.status.Terminal():
		return flowforge.CodeConflict
	}
	r.seen[message.ID] = true
	r.unread = append(r.unread, message)
	return ""
}
