package identity

import (
	"sync"
	"time"
)

// Bounds of what is remembered. The age is how long what another server revokes may still be believed here: S13 has 5 s.
const (
	recentAge  = 3 * time.Second
	recentMost = 10_000
)

// recent remembers standings for a moment, so that not every request reads three rows. (A cache of a library would
// bring goroutines and a clock of its own for these few lines.)
type recent struct {
	mu    sync.Mutex
	known map[string]remembered
	epoch int64 // counts what was forgotten: what was read before is not remembered after it
}

type remembered struct {
	at time.Time
	standing
}

// get gives what is remembered under a name, or reads it. Errors are not remembered.
func (r *recent) get(now time.Time, name string, read func() (standing, error)) (standing, error) {
	r.mu.Lock()
	found, known := r.known[name]
	epoch := r.epoch
	r.mu.Unlock()
	if age := now.Sub(found.at); known && age >= 0 && age < recentAge {
		return found.standing, nil
	}
	made, err := read()
	if err != nil {
		return standing{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.epoch == epoch {
		if r.known == nil || len(r.known) >= recentMost {
			r.known = map[string]remembered{}
		}
		r.known[name] = remembered{now, made}
	}
	return made, nil
}

// forget forgets everything, since something was revoked or changed here.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = nil
	r.epoch++
}
