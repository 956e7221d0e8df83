package engine

import (
	"context"
	"sync"

	"github.com/flowforge-go/flowforge/nodes"
)

// slots bound how many attempts an engine makes at a time. Who finds none waits in line; who frees one hands it to
// the first in line.
type slots struct {
	mu    sync.Mutex
	free  int // negative: more are taken than there are, since their number was lowered
	idle  int // the least that were free since usage was asked for
	ahead int // how many runs may wait for a slot before no more are claimed
	line  []func()

	wanted func() // told once there is room for more runs; nil: nobody asked
}

// take takes a slot, or puts begin in line, to be called in a goroutine of its own once it has one.
func (s *slots) take(begin func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free <= 0 {
		s.line = append(s.line, begin)
		return false
	}
	s.free--
	s.idle = min(s.idle, s.free)
	return true
}

// give frees a slot, or hands it to the first in line.
func (s *slots) give() { s.add(1) }

// room gives how many more runs there is work for: some may wait for a slot, so that the next begins at once, but not
// many, since other workers may have room.
func (s *slots) room() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.spare(), 0)
}

func (s *slots) spare() int { return s.free + s.ahead - len(s.line) }

// look lets more runs wait where those that were claimed last have begun soon, and fewer where they have not.
func (s *slots) look(soon bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if soon {
		s.ahead = min(2*s.ahead, claimAtOnce)
	} else {
		s.ahead = max(s.ahead/2, 1)
	}
}

// roomAgain lets tell be called, once, when there is room for more than a few runs; nil calls that off.
func (s *slots) roomAgain(tell func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted = tell
	s.tell()
}

func (s *slots) tell() {
	if s.wanted != nil && 2*s.spare() >= s.ahead {
		s.wanted()
		s.wanted = nil
	}
}

// add makes the slots more, or fewer as they are freed.
func (s *slots) add(more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += more
	defer s.tell()
	for s.free > 0 && len(s.line) > 0 {
		next := s.line[0]
		s.line = s.line[1:]
		s.free--
		go next()
	}
	s.idle = min(s.idle, s.free)
}

// usage gives how many were free at least since it was asked the last time.
func (s *slots) usage() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	least := s.idle
	s.idle = s.free
	return max(least, 0)
}

// crowded reports whether someone waits for a slot.
func (s *slots) crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.line) > 0
}

// left gives how many are free.
func (s *slots) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.free, 0)
}

// budget bounds what attempts cost together: a worker may have room for a hundred requests, but for two models.
type budget struct {
	size  int            // 0: there is no bound
	costs map[string]int // by node type

	mu   sync.Mutex
	used int
	line []*share
}

// share is what an attempt waits for.
type share struct {
	cost int
	mine chan struct{} // closed when it is taken
}

// costOf gives what an attempt of a node type costs: 1, or what is configured. What only computes or steers is free.
func (b *budget) costOf(spec *nodes.Spec) int {
	if b.size == 0 {
		return 0
	}
	if cost, named := b.costs[spec.Type]; named {
		return cost
	}
	if spec.Kind == nodes.Effectful {
		return 1
	}
	return 0
}

// take waits until there is room for a cost, in the order in which it was asked for.
func (b *budget) take(ctx context.Context, cost int) error {
	if cost == 0 {
		return nil
	}
	b.mu.Lock()
	if len(b.line) == 0 && b.used+cost <= b.size {
		b.used += cost
		b.mu.Unlock()
		return nil
	}
	mine := &share{cost: cost, mine: make(chan struct{})}
	b.line = append(b.line, mine)
	b.mu.Unlock()
	select {
	case <-mine.mine:
		return nil
	case <-ctx.Done():
		b.leave(mine)
		return nodes.NotDone(context.Cause(ctx))
	}
}

// leave takes back what was asked for.
func (b *budget) leave(s *share) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, other := range b.line {
		if other == s {
			b.line = append(b.line[:i:i], b.line[i+1:]...)
			b.serve()
			return
		}
	}
	b.used -= s.cost // it was given just now
	b.serve()
}

// give gives back what was taken.
func (b *budget) give(cost int) {
	if cost == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= cost
	b.serve()
}

func (b *budget) serve() {
	for len(b.line) > 0 && b.used+b.line[0].cost <= b.size {
		b.used += b.line[0].cost
		close(b.line[0].mine)
		b.line = b.line[1:]
	}
}

// left gives what is free.
func (b *budget) left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size - b.used
}
