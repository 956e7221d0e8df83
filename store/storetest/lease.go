package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func leaseCases() []testCase {
	return []testCase{
		{"a lease that has ended is taken over under the next epoch", func(k *kit) {
			k.create(k.newRun())
			for epoch := int64(1); epoch <= 3; epoch++ {
				claimed := k.claim(k.Lease)
				require.Len(k, claimed, 1)
				require.Equal(k, epoch, claimed[0].Lease.Epoch)
				require.Equal(k, int(epoch)-1, claimed[0].Lost)
				k.waitOut(k.Lease)
			}
		}},
		{"an eager lease ends like any other", func(k *kit) {
			n := k.newRun()
			n.Lease = &store.Lease{Worker: alice, For: k.Lease}
			require.Equal(k, int64(1), k.create(n)[0].Epoch)
			k.Advance(k.Lease)
			claimed := k.claim(long)
			require.Len(k, claimed, 1)
			require.Equal(k, int64(2), claimed[0].Lease.Epoch)
			require.Equal(k, 1, claimed[0].Lost)
		}},
		{"a commit prolongs the lease", func(k *kit) {
			k.create(k.newRun())
			c := k.claim(k.Lease)[0]
			o := &owned{kit: k, lease: c.Lease, seq: 1}
			for range 3 {
				k.Advance(k.Lease * 2 / 3)
				step := o.next(flowforge.EventRunStarted)
				step.For = k.Lease
				k.commit(step)
			}
			k.waitOut(k.Lease)
			require.Len(k, k.claimed(), 1)
		}},
		{"a stale epoch is refused alone, without failing its batch", staleAlone},
		{"an epoch that is still to come is refused", func(k *kit) {
			o := k.start(k.newRun())
			o.lease.Epoch++
			k.refuse(flowforge.CodeStaleEpoch, o.next(flowforge.EventRunStarted))
		}},
		{"a run that was never leased is written by nobody", func(k *kit) {
			n := k.newRun()
			k.create(n)
			o := &owned{kit: k, lease: store.Lease{Workspace: acme, Run: n.Run.ID}, seq: 1}
			k.refuse(flowforge.CodeStaleEpoch, o.next(flowforge.EventRunStarted))
		}},
		{"the epoch decides, not the clock: a lease that ended still writes and renews until it is taken over", func(k *kit) {
			k.create(k.newRun())
			c := k.claim(k.Lease)[0]
			o := &owned{kit: k, lease: c.Lease, seq: 1}
			k.Advance(k.Lease)
			k.commit(o.next(flowforge.EventRunStarted))
			renewed, err := k.Store.Renew(k.ctx, []store.Lease{c.Lease})
			require.NoError(k, err)
			require.False(k, renewed[0].Lost)
			require.Empty(k, k.claimed(), "claimed though it was renewed")
			k.commit(o.next(flowforge.EventNodeSucceeded))
		}},
	}
}

func renewCases() []testCase {
	return []testCase{
		{"renewing counts from now", func(k *kit) {
			k.create(k.newRun())
			c := k.claim(2 * k.Lease)[0]
			for range 3 {
				k.Advance(k.Lease)
				renewed, err := k.Store.Renew(k.ctx, []store.Lease{c.Lease})
				require.NoError(k, err)
				require.Equal(k, []store.Renewed{{}}, renewed)
				require.Empty(k, k.claimed())
			}
			k.Advance(2 * k.Lease)
			require.Len(k, k.claimed(), 1)
		}},
		{"renewing tells which leases were lost and which runs have messages", renewedEach},
		{"a run given back is claimed by any worker at once, and not written by who gave it", func(k *kit) {
			o := k.start(k.newRun())
			k.commit(o.next(flowforge.EventRunStarted))
			require.NoError(k, k.Store.Release(k.ctx, []store.Lease{o.lease}))
			k.refuse(flowforge.CodeStaleEpoch, o.next(flowforge.EventNodeSucceeded))
			require.Equal(k, flowforge.RunRunning, k.run(o.lease.Run).Status)
			require.Equal(k, int64(2), k.takeOver(bob).lease.Epoch)
		}},
		{"giving back a lease that was lost is nothing", func(k *kit) {
			o := k.start(k.newRun())
			stale := o.lease
			require.NoError(k, k.Store.Release(k.ctx, []store.Lease{stale}))
			k.takeOver(bob)
			missing := stale
			missing.Run = "missing"
			require.NoError(k, k.Store.Release(k.ctx, []store.Lease{stale, missing}))
			require.Empty(k, k.claimed())
		}},
	}
}

