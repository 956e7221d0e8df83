package sqlstore

import (
	"context"

	"github.com/flowforge-go/flowforge/store"
)

// Commit applies transitions.
func (s *Store) Commit(ctx context.Context, transitions []store.Transition) ([]store.Committed, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	answers := make([]store.Committed, len(transitions))
	waiting := make([]*change, len(transitions))
	for i := range transitions {
		waiting[i] = &change{Transition: &transitions[i], answer: &answers[i]}
	}
	for len(waiting) > 0 {
		if err := s.commitAll(ctx, waiting); err != nil {
			return nil, s.failure(ctx, "commit", err)
		}
		later := waiting[:0:0]
		for _, c := range waiting {
			if c.later {
				later = append(later, c)
			}
		}
		waiting = later
	}
	return answers, nil
}

// A change is a transition with the place of its answer.
type change struct {
	*store.Transition
	answer *store.Committed
	later  bool // it does not go with those before it
	starts []*creation
}

func (c *change) key() store.RunKey { return keyOf(c.Workspace, c.Run) }

// commitAll commits in one transaction; what the database refuses is found by halves. The transitions of one run stay
// together.
func (s *Store) commitAll(ctx context.Context, waiting []*change) error {
	var order []store.RunKey
	byRun := map[store.RunKey][]*change{}
	for _, c := range waiting {
		if byRun[c.key()] == nil {
			order = append(order, c.key())
		}
		byRun[c.key()] = append(byRun[c.key()], c)
	}
	group := func(from, to int) []*change {
		if to-from == len(order) {
			return waiting
		}
		var part []*change
		for _, key := range order[from:to] {
			part = append(part, byRun[key]...)
		}
		return part
	}
	return s.bisect(ctx, len(order), func(from, to int) error {
		err := s.commitOnce(ctx, group(from, to), false)
		if faultOf(err) == faultRecorded {
			err = s.commitOnce(ctx, group(from, to), true)
		}
		return err
	}, func(i int, err error) {
		err = s.commitEach(ctx, byRun[order[i]], err)
		for _, c := range byRun[order[i]] {
			if err != nil {
				*c.answer = store.Committed{Err: err}
			}
		}
	})
}

// commitEach commits the transitions of a run one by one, to find the one that the database refuses.
func (s *Store) commitEach(ctx context.Context, changes []*change, err error) error {
	if len(changes) == 1 {
		return err
	}
	for _, c := range changes {
		err := retry(ctx, func() error { return s.commitOnce(ctx, []*change{c}, true) })
		if err != nil {
			*c.answer = store.Committed{Err: s.failure(ctx, "commit", err)}
		}
	}
	return nil
}

func (s *Store) commitOnce(ctx context.Context, changes []*change, careful bool) error {
	x := s.engine()
	defer x.close(ctx)
	return s.commitIn(ctx, x, changes, careful)
}

// commitIn commits within a session: one round trip reads and locks, one writes. Careful means that recorded results
// are read, too, so that each transition that would change one is known; else the database refuses the whole.
func (s *Store) commitIn(ctx context.Context, x *session, changes []*change, careful bool) error {
	b := s.newBatch()
	if err := b.read(ctx, x, changes, careful); err != nil {
		return err
	}
	for _, c := range changes {
		if err := b.one(c); err != nil {
			return err
		}
	}
	if err := b.write(ctx, x); err != nil {
		return err
	}
	for _, c := range changes {
		c.answer.Freed = c.answer.Freed && b.passesOn(c.Workspace)
	}
	return nil
}

// one judges a transition and notes what it writes.
func (b *batch) one(c *change) error {
	*c.answer, c.later, c.starts = store.Committed{}, false, nil
	l := b.runs[c.key()]
	switch {
	case l == nil:
		c.answer.Err = noRun(c.Run)
		return nil
	case b.postponed[c.key()]:
		c.later = true
		return nil
	}
	applied, err := l.guard(c.Transition)
	if err == nil && !applied {
		err = b.check(l, c.Transition)
	}
	if c.answer.Err = err; err != nil {
		return nil //nolint:nilerr // It is the answer.
	}
	if b.collides(l, c.Transition, applied) {
		c.later = true
		if b.postponed == nil {
			b.postponed = map[store.RunKey]bool{}
		}
		b.postponed[c.key()] = true
		return nil
	}
	if len(c.Starts) > 0 {
		c.answer.Started = make([]store.Created, len(c.Starts))
		for i := range c.Starts {
			c.starts = append(c.starts, &creation{NewRun: &c.Starts[i], answer: &c.answer.Started[i]})
		}
		if applied {
			b.startedBefore(c)
		} else {
			b.created = append(b.created, c.starts...)
		}
	}
	if !applied {
		if err := b.apply(l, c.Transition); err != nil {
			return err
		}
	}
	c.answer.Unread, c.answer.Freed = l.unread > 0, l.freed
	return nil
}

// collides reports whether a transition cannot be written in one statement with those before it.
func (b *batch) collides(l *live, t *store.Transition, applied bool) bool {
	if applied && len(t.Starts) > 0 {
		return len(b.created) > 0 // it answers what those have made
	}
	for i := range t.Nodes {
		if l.dropped[t.Nodes[i].Node] {
			return true
		}
	}
	return false
}

// startedBefore answers the starts of a transition that was applied before.
func (b *batch) startedBefore(c *change) {
	for _, start := range c.starts {
		start.done = true
		was := b.starts[start.NewRun]
		switch {
		case was == nil: // it has ended, and was forgotten
			*start.answer = store.Created{Run: start.Run, Existing: true}
		case was.byKey && was.fingerprint != start.Fingerprint:
			*start.answer = store.Created{Run: start.Run, Existing: true, Err: usedKey(start.IdempotencyKey)}
		default:
			*start.answer = was.again(start.NewRun)
		}
	}
}
