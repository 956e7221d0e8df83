// Package memory carries hints within this process. It starts no goroutine and holds at most one hint per
// subscriber and pool: hints are merged, the most urgent priority kept. A hint that no one listens for is
// dropped.
package memory

import (
	"context"
	"slices"
	"sync"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/queue"
)

// Queue is a queue.Queue in memory. Its methods may be called from many goroutines.
type Queue struct {
	done chan struct{} // closed with the queue

	mu          sync.Mutex
	closed      bool
	subscribers map[string][]*subscriber // by pool; who got a hint goes to the end
}

var _ queue.Queue = (*Queue)(nil)

// A subscriber is one call of Subscribe.
type subscriber struct {
	pools   []string
	pending []queue.Hint  // one per pool at most
	busy    bool          // its wake runs
	signal  chan struct{} // holds something where pending does
}

// New makes a queue.
func New() *Queue {
	return &Queue{done: make(chan struct{}), subscribers: map[string][]*subscriber{}}
}

// Push sends a hint to one of the subscribers of its pool: to an idle one, if there is one.
func (q *Queue) Push(_ context.Context, hint queue.Hint) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return closed()
	}
	q.push(hint)
	return nil
}

// Subscribe calls wake for hints of the pools, in the goroutine that called it.
func (q *Queue) Subscribe(ctx context.Context, pools []string, wake func(queue.Hint)) error {
	s, err := q.join(pools)
	if err != nil {
		return err
	}
	defer q.leave(s)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-q.done:
			return closed()
		case <-s.signal:
		}
		for ctx.Err() == nil {
			hint, ok := q.next(s)
			if !ok {
				break
			}
			wake(hint)
		}
	}
}

// Close ends all subscriptions, each once its running call is over, and drops what is pending. Closing again is
// nothing.
func (q *Queue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.done)
	}
	return nil
}

func (q *Queue) push(hint queue.Hint) {
	those := q.subscribers[hint.Pool]
	if len(those) == 0 {
		return
	}
	at := max(0, slices.IndexFunc(those, (*subscriber).idle))
	chosen := those[at]
	copy(those[at:], those[at+1:])
	those[len(those)-1] = chosen
	chosen.add(hint)
}

func (q *Queue) join(pools []string) (*subscriber, error) {
	s := &subscriber{pools: slices.Clone(pools), signal: make(chan struct{}, 1)}
	slices.Sort(s.pools)
	s.pools = slices.Compact(s.pools)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, closed()
	}
	for _, pool := range s.pools {
		q.subscribers[pool] = append(q.subscribers[pool], s)
	}
	return s, nil
}

// next takes the oldest hint of a subscriber, which is done with the one before.
func (q *Queue) next(s *subscriber) (queue.Hint, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.busy = len(s.pending) > 0 && !q.closed
	if !s.busy {
		return queue.Hint{}, false
	}
	hint := s.pending[0]
	s.pending = slices.Delete(s.pending, 0, 1)
	return hint, true
}

// leave passes on what the subscriber did not get to.
func (q *Queue) leave(s *subscriber) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, pool := range s.pools {
		rest := slices.DeleteFunc(q.subscribers[pool], func(other *subscriber) bool { return other == s })
		if len(rest) == 0 {
			delete(q.subscribers, pool)
		} else {
			q.subscribers[pool] = rest
		}
	}
	for _, hint := range s.pending {
		q.push(hint)
	}
}

func (s *subscriber) idle() bool { return !s.busy && len(s.pending) == 0 }

// add merges a hint into what is pending.
func (s *subscriber) add(hint queue.Hint) {
	for i := range s.pending {
		if kept := &s.pending[i]; kept.Pool == hint.Pool {
			if urgency(hint) < urgency(*kept) {
				*kept = hint
			}
			return
		}
	}
	s.pending = append(s.pending, hint)
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// urgency is the priority, 1 first.
func urgency(hint queue.Hint) int {
	const middle = 3 // what priority 0 means
	if hint.Priority == 0 {
		return middle
	}
	return hint.Priority
}

func closed() error { return flowforge.Errorf(flowforge.CodeClosed, "the queue is closed") }
