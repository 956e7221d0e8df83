package engine

import (
	"context"
	"sync"

	"github.com/flowforge-go/flowforge/store"
)

// committer writes the transitions of many runs in one round trip. There is no timer: while one batch is on
// its way the next gathers, and whoever comes first sends it. Nobody is answered before the commit.
type committer struct {
	store store.Store
	meter Meter
	clock Clock

	mu      sync.Mutex
	waiting []*commitWait
	busy    bool
}

// commitWait is a transition that waits for its answer.
type commitWait struct {
	transition *store.Transition
	answer     store.Committed
	turn       chan bool // true: it is your turn to send; false: answered
}

// commit writes one transition and gives the store's answer to it.
func (c *committer) commit(ctx context.Context, transition *store.Transition) store.Committed {
	wait := &commitWait{transition: transition}
	c.mu.Lock()
	c.waiting = append(c.waiting, wait)
	if c.busy {
		wait.turn = make(chan bool, 1)
		c.mu.Unlock()
		if mine := <-wait.turn; !mine {
			return wait.answer
		}
		c.mu.Lock()
	}
	c.busy = true
	batch := c.waiting
	c.waiting = nil
	c.mu.Unlock()

	c.send(ctx, batch)
	for _, other := range batch {
		if other != wait {
			other.turn <- false
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.busy = false
	} else {
		c.waiting[0].turn <- true
	}
	return wait.answer
}

func (c *committer) send(ctx context.Context, batch []*commitWait) {
	transitions := make([]store.Transition, len(batch))
	for i, wait := range batch {
		transitions[i] = *wait.transition
	}
	began := c.clock.Now()
	answers, err := c.store.Commit(ctx, transitions)
	c.meter.Committed(len(batch), c.clock.Now().Sub(began))
	for i, wait := range batch {
		if err != nil {
			wait.answer = store.Committed{Err: err}
		} else {
			wait.answer = answers[i]
		}
	}
}
