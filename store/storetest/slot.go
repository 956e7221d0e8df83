package storetest

import (
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func slotCases() []testCase {
	return []testCase{
		{"no more runs are claimed than a limit allows, and the oldest waiter gets what is freed", func(k *kit) {
			ids := make([]flowforge.RunID, 0, 5)
			for range cap(ids) {
				ids = append(ids, k.create(k.slotted(2, "key"))[0].Run.ID)
				k.Advance(time.Millisecond)
			}
			claimed := k.claim(long)
			require.Equal(k, ids[:2], idsOf(claimed))
			for i := range 3 {
				o := &owned{kit: k, lease: claimed[0].Lease, seq: claimed[0].Run.Seq}
				k.commit(o.end(flowforge.RunSucceeded))
				claimed = k.claim(long)
				require.Equal(k, ids[2+i:3+i], idsOf(claimed))
			}
		}},
		{"an eager start that lacks a slot waits for it", func(k *kit) {
			first, second := k.slotted(1, "key"), k.slotted(1, "key")
			o := k.start(first)
			second.Lease = &store.Lease{Worker: alice, For: long}
			require.Zero(k, k.create(second)[0].Epoch)
			require.Empty(k, k.claimed())
			k.commit(o.end(flowforge.RunFailed))
			require.Equal(k, []flowforge.RunID{second.Run.ID}, k.claimed())
		}},
		{"keys do not share a limit", func(k *kit) {
			k.create(k.slotted(1, "a"), k.slotted(1, "b"), k.slotted(1, "a"), k.slotted(1, "b"))
			require.Len(k, k.claimed(), 2)
		}},
		{"workspaces do not share a limit", func(k *kit) {
			first, second := k.slotted(1, "key"), k.slotted(1, "key")
			second.Run.Workspace = other
			k.create(first, second)
			require.Len(k, k.claimed(), 2)
		}},
		{"a run gets all its slots or none", func(k *kit) {
			a, b := k.start(k.slotted(1, "a")), k.start(k.slotted(1, "b"))
			both := k.slotted(1, "a", "b")
			k.create(both)
			k.commit(a.end(flowforge.RunSucceeded))
			require.Empty(k, k.claimed())
			single := k.start(k.slotted(1, "a"))
			k.commit(b.end(flowforge.RunSucceeded))
			require.Empty(k, k.claimed())
			k.commit(single.end(flowforge.RunSucceeded))
			k.create(k.slotted(1, "a"), k.slotted(1, "b"))
			require.Equal(k, []flowforge.RunID{both.Run.ID}, k.claimed())
		}},
		{"a run that waits for two slots holds up nobody who needs only the free one", func(k *kit) {
			k.start(k.slotted(1, "a"))
			k.create(k.slotted(1, "a", "b"))
			single := k.slotted(1, "b")
			k.create(single)
			require.Equal(k, []flowforge.RunID{single.Run.ID}, k.claimed())
		}},
	}
}

func waiterCases() []testCase {
	return []testCase{
		{"who waits for a slot with a lower limit is not starved by a higher one", func(k *kit) {
			first := k.start(k.slotted(1, "key"))
			waiting := k.slotted(1, "key")
			k.create(waiting)
			k.Advance(time.Millisecond)
			wider := k.slotted(3, "key")
			k.create(wider)
			k.commit(first.end(flowforge.RunSucceeded))
			require.Equal(k, []flowforge.RunID{waiting.Run.ID, wider.Run.ID}, k.claimed())
		}},
		{"a lost or released lease keeps the slot with the run", func(k *kit) {
			n := k.slotted(1, "key")
			o := k.start(n)
			k.create(k.slotted(1, "key"))
			require.NoError(k, k.Store.Release(k.ctx, []store.Lease{o.lease}))
			require.Equal(k, []flowforge.RunID{n.Run.ID}, idsOf(k.claim(k.Lease)))
			k.Advance(k.Lease)
			require.Equal(k, []flowforge.RunID{n.Run.ID}, k.claimed())
		}},
		{"a parked run keeps its slot", func(k *kit) {
			o := k.start(k.slotted(1, "key"))
			k.create(k.slotted(1, "key"))
			k.commit(o.park(time.Time{}))
			require.Empty(k, k.claimed())
			k.send(o.message(store.MessageSignal, "id"))
			require.Equal(k, []flowforge.RunID{o.lease.Run}, k.claimed())
		}},
		{"a parked run that releases while waiting waits for its slot again", releasedWhileWaiting},
	}
}

func slotlessCases() []testCase {
	return []testCase{
		{"a run that starts later takes no slot before", func(k *kit) {
			later, now := k.slotted(1, "key"), k.slotted(1, "key")
			later.WakeAt = k.Now().Add(k.Lease)
			k.create(later)
			k.create(now)
			claimed := k.claim(long)
			require.Equal(k, []flowforge.RunID{now.Run.ID}, idsOf(claimed))
			k.Advance(k.Lease)
			require.Empty(k, k.claimed())
			o := &owned{kit: k, lease: claimed[0].Lease, seq: 1}
			k.commit(o.end(flowforge.RunSucceeded))
			require.Equal(k, []flowforge.RunID{later.Run.ID}, k.claimed())
		}},
		{"a run asked to cancel is claimed without its slot, to end", canceledInLine},
		{"who stands behind a run that is due, and is canceled before it got its slot, goes on", behindCanceled},
		{"a message other than cancel does not let a run begin without its slot", func(k *kit) {
			k.start(k.slotted(1, "key"))
			n := k.slotted(1, "key")
			k.create(n)
			k.send(k.messageTo(n, store.MessageSignal, "signal"))
			k.send(k.messageTo(n, store.MessagePause, "pause"))
			require.Empty(k, k.claimed())
		}},
		{"a limit holds among many workers, and no slot is lost", limitHolds},
	}
}

// slotted gives a run that needs slots.
func (k *kit) slotted(limit int, keys ...string) store.NewRun {
	n := k.newRun()
	for _, key := range keys {
		n.Slots = append(n.Slots, store.Slot{Key: key, Limit: limit})
	}
	return n
}

func releasedWhileWaiting(k *kit) {
	first, second := k.slotted(1, "held", "released"), k.slotted(1, "released")
	first.Slots[1].ReleaseWhileWaiting = true
	o := k.start(first)
	k.create(second, k.slotted(1, "held"))
	require.Empty(k, k.claimed())
	k.commit(o.park(time.Time{}))
	claimed := k.claim(long)
	require.Equal(k, []flowforge.RunID{second.Run.ID}, idsOf(claimed), "only the one slot is freed")
	k.send(o.message(store.MessageSignal, "id"))
	require.Empty(k, k.claimed(), "its slot is taken")
	taker := &owned{kit: k, lease: claimed[0].Lease, seq: 1}
	k.commit(taker.end(flowforge.RunSucceeded))
	require.Equal(k, []flowforge.RunID{first.Run.ID}, k.claimed())
}

func canceledInLine(k *kit) {
	holder := k.start(k.slotted(1, "key"))
	canceled, next := k.slotted(1, "key"), k.slotted(1, "key")
	k.create(canceled)
	k.create(next)
	k.send(k.messageTo(canceled, store.MessageCancel, "cancel"))
	claimed := k.claim(long)
	require.Equal(k, []flowforge.RunID{canceled.Run.ID}, idsOf(claimed))
	o := &owned{kit: k, lease: claimed[0].Lease, seq: 1}
	end := o.end(flowforge.RunCanceled)
	end.Read = []string{"cancel"}
	k.commit(end)
	require.Empty(k, k.claimed(), "a slot was freed that was never held")
	k.commit(holder.end(flowforge.RunSucceeded))
	require.Equal(k, []flowforge.RunID{next.Run.ID}, k.claimed())
}

func behindCanceled(k *kit) {
	first, next := k.slotted(1, "key"), k.slotted(1, "key")
	first.Slots[0].ReleaseWhileWaiting = true
	o := k.start(first)
	k.commit(o.park(time.Time{}))
	k.send(o.message(store.MessageSignal, "signal"))
	k.create(next)
	k.send(o.message(store.MessageCancel, "cancel"))
	claimed := k.claim(long)
	require.Equal(k, first.Run.ID, claimed[0].Run.ID)
	o = &owned{kit: k, lease: claimed[0].Lease, seq: claimed[0].Run.Seq}
	end := o.end(flowforge.RunCanceled)
	end.Read = []string{"signal", "cancel"}
	k.commit(end)
	require.Equal(k, []flowforge.RunID{next.Run.ID}, append(idsOf(claimed[1:]), k.claimed()...))
}

func limitHolds(k *kit) {
	const runs, limit, workers = 60, 3, 6
	for range runs {
		k.create(k.slotted(limit, "key"))
	}
	var all sync.WaitGroup
	var lock sync.Mutex
	holding, most, ended := 0, 0, 0
	for range workers {
		all.Go(func() {
			for empty := 0; ; {
				lock.Lock()
				done := ended == runs || k.Failed()
				lock.Unlock()
				if done {
					return
				}
				claims, err := k.Store.Claim(k.ctx, store.Claim{
					Worker: alice, Pools: []string{""}, NodeTypes: []string{"core.set@1"}, Limit: 2, For: long,
				})
				if len(claims.Runs) == 0 {
					empty++
				}
				if err != nil || empty > 10_000 {
					k.Errorf("claimed nothing %d times: %v", empty, err)
					return
				}
				lock.Lock()
				holding += len(claims.Runs)
				most = max(most, holding)
				lock.Unlock()
				for _, c := range claims.Runs {
					o := &owned{kit: k, lease: c.Lease, seq: 1}
					// Counted before the commit, since the slot is free before Commit returns.
					lock.Lock()
					holding--
					ended++
					lock.Unlock()
					answers, err := k.Store.Commit(k.ctx, []store.Transition{o.end(flowforge.RunSucceeded)})
					if !assert.NoError(k, err) || !assert.NoError(k, answers[0].Err) {
						return
					}
				}
			}
		})
	}
	all.Wait()
	require.LessOrEqual(k, most, limit)
	require.Len(k, k.create(k.slotted(limit, "key"), k.slotted(limit, "key"), k.slotted(limit, "key")), limit)
	require.Len(k, k.claimed(), limit, "a slot was lost")
}
