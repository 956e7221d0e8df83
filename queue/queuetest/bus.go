package queuetest

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/queue"
)

// RunBus runs the suite of a bus; open makes one that shares nothing with others. Nothing fails here, so that no
// message may be lost once a topic is listened to.
func RunBus(t *testing.T, open func(t *testing.T) queue.Bus) {
	t.Helper()
	for _, c := range slices.Concat(topicCases(), subscriptionCases(), listenerCases()) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := &busKit{T: t, Bus: open(t)}
			t.Cleanup(func() { require.NoError(t, k.Close()) })
			c.check(k)
		})
	}
}

type busCase struct {
	name  string
	check func(k *busKit)
}

// A busKit makes the steps of a case short.
type busKit struct {
	*testing.T
	queue.Bus
}

// ear is a subscription under way.
type ear struct {
	queue.Subscription
	got    chan queue.Message
	missed chan string
}

// listen subscribes to topics, and returns when they are listened to.
func (k *busKit) listen(topics ...string) *ear {
	k.Helper()
	e := &ear{got: make(chan queue.Message, 30_000), missed: make(chan string, 1_000)}
	e.Subscription = k.subscribe(queue.Listener{
		Receive: func(message queue.Message) { e.got <- message },
		Missed:  func(topic string) { e.missed <- topic },
	})
	k.add(e, topics...)
	return e
}

func (k *busKit) subscribe(listener queue.Listener) queue.Subscription {
	k.Helper()
	made, err := k.Subscribe(listener)
	require.NoError(k, err)
	return made
}

// add listens to more topics, and returns when they are listened to.
func (k *busKit) add(e *ear, topics ...string) {
	k.Helper()
	e.Add(topics...)
	heard := make([]string, 0, len(topics))
	for range topics {
		heard = append(heard, await(k.T, e.missed))
	}
	require.ElementsMatch(k, topics, heard)
}

func (k *busKit) publish(topic, payload string) {
	k.Publish(queue.Message{Topic: topic, Payload: []byte(payload)})
}

// next gives a message that came.
func (k *busKit) next(e *ear) string {
	k.Helper()
	message := await(k.T, e.got)
	return message.Topic + "=" + string(message.Payload)
}

func topicCases() []busCase {
	return []busCase{
		{"a message reaches all who listen to its topic, and nobody else", func(k *busKit) {
			one, two, other := k.listen("a"), k.listen("b", "a"), k.listen("b")
			k.publish("a", "1")
			k.publish("b", "2")
			require.Equal(k, "a=1", k.next(one))
			require.Equal(k, "a=1", k.next(two))
			require.Equal(k, "b=2", k.next(two))
			require.Equal(k, "b=2", k.next(other))
			require.Empty(k, one.got)
			require.Empty(k, other.got)
			require.Zero(k, k.Dropped())
		}},
		{"the messages of a topic come in order", func(k *busKit) {
			const many = 2_500
			e := k.listen("a")
			for i := range many {
				k.publish("a", strconv.Itoa(i))
			}
			for i := range many {
				require.Equal(k, fmt.Sprint("a=", i), k.next(e))
			}
		}},
		{"a payload is any bytes", func(k *busKit) {
			e := k.listen("a")
			for _, payload := range []string{"", "\x00\r\n\xff", "ä"} {
				k.publish("a", payload)
				require.Equal(k, "a="+payload, k.next(e))
			}
		}},
	}
}

func subscriptionCases() []busCase {
	return []busCase{
		{"topics are added and removed while others are listened to", func(k *busKit) {
			e, other := k.listen("a"), k.listen("b")
			k.add(e, "b", "c")
			k.publish("b", "1")
			require.Equal(k, "b=1", k.next(e))
			require.Equal(k, "b=1", k.next(other))
			e.Remove("b")
			k.publish("b", "2")
			k.publish("a", "3")
			require.Equal(k, "b=2", k.next(other))
			require.Equal(k, "a=3", k.next(e))
			k.add(e, "b")
			k.publish("b", "4")
			require.Equal(k, "b=4", k.next(e))
		}},
		{"a topic that was added twice is listened to until it is removed twice", func(k *busKit) {
			e := k.listen("a", "b")
			e.Add("a")
			e.Remove("a")
			k.publish("a", "1")
			require.Equal(k, "a=1", k.next(e))
			e.Remove("a")
			k.publish("a", "2")
			k.publish("b", "3")
			require.Equal(k, "b=3", k.next(e))
		}},
		{"what is published after Missed is received", func(k *busKit) {
			for i := range 50 {
				e := k.listen(fmt.Sprint("topic ", i))
				k.publish(fmt.Sprint("topic ", i), "1")
				require.Equal(k, fmt.Sprint("topic ", i, "=1"), k.next(e))
			}
		}},
	}
}

func listenerCases() []busCase {
	return []busCase{
		{"there is one call at a time", oneCallAtATime},
		{"a listener may publish, and change what it listens to", func(k *busKit) {
			e := k.listen("answer")
			var s queue.Subscription
			ready := make(chan struct{}, 10)
			s = k.subscribe(queue.Listener{
				Receive: func(message queue.Message) {
					s.Remove(message.Topic)
					k.publish("answer", message.Topic)
				},
				Missed: func(string) { ready <- struct{}{} },
			})
			s.Add("question")
			await(k.T, ready)
			k.publish("question", "")
			require.Equal(k, "answer=question", k.next(e))
		}},
		{"Publish does not wait for a listener", func(k *busKit) {
			blocked, block := make(chan struct{}, 30_000), make(chan struct{})
			s := k.subscribe(queue.Listener{
				Receive: func(queue.Message) { blocked <- struct{}{}; <-block },
				Missed:  func(string) { blocked <- struct{}{} },
			})
			s.Add("a")
			await(k.T, blocked)
			k.publish("a", "")
			await(k.T, blocked)
			for range 20_000 {
				k.publish("a", "more")
			}
			close(block)
		}},
		{"a closed subscription hears nothing, and others go on", func(k *busKit) {
			leaves, stays := k.listen("a"), k.listen("a")
			require.True(k, stays.Live())
			require.NoError(k, leaves.Close())
			require.NoError(k, leaves.Close(), "closing again")
			k.publish("a", "1")
			require.Equal(k, "a=1", k.next(stays))
			require.Empty(k, leaves.got)
		}},
		{"a closed bus takes nothing", func(k *busKit) {
			e := k.listen("a")
			require.NoError(k, k.Close())
			k.publish("a", "1")
			_, err := k.Subscribe(queue.Listener{})
			require.Equal(k, flowforge.CodeClosed, flowforge.CodeOf(err))
			require.False(k, e.Live())
			require.Empty(k, e.got)
			require.NoError(k, k.Close(), "closing again")
		}},
	}
}

func oneCallAtATime(k *busKit) {
	const many = 100
	var lock sync.Mutex
	running, calls := 0, make(chan int, 10*many)
	call := func() {
		lock.Lock()
		running++
		now := running
		lock.Unlock()
		calls <- now
		lock.Lock()
		running--
		lock.Unlock()
	}
	s := k.subscribe(queue.Listener{Receive: func(queue.Message) { call() }, Missed: func(string) { call() }})
	s.Add("a", "b")
	await(k.T, calls)
	await(k.T, calls)
	var publishers sync.WaitGroup
	for _, topic := range []string{"a", "b"} {
		publishers.Go(func() {
			for range many {
				k.publish(topic, "")
			}
		})
	}
	publishers.Wait()
	for range 2 * many {
		require.Equal(k, 1, await(k.T, calls))
	}
}
