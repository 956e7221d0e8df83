package sqlstore

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/limits"
)

// A gate judges the creations of a transaction that joins, slots or a backlog may keep from being made, or from
// beginning. It holds the lock of their workspaces, so that nobody else gives or takes a place meanwhile.
type gate struct {
	x        *session
	now      int64
	rooms    map[slotKey]*entrance
	backlogs map[string]int64             // queued runs
	open     map[slotKey]*gatheringRow    // runs that starts may join
	joined   map[[2]string]*flowforge.Run // by workspace and name of the start
	known    map[*creation]bool           // it was made before
	pending  map[string]bool              // workspaces where others in line are to be given what was freed

	all   []*creation
	joins []join
}

type slotKey struct{ workspace, key string }

// An entrance is what is to be known of a slot to judge new runs.
type entrance struct {
	held    int64
	lined   bool  // others wait, or are about to
	frees   int64 // when the first place for a time is free; 0: none is
	holder  flowforge.Run
	answers bool // there is a holder
}

// A gatheringRow is a run that gathers.
type gatheringRow struct {
	run    flowforge.Run
	inputs int64
}

// A join is a start that joins a run, as the n-th.
type join struct {
	*creation
	run flowforge.RunID
	n   int64
}

// An admission is what the gate makes of a creation.
type admission struct {
	held    map[string]bool // slots that it has from the start
	own     string          // the slot that it has on its own row: see ownSlot
	lacks   int64           // slots that it waits for
	line    string          // the one in whose line it begins
	waiting bool            // its time is to come
}

// gated reports whether a creation must pass the gate.
func (c *creation) gated() bool {
	later := len(c.Started) > 0 && !c.WakeAt.IsZero()
	return !c.done && (len(c.Slots) > 0 || c.Gather != nil || c.Backlog > 0 || later)
}

// gate judges creations, in order; nil: there are none to be judged.
func (s *Store) gate(ctx context.Context, x *session, waiting []*creation) (*gate, error) {
	var all []*creation
	for _, c := range waiting {
		c.admission = admission{}
		if err := limits.Check(c.Slots); err != nil {
			c.refuse(err)
		}
		if c.gated() {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return nil, nil //nolint:nilnil // There is none, which is no error.
	}
	g := &gate{
		x: x, all: all, rooms: map[slotKey]*entrance{}, backlogs: map[string]int64{}, open: map[slotKey]*gatheringRow{},
		joined: map[[2]string]*flowforge.Run{}, known: map[*creation]bool{},
		pending: map[string]bool{},
	}
	if err := g.read(ctx); err != nil {
		return nil, err
	}
	for _, c := range all {
		if !g.known[c] && !g.join(c) {
			g.judge(c)
		}
	}
	return g, nil
}

// join lets a start join a run that gathers, if there is one.
func (g *gate) join(c *creation) bool {
	if c.Gather == nil {
		return false
	}
	workspace := string(c.Run.Workspace)
	if run := g.joined[[2]string{workspace, c.Name()}]; run != nil {
		*c.answer, c.done = store.Created{Run: *run, Existing: true}, true
		return true
	}
	into := g.open[slotKey{workspace, c.Gather.Key}]
	if into == nil {
		return false
	}
	into.inputs++
	if c.Gather.Size > 0 && into.inputs >= int64(c.Gather.Size) {
		delete(g.open, slotKey{workspace, c.Gather.Key})
	}
	g.joins = append(g.joins, join{c, into.run.ID, into.inputs})
	g.joined[[2]string{workspace, c.Name()}] = &into.run
	*c.answer, c.done = store.Created{Run: into.run, Existing: true}, true
	return true
}

// judge gives a new run the places that it can have, or refuses it.
func (g *gate) judge(c *creation) {
	workspace := string(c.Run.Workspace)
	if queued := g.backlogs[workspace]; c.Backlog > 0 && queued >= int64(c.Backlog) {
		c.refuse(limits.BacklogFull(c.Run.Workspace, c.Backlog))
		return
	}
	for i := range c.Slots {
		if need := &c.Slots[i]; limits.TakenAtOnce(need) && g.refused(c, need) {
			return
		}
	}
	g.backlogs[workspace]++
	c.waiting = instant(c.WakeAt) > g.now
	waits := ""
	for i := range c.Slots {
		need := &c.Slots[i]
		at := g.rooms[slotKey{workspace, need.Key}]
		if !limits.TakenAtOnce(need) && (at.lined || at.held >= int64(need.Limit)) {
			waits = need.Key
			break
		}
	}
	free := waits == "" && !c.waiting && !g.pending[workspace]
	if key := c.ownSlot(); free && key != "" {
		c.own = key
		g.rooms[slotKey{workspace, key}].take(c, g.now)
		return
	}
	c.held = map[string]bool{}
	for i := range c.Slots {
		need := &c.Slots[i]
		if limits.TakenAtOnce(need) || free {
			c.held[need.Key] = true
			g.rooms[slotKey{workspace, need.Key}].take(c, g.now+need.For.Microseconds())
		} else {
			c.lacks++
		}
	}
	if waits != "" && !c.waiting && !g.pending[workspace] {
		c.line = waits
		g.rooms[slotKey{workspace, waits}].lined = true
	}
	if c.Gather != nil && c.Gather.Size != 1 {
		g.open[slotKey{workspace, c.Gather.Key}] = &gatheringRow{run: stored(c.Run), inputs: 1}
	}
}

// take counts a place that a creation has.
func (e *entrance) take(c *creation, until int64) {
	e.held++
	if e.frees == 0 || until < e.frees {
		e.frees = until
	}
	if !e.answers {
		e.answers, e.holder = true, stored(c.Run)
	}
}

// refused answers a creation that finds no place; false: there is one.
func (g *gate) refused(c *creation, need *store.Slot) bool {
	at := g.rooms[slotKey{string(c.Run.Workspace), need.Key}]
	if !at.lined && at.held < int64(need.Limit) {
		return false
	}
	if need.AtLimit == store.LimitAnswers && at.answers {
		*c.answer, c.done = store.Created{Run: at.holder, Existing: true}, true
		return true
	}
	c.refuse(limits.Refused(need))
	if need.For > 0 && at.frees > g.now {
		c.answer.After = time.Duration(at.frees-g.now) * time.Microsecond
	}
	return true
}
