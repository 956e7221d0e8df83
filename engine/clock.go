package engine

import (
	"context"
	"sync/atomic"
	"time"
)

// Clock tells the time and wakes at times.
type Clock interface {
	Now() time.Time
	AfterFunc(wait time.Duration, wake func()) Timer
}

// Timer is a wake-up that can be called off.
type Timer interface{ Stop() bool }

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(wait time.Duration, wake func()) Timer {
	return time.AfterFunc(wait, wake)
}

// alarm is a timer that knows when it rings, by the store's clock.
type alarm struct {
	Timer

	at time.Time
}

func (e *Engine) alarmIn(wait time.Duration, ring func()) *alarm {
	return &alarm{Timer: e.clock.AfterFunc(wait, ring), at: e.now().Add(wait)}
}

func (e *Engine) alarmAt(at time.Time, ring func()) *alarm {
	return &alarm{Timer: e.clock.AfterFunc(max(at.Sub(e.now()), 0), ring), at: at}
}

// stop calls an alarm off; there may be none.
func (a *alarm) stop() {
	if a != nil {
		a.Stop()
	}
}

// storeClock is how far the store's clock is ahead of this process's. Instants that are kept are by the store's
// clock: another process goes on with the run, and a process whose clock is wrong must not wake it early.
type storeClock struct {
	known atomic.Bool
	ahead atomic.Int64 // nanoseconds, at least
	doubt atomic.Int64 // how much more it may be
}

// now gives the store's time, as far as it is known, and late rather than early by a round trip.
func (e *Engine) now() time.Time {
	return e.clock.Now().Add(time.Duration(e.synced.ahead.Load()))
}

// after gives when a wait is over that begins at an instant of this engine's. Who goes on with the run may know the
// store's time better, and must not end the wait early all the same.
func (e *Engine) after(begin time.Time, wait time.Duration) time.Time {
	return begin.Add(wait + time.Duration(e.synced.doubt.Load()))
}

// syncClock asks the store for its time, unless that is known.
func (e *Engine) syncClock(ctx context.Context) error {
	if e.synced.known.Load() {
		return nil
	}
	return e.readClock(ctx)
}

func (e *Engine) readClock(ctx context.Context) error {
	asked := e.clock.Now()
	store, err := e.config.Store.Now(ctx)
	if err != nil {
		return err
	}
	now := e.clock.Now()
	e.synced.follow(store.Sub(now), now.Sub(asked))
	return nil
}

// maxLag is how much a reading may be behind the one before it because its answer was slow. One that is further
// behind tells that a clock was set.
const maxLag = time.Second

// follow takes in a reading. A slow answer makes it too small, by as much as it took, and never too large: the largest is
// the best.
func (s *storeClock) follow(ahead, took time.Duration) {
	before := time.Duration(s.ahead.Load())
	if s.known.Load() && ahead < before && before-ahead < maxLag {
		doubt := max(ahead+took-before, 0)
		s.doubt.Store(min(s.doubt.Load(), int64(doubt)))
		return
	}
	s.ahead.Store(int64(ahead))
	s.doubt.Store(int64(took))
	s.known.Store(true)
}