func staleAlone(k *kit) {
	lost, kept := k.start(k.newRun()), k.start(k.newRun())
	require.NoError(k, k.Store.Release(k.ctx, []store.Lease{lost.lease}))
	taken := k.takeOver(bob)
	before := k.whole(acme, lost.lease.Run)

	stale := lost.next(flowforge.EventRunStarted)
	stale.Nodes = []flowforge.NodeRun{{Node: "a", Status: flowforge.NodeRunning, Attempts: 1}}
	stale.Starts = []store.NewRun{k.newRun()}
	stale.Logs = []store.LogLine{{Message: "line"}}
	answers := k.try(kept.next(flowforge.EventRunStarted), stale, kept.next(flowforge.EventNodeSucceeded))
	require.NoError(k, answers[0].Err)
	k.code(flowforge.CodeStaleEpoch, answers[1].Err)
	require.NoError(k, answers[2].Err)

	require.Equal(k, before, k.whole(acme, lost.lease.Run))
	require.Len(k, k.kinds(kept.lease.Run), 3)
	require.Empty(k, k.claimed(), "a refused transition started a run")
	for _, t := range []store.Transition{lost.park(time.Time{}), lost.end(flowforge.RunFailed)} {
		t.FromSeq, t.ToSeq, t.Events[0].Seq = 1, 2, 2
		k.refuse(flowforge.CodeStaleEpoch, t)
	}
	k.commit(taken.next(flowforge.EventRunStarted))
	// What has been reached since is not what the former owner has sent.
	again := stale
	again.Starts = nil
	k.refuse(flowforge.CodeStaleEpoch, again)
}

func renewedEach(k *kit) {
	lost, kept, noted, ended, parked := k.start(k.newRun()), k.start(k.newRun()), k.start(k.newRun()),
		k.start(k.newRun()), k.start(k.newRun())
	require.NoError(k, k.Store.Release(k.ctx, []store.Lease{lost.lease}))
	k.takeOver(bob)
	k.send(noted.message(store.MessageSignal, "id"))
	k.commit(ended.end(flowforge.RunSucceeded), parked.park(time.Time{}))
	missing := kept.lease
	missing.Run = "missing"
	renewed, err := k.Store.Renew(k.ctx, []store.Lease{
		lost.lease, kept.lease, noted.lease, ended.lease, parked.lease, missing,
	})
	require.NoError(k, err)
	require.Equal(k, []store.Renewed{
		{Lost: true}, {}, {Unread: true}, {Lost: true}, {Lost: true}, {Lost: true},
	}, renewed)
	require.Empty(k, k.claimed(), "renewing a lost lease changed something")
}

