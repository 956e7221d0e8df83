package main

import (
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
)

// sequence puts live notes, which come at once, behind the durable events they follow, which come once they are
// written, so that lines are in the order in which things happened.
type sequence struct {
	mu    sync.Mutex
	to    progress
	last  int64             // number of the newest durable event
	held  []flowforge.Event // notes that wait for an event to come
	timer *time.Timer
}

// patience is how long a note waits at most: what a node logs in its midst is shown before it ends.
const patience = 200 * time.Millisecond

func (s *sequence) event(event flowforge.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case event.Seq > 0:
		s.release(event.Seq - 1)
		s.last = event.Seq
		s.to.event(event)
		s.release(s.last)
	case event.After <= s.last && len(s.held) == 0:
		s.to.event(event)
	default:
		s.held = append(s.held, event)
		if s.timer == nil {
			s.timer = time.AfterFunc(patience, s.flush)
		}
	}
}

// release passes on the notes that follow an event of that number or an earlier one.
func (s *sequence) release(number int64) {
	n := 0
	for n < len(s.held) && s.held[n].After <= number {
		s.to.event(s.held[n])
		n++
	}
	s.held = s.held[n:]
}

// flush passes on all notes.
func (s *sequence) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, note := range s.held {
		s.to.event(note)
	}
	s.held, s.timer = nil, nil
}

// stop passes on all notes, and holds none any more.
func (s *sequence) stop() {
	s.mu.Lock()
	timer := s.timer
	s.mu.Unlock()
	if timer != nil {
		timer.Stop()
	}
	s.flush()
}
