package storetest

import (
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func createCases() []testCase {
	return []testCase{
		{"a new run is queued, at event 1, which is run.created", createdIsQueued},
		{"creating an ID again changes nothing and answers what there is", func(k *kit) {
			n := k.newRun()
			o := k.start(n)
			k.commit(o.next(flowforge.EventRunStarted))
			n.Lease, n.Run.Pool = nil, "elsewhere"
			again := k.create(n)[0]
			require.True(k, again.Existing)
			require.Zero(k, again.Epoch)
			require.Equal(k, flowforge.RunRunning, again.Run.Status)
			require.Empty(k, again.Run.Pool)
		}},
		{"a new run may have node runs from the start, copied from another one", copiedNodes},
		{"creating an ended run again does not start it again", func(k *kit) {
			n := k.newRun()
			o := k.start(n)
			k.commit(o.end(flowforge.RunSucceeded))
			again := k.create(n)[0]
			require.True(k, again.Existing)
			require.Equal(k, flowforge.RunSucceeded, again.Run.Status)
			require.Empty(k, k.claimed())
		}},
	}
}

func idempotencyCases() []testCase {
	return []testCase{
		{"an idempotency key answers the first run", func(k *kit) {
			first, second := k.newRun(), k.newRun()
			first.IdempotencyKey, first.Fingerprint = "key", "print"
			second.IdempotencyKey, second.Fingerprint = "key", "print"
			first.Lease = &store.Lease{Worker: alice, For: long}
			second.Lease = first.Lease
			require.False(k, k.create(first)[0].Existing)
			again := k.create(second)[0]
			require.True(k, again.Existing)
			require.Equal(k, first.Run.ID, again.Run.ID)
			require.Zero(k, again.Epoch, "who has the same key is not who leased it")
			_, err := k.Store.Run(k.ctx, acme, second.Run.ID)
			k.code(flowforge.CodeNotFound, err)
		}},
		{"an idempotency key with another fingerprint was used for another request", func(k *kit) {
			first, second, third := k.newRun(), k.newRun(), k.newRun()
			first.IdempotencyKey, first.Fingerprint = "key", "print"
			second.IdempotencyKey, second.Fingerprint = "key", "other print"
			created, err := k.Store.Create(k.ctx, []store.NewRun{first, second, third})
			require.NoError(k, err)
			require.NoError(k, created[0].Err)
			k.code(flowforge.CodeKeyReused, created[1].Err)
			require.NoError(k, created[2].Err, "a refused run failed its batch")
			require.Len(k, k.claimed(), 2)
		}},
		{"runs without an idempotency key are not the same", func(k *kit) {
			k.create(k.newRun(), k.newRun())
			require.Len(k, k.claimed(), 2)
		}},
		{"the same run twice in a batch is one run", func(k *kit) {
			n := k.newRun()
			created := k.create(n, n)
			require.False(k, created[0].Existing)
			require.True(k, created[1].Existing)
			require.Len(k, k.claimed(), 1)
		}},
		{"a slot whose limit is no number of places is refused", func(k *kit) {
			n := k.newRun()
			n.Slots = []store.Slot{{Key: "key"}}
			created, err := k.Store.Create(k.ctx, []store.NewRun{n})
			require.NoError(k, err)
			k.code(flowforge.CodeInvalidValue, created[0].Err)
		}},
	}
}

func eagerCases() []testCase {
	return []testCase{
		{"a run with a lease is owned from the start", func(k *kit) {
			o := k.start(k.newRun())
			require.Equal(k, int64(1), o.lease.Epoch)
			require.Empty(k, k.claimed())
			require.Equal(k, flowforge.RunQueued, k.run(o.lease.Run).Status)
			k.commit(o.next(flowforge.EventRunStarted))
		}},
		{"an eager start sent again answers its lease to its worker, and to no other", func(k *kit) {
			n := k.newRun()
			k.start(n)
			n.Lease = &store.Lease{Worker: alice, For: long}
			require.Equal(k, int64(1), k.create(n)[0].Epoch)
			n.Lease = &store.Lease{Worker: bob, For: long}
			require.Zero(k, k.create(n)[0].Epoch)
		}},
		{"a run that is to start later is not leased from the start", func(k *kit) {
			n := k.newRun()
			n.WakeAt, n.Lease = k.Now().Add(long), &store.Lease{Worker: alice, For: long}
			require.Zero(k, k.create(n)[0].Epoch)
			require.Empty(k, k.claimed())
		}},
		{"many who create the same at once make one run", createdOnce},
	}
}

func createdIsQueued(k *kit) {
	n := k.newRun()
	created := k.create(n)[0]
	require.False(k, created.Existing)
	require.Zero(k, created.Epoch)
	require.Equal(k, text(k, n.Run), text(k, created.Run))

	run := k.run(n.Run.ID)
	require.Equal(k, text(k, n.Run), text(k, run))
	require.Equal(k, flowforge.RunQueued, run.Status)
	require.Equal(k, int64(1), run.Seq)
	k.sameTime(n.Run.CreatedAt, run.CreatedAt)

	events, err := k.Store.Events(k.ctx, acme, n.Run.ID, 0, 0)
	require.NoError(k, err)
	require.Len(k, events, 1)
	require.Equal(k, flowforge.EventRunCreated, events[0].Kind)
	require.Equal(k, int64(1), events[0].Seq)
	require.Equal(k, n.Run.ID, events[0].Run)
	k.sameTime(n.Run.CreatedAt, events[0].At)

	doc, err := k.Store.Document(k.ctx, acme, "hash")
	require.NoError(k, err)
	require.Equal(k, text(k, n.Document.Text), text(k, doc.Text))
	require.Equal(k, "hash", doc.Hash)
}

func copiedNodes(k *kit) {
	at := k.Now().UTC().Truncate(time.Microsecond)
	n := k.newRun()
	n.Nodes = []flowforge.NodeRun{
		result("b", flowforge.NodeSucceeded, at), result("a", flowforge.NodeSucceeded, at),
		{Node: "each", Element: "0", Status: flowforge.NodeSkipped, Reason: flowforge.ReasonNoInput, Copied: true},
	}
	n.Nodes[0].Copied = true
	k.create(n)
	require.Equal(k, text(k, n.Nodes), text(k, k.nodes(n.Run.ID)))
	again := n
	again.Nodes = []flowforge.NodeRun{result("c", flowforge.NodeSucceeded, at)}
	require.True(k, k.create(again)[0].Existing)
	claimed := k.claim(long)
	require.Equal(k, text(k, n.Nodes), text(k, claimed[0].Nodes))

	o := &owned{kit: k, lease: claimed[0].Lease, seq: 1}
	changed := o.next(flowforge.EventNodeFailed)
	changed.Nodes = []flowforge.NodeRun{result("a", flowforge.NodeFailed, at)}
	k.refuse(flowforge.CodeConflict, changed)
	o.seq = 1
	step := o.next(flowforge.EventNodeSucceeded)
	step.Nodes = []flowforge.NodeRun{result("d", flowforge.NodeSucceeded, at)}
	child := k.newRun()
	child.Nodes = n.Nodes[:1]
	step.Starts = []store.NewRun{child}
	k.commit(step)
	require.Equal(k, text(k, append(n.Nodes, step.Nodes...)), text(k, k.nodes(n.Run.ID)))
	require.Equal(k, text(k, child.Nodes), text(k, k.nodes(child.Run.ID)))
}

func createdOnce(k *kit) {
	var all sync.WaitGroup
	fresh := make(chan flowforge.RunID, 16)
	for range cap(fresh) {
		n := k.newRun()
		n.IdempotencyKey, n.Fingerprint = "key", "print"
		all.Go(func() {
			created, err := k.Store.Create(k.ctx, []store.NewRun{n})
			if assert.NoError(k, err) && assert.NoError(k, created[0].Err) && !created[0].Existing {
				fresh <- n.Run.ID
			}
		})
	}
	all.Wait()
	require.Len(k, fresh, 1)
	require.Equal(k, []flowforge.RunID{<-fresh}, k.claimed())
}

func claimCases() []testCase {
	return []testCase{
		{"a claimed run comes with all that is needed to go on", claimedIsWhole},
		{"a run is claimed by one worker only", func(k *kit) {
			k.create(k.newRun())
			require.Len(k, k.claimWith(store.Claim{Worker: alice}), 1)
			require.Empty(k, k.claimWith(store.Claim{Worker: bob}))
		}},
		{"a claim names the pools, and the empty one is a pool like others", func(k *kit) {
			first, second := k.newRun(), k.newRun()
			second.Run.Pool = "gpu"
			k.create(first, second)
			require.Empty(k, k.claimWith(store.Claim{Pools: []string{"cpu"}}))
			require.Equal(k, []flowforge.RunID{second.Run.ID}, idsOf(k.claimWith(store.Claim{Pools: []string{"cpu", "gpu"}})))
			require.Equal(k, []flowforge.RunID{first.Run.ID}, idsOf(k.claimWith(store.Claim{Pools: []string{"gpu", ""}})))
		}},
		{"a run that needs a node type the worker lacks is left alone", func(k *kit) {
			n := k.newRun()
			n.NodeTypes = []string{"a@1", "c@1"}
			k.create(n)
			require.Empty(k, k.claimWith(store.Claim{NodeTypes: []string{"a@1", "b@1", "c@2"}}))
			require.Empty(k, k.claimWith(store.Claim{NodeTypes: []string{"c@1"}}))
			require.Len(k, k.claimWith(store.Claim{NodeTypes: []string{"a@1", "b@1", "c@1", "d@1"}}), 1)
		}},
		{"a run that needs no node type is for every worker", func(k *kit) {
			n := k.newRun()
			n.NodeTypes = nil
			k.create(n)
			require.Len(k, k.claimed(), 1)
		}},
	}
}

func orderCases() []testCase {
	return []testCase{
		{"by priority, then the longest waiting first; priority 0 is 3", func(k *kit) {
			var want []flowforge.RunID
			byPriority := map[int][]flowforge.RunID{}
			for _, priority := range []int{3, 5, 0, 1, 4, 2, 1, 3} {
				n := k.newRun()
				n.Run.Priority = priority
				k.create(n)
				k.Advance(time.Millisecond)
				if priority == 0 {
					priority = 3
				}
				byPriority[priority] = append(byPriority[priority], n.Run.ID)
			}
			for priority := 1; priority <= 5; priority++ {
				want = append(want, byPriority[priority]...)
			}
			first := idsOf(k.claimWith(store.Claim{Limit: 3}))
			require.Equal(k, want[:3], first, "the limit")
			require.Equal(k, want[3:], k.claimed())
		}},
		{"the longest waiting is first among different node types", func(k *kit) {
			types := []string{"b@1", "a@1", "b@1", "a@1"}
			want := make([]flowforge.RunID, 0, len(types))
			for _, name := range types {
				n := k.newRun()
				n.NodeTypes = []string{name}
				k.create(n)
				k.Advance(time.Millisecond)
				want = append(want, n.Run.ID)
			}
			require.Equal(k, want, idsOf(k.claimWith(store.Claim{NodeTypes: []string{"a@1", "b@1"}})))
		}},
		{"a run is not claimed before its time", func(k *kit) {
			n := k.newRun()
			n.WakeAt = k.Now().Add(k.Lease)
			k.create(n)
			k.waitOut(k.Lease)
			require.Len(k, k.claimed(), 1)
		}},
		{"workers that claim at once never get the same run", claimedOnce},
	}
}

func claimedIsWhole(k *kit) {
	n := k.newRun()
	o := k.start(n)
	started := o.next(flowforge.EventRunStarted)
	started.Nodes = []flowforge.NodeRun{{Node: "a", Status: flowforge.NodeSucceeded, Attempts: 1, Output: flowforge.Out(n.Run.Input)}}
	started.Journal = []byte("waits")
	k.commit(started, o.park(time.Time{}))
	k.send(o.message(store.MessageSignal, "one"))
	k.send(o.message(store.MessagePause, "two"))

	claimed := k.claimWith(store.Claim{Worker: bob, For: long})
	require.Len(k, claimed, 1)
	c := claimed[0]
	require.Equal(k, store.Lease{Worker: bob, Workspace: acme, Run: n.Run.ID, Epoch: 2, For: long}, c.Lease)
	require.Zero(k, c.Lost)
	require.Equal(k, text(k, k.run(n.Run.ID)), text(k, c.Run))
	require.Equal(k, n.Run.Input.String(), c.Run.Input.String())
	require.Equal(k, text(k, started.Nodes), text(k, c.Nodes))
	require.Equal(k, "waits", string(c.Journal))
	require.Len(k, c.Messages, 2)
	require.Equal(k, "one", c.Messages[0].ID)
	require.Equal(k, store.MessageSignal, c.Messages[0].Kind)
	require.JSONEq(k, `{"id":"one"}`, c.Messages[0].Payload.String())
	require.Equal(k, "two", c.Messages[1].ID)
}

func claimedOnce(k *kit) {
	const runs, workers = 60, 6
	for range runs {
		k.create(k.newRun())
	}
	var all sync.WaitGroup
	var lock sync.Mutex
	seen := map[flowforge.RunID]int{}
	for range workers {
		all.Go(func() {
			for {
				claims, err := k.Store.Claim(k.ctx, store.Claim{
					Worker: alice, Pools: []string{""}, NodeTypes: []string{"core.set@1"}, Limit: 4, For: long,
				})
				if err != nil || len(claims.Runs) == 0 {
					assert.NoError(k, err)
					return
				}
				lock.Lock()
				for _, c := range claims.Runs {
					seen[c.Run.ID]++
				}
				lock.Unlock()
			}
		})
	}
	all.Wait()
	require.Len(k, seen, runs)
	for id, times := range seen {
		require.Equal(k, 1, times, id)
	}
}
