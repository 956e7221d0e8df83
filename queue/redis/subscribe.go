package redis

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gocraft/work"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/queue"
)

// What a job carries: strings alone, since gocraft/work is not to be trusted with anything else.
const (
	argRun      = "run"
	argPriority = "priority"
)

// lowest is the last priority.
const lowest = 5

// weights say how much more often a list of hints is looked at first than those that are less urgent.
func weights() [lowest]uint { return [...]uint{10_000, 1_000, 100, 10, 1} }

func jobName(pool string, urgency int) string { return strconv.Itoa(urgency) + ":" + pool }

// bellTopic is where the bus rings for the hints of a pool.
func bellTopic(pool string) string { return "hints/" + pool }

// subscriber is one call of Subscribe.
type subscriber struct {
	pools []string
	bell  chan struct{} // there may be hints

	mu     sync.Mutex
	heard  map[string]bool // pools that were listened to before
	missed []string        // pools of which hints may have been lost

	turn sync.Mutex // held by who calls wake
	wake func(queue.Hint)
}

// Subscribe calls wake for hints of the pools, and once for each pool when Redis is there again.
func (q *Queue) Subscribe(ctx context.Context, pools []string, wake func(queue.Hint)) error {
	s := &subscriber{pools: slices.Clone(pools), bell: make(chan struct{}, 1), heard: map[string]bool{}, wake: wake}
	slices.Sort(s.pools)
	s.pools = slices.Compact(s.pools)
	q.mu.Lock()
	if q.isClosed() {
		q.mu.Unlock()
		return errClosed()
	}
	q.listening.Add(1)
	q.mu.Unlock()
	defer q.listening.Done()
	news, err := q.bus.Subscribe(queue.Listener{Receive: s.receive, Missed: s.miss})
	if err != nil {
		return err
	}
	defer func() { _ = news.Close() }()
	if ctx.Err() != nil {
		return nil
	}

	var leaving atomic.Bool
	connections := q.quietPool(&leaving) //nolint:contextcheck // A connection outlives who first needs it.
	defer func() { _ = connections.Close() }()
	workers := work.NewWorkerPool(struct{}{}, 1, q.prefix, connections)
	for _, pool := range s.pools {
		for i, weight := range weights() {
			workers.JobWithOptions(jobName(pool, i+1), work.JobOptions{Priority: weight, MaxFails: 1, SkipDead: true}, s.handler(pool))
		}
		news.Add(bellTopic(pool))
	}
	workers.Start()
	defer workers.Stop()
	go func() { // a drain under load ends when there are no more jobs
		select {
		case <-q.done:
		case <-ctx.Done():
		}
		leaving.Store(true)
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-q.done:
			return errClosed()
		case <-s.bell:
			s.catchUp()
			workers.Drain()
		}
	}
}

// receive rings for hints.
func (s *subscriber) receive(queue.Message) { s.ring() }

// miss notes that hints of a pool may have been lost; those that were pushed before it was listened to are kept.
func (s *subscriber) miss(topic string) {
	pool, _ := strings.CutPrefix(topic, bellTopic(""))
	s.mu.Lock()
	if s.heard[pool] {
		s.missed = append(s.missed, pool)
	}
	s.heard[pool] = true
	s.mu.Unlock()
	s.ring()
}

func (s *subscriber) ring() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// catchUp wakes for the pools of which hints may have been lost.
func (s *subscriber) catchUp() {
	s.mu.Lock()
	missed := s.missed
	s.missed = nil
	s.mu.Unlock()
	for _, pool := range missed {
		s.call(queue.Hint{Pool: pool})
	}
}

func (s *subscriber) call(hint queue.Hint) {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.wake(hint)
}

// handler passes jobs of a pool on. It cannot fail: a hint is not tried again.
func (s *subscriber) handler(pool string) func(job *work.Job) error {
	return func(job *work.Job) error {
		priority, _ := strconv.Atoi(job.ArgString(argPriority)) // what is none counts as 0, which is the middle
		s.call(queue.Hint{Pool: pool, Priority: priority, Run: flowforge.RunID(job.ArgString(argRun))})
		return nil
	}
}
