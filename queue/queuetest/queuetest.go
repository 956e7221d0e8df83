// Package queuetest is the conformance suite that every queue passes. Each case is named after the sentence of
// the contract it checks. A hint may be lost when something fails; here nothing does, so none may.
package queuetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/queue"
)

// patience bounds waiting for what must happen; it only passes where a case fails.
const patience = 30 * time.Second

// Run runs the suite; open makes a queue that shares nothing with others.
func Run(t *testing.T, open func(t *testing.T) queue.Queue) {
	t.Helper()
	for _, c := range slices.Concat(poolCases(), pushCases(), lifeCases()) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := &kit{T: t, Queue: open(t)}
			t.Cleanup(k.end)
			c.check(k)
		})
	}
}

// A testCase checks the sentence that is its name.
type testCase struct {
	name  string
	check func(k *kit)
}

func poolCases() []testCase {
	return []testCase{
		{"a hint reaches a subscriber of its pool", func(k *kit) {
			gpu := k.listen("gpu")
			want := queue.Hint{Pool: "gpu", Priority: 2, Run: "run"}
			k.push(want)
			require.Equal(k, want, k.get(gpu))
		}},
		{"the empty pool is a pool like others", func(k *kit) {
			unnamed, gpu := k.listen(""), k.listen("gpu")
			k.push(queue.Hint{Run: "run"})
			require.Equal(k, flowforge.RunID("run"), k.get(unnamed).Run)
			require.Empty(k, k.rest(gpu))
		}},
		{"a hint does not reach subscribers of other pools", func(k *kit) {
			cpu, gpu := k.listen("cpu"), k.listen("gpu", "tpu")
			k.push(queue.Hint{Pool: "cpu", Run: "run"})
			k.get(cpu)
			require.Empty(k, k.rest(gpu))
			require.Empty(k, k.rest(cpu))
		}},
		{"a subscriber may have many pools", func(k *kit) {
			both := k.listen("cpu", "gpu", "cpu")
			for _, pool := range []string{"gpu", "cpu"} {
				k.push(queue.Hint{Pool: pool, Run: "run"})
				require.Equal(k, pool, k.get(both).Pool)
			}
			require.Empty(k, k.rest(both))
		}},
		{"a hint reaches one of many subscribers", oneOfMany},
	}
}

func pushCases() []testCase {
	return []testCase{
		{"what is pushed while wake runs comes in a call after it", func(k *kit) {
			l := k.blocked("cpu")
			for range 100 {
				k.push(queue.Hint{Pool: "cpu", Run: "later"})
			}
			close(l.block)
			require.Equal(k, flowforge.RunID("later"), k.get(l).Run)
		}},
		{"there is one call of wake at a time", oneAtATime},
		{"Push does not wait for wake", func(k *kit) {
			l := k.blocked("cpu")
			for range 10_000 {
				k.push(queue.Hint{Pool: "cpu", Run: "run"})
			}
			close(l.block)
		}},
		{"Push does not wait for a subscriber", func(k *kit) {
			for range 1_000 {
				k.push(queue.Hint{Pool: "nobody", Run: "run"})
			}
		}},
		{"wake may push", func(k *kit) {
			got := make(chan queue.Hint, 1)
			k.subscribe(&listener{wake: func(hint queue.Hint) {
				if hint.Pool == "cpu" {
					k.push(queue.Hint{Pool: "gpu", Run: hint.Run})
				} else {
					got <- hint
				}
			}}, "cpu", "gpu")
			k.push(queue.Hint{Pool: "cpu", Run: "run"})
			require.Equal(k, flowforge.RunID("run"), await(k.T, got).Run)
		}},
	}
}

