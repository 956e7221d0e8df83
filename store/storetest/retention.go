package storetest

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func retentionCases() []testCase {
	return []testCase{
		{"a workspace has the retention that was set last", func(k *kit) {
			require.Empty(k, k.retention(acme))
			first := map[flowforge.RunStatus]time.Duration{flowforge.RunSucceeded: time.Hour, flowforge.RunFailed: 0}
			k.keep(acme, first)
			require.Equal(k, first, k.retention(acme))
			require.Empty(k, k.retention(other))
			second := map[flowforge.RunStatus]time.Duration{flowforge.RunCanceled: 48 * time.Hour}
			k.keep(acme, second)
			require.Equal(k, second, k.retention(acme))
			k.keep(acme, nil)
			require.Empty(k, k.retention(acme))
		}},
		{"nothing is forgotten where no time is set", func(k *kit) {
			o := k.ended(flowforge.RunSucceeded)
			k.Advance(k.Lease)
			require.Zero(k, k.prune(100))
			k.keep(other, map[flowforge.RunStatus]time.Duration{flowforge.RunSucceeded: 0})
			require.Zero(k, k.prune(100))
			k.run(o.lease.Run)
		}},
		{"a run is forgotten when it is past the time of its status, and not before", func(k *kit) {
			short, longer := k.ended(flowforge.RunSucceeded), k.ended(flowforge.RunFailed)
			forever := k.ended(flowforge.RunCanceled)
			k.keep(acme, map[flowforge.RunStatus]time.Duration{flowforge.RunSucceeded: long, flowforge.RunFailed: 2 * long})
			require.Zero(k, k.prune(100))
			k.Advance(long)
			require.Equal(k, 1, k.prune(100))
			require.True(k, k.gone(short))
			require.False(k, k.gone(longer))
			k.Advance(long)
			require.Equal(k, 1, k.prune(100))
			require.True(k, k.gone(longer))
			k.Advance(100 * long)
			require.Zero(k, k.prune(100))
			require.False(k, k.gone(forever))
		}},
		{"a run that has not ended is not forgotten", func(k *kit) {
			queued, running, parked := k.newRun(), k.start(k.newRun()), k.start(k.newRun())
			k.create(queued)
			k.commit(running.next(flowforge.EventRunStarted), parked.park(time.Time{}))
			k.keepNothing()
			k.Advance(k.Lease)
			require.Zero(k, k.prune(100))
			require.Len(k, k.list(store.Filter{}), 3)
		}},
	}
}

func pruneCases() []testCase {
	return []testCase{
		{"at most so many are forgotten as wanted, the oldest first", func(k *kit) {
			ids := make([]flowforge.RunID, 0, 25)
			for i := range cap(ids) {
				ids = append(ids, k.ended([]flowforge.RunStatus{flowforge.RunSucceeded, flowforge.RunFailed}[i%2]).lease.Run)
				k.Advance(time.Millisecond)
			}
			k.keepNothing()
			left := func() []flowforge.RunID {
				listed := k.list(store.Filter{})
				slices.Reverse(listed)
				return listed
			}
			for i := range 10 {
				require.Equal(k, 1, k.prune(1))
				require.Equal(k, ids[i+1:], left())
			}
			require.Equal(k, 7, k.prune(7))
			require.Equal(k, ids[17:], left())
			require.Equal(k, 8, k.prune(1_000))
			require.Zero(k, k.prune(1_000))
			require.Empty(k, k.list(store.Filter{}))
		}},
		{"a run is forgotten whole", forgottenWhole},
		{"a run is forgotten whole, however large it is", func(k *kit) {
			const many = 1_100
			o := k.start(k.newRun())
			hash := k.putBlob("blob")
			step := o.outputs(hash)
			for i := range many {
				node := result("many", flowforge.NodeSucceeded, k.Now())
				node.Element = strconv.Itoa(i)
				step.Nodes = append(step.Nodes, node)
				step.Logs = append(step.Logs, store.LogLine{Message: "line"})
			}
			k.commit(step, o.end(flowforge.RunSucceeded))
			kept := k.start(k.newRun())
			k.commit(kept.outputs())
			k.keepNothing()
			k.Advance(2 * store.BlobGrace)
			require.Equal(k, 1, k.prune(10))
			require.True(k, k.gone(o))
			require.Equal(k, []bool{false}, k.blobs(hash))
			require.Len(k, k.kinds(kept.lease.Run), 2)
			n := k.newRun()
			n.Run.ID = o.lease.Run
			require.False(k, k.create(n)[0].Existing)
			require.Empty(k, k.nodes(n.Run.ID), "something of it was left")
		}},
	}
}

func afterPruneCases() []testCase {
	return []testCase{
		{"a run of the same ID or idempotency key can be made once it is forgotten", func(k *kit) {
			n := k.newRun()
			n.IdempotencyKey = "key"
			o := k.start(n)
			k.commit(o.end(flowforge.RunSucceeded))
			k.keepNothing()
			require.Equal(k, 1, k.prune(10))
			again := k.create(n)[0]
			require.False(k, again.Existing)
			require.Len(k, k.kinds(n.Run.ID), 1)
			require.Empty(k, k.nodes(n.Run.ID))
			require.Len(k, k.claimed(), 1)
		}},
		{"each workspace's retention is for its own runs", func(k *kit) {
			n := k.newRun()
			n.Run.Workspace = other
			mine, theirs := k.ended(flowforge.RunSucceeded), k.start(n)
			n.Run.ID = mine.lease.Run
			twin := k.start(n)
			k.commit(theirs.end(flowforge.RunSucceeded), twin.end(flowforge.RunSucceeded))
			k.keepNothing()
			require.Equal(k, 1, k.prune(10))
			require.True(k, k.gone(mine))
			for _, o := range []*owned{theirs, twin} {
				_, err := k.Store.Run(k.ctx, other, o.lease.Run)
				require.NoError(k, err)
				events, err := k.Store.Events(k.ctx, other, o.lease.Run, 0, 0)
				require.NoError(k, err)
				require.Len(k, events, 2)
			}
		}},
	}
}

