package memory

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/flowforge-go/flowforge/queue"
)

// maxNews bounds what waits for a listener that is too slow; what is more is dropped.
const maxNews = 10_000

// Bus is a queue.Bus within this process. Each subscription has a goroutine, which ends when it is closed.
type Bus struct {
	dropped atomic.Int64

	mu            sync.Mutex
	closed        bool
	subscriptions map[*subscription]struct{}
}

var _ queue.Bus = (*Bus)(nil)

// NewBus makes a bus.
func NewBus() *Bus { return &Bus{subscriptions: map[*subscription]struct{}{}} }

// subscription is a queue.Subscription.
type subscription struct {
	bus    *Bus
	tell   queue.Listener
	bell   chan struct{} // holds something where pending does
	ended  chan struct{}
	topics map[string]int // how often each was added; guarded by the bus, as what follows
	news   []news
	lost   map[string]struct{} // topics of which something was dropped
}

// news is a message, or that messages of its topic may have been missed.
type news struct {
	message queue.Message
	missed  bool
}

// Publish hands messages to the subscriptions that listen to their topics.
func (b *Bus) Publish(messages ...queue.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.subscriptions {
		for _, message := range messages {
			if s.topics[message.Topic] > 0 {
				s.add(news{message: message})
			}
		}
	}
}

// Subscribe makes a subscription to no topics yet.
func (b *Bus) Subscribe(listener queue.Listener) (queue.Subscription, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, closed()
	}
	s := &subscription{
		bus: b, tell: listener, bell: make(chan struct{}, 1), ended: make(chan struct{}),
		topics: map[string]int{}, lost: map[string]struct{}{},
	}
	b.subscriptions[s] = struct{}{}
	go s.listen()
	return s, nil
}

// Dropped counts the messages that a listener was too slow for.
func (b *Bus) Dropped() int64 { return b.dropped.Load() }

// Close ends all subscriptions. Closing again is nothing.
func (b *Bus) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for s := range b.subscriptions {
		delete(b.subscriptions, s)
		close(s.ended)
	}
	return nil
}

// Add listens to more topics.
func (s *subscription) Add(topics ...string) {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	for _, topic := range topics {
		s.topics[topic]++
		s.add(news{message: queue.Message{Topic: topic}, missed: true})
	}
}

// Remove takes topics back.
func (s *subscription) Remove(topics ...string) {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	for _, topic := range topics {
		if s.topics[topic]--; s.topics[topic] <= 0 {
			delete(s.topics, topic)
		}
	}
	s.news = slices.DeleteFunc(s.news, func(one news) bool { return s.topics[one.message.Topic] == 0 })
}

// Live reports whether it is open.
func (s *subscription) Live() bool {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	_, open := s.bus.subscriptions[s]
	return open
}

// Close ends the subscription.
func (s *subscription) Close() error {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	if _, open := s.bus.subscriptions[s]; open {
		delete(s.bus.subscriptions, s)
		close(s.ended)
	}
	return nil
}

// add notes what the listener is to be told; with the bus locked.
func (s *subscription) add(one news) {
	if len(s.news) >= maxNews {
		s.bus.dropped.Add(1)
		s.lost[one.message.Topic] = struct{}{}
		return
	}
	s.news = append(s.news, one)
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// take gives all that is to be told.
func (s *subscription) take() []news {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	taken := s.news
	for topic := range s.lost {
		taken = append(taken, news{message: queue.Message{Topic: topic}, missed: true})
	}
	clear(s.lost)
	s.news = nil
	return taken
}

// listens reports whether a topic is still listened to.
func (s *subscription) listens(topic string) bool {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	_, open := s.bus.subscriptions[s]
	return open && s.topics[topic] > 0
}

func (s *subscription) listen() {
	for {
		select {
		case <-s.ended:
			return
		case <-s.bell:
		}
		for _, one := range s.take() {
			switch topic := one.message.Topic; {
			case !s.listens(topic):
			case one.missed:
				s.tell.Missed(topic)
			default:
				s.tell.Receive(one.message)
			}
		}
	}
}
