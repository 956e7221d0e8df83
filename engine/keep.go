package engine

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// own adds a run to those this engine keeps alive.
func (e *Engine) own(r *run) {
	if !e.alone {
		e.tuneIn()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r.leasedAt = e.clock.Now()
	e.runs[r.info.ID] = r
	if e.idle == nil {
		e.idle = make(chan struct{})
	}
	if e.keeper != nil || e.base.Err() != nil {
		return
	}
	e.keeper = e.clock.AfterFunc(e.renewEvery(), e.renew)
	e.fence = e.clock.AfterFunc(e.holdFor(), e.giveUpFenced)
	if !e.alone {
		e.mail = e.clock.AfterFunc(mailEvery, e.readMail)
	}
}

// disown removes a run that has ended, was parked or was lost.
func (e *Engine) disown(r *run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runs[r.info.ID] == r {
		delete(e.runs, r.info.ID)
	}
	if e.bell != nil && len(e.runs) == e.config.MaxRuns-1 {
		e.bell() // there is room again
	}
	if len(e.runs) == 0 {
		e.stopKeeping()
	}
	e.closeIdle()
}

// closeIdle tells those who wait for it that nothing is under way any more.
func (e *Engine) closeIdle() {
	if len(e.runs)+len(e.errands) == 0 && e.idle != nil {
		close(e.idle)
		e.idle = nil
	}
}

func (e *Engine) stopKeeping() {
	for _, timer := range []*Timer{&e.keeper, &e.fence, &e.mail} {
		if *timer != nil {
			(*timer).Stop()
			*timer = nil
		}
	}
}

// owned finds a run among those this engine owns; nil where it does not.
func (e *Engine) owned(id flowforge.RunID) *run {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.runs[id]
}

// ownedRuns gives all of them.
func (e *Engine) ownedRuns() []*run {
	e.mu.Lock()
	defer e.mu.Unlock()
	owned := make([]*run, 0, len(e.runs))
	for _, r := range e.runs {
		owned = append(owned, r)
	}
	return owned
}

// renewEvery gives the time between renewals: a bit more than a quarter of the lease, spread so that many
// workers do not renew at once.
func (e *Engine) renewEvery() time.Duration {
	quarter := float64(e.config.Lease) / 4
	return time.Duration(quarter * (0.86 + 0.4*e.config.Random()))
}

// holdFor gives how long a lease that is not renewed is relied on: attempts end before another worker may begin.
func (e *Engine) holdFor() time.Duration {
	return e.config.Lease - min(5*time.Second, e.config.Lease/4)
}

// renew prolongs the leases of all runs this engine owns, and looks for messages to them.
func (e *Engine) renew() {
	kept := e.ownedRuns()
	leases := make([]store.Lease, len(kept))
	for i, r := range kept {
		leases[i] = r.lease
	}
	ctx, cancel := context.WithTimeout(e.base, e.config.Lease/2) // with the time between renewals, what the fence leaves
	asked := e.clock.Now()
	renewed, err := e.config.Store.Renew(ctx, leases)
	cancel()
	next := e.renewEvery()
	if err != nil {
		if e.base.Err() == nil {
			e.logger.Error("renew leases", "runs", len(leases), "error", err)
		}
		next /= 4
	}
	failpoint("renew.after")
	for i := range renewed {
		switch {
		case renewed[i].Lost && kept[i].settling.Load():
			continue // it may be its own end, or its parking, that ended the lease: the commit's answer tells
		case renewed[i].Lost:
			kept[i].lose(flowforge.Errorf(flowforge.CodeStaleEpoch, "the lease was lost to another worker"))
			continue
		case renewed[i].Unread:
			kept[i].readInbox()
		}
		e.mu.Lock()
		kept[i].leasedAt = asked
		e.mu.Unlock()
	}
	e.mu.Lock()
	if e.keeper != nil && len(e.runs) > 0 {
		e.keeper = e.clock.AfterFunc(next, e.renew)
	}
	e.mu.Unlock()
	e.checkClock()
}

// checkClock follows the store's clock. Where it cannot be read just now, what is known of it counts on.
func (e *Engine) checkClock() {
	ctx, cancel := context.WithTimeout(e.base, e.config.Lease/4)
	defer cancel()
	if err := e.readClock(ctx); err != nil && e.base.Err() == nil {
		e.logger.WarnContext(ctx, "read the store's clock", "error", err)
	}
}

// fenced reports whether the lease of some run could not be renewed in time.
func (e *Engine) fenced() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	oldest := e.clock.Now().Add(-e.holdFor())
	for _, r := range e.runs {
		if !r.leasedAt.After(oldest) {
			return true
		}
	}
	return e.base.Err() != nil
}

// giveUpFenced loses the runs whose leases could not be renewed: another worker may begin with them soon, and
// until then nothing of them may run here any more.
func (e *Engine) giveUpFenced() {
	e.mu.Lock()
	now := e.clock.Now()
	next := now.Add(e.holdFor())
	var late []*run
	for _, r := range e.runs {
		if ends := r.leasedAt.Add(e.holdFor()); !ends.After(now) {
			late = append(late, r)
		} else if ends.Before(next) {
			next = ends
		}
	}
	if e.fence != nil {
		e.fence = e.clock.AfterFunc(next.Sub(now), e.giveUpFenced)
	}
	e.mu.Unlock()
	for _, r := range late {
		e.logger.Error("lease could not be renewed in time: the run is given up", "run", r.info.ID)
		r.lose(flowforge.Errorf(flowforge.CodeStaleEpoch, "the lease could not be renewed in time"))
	}
}

// mailEvery is how often an engine looks for messages that other processes have sent to its runs.
const mailEvery = time.Second

// readMailSoon looks for messages at once, or once more where that is under way.
func (e *Engine) readMailSoon() {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.reading:
		e.again = true
	case e.mail != nil:
		e.mail.Stop()
		e.mail = e.clock.AfterFunc(0, e.readMail)
	default:
		e.clock.AfterFunc(0, e.readMail)
	}
}

// readMail reads the inboxes of runs with unread messages.
func (e *Engine) readMail() {
	e.mu.Lock()
	if e.reading { // this timer could not be stopped any more
		e.again = true
		e.mu.Unlock()
		return
	}
	e.reading, e.again = true, false
	e.mu.Unlock()
	ctx, cancel := context.WithTimeout(e.base, e.config.Lease/4)
	defer cancel()
	unread, err := e.config.Store.Unread(ctx, e.worker)
	if err != nil && e.base.Err() == nil {
		e.logger.Error("look for messages", "error", err)
	}
	for _, key := range unread {
		if r := e.owned(key.Run); r != nil && r.info.Workspace == key.Workspace {
			r.readInbox()
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reading = false
	next := mailEvery
	if e.again {
		next = 0
	}
	switch {
	case e.mail != nil:
		e.mail.Stop()
		e.mail = e.clock.AfterFunc(next, e.readMail)
	case e.again:
		e.clock.AfterFunc(0, e.readMail)
	}
}
