// Package redis carries hints and news between processes through Redis: hints as jobs of gocraft/work, news by
// publish and subscribe. Nothing of worth is in Redis: it may be away, emptied or restarted at any time, which costs
// delay alone; all that is here goes on when it is back.
package redis

import (
	"cmp"
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/gocraft/work"
	redigo "github.com/gomodule/redigo/redis"
	"github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/queue"
)

// Config says how Redis is used.
type Config struct {
	// Prefix begins the names of all keys and channels, so that several installations may share one Redis; empty:
	// "flowforge".
	Prefix string
	// Changed is told when Redis is reached, with nil, and when it is lost, with the reason: once each time. It must
	// return soon. nil: nobody is.
	Changed func(reason error)
}

// Queue is a queue.Queue in Redis. Its methods may be called from many goroutines.
type Queue struct {
	prefix   string
	client   *redis.Client
	breaker  *gobreaker.CircuitBreaker[struct{}]
	enqueuer *work.Enqueuer
	bus      *Bus
	limiter  *Limiter

	mu        sync.Mutex
	done      chan struct{} // closed with the queue
	listening sync.WaitGroup
}

var _ queue.Queue = (*Queue)(nil)

// Hints that nobody takes are worth nothing: whoever comes looks into the store anyway.
const (
	maxHints = 100 // kept of one pool and priority; the oldest go first
	keepHint = 30 * time.Second
)

const (
	// brokenFor is how long Redis is taken to be away once it could not be reached, so that not everybody waits for
	// it in vain.
	brokenFor = time.Second
	// closeTime bounds the time that Close takes.
	closeTime = time.Second
)

// Open makes a queue in the Redis at a URL: redis://, rediss:// for TLS, or redis+sentinel:// and rediss+sentinel://
// for a master that sentinels know; docs/redis.md tells their forms. It does not fail where Redis is away: it is
// reached when it is back. A URL that is none, and a Redis Cluster, are Errors with CodeInvalidInput.
func Open(ctx context.Context, url string, config Config) (*Queue, error) {
	client, err := dial(url)
	if err != nil {
		return nil, err
	}
	if err := refuseCluster(ctx, client); err != nil {
		_ = client.Close()
		return nil, err
	}
	q := &Queue{
		prefix: cmp.Or(config.Prefix, "flowforge"), client: client, done: make(chan struct{}),
		breaker: gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
			Timeout:     brokenFor,
			ReadyToTrip: func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures > 1 },
		}),
	}
	q.enqueuer = work.NewEnqueuer(q.prefix, &redigo.Pool{MaxIdle: maxIdle, IdleTimeout: idleTime, Dial: q.connect})
	q.bus = openBus(client, q.breaker, q.prefix, config.Changed) //nolint:contextcheck // It lives until Close.
	q.limiter = newLimiter(client, q.breaker, q.prefix)
	return q, nil
}

// Bus gives the bus in the same Redis; it is closed with the queue.
func (q *Queue) Bus() *Bus { return q.bus }

// Limiter gives the limiter in the same Redis.
func (q *Queue) Limiter() *Limiter { return q.limiter }

// Push makes a job of a hint and wakes who listens. Where Redis is away it answers flowforge.CodeUnavailable, after
// a second at most, and mostly at once.
func (q *Queue) Push(ctx context.Context, hint queue.Hint) error {
	if q.isClosed() {
		return errClosed()
	}
	_, err := q.breaker.Execute(func() (struct{}, error) {
		return struct{}{}, q.push(context.WithoutCancel(ctx), hint) // who gives up says nothing about Redis
	})
	if err != nil {
		return flowforge.Errorf(flowforge.CodeUnavailable, "push a hint to Redis: %w", err)
	}
	return nil
}

// Close ends all subscriptions, each once its running call is over, and the bus. It waits a moment for them. Closing
// again is nothing.
func (q *Queue) Close() error {
	q.mu.Lock()
	select {
	case <-q.done:
		q.mu.Unlock()
		return nil
	default:
	}
	close(q.done)
	q.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		q.listening.Wait()
		close(ended)
	}()
	late := time.NewTimer(closeTime)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C: // a call of wake is under way; its subscription ends with it
	}
	err := q.bus.Close()
	_ = q.enqueuer.Pool.Close() // closing connections tells nothing that anyone could mend
	_ = q.client.Close()
	return err
}

func (q *Queue) push(ctx context.Context, hint queue.Hint) error {
	name := jobName(hint.Pool, urgency(hint))
	args := work.Q{argRun: string(hint.Run), argPriority: strconv.Itoa(hint.Priority)}
	if _, err := q.enqueuer.Enqueue(name, args); err != nil {
		return err
	}
	key := q.prefix + ":jobs:" + name
	pipe := q.client.Pipeline()
	pipe.LTrim(ctx, key, 0, maxHints-1)
	pipe.Expire(ctx, key, keepHint)
	pipe.Del(ctx, key+":lock", key+":lock_info") // counted by gocraft/work, read by nobody, and never forgotten by it
	pipe.Publish(ctx, q.bus.channel(bellTopic(hint.Pool)), "")
	_, err := pipe.Exec(ctx)
	return err
}

func (q *Queue) isClosed() bool {
	select {
	case <-q.done:
		return true
	default:
		return false
	}
}

// urgency is the priority, 1 first.
func urgency(hint queue.Hint) int {
	const middle = 3 // what priority 0 means
	if hint.Priority < 1 || hint.Priority > lowest {
		return middle
	}
	return hint.Priority
}

func errClosed() error { return flowforge.Errorf(flowforge.CodeClosed, "the queue is closed") }