func pruningCases() []testCase {
	return []testCase{
		{"of many who prune each forgets other runs", func(k *kit) {
			const runs, pruners = 60, 4
			for range runs {
				k.ended(flowforge.RunSucceeded)
			}
			k.keepNothing()
			pruned := make(chan int, pruners)
			var all sync.WaitGroup
			for range pruners {
				all.Go(func() {
					n, err := k.Store.Prune(k.ctx, runs)
					assert.NoError(k, err)
					pruned <- n
				})
			}
			all.Wait()
			close(pruned)
			sum := k.prune(runs)
			for n := range pruned {
				sum += n
			}
			require.Equal(k, runs, sum)
			require.Empty(k, k.list(store.Filter{}))
		}},
		{"a run that is created while others are forgotten has its document and its blob", func(k *kit) {
			const rounds = 40
			hash := k.putBlob("blob")
			k.keepNothing()
			var all sync.WaitGroup
			all.Go(func() {
				for range rounds {
					_, err := k.Store.Prune(k.ctx, 10)
					assert.NoError(k, err)
				}
			})
			for range rounds {
				n := k.newRun()
				n.Run.Input = flowforge.MustValue(hash)
				o := k.start(n)
				k.document("hash", true)
				require.Equal(k, []bool{true}, k.blobs(hash))
				k.commit(o.end(flowforge.RunSucceeded))
			}
			all.Wait()
			k.prune(rounds)
			require.Empty(k, k.list(store.Filter{}))
			k.Advance(2 * store.BlobGrace)
			k.prune(rounds)
			k.document("hash", false)
			require.Equal(k, []bool{false}, k.blobs(hash))
		}},
	}
}

func forgottenWhole(k *kit) {
	o, kept := k.start(k.newRun()), k.start(k.newRun())
	for _, owner := range []*owned{o, kept} {
		step := owner.journals(owner.next(flowforge.EventRunStarted), []byte("journal"))
		step.Nodes = []flowforge.NodeRun{result("a", flowforge.NodeSucceeded, k.Now())}
		step.Logs = []store.LogLine{{Message: "line"}}
		step.Tasks = []store.Task{{ID: flowforge.TaskID("task of " + owner.lease.Run), Workspace: acme, Run: owner.lease.Run, NodeType: "a@1"}}
		k.send(owner.message(store.MessageSignal, "id"))
		k.commit(step)
	}
	k.commit(o.end(flowforge.RunSucceeded))
	whole := k.whole(acme, kept.lease.Run)
	k.keepNothing()
	require.Equal(k, 1, k.prune(10))
	for _, err := range k.histories(acme, o.lease.Run) {
		k.code(flowforge.CodeNotFound, err)
	}
	_, err := k.Store.Standing(k.ctx, acme, o.lease.Run)
	k.code(flowforge.CodeNotFound, err)
	k.code(flowforge.CodeNotFound, k.Store.Send(k.ctx, o.message(store.MessageSignal, "second")))
	k.code(flowforge.CodeNotFound, k.try(o.end(flowforge.RunSucceeded))[0].Err)
	require.Equal(k, []flowforge.RunID{kept.lease.Run}, k.list(store.Filter{}))
	require.Equal(k, whole, k.whole(acme, kept.lease.Run))
	tasks, err := k.Store.ClaimTasks(k.ctx, store.Claim{Worker: bob, Pools: []string{""}, NodeTypes: []string{"a@1"}, Limit: 10, For: long})
	require.NoError(k, err)
	require.Len(k, tasks, 1)
}

// ended makes a run that has ended.
func (k *kit) ended(status flowforge.RunStatus) *owned {
	k.Helper()
	o := k.start(k.newRun())
	k.commit(o.end(status))
	return o
}

func (k *kit) gone(o *owned) bool {
	k.Helper()
	_, err := k.Store.Run(k.ctx, acme, o.lease.Run)
	if err != nil {
		k.code(flowforge.CodeNotFound, err)
	}
	return err != nil
}

func (k *kit) keep(workspace flowforge.Workspace, times map[flowforge.RunStatus]time.Duration) {
	k.Helper()
	require.NoError(k, k.Store.SetRetention(k.ctx, workspace, times))
}

// keepNothing lets all runs of acme that end be past their time at once.
func (k *kit) keepNothing() {
	k.Helper()
	k.keep(acme, map[flowforge.RunStatus]time.Duration{
		flowforge.RunSucceeded: 0, flowforge.RunFailed: 0, flowforge.RunCanceled: 0, flowforge.RunTimedOut: 0,
	})
}

func (k *kit) retention(workspace flowforge.Workspace) map[flowforge.RunStatus]time.Duration {
	k.Helper()
	times, err := k.Store.RetentionOf(k.ctx, workspace)
	require.NoError(k, err)
	return times
}

func (k *kit) prune(limit int) int {
	k.Helper()
	pruned, err := k.Store.Prune(k.ctx, limit)
	require.NoError(k, err)
	return pruned
}
