package redis_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	goredis "github.com/redis/go-redis/v9"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/queue"
	"github.com/flowforge-go/flowforge/queue/redis"
)

const patience = 30 * time.Second

// wire stands between a queue and Redis, and can be cut.
type wire struct {
	listener net.Listener
	to       string

	mu   sync.Mutex
	cut  bool
	ends map[net.Conn]struct{}
	all  sync.WaitGroup
}

// lay gives a wire to the tests' Redis, and the URL of its near end.
func lay(t *testing.T) (*wire, string) {
	t.Helper()
	there, err := url.Parse(address(t))
	require.NoError(t, err)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{listener: listener, to: there.Host, ends: map[net.Conn]struct{}{}}
	w.all.Go(w.accept)
	t.Cleanup(func() {
		w.set(true)
		_ = listener.Close()
		w.all.Wait()
	})
	there.Host = listener.Addr().String()
	return w, there.String()
}

// set cuts the wire, with all connections, or mends it.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for end := range w.ends {
		_ = end.Close()
	}
	clear(w.ends)
}

func (w *wire) accept() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.to)
		w.mu.Lock()
		if err != nil || w.cut {
			_ = near.Close()
			if err == nil {
				_ = far.Close()
			}
			w.mu.Unlock()
			continue
		}
		w.ends[near], w.ends[far] = struct{}{}, struct{}{}
		w.mu.Unlock()
		for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
			w.all.Go(func() {
				_, _ = io.Copy(pair[0], pair[1])
				_ = pair[0].Close()
			})
		}
	}
}

// listen subscribes to a pool and returns what comes.
func listen(t *testing.T, q *redis.Queue, pool string) <-chan queue.Hint {
	t.Helper()
	got := make(chan queue.Hint, 1_000)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Subscribe(ctx, []string{pool}, func(hint queue.Hint) { got <- hint }) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return got
}

// comes waits for a hint of a run, whatever comes before it; push is repeated, since a hint may be lost in a fault.
func comes(t *testing.T, got <-chan queue.Hint, q *redis.Queue, run flowforge.RunID) {
	t.Helper()
	require.Eventually(t, func() bool {
		_ = q.Push(context.Background(), queue.Hint{Pool: "cpu", Run: run})
		for {
			select {
			case hint := <-got:
				if hint.Run == run {
					return true
				}
			default:
				return false
			}
		}
	}, patience, 20*time.Millisecond)
}

func TestWhileRedisIsAwayPushSaysSoAndSubscribersAreWokenWhenItIsBack(t *testing.T) {
	t.Parallel()
	w, near := lay(t)
	w.set(true)
	changes := make(chan error, 100)
	q, err := redis.Open(t.Context(), near, redis.Config{Prefix: t.Name(), Changed: func(reason error) { changes <- reason }})
	require.NoError(t, err, "it is opened during an outage")
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	got := listen(t, q, "cpu")
	require.Error(t, <-changes)
	for range 10 {
		require.Equal(t, flowforge.CodeUnavailable, flowforge.CodeOf(q.Push(t.Context(), queue.Hint{Pool: "cpu"})))
	}
	w.set(false)
	require.NoError(t, <-changes)
	comes(t, got, q, "first")
	w.set(true)
	require.Error(t, <-changes)
	for len(got) > 0 {
		<-got
	}
	w.set(false)
	require.NoError(t, <-changes)
	require.Eventually(t, func() bool { return len(got) > 0 && (<-got).Run == "" }, patience, time.Millisecond,
		"a subscriber is woken once its connection is back, since hints may have been lost")
	comes(t, got, q, "second")
}

func TestAnEmptiedRedisGoesOn(t *testing.T) {
	t.Parallel()
	options, err := goredis.ParseURL(address(t))
	require.NoError(t, err)
	options.DB = 7 // which no other test has
	client := goredis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	there, err := url.Parse(address(t))
	require.NoError(t, err)
	there.Path = "/7"
	q := open(t, there.String())
	got := listen(t, q, "cpu")
	comes(t, got, q, "before")
	require.NoError(t, client.FlushDB(t.Context()).Err())
	require.NoError(t, client.ScriptFlush(t.Context()).Err())
	comes(t, got, q, "after")
}

func TestHintsThatNobodyTakesAreFewAndForgotten(t *testing.T) {
	t.Parallel()
	options, err := goredis.ParseURL(address(t))
	require.NoError(t, err)
	client := goredis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	q, err := redis.Open(t.Context(), address(t), redis.Config{Prefix: t.Name()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	for range 1_000 {
		require.NoError(t, q.Push(t.Context(), queue.Hint{Pool: "nobody", Priority: 2}))
	}
	key := t.Name() + ":jobs:2:nobody"
	require.LessOrEqual(t, client.LLen(t.Context(), key).Val(), int64(100))
	require.Positive(t, client.TTL(t.Context(), key).Val())
}

func TestABusTellsWhatMayHaveBeenMissed(t *testing.T) {
	t.Parallel()
	w, near := lay(t)
	bus := open(t, near).Bus()
	got, missed := make(chan string, 100), make(chan string, 100)
	s, err := bus.Subscribe(queue.Listener{
		Receive: func(message queue.Message) { got <- string(message.Payload) },
		Missed:  func(topic string) { missed <- topic },
	})
	require.NoError(t, err)
	s.Add("a")
	require.Equal(t, "a", <-missed)
	w.set(true)
	require.Eventually(t, func() bool { return !s.Live() }, patience, time.Millisecond)
	bus.Publish(queue.Message{Topic: "a", Payload: []byte("lost")})
	require.Eventually(t, func() bool { return bus.Dropped() == 1 }, patience, time.Millisecond)
	s.Add("b")
	w.set(false)
	require.ElementsMatch(t, []string{"a", "b"}, []string{<-missed, <-missed})
	require.Eventually(t, func() bool {
		bus.Publish(queue.Message{Topic: "b", Payload: []byte("after")})
		return len(got) > 0 && <-got == "after"
	}, patience, 20*time.Millisecond)
}

func TestALimiterCountsForItselfWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	w, near := lay(t)
	l := open(t, near).Limiter()
	w.set(true)
	limit := queue.Limit{Count: 1, Period: time.Hour}
	ok, _, err := l.Allow(t.Context(), "key", limit)
	require.NoError(t, err)
	require.True(t, ok)
	ok, retryAfter, err := l.Allow(t.Context(), "key", limit)
	require.NoError(t, err)
	require.False(t, ok)
	require.Positive(t, retryAfter)
}

func TestAHungRedisIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	q := open(t, "redis://"+listener.Addr().String()) // it accepts connections and never answers
	listen(t, q, "cpu")
	err = q.Push(t.Context(), queue.Hint{Pool: "cpu"})
	require.Equal(t, flowforge.CodeUnavailable, flowforge.CodeOf(err))
}