func parkCases() []testCase {
	return []testCase{
		{"a parked run is claimed when its time has come, never early", func(k *kit) {
			o := k.start(k.newRun())
			k.commit(o.park(k.Now().Add(k.Lease)))
			k.waitOut(k.Lease)
			claimed := k.claim(long)
			require.Len(k, claimed, 1)
			require.Equal(k, flowforge.RunWaiting, claimed[0].Run.Status)
		}},
		{"a parked run is woken by any message", func(k *kit) {
			for _, kind := range []store.MessageKind{
				store.MessageSignal, store.MessageCancel, store.MessagePause, store.MessageResume,
				store.MessageTaskDone, store.MessageChildDone,
			} {
				o := k.start(k.newRun())
				k.commit(o.park(k.Now().Add(long)))
				require.Empty(k, k.claimed())
				k.send(o.message(kind, "id"))
				require.Equal(k, []flowforge.RunID{o.lease.Run}, k.claimed(), kind)
			}
		}},
		{"a parked run without a time waits for a message only", func(k *kit) {
			o := k.start(k.newRun())
			k.commit(o.park(time.Time{}))
			k.Advance(k.Lease)
			require.Empty(k, k.claimed())
			k.send(o.message(store.MessageSignal, "id"))
			require.Len(k, k.claimed(), 1)
		}},
		{"a message that came before the park wakes the run at once", func(k *kit) {
			o := k.start(k.newRun())
			k.send(o.message(store.MessageSignal, "id"))
			answer := k.try(o.park(time.Time{}))[0]
			require.NoError(k, answer.Err)
			require.True(k, answer.Unread)
			require.Len(k, k.claimed(), 1)
		}},
		{"a message that the park reads does not wake the run", func(k *kit) {
			o := k.start(k.newRun())
			k.send(o.message(store.MessageSignal, "id"))
			park := o.park(time.Time{})
			park.Read = []string{"id"}
			answer := k.try(park)[0]
			require.NoError(k, answer.Err)
			require.False(k, answer.Unread)
			require.Empty(k, k.claimed())
		}},
	}
}

func parkedCases() []testCase {
	return []testCase{
		{"who parked a run does not write it any more", func(k *kit) {
			o := k.start(k.newRun())
			k.commit(o.park(time.Time{}))
			k.refuse(flowforge.CodeStaleEpoch, o.next(flowforge.EventRunStarted))
		}},
		{"a park sent again is one park", func(k *kit) {
			o := k.start(k.newRun())
			park := o.park(time.Time{})
			k.commit(park)
			k.commit(park)
			require.Empty(k, k.claimed())
			k.send(o.message(store.MessageSignal, "id"))
			taken := k.takeOver(bob)
			k.refuse(flowforge.CodeStaleEpoch, park)
			k.commit(taken.next(flowforge.EventRunStarted))
		}},
		{"a park without events is one too, however often it is sent", func(k *kit) {
			o := k.start(k.newRun())
			park := o.next()
			park.Journal = []byte("quiet")
			park.Park = &store.Park{WakeAt: k.Now().Add(k.Lease)}
			k.commit(park, park)
			k.commit(park)
			k.Advance(k.Lease)
			claimed := k.claim(long)
			require.Len(k, claimed, 1)
			require.Equal(k, "quiet", string(claimed[0].Journal))
		}},
	}
}

func wokenCases() []testCase {
	return []testCase{
		{"a run that was parked can park again", func(k *kit) {
			o := k.start(k.newRun())
			k.commit(o.park(k.Now()))
			o = k.takeOver(bob)
			require.NoError(k, k.Store.Release(k.ctx, []store.Lease{o.lease}))
			o = k.takeOver(alice)
			k.commit(o.park(time.Time{}))
			require.Empty(k, k.claimed(), "an earlier park's time counted")
			k.send(o.message(store.MessageResume, "id"))
			require.Len(k, k.claimed(), 1)
		}},
		{"what has begun is claimed before what has not, however long that waits", func(k *kit) {
			o := k.start(k.newRun())
			begin := o.next(flowforge.EventRunStarted)
			begin.StartedAt = k.Now()
			k.commit(begin)
			first := k.newRun()
			k.create(first)
			k.Advance(k.Lease)
			k.commit(o.park(k.Now().Add(-time.Second)))
			require.Equal(k, []flowforge.RunID{o.lease.Run, first.Run.ID}, k.claimed())
		}},
		{"parked runs wake in the order of their times", func(k *kit) {
			late, early := k.start(k.newRun()), k.start(k.newRun())
			k.commit(late.park(k.Now().Add(k.Lease)))
			k.commit(early.park(k.Now().Add(k.Lease / 2)))
			k.Advance(k.Lease)
			require.Equal(k, []flowforge.RunID{early.lease.Run, late.lease.Run}, k.claimed())
		}},
	}
}
