package redis

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"

	"github.com/flowforge-go/flowforge/queue"
)

const (
	maxNews  = 10_000 // messages that wait to be sent
	newsOnce = 1_000  // messages sent in one round trip
)

// Bus is a queue.Bus by publish and subscribe. It has three goroutines: one sends, one receives, and one tells Redis
// which topics are wanted, so that none of them is waited for by those who call.
type Bus struct {
	client  *redis.Client
	breaker *gobreaker.CircuitBreaker[struct{}]
	prefix  string
	changed func(reason error)
	dropped atomic.Int64
	stop    context.CancelFunc
	running sync.WaitGroup

	send   chan struct{} // holds something where there is news
	tune   chan struct{} // holds something where topics were added or removed
	ending chan struct{} // closed when nothing more is published

	mu            sync.Mutex
	closed        bool
	news          []queue.Message
	subscriptions map[*subscription]struct{}
	topics        map[string]map[*subscription]struct{}
	stale         map[string]struct{} // topics that Redis is to be told of
	session       *session            // nil: there is no connection
	sessions      int                 // there have been
	live          bool                // the connection works
}

var _ queue.Bus = (*Bus)(nil)

// subscription is a queue.Subscription.
type subscription struct {
	bus    *Bus
	tell   queue.Listener
	topics map[string]*listening // guarded by the bus
}

// listening is a topic of a subscription.
type listening struct {
	times   int // that it was added
	session int // in which it was last told that messages may have been missed
}

func openBus(
	client *redis.Client, breaker *gobreaker.CircuitBreaker[struct{}], prefix string, changed func(error),
) *Bus {
	if changed == nil {
		changed = func(error) {}
	}
	ctx, stop := context.WithCancel(context.Background())
	b := &Bus{
		client: client, breaker: breaker, prefix: prefix + ":bus:", changed: changed, stop: stop,
		send: make(chan struct{}, 1), tune: make(chan struct{}, 1), ending: make(chan struct{}),
		subscriptions: map[*subscription]struct{}{}, topics: map[string]map[*subscription]struct{}{},
		stale: map[string]struct{}{},
	}
	b.running.Go(b.sendAll)
	b.running.Go(func() { b.receiveAll(ctx) })
	b.running.Go(func() { b.tuneAll(ctx) })
	return b
}

// Publish hands messages to the goroutine that sends them.
func (b *Bus) Publish(messages ...queue.Message) {
	b.mu.Lock()
	room := min(maxNews-len(b.news), len(messages))
	if b.closed {
		room = 0
	}
	b.news = append(b.news, messages[:room]...)
	b.mu.Unlock()
	b.dropped.Add(int64(len(messages) - room))
	ring(b.send)
}

// Subscribe makes a subscription to no topics yet.
func (b *Bus) Subscribe(listener queue.Listener) (queue.Subscription, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed()
	}
	s := &subscription{bus: b, tell: listener, topics: map[string]*listening{}}
	b.subscriptions[s] = struct{}{}
	return s, nil
}

// Dropped counts the messages that were published and not sent.
func (b *Bus) Dropped() int64 { return b.dropped.Load() }

// Close sends what was published, within a second where Redis answers, and ends all subscriptions. Closing again is
// nothing.
func (b *Bus) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	clear(b.subscriptions)
	clear(b.topics)
	b.mu.Unlock()
	close(b.ending)
	b.stop()
	b.running.Wait()
	return nil
}

func (b *Bus) channel(topic string) string { return b.prefix + topic }

// sendAll sends what is published until the bus is closed.
func (b *Bus) sendAll() {
	for {
		select {
		case <-b.send:
			b.flush()
		case <-b.ending:
			b.flush()
			return
		}
	}
}

// flush sends all that was published, some at a time. What cannot be sent is dropped.
func (b *Bus) flush() {
	for {
		b.mu.Lock()
		batch := b.news[:min(newsOnce, len(b.news))]
		if b.news = b.news[len(batch):]; len(b.news) == 0 {
			b.news = nil // the next append begins a new array: batch is not written to
		}
		b.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		_, err := b.breaker.Execute(func() (struct{}, error) { return struct{}{}, b.write(batch) })
		if err != nil {
			b.dropped.Add(int64(len(batch)))
		}
	}
}

func (b *Bus) write(batch []queue.Message) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	pipe := b.client.Pipeline()
	for _, message := range batch {
		pipe.Publish(ctx, b.channel(message.Topic), message.Payload)
	}
	_, err := pipe.Exec(ctx)
	return err
}

// receive passes a message on.
func (b *Bus) receive(channel, payload string) {
	topic := strings.TrimPrefix(channel, b.prefix)
	for _, s := range b.listeners(topic) {
		s.tell.Receive(queue.Message{Topic: topic, Payload: []byte(payload)})
	}
}

// heard tells those who begin to listen to a topic, or do so again, that messages may have been missed.
func (b *Bus) heard(channel string, session int) {
	topic := strings.TrimPrefix(channel, b.prefix)
	for _, s := range b.listeners(topic) {
		b.mu.Lock()
		l := s.topics[topic]
		news := l != nil && l.session < session
		if news {
			l.session = session
		}
		b.mu.Unlock()
		if news {
			s.tell.Missed(topic)
		}
	}
}

func (b *Bus) listeners(topic string) []*subscription {
	b.mu.Lock()
	defer b.mu.Unlock()
	listeners := make([]*subscription, 0, len(b.topics[topic]))
	for s := range b.topics[topic] {
		listeners = append(listeners, s)
	}
	return listeners
}

// Add listens to more topics.
func (s *subscription) Add(topics ...string) {
	b := s.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, open := b.subscriptions[s]; !open {
		return
	}
	for _, topic := range topics {
		if s.topics[topic] == nil {
			s.topics[topic] = &listening{}
		}
		s.topics[topic].times++
		if b.topics[topic] == nil {
			b.topics[topic] = map[*subscription]struct{}{}
		}
		b.topics[topic][s] = struct{}{}
		b.stale[topic] = struct{}{}
	}
	ring(b.tune)
}

// Remove takes topics back.
func (s *subscription) Remove(topics ...string) {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	for _, topic := range topics {
		if l := s.topics[topic]; l != nil {
			if l.times--; l.times == 0 {
				s.leave(topic)
			}
		}
	}
	ring(s.bus.tune)
}

// Live reports whether messages come through.
func (s *subscription) Live() bool {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	return s.bus.live
}

// Close ends the subscription.
func (s *subscription) Close() error {
	b := s.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	for topic := range s.topics {
		s.leave(topic)
	}
	delete(b.subscriptions, s)
	ring(b.tune)
	return nil
}

// leave listens to a topic no more, with the bus locked.
func (s *subscription) leave(topic string) {
	b := s.bus
	delete(s.topics, topic)
	delete(b.topics[topic], s)
	if len(b.topics[topic]) == 0 {
		delete(b.topics, topic)
		b.stale[topic] = struct{}{}
	}
}

func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// pause waits, unless the context ends.
func pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
