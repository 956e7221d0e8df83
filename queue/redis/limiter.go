package redis

import (
	"context"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"

	"github.com/flowforge-go/flowforge/queue"
	"github.com/flowforge-go/flowforge/queue/memory"
)

// Limiter is a queue.Limiter that counts what happens in all processes together. Where Redis is away each process
// counts for itself.
type Limiter struct {
	shared  *redis_rate.Limiter
	own     *memory.Limiter
	breaker *gobreaker.CircuitBreaker[struct{}]
	prefix  string
}

var _ queue.Limiter = (*Limiter)(nil)

func newLimiter(client *redis.Client, breaker *gobreaker.CircuitBreaker[struct{}], prefix string) *Limiter {
	return &Limiter{
		shared: redis_rate.NewLimiter(client), own: memory.NewLimiter(nil), breaker: breaker, prefix: prefix + ":limit:",
	}
}

// Allow takes one of a key's turns.
func (l *Limiter) Allow(ctx context.Context, key string, limit queue.Limit) (ok bool, retryAfter time.Duration, err error) {
	if err := limit.Check(); err != nil {
		return false, 0, err
	}
	var told *redis_rate.Result
	_, err = l.breaker.Execute(func() (struct{}, error) {
		var err error
		told, err = l.shared.Allow(context.WithoutCancel(ctx), l.prefix+key,
			redis_rate.Limit{Rate: limit.Count, Burst: limit.Count, Period: limit.Period})
		return struct{}{}, err
	})
	if err != nil {
		return l.own.Allow(ctx, key, limit)
	}
	return told.Allowed > 0, max(0, told.RetryAfter), nil
}
