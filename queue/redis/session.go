package redis

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/redis/go-redis/v9"
)

// silence is how long a connection that listens may be silent before it is asked whether it works, and again until it
// is given up.
const silence = 3 * time.Second

// session is one connection that listens.
type session struct {
	*redis.PubSub
	number int
}

var errSilent = errors.New("no answer")

// receiveAll receives, in one session after the other, until ctx ends.
func (b *Bus) receiveAll(ctx context.Context) {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 20*time.Millisecond, time.Second
	told, away := false, false
	for ctx.Err() == nil {
		err := b.attend(ctx, func() {
			retry.Reset()
			if !told || away {
				told, away = true, false
				b.changed(nil)
			}
		})
		if ctx.Err() != nil {
			return
		}
		if !told || !away {
			told, away = true, true
			b.changed(err)
		}
		pause(ctx, retry.NextBackOff())
	}
}

// attend opens a session and receives until it breaks; works is called when it has shown that it works.
func (b *Bus) attend(ctx context.Context, works func()) error {
	s := &session{PubSub: b.client.Subscribe(ctx)}
	defer func() { _ = s.Close() }()                         // it is broken, or the bus is closed
	defer context.AfterFunc(ctx, func() { _ = s.Close() })() // nothing else ends a read that is under way
	if err := s.Ping(ctx); err != nil {
		return err
	}
	if _, err := s.ReceiveTimeout(ctx, silence); err != nil {
		return err
	}
	wanted := b.begin(s)
	defer b.end()
	works()
	if len(wanted) > 0 {
		if err := s.Subscribe(ctx, wanted...); err != nil {
			return err
		}
	}
	return b.listen(ctx, s)
}

func (b *Bus) listen(ctx context.Context, s *session) error {
	asked := false
	for {
		got, err := s.ReceiveTimeout(ctx, silence)
		if late, is := errors.AsType[net.Error](err); is && late.Timeout() {
			if asked {
				return errSilent
			}
			asked, err = true, s.Ping(ctx)
		} else {
			asked = false
		}
		if err != nil {
			return err
		}
		switch told := got.(type) {
		case *redis.Message:
			b.receive(told.Channel, told.Payload)
		case *redis.Subscription:
			if told.Kind == "subscribe" {
				b.heard(told.Channel, s.number)
			}
		}
	}
}

// begin makes a session the current one and gives the channels that it begins with.
func (b *Bus) begin(s *session) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions++
	s.number = b.sessions
	b.session, b.live = s, true
	clear(b.stale)
	wanted := make([]string, 0, len(b.topics))
	for topic := range b.topics {
		wanted = append(wanted, b.channel(topic))
	}
	return wanted
}

func (b *Bus) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.session, b.live = nil, false
}

// tuneAll tells Redis of topics that are added and removed, until ctx ends.
func (b *Bus) tuneAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.tune:
		}
		b.mu.Lock()
		s := b.session
		var more, less []string
		for topic := range b.stale {
			if s == nil {
				break // the next session begins with all that are wanted
			}
			delete(b.stale, topic)
			if len(b.topics[topic]) > 0 {
				more = append(more, b.channel(topic))
			} else {
				less = append(less, b.channel(topic))
			}
		}
		b.mu.Unlock()
		// An error breaks the session too, which is where it is dealt with.
		if len(more) > 0 {
			_ = s.Subscribe(ctx, more...)
		}
		if len(less) > 0 {
			_ = s.Unsubscribe(ctx, less...)
		}
	}
}
