package memory

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/flowforge-go/flowforge/queue"
)

// maxKeys is how many keys a limiter knows before it forgets those that have all their turns back.
const maxKeys = 10_000

// Limiter is a queue.Limiter that counts what happens in this process.
type Limiter struct {
	now func() time.Time

	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

var _ queue.Limiter = (*Limiter)(nil)

// NewLimiter makes a limiter; now is the clock, nil: the system's.
func NewLimiter(now func() time.Time) *Limiter {
	if now == nil {
		now = time.Now
	}
	return &Limiter{now: now, keys: map[string]*rate.Limiter{}}
}

// Allow takes one of a key's turns.
func (l *Limiter) Allow(_ context.Context, key string, limit queue.Limit) (ok bool, retryAfter time.Duration, err error) {
	if err := limit.Check(); err != nil {
		return false, 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	turns := l.keys[key]
	if turns == nil {
		l.forget(now)
		turns = rate.NewLimiter(0, 0)
		l.keys[key] = turns
	}
	if each := rate.Limit(float64(limit.Count) / limit.Period.Seconds()); turns.Limit() != each || turns.Burst() != limit.Count {
		turns = rate.NewLimiter(each, limit.Count)
		l.keys[key] = turns
	}
	turn := turns.ReserveN(now, 1)
	wait := turn.DelayFrom(now)
	if wait > 0 {
		turn.CancelAt(now)
	}
	return wait == 0, wait, nil
}

// forget drops the keys that would be no different if they were new, once there are many.
func (l *Limiter) forget(now time.Time) {
	if len(l.keys) < maxKeys {
		return
	}
	for key, turns := range l.keys {
		if turns.TokensAt(now) >= float64(turns.Burst()) {
			delete(l.keys, key)
		}
	}
}
