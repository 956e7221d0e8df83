package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func poolCases() []testCase {
	return []testCase{
		{"what waits for workers is told by pool", func(k *kit) {
			require.Empty(k, k.pools())
			far := k.newRun()
			far.Run.Pool = "far"
			later := k.newRun()
			later.WakeAt = k.Now().Add(time.Hour)
			k.create(k.newRun(), k.newRun(), far, later)
			k.create(k.slotted(1, "key"), k.slotted(1, "key"))
			k.Advance(10 * time.Millisecond)
			require.Len(k, k.claimWith(store.Claim{Worker: alice, Limit: 1}), 1)
			pools := k.pools()
			require.Len(k, pools, 2)
			require.Equal(k, 2, pools[""].Runs.Count, "one is leased, one comes later, one lacks its slot")
			require.Equal(k, 1, pools["far"].Runs.Count)
			require.GreaterOrEqual(k, pools["far"].Runs.Oldest, 10*time.Millisecond)
			require.Zero(k, pools["far"].Tasks.Count)
		}},
		{"tasks that wait are told by pool", func(k *kit) {
			o := k.start(k.newRun())
			t := o.next(flowforge.EventRunStarted)
			for _, id := range []flowforge.TaskID{"one", "two"} {
				t.Tasks = append(t.Tasks, store.Task{
					ID: id, Workspace: acme, Run: o.lease.Run, Node: store.NodeKey{Node: flowforge.NodeID(id)}, Pool: "gpu", NodeType: "core.set@1",
				})
			}
			k.commit(t)
			require.Equal(k, 2, k.pools()["gpu"].Tasks.Count)
			tasks, err := k.Store.ClaimTasks(k.ctx, store.Claim{
				Worker: bob, Pools: []string{"gpu"}, NodeTypes: []string{"core.set@1"}, Limit: 1, For: long,
			})
			require.NoError(k, err)
			require.Len(k, tasks, 1)
			require.Equal(k, 1, k.pools()["gpu"].Tasks.Count)
		}},
	}
}

// pools gives what waits, by pool.
func (k *kit) pools() map[string]store.PoolStanding {
	k.Helper()
	all, err := k.Store.Pools(k.ctx)
	require.NoError(k, err)
	byPool := map[string]store.PoolStanding{}
	for _, one := range all {
		byPool[one.Pool] = one
	}
	return byPool
}
