package engine

import "sync"

// slots bound how many attempts an engine makes at a time. A run that finds none waits in line; who frees one
// hands it to the first in line.
type slots struct {
	mu   sync.Mutex
	free int
	line []*run
}

// take takes a slot for a lane of r, or puts r in line for one.
func (s *slots) take(r *run) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == 0 {
		s.line = append(s.line, r)
		return false
	}
	s.free--
	return true
}

// give frees a slot; the first run in line gets it, as a new lane.
func (s *slots) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.line) == 0 {
		s.free++
		return
	}
	next := s.line[0]
	s.line = s.line[1:]
	go next.fromLine()
}

// crowded reports whether a run waits for a slot.
func (s *slots) crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.line) > 0
}
