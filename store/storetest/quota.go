package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func quotaCases() []testCase {
	return []testCase{
		{"a quota is what was set last", func(k *kit) {
			quota := store.Quota{Weight: 2, Queued: 3, Running: 4}
			require.Equal(k, store.Quota{}, k.quota(acme))
			require.NoError(k, k.Store.SetQuota(k.ctx, acme, store.Quota{Weight: 5}))
			require.NoError(k, k.Store.SetQuota(k.ctx, acme, quota))
			require.Equal(k, quota, k.quota(acme))
			require.Equal(k, store.Quota{}, k.quota(other))
			require.NoError(k, k.Store.SetQuota(k.ctx, acme, store.Quota{}))
			require.Equal(k, store.Quota{}, k.quota(acme))
		}},
		{"workspaces get shares of a claim in proportion to their weights", func(k *kit) {
			k.backlog(acme, 30)
			k.backlog(other, 30)
			require.NoError(k, k.Store.SetQuota(k.ctx, other, store.Quota{Weight: 2}))
			for range 3 {
				require.Equal(k, map[flowforge.Workspace]int{acme: 4, other: 8}, k.claimShares(12))
			}
		}},
		{"workspaces take turns in claims of one run", func(k *kit) {
			k.backlog(acme, 6)
			k.backlog(other, 6)
			taken := map[flowforge.Workspace]int{}
			for range 6 {
				for workspace, n := range k.claimShares(1) {
					taken[workspace] += n
				}
			}
			require.Equal(k, map[flowforge.Workspace]int{acme: 3, other: 3}, taken)
		}},
		{"what a workspace does not use is for the others", func(k *kit) {
			k.backlog(acme, 2)
			k.backlog(other, 30)
			require.Equal(k, map[flowforge.Workspace]int{acme: 2, other: 10}, k.claimShares(12))
		}},
		{"a more urgent run comes before the share of another workspace", func(k *kit) {
			k.backlog(acme, 5)
			n := k.newRun()
			n.Run.Workspace, n.Run.Priority = other, 1
			k.create(n)
			claimed := k.claimWith(store.Claim{Worker: alice, Limit: 1})
			require.Equal(k, []flowforge.RunID{n.Run.ID}, idsOf(claimed))
		}},
		{"many workspaces are all served", func(k *kit) {
			const workspaces = 150
			for i := range workspaces {
				k.backlog(flowforge.Workspace(rune('a'+i%26))+flowforge.Workspace(rune('a'+i/26)), 1)
			}
			served := map[flowforge.Workspace]int{}
			for range workspaces {
				for workspace, n := range k.claimShares(20) {
					served[workspace] += n
				}
			}
			require.Len(k, served, workspaces)
		}},
	}
}

func (k *kit) quota(workspace flowforge.Workspace) store.Quota {
	k.Helper()
	quota, err := k.Store.QuotaOf(k.ctx, workspace)
	require.NoError(k, err)
	return quota
}

// backlog makes runs that wait.
func (k *kit) backlog(workspace flowforge.Workspace, runs int) {
	k.Helper()
	batch := make([]store.NewRun, runs)
	for i := range batch {
		batch[i] = k.newRun()
		batch[i].Run.Workspace = workspace
	}
	k.create(batch...)
}

// claimShares claims runs and tells how many each workspace has.
func (k *kit) claimShares(limit int) map[flowforge.Workspace]int {
	k.Helper()
	shares := map[flowforge.Workspace]int{}
	for _, c := range k.claimWith(store.Claim{Worker: alice, Limit: limit}) {
		shares[c.Run.Workspace]++
	}
	return shares
}
