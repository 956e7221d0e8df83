package queue

import "io"

// Message is what a bus carries.
type Message struct {
	Topic   string
	Payload []byte // small: some kilobytes at most; not to be changed any more
}

// Bus carries news between processes, to all who listen. A message may be lost; who listens is told when that may
// have happened, and looks where the news is kept.
type Bus interface {
	// Publish sends messages to those who listen to their topics, this process too; those of one topic in order.
	// It does not wait: what cannot be sent soon is dropped and counted.
	Publish(messages ...Message)
	// Subscribe makes a subscription to no topics yet. A closed bus answers flowforge.CodeClosed.
	Subscribe(listener Listener) (Subscription, error)
	// Dropped counts the messages that were published and not sent.
	Dropped() int64
	// Close sends what was published, if that can be done soon, and ends all subscriptions.
	io.Closer
}

// Listener is told of the messages of a subscription. There is one call of its functions at a time. They must
// return soon, since other listeners may wait for them.
type Listener struct {
	Receive func(message Message)
	// Missed tells that messages of a topic may have been lost until now: when the topic begins to be listened to,
	// and after each interruption.
	Missed func(topic string)
}

// Subscription is what someone listens to.
type Subscription interface {
	// Add listens to more topics, as soon as that can be done. Each Add of a topic needs a Remove.
	Add(topics ...string)
	Remove(topics ...string)
	// Live reports whether messages come through, as far as is known.
	Live() bool
	// Close ends it. A call of its listener may be under way; no other begins.
	io.Closer
}
