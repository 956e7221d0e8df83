package progress

import (
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Sequence puts live notes, which come at once, behind the durable events they follow, which come once they are
// written, so that lines are in the order in which things happened.
type Sequence struct {
	mu    sync.Mutex
	to    Progress
	last  int64             // number of the newest durable event
	held  []flowforge.Event // notes that wait for an event to come
	timer *time.Timer
}

// InOrder makes a Sequence that passes on what it is told.
func InOrder(to Progress) *Sequence { return &Sequence{to: to} }

// patience is how long a note waits at most: what a node logs in its midst is shown before it ends.
const patience = 200 * time.Millisecond

// Event takes an event.
func (s *Sequence) Event(event flowforge.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case event.Seq > 0:
		s.release(event.Seq - 1)
		s.last = event.Seq
		s.to.Event(event)
		s.release(s.last)
	case event.After <= s.last && len(s.held) == 0:
		s.to.Event(event)
	default:
		s.held = append(s.held, event)
		if s.timer == nil {
			s.timer = time.AfterFunc(patience, s.flush)
		}
	}
}

// Stop passes on all notes, and holds none any more.
func (s *Sequence) Stop() {
	s.mu.Lock()
	timer := s.timer
	s.mu.Unlock()
	if timer != nil {
		timer.Stop()
	}
	s.flush()
}

// release passes on the notes that follow an event of that number or an earlier one.
func (s *Sequence) release(number int64) {
	n := 0
	for n < len(s.held) && s.held[n].After <= number {
		s.to.Event(s.held[n])
		n++
	}
	s.held = s.held[n:]
}

// flush passes on all notes.
func (s *Sequence) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, note := range s.held {
		s.to.Event(note)
	}
	s.held, s.timer = nil, nil
}
