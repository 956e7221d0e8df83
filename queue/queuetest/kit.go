package queuetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/queue"
)

// A kit makes the steps of a case short.
type kit struct {
	*testing.T
	queue.Queue
	listeners []*listener
}

// A listener is a subscription under way.
type listener struct {
	got    chan queue.Hint  // what came
	wake   func(queue.Hint) // instead of got
	block  chan struct{}    // wake waits for it to be closed
	called chan struct{}    // something came

	own    string // a pool that only it has
	primed chan struct{}
	cancel context.CancelFunc
	ended  chan error // what Subscribe returned; then closed
}

// listen subscribes, and returns when hints come through.
func (k *kit) listen(pools ...string) *listener {
	k.Helper()
	l := &listener{got: make(chan queue.Hint, 10_000)}
	k.subscribe(l, pools...)
	return l
}

// blocked subscribes to a pool and returns when wake runs; it goes on when block is closed.
func (k *kit) blocked(pool string) *listener {
	k.Helper()
	l := &listener{got: make(chan queue.Hint, 10_000), called: make(chan struct{}, 10_000), block: make(chan struct{})}
	k.subscribe(l, pool)
	k.push(queue.Hint{Pool: pool, Run: "blocks"})
	await(k.T, l.called)
	return l
}

func (k *kit) subscribe(l *listener, pools ...string) {
	k.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel, l.ended, l.primed = cancel, make(chan error, 1), make(chan struct{}, 10_000)
	l.own = fmt.Sprintf("own pool %d", len(k.listeners))
	k.listeners = append(k.listeners, l)
	go func() {
		defer close(l.ended)
		l.ended <- k.Subscribe(ctx, append([]string{l.own}, pools...), l.receive)
	}()
	k.prime(l)
}

func (l *listener) receive(hint queue.Hint) {
	switch {
	case hint.Pool == l.own:
		l.primed <- struct{}{}
		return
	case l.wake != nil:
		l.wake(hint)
		return
	}
	if l.block != nil {
		l.called <- struct{}{}
		<-l.block
	}
	if hint.Run != "blocks" {
		l.got <- hint
	}
}

// prime returns when a hint came through to l: it listens, and has got what was pushed before.
func (k *kit) prime(l *listener) {
	k.Helper()
	for len(l.primed) > 0 {
		<-l.primed
	}
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	end := time.NewTimer(patience)
	defer end.Stop()
	for {
		k.push(queue.Hint{Pool: l.own})
		select {
		case <-l.primed:
			return
		case <-again.C: // pushed before it listened
		case <-end.C:
			require.Fail(k, "no hint came through")
		}
	}
}

// push sends a hint, which must succeed.
func (k *kit) push(hint queue.Hint) {
	k.Helper()
	assert.NoError(k, k.Push(context.Background(), hint))
}

// get waits for a hint.
func (k *kit) get(l *listener) queue.Hint {
	k.Helper()
	return await(k.T, l.got)
}

// rest gives the pools of the hints that came and were not got.
func (k *kit) rest(l *listener) string {
	k.Helper()
	k.prime(l)
	var pools []string
	for len(l.got) > 0 {
		pools = append(pools, (<-l.got).Pool)
	}
	return strings.Join(pools, " ")
}

func await[T any](tb testing.TB, from <-chan T) T {
	tb.Helper()
	end := time.NewTimer(patience)
	defer end.Stop()
	select {
	case item := <-from:
		return item
	case <-end.C:
		require.Fail(tb, "waited in vain")
		panic("unreachable")
	}
}

func (k *kit) closed(err error) {
	k.Helper()
	require.Error(k, err)
	require.Equal(k, flowforge.CodeClosed, flowforge.CodeOf(err))
}

// end leaves nothing behind.
func (k *kit) end() {
	for _, l := range k.listeners {
		l.cancel()
	}
	err := k.Close()
	for _, l := range k.listeners {
		_ = await(k.T, l.ended)
	}
	require.NoError(k, err)
}
