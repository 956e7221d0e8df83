package engine

import (
	"context"
	"math"
	"sync"
	"time"
)

// A scaler finds how many attempts at a time do a worker good, between a minimum and a maximum. It raises the number
// by a square root while all slots are taken, as the gradient limits of Netflix's concurrency-limits do, and lowers it by
// a fifth when attempts take half as long again as they usually do: what they work with has enough to do. What is not
// used is given back, down to the minimum.
type scaler struct {
	min, max int

	mu    sync.Mutex
	size  int
	types map[string]*pace
}

// A pace is how long attempts of a node type take.
type pace struct {
	usual float64 // seconds: the least that was seen, forgotten slowly while the size is the minimum
	sum   float64 // of this round
	count int
}

const (
	scaleEvery = time.Second
	tooSlow    = 1.5  // times the usual
	giveUp     = 0.8  // what is left of the size when attempts are too slow
	idlePart   = 0.5  // less than this part in use is idle
	forget     = 1.02 // how much longer the usual becomes each such round, so that it can be learnt anew
)

// note takes note of an attempt.
func (s *scaler) note(nodeType string, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.types[nodeType]
	if p == nil {
		p = &pace{}
		s.types[nodeType] = p
	}
	p.sum += took.Seconds()
	p.count++
}

// round ends a round in which so many slots were in use at most, and gives the size for the next.
func (s *scaler) round(used int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	slowness := s.slowness()
	switch {
	case slowness > tooSlow:
		s.size = int(float64(s.size) * giveUp)
	case used >= s.size:
		s.size += int(math.Ceil(math.Sqrt(float64(s.size))))
	case float64(used) < idlePart*float64(s.size):
		s.size -= max(1, s.size/10)
	}
	s.size = min(max(s.size, s.min), s.max)
	return s.size
}

// slowness gives how many times as long as usual the attempts of the round took, each compared with its type.
func (s *scaler) slowness() float64 {
	total, count := 0.0, 0
	for _, p := range s.types {
		if p.count == 0 {
			continue
		}
		mean := p.sum / float64(p.count)
		if p.usual == 0 || mean < p.usual {
			p.usual = mean
		}
		total += mean / max(p.usual, 1e-6) * float64(p.count)
		count += p.count
		if s.size == s.min { // it is as quick as it gets here
			p.usual *= forget
		}
		p.sum, p.count = 0, 0
	}
	if count == 0 {
		return 1
	}
	return total / float64(count)
}

// scale changes the number of slots until ctx ends; then there are all again.
func (e *Engine) scale(ctx context.Context) {
	size := e.config.Workers
	set := func(wanted int) {
		e.slots.add(wanted - size)
		size = wanted
		e.size.Store(int64(size))
	}
	defer func() { set(e.config.Workers) }()
	set(e.scaler.min)
	for ctx.Err() == nil {
		e.slots.usage() // what was before this round does not count
		e.pause(ctx, scaleEvery)
		if e.base.Err() != nil {
			return
		}
		set(e.scaler.round(size - e.slots.usage()))
	}
}
