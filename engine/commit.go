package engine

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// batcher sends the requests of many goroutines in one round trip. There is no timer: while one batch is on its
// way the next gathers, and whoever comes first sends it. Nobody is answered before the batch is.
type batcher[Q, A any] struct {
	send func(context.Context, []Q) ([]A, error)

	mu      sync.Mutex
	waiting []*batched[Q, A]
	busy    bool
}

// batched is a request that waits for its answer.
type batched[Q, A any] struct {
	request Q
	answer  A
	err     error
	turn    chan bool // true: it is your turn to send; false: answered
}

// maxBatch bounds one round trip.
const maxBatch = 500

// do sends one request and gives its answer.
func (b *batcher[Q, A]) do(ctx context.Context, request Q) (A, error) {
	mine := &batched[Q, A]{request: request}
	b.mu.Lock()
	b.waiting = append(b.waiting, mine)
	if b.busy {
		mine.turn = make(chan bool, 1)
		b.mu.Unlock()
		if first := <-mine.turn; !first {
			return mine.answer, mine.err
		}
		b.mu.Lock()
	}
	b.busy = true
	batch := b.waiting
	b.waiting = nil
	if len(batch) > maxBatch {
		batch, b.waiting = batch[:maxBatch:maxBatch], batch[maxBatch:]
	}
	b.mu.Unlock()

	b.sendAll(ctx, batch)
	for _, other := range batch {
		if other != mine {
			other.turn <- false
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.busy = false
	} else {
		b.waiting[0].turn <- true
	}
	return mine.answer, mine.err
}

func (b *batcher[Q, A]) sendAll(ctx context.Context, batch []*batched[Q, A]) {
	requests := make([]Q, len(batch))
	for i, one := range batch {
		requests[i] = one.request
	}
	answers, err := b.send(ctx, requests)
	for i, one := range batch {
		if err != nil {
			one.err = err
		} else {
			one.answer = answers[i]
		}
	}
}

// commit writes transitions. It waits out an outage of the store, as long as the leases hold.
func (e *Engine) commit(ctx context.Context, transitions []*store.Transition) ([]store.Committed, error) {
	batch := make([]store.Transition, len(transitions))
	for i, transition := range transitions {
		batch[i] = *transition
	}
	for tries := 0; ; tries++ {
		began := e.clock.Now()
		failpoint("commit.before")
		answers, err := e.config.Store.Commit(ctx, batch)
		failpoint("commit.after")
		e.meter.Committed(len(batch), e.clock.Now().Sub(began))
		if err == nil {
			e.tell(transitions, answers)
		}
		if flowforge.CodeOf(err) != flowforge.CodeUnavailable {
			return answers, err
		}
		if e.fenced() {
			return nil, err
		}
		e.logger.WarnContext(ctx, "commit: trying again", "transitions", len(batch), "error", err)
		e.pause(ctx, outagePause(tries, e.config.Random()))
	}
}

// outagePause gives the time before a store that could not be reached is asked again: up to 1 s, doubling from
// 20 ms, with full jitter above a tenth.
func outagePause(tries int, random float64) time.Duration {
	most := min(float64(20*time.Millisecond)*math.Pow(2, float64(min(tries, 10))), float64(time.Second))
	return time.Duration(most * (0.1 + 0.9*random))
}

// pause waits for a time or until the engine is closed.
func (e *Engine) pause(ctx context.Context, wait time.Duration) {
	over := make(chan struct{})
	timer := e.clock.AfterFunc(wait, func() { close(over) })
	defer timer.Stop()
	select {
	case <-over:
	case <-e.base.Done():
	case <-ctx.Done():
	}
}
