package engine

import (
	"context"
	"errors"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Why a run is not this engine's any more, without having been lost.
var (
	errParked = errors.New("the run waits in the store")
	errLeft   = errors.New("the run was given back, to go on elsewhere")
)

// mayLeave reports whether the run needs no worker now: nothing of it runs or can begin, and it is to be given
// back, or will wait for long. Its lanes are not counted.
func (r *run) mayLeave() bool {
	if r.ready.len() > 0 || r.mayHandOver() || r.inEffect > 0 || r.ending != nil || r.state.Done() ||
		(r.effects.len()+r.transacts.len() > 0 && !r.held()) {
		return false
	}
	if r.leaving {
		return true
	}
	if !r.engine.claims() {
		return false
	}
	wake := r.nextWake()
	return wake.IsZero() || wake.Sub(r.engine.now()) > r.engine.config.ParkAfter
}

// claims reports whether a worker loop of this engine would wake what is parked.
func (e *Engine) claims() bool { return e.looping.Load() > 0 }

// nextWake gives when the next alarm of the run rings; zero: none is set.
func (r *run) nextWake() time.Time {
	var next time.Time
	sooner := func(a *alarm) {
		if a != nil && (next.IsZero() || a.at.Before(next)) {
			next = a.at
		}
	}
	sooner(r.timer)
	sooner(r.recalls)
	if r.paused {
		return next
	}
	for _, a := range r.live {
		sooner(a.timer)
		sooner(a.limit)
	}
	for _, f := range r.frames {
		sooner(f.timer)
	}
	return next
}

// park makes the next transition the last one of this engine for now.
func (r *run) park() *store.Park {
	if r.info.Status == flowforge.RunRunning {
		r.info.Status = flowforge.RunWaiting
		if r.inDoubt() {
			r.info.Reason = "decision"
		}
	}
	r.now = r.engine.now()
	r.record(flowforge.Event{Kind: flowforge.EventRunWaiting, Reason: r.info.Reason})
	return &store.Park{WakeAt: r.nextWake()}
}

// handBack gives the run back to the store.
func (r *run) handBack(ctx context.Context) {
	r.giveUp(errLeft)
	r.mu.Unlock()
	defer r.mu.Lock()
	ctx, cancel := context.WithTimeout(ctx, r.engine.config.Lease/4)
	defer cancel()
	err := r.engine.config.Store.Release(ctx, []store.Lease{r.lease})
	if err != nil {
		r.engine.logger.ErrorContext(ctx, "give a run back: it goes on when its lease has ended", "run", r.info.ID, "error", err)
	}
}

// handOver gives all runs back, each as soon as no attempt of it runs. An engine that is being closed, or that alone
// has its store, brings them to their end instead.
func (e *Engine) handOver() {
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed || e.alone {
		return
	}
	for _, r := range e.ownedRuns() {
		r.mu.Lock()
		r.leaving = !r.attended
		r.kick()
		r.mu.Unlock()
	}
}