func lifeCases() []testCase {
	return []testCase{
		{"Subscribe ends with its context, once no call is under way", func(k *kit) {
			l := k.blocked("cpu")
			l.cancel()
			require.Empty(k, l.ended, "Subscribe returned while wake ran")
			close(l.block)
			require.NoError(k, await(k.T, l.ended))
		}},
		{"a context that has ended already ends Subscribe", func(k *kit) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			require.NoError(k, k.Subscribe(ctx, []string{"cpu"}, func(queue.Hint) {}))
		}},
		{"after a subscriber has left, others get the hints", func(k *kit) {
			leaves, stays := k.listen("cpu"), k.listen("cpu")
			leaves.cancel()
			require.NoError(k, await(k.T, leaves.ended))
			for range 3 {
				k.push(queue.Hint{Pool: "cpu", Run: "run"})
				k.get(stays)
			}
			require.Empty(k, leaves.got)
		}},
		{"many may push at once", manyPush},
		{"a hint that was pushed again may come again, and nothing else", func(k *kit) {
			l, want := k.listen("cpu"), queue.Hint{Pool: "cpu", Priority: 4, Run: "run"}
			k.push(want)
			k.push(want)
			require.Equal(k, want, k.get(l))
			k.prime(l)
			for len(l.got) > 0 {
				require.Equal(k, want, k.get(l))
			}
		}},
		{"a pool may have any name", func(k *kit) {
			for _, pool := range []string{"with space", "a:b/c", "1:cpu", "ü", strings.Repeat("long", 100)} {
				l := k.listen(pool)
				k.push(queue.Hint{Pool: pool, Run: "run"})
				require.Equal(k, queue.Hint{Pool: pool, Run: "run"}, k.get(l))
			}
		}},
		{"a closed queue ends subscriptions and takes no hint", func(k *kit) {
			l := k.listen("cpu")
			require.NoError(k, k.Close())
			k.closed(await(k.T, l.ended))
			k.closed(k.Push(context.Background(), queue.Hint{Pool: "cpu"}))
			k.closed(k.Subscribe(context.Background(), []string{"cpu"}, func(queue.Hint) {}))
			require.NoError(k, k.Close(), "closing again")
		}},
	}
}

func oneOfMany(k *kit) {
	const many = 20
	got := make(chan queue.Hint, many)
	listeners := make([]*listener, 0, 4)
	for range cap(listeners) {
		l := &listener{wake: func(hint queue.Hint) { got <- hint }}
		k.subscribe(l, "cpu")
		listeners = append(listeners, l)
	}
	for i := range many {
		want := queue.Hint{Pool: "cpu", Priority: 1, Run: flowforge.RunID(fmt.Sprint("run ", i))}
		k.push(want)
		require.Equal(k, want, await(k.T, got))
	}
	for _, l := range listeners {
		k.prime(l)
	}
	require.Empty(k, got, "a hint reached two")
}

func oneAtATime(k *kit) {
	var lock sync.Mutex
	running, calls := 0, make(chan int, 1_000)
	k.subscribe(&listener{wake: func(queue.Hint) {
		lock.Lock()
		running++
		now := running
		lock.Unlock()
		calls <- now
		lock.Lock()
		running--
		lock.Unlock()
	}}, "a", "b", "c")
	for range 100 {
		for _, pool := range []string{"a", "b", "c"} {
			k.push(queue.Hint{Pool: pool})
		}
		require.Equal(k, 1, await(k.T, calls))
	}
}

func manyPush(k *kit) {
	const pushers, each = 8, 500
	l := k.listen("cpu")
	var all sync.WaitGroup
	stop := make(chan struct{})
	var drained sync.WaitGroup
	count := 0
	drained.Go(func() {
		for {
			select {
			case <-l.got:
				count++
			case <-stop:
				return
			}
		}
	})
	for range pushers {
		all.Go(func() {
			for range each {
				k.push(queue.Hint{Pool: "cpu", Run: "run"})
			}
		})
	}
	all.Wait()
	k.prime(l)
	close(stop)
	drained.Wait()
	count += len(l.got)
	require.Positive(k, count)
	require.LessOrEqual(k, count, pushers*each)
}
