package storetest

import (
	"strconv"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func jobCases() []testCase {
	return []testCase{
		{"a job is claimed as it was put, by its kind, once", func(k *kit) {
			k.put(newJob("send", "a"))
			require.Empty(k, k.claimJobs("other"))
			claimed := k.claimJobs("other", "send")
			require.Len(k, claimed, 1)
			require.Equal(k, text(k, newJob("send", "a")), text(k, claimed[0].Job))
			require.Equal(k, store.JobLease{Workspace: acme, Kind: "send", ID: "a", Epoch: 1, For: k.Lease}, claimed[0].Lease)
			require.Equal(k, 1, claimed[0].Attempt)
			require.Empty(k, k.claimJobs("send"))
		}},
		{"a job that is there changes nothing when it is put again", func(k *kit) {
			again := newJob("send", "a")
			again.Payload = flowforge.MustValue("another")
			theirs := newJob("send", "a")
			theirs.Workspace = other
			k.put(newJob("send", "a"), newJob("send", "b"))
			k.put(again, newJob("else", "a"), theirs)
			require.Equal(k, []string{"else a", "send a", "send b"}, k.jobs(store.JobFilter{}))
			require.Len(k, k.claimJobs("send", "else"), 4)
			listed, err := k.Store.ListJobs(k.ctx, acme, store.JobFilter{AfterKind: "else", AfterID: "a", Limit: 1})
			require.NoError(k, err)
			require.Equal(k, newJob("send", "a").Payload.String(), listed[0].Payload.String())
			require.Equal(k, alice, listed[0].Worker)
		}},
		{"jobs are claimed when they are due, the longest first, up to a limit", func(k *kit) {
			now := k.Now()
			for i := range 5 {
				job := newJob("send", strconv.Itoa(i))
				job.DueAt = now.Add(-time.Duration(i+1) * time.Second)
				k.put(job)
			}
			later := newJob("send", "later")
			later.DueAt = now.Add(k.Lease)
			k.put(later)
			ids := make([]string, 0, 5)
			for _, limit := range []int{2, 10} {
				claimed, err := k.Store.ClaimJobs(k.ctx, store.JobClaim{Worker: alice, Kinds: []string{"send"}, Limit: limit, For: long})
				require.NoError(k, err)
				batch := make([]string, 0, len(claimed))
				for _, c := range claimed {
					batch = append(batch, c.Job.ID)
				}
				ids = append(ids, batch...)
				require.Len(k, batch, min(limit, 3))
			}
			require.ElementsMatch(k, []string{"4", "3"}, ids[:2])
			require.ElementsMatch(k, []string{"2", "1", "0"}, ids[2:])
			k.Advance(k.Lease)
			require.Len(k, k.claimJobs("send"), 1)
		}},
	}
}

func jobRaceCases() []testCase {
	return []testCase{
		{"of many who claim the same job one has it", func(k *kit) {
			k.put(newJob("send", "a"))
			var all sync.WaitGroup
			found := make(chan int, 12)
			for range cap(found) {
				all.Go(func() {
					claimed, err := k.Store.ClaimJobs(k.ctx, store.JobClaim{Worker: bob, Kinds: []string{"send"}, Limit: 1, For: long})
					if err == nil {
						found <- len(claimed)
					}
				})
			}
			all.Wait()
			close(found)
			sum := 0
			for n := range found {
				sum += n
			}
			require.Equal(k, 1, sum)
		}},
	}
}

func jobLeaseCases() []testCase {
	return []testCase{
		{"a job whose lease has ended is claimed again, and the lease before is over", func(k *kit) {
			k.put(newJob("send", "a"))
			first := k.claimJobs("send")[0]
			k.Advance(k.Lease)
			second := k.claimJobs("send")[0]
			require.Equal(k, 2, second.Attempt)
			k.code(flowforge.CodeStaleEpoch, k.Store.FinishJob(k.ctx, first.Lease, store.JobResult{}))
			k.code(flowforge.CodeStaleEpoch, k.Store.FinishJob(k.ctx, first.Lease, store.JobResult{Again: time.Second, Error: "late"}))
			lost, err := k.Store.RenewJobs(k.ctx, []store.JobLease{first.Lease, second.Lease})
			require.NoError(k, err)
			require.Equal(k, []bool{true, false}, lost)
			require.NoError(k, k.Store.FinishJob(k.ctx, second.Lease, store.JobResult{}))
		}},
		{"a lease that is renewed goes on from then", func(k *kit) {
			k.put(newJob("send", "a"))
			claimed := k.claimJobs("send")[0]
			claimed.Lease.For = 3 * k.Lease
			_, err := k.Store.RenewJobs(k.ctx, []store.JobLease{claimed.Lease})
			require.NoError(k, err)
			k.Advance(k.Lease)
			require.Empty(k, k.claimJobs("send"))
		}},
	}
}

func jobEndCases() []testCase {
	return []testCase{
		{"a job that is done is gone", func(k *kit) {
			k.put(newJob("send", "a"))
			claimed := k.claimJobs("send")[0]
			require.NoError(k, k.Store.FinishJob(k.ctx, claimed.Lease, store.JobResult{}))
			require.Empty(k, k.jobs(store.JobFilter{}))
			k.code(flowforge.CodeStaleEpoch, k.Store.FinishJob(k.ctx, claimed.Lease, store.JobResult{}))
		}},
		{"a job that is to be done again is due then; a failure counts its attempts", func(k *kit) {
			k.put(newJob("send", "a"))
			failed := store.JobResult{Again: k.Lease, Error: "busy"}
			require.NoError(k, k.Store.FinishJob(k.ctx, k.claimJobs("send")[0].Lease, failed))
			require.Empty(k, k.claimJobs("send"))
			k.Advance(k.Lease)
			second := k.claimJobs("send")[0]
			require.Equal(k, 2, second.Attempt)
			require.NoError(k, k.Store.FinishJob(k.ctx, second.Lease, store.JobResult{Again: k.Lease}))
			listed, err := k.Store.ListJobs(k.ctx, acme, store.JobFilter{})
			require.NoError(k, err)
			require.Equal(k, "busy", listed[0].Error)
			require.False(k, listed[0].Failed)
			require.Zero(k, listed[0].Attempts)
		}},
		{"a job that has failed for good stays until it is tried again", func(k *kit) {
			k.put(newJob("send", "a"), newJob("send", "b"))
			require.NoError(k, k.Store.FinishJob(k.ctx, k.claimJobs("send")[0].Lease, store.JobResult{Error: "no"}))
			k.Advance(2 * k.Lease)
			listed, err := k.Store.ListJobs(k.ctx, acme, store.JobFilter{Failed: true})
			require.NoError(k, err)
			require.Len(k, listed, 1)
			require.Equal(k, "no", listed[0].Error)
			require.True(k, listed[0].Failed)
			id := listed[0].ID
			k.code(flowforge.CodeNotFound, k.Store.RetryJob(k.ctx, other, "send", id))
			require.NoError(k, k.Store.RetryJob(k.ctx, acme, "send", id))
			k.code(flowforge.CodeNotFound, k.Store.RetryJob(k.ctx, acme, "send", id))
			for _, c := range k.claimJobs("send") {
				if c.Job.ID == id {
					require.Equal(k, 1, c.Attempt)
				}
			}
		}},
	}
}

func newJob(kind, id string) store.Job {
	return store.Job{Workspace: acme, Kind: kind, ID: id, Payload: flowforge.MustValue(map[string]any{"of": id})}
}

func (k *kit) put(jobs ...store.Job) {
	k.Helper()
	require.NoError(k, k.Store.PutJobs(k.ctx, jobs))
}

// claimJobs is what alice claims.
func (k *kit) claimJobs(kinds ...string) []store.ClaimedJob {
	k.Helper()
	claimed, err := k.Store.ClaimJobs(k.ctx, store.JobClaim{Worker: alice, Kinds: kinds, Limit: 100, For: k.Lease})
	require.NoError(k, err)
	return claimed
}

// jobs gives acme's, as "kind id".
func (k *kit) jobs(filter store.JobFilter) (names []string) {
	k.Helper()
	listed, err := k.Store.ListJobs(k.ctx, acme, filter)
	require.NoError(k, err)
	for i := range listed {
		names = append(names, listed[i].Kind+" "+listed[i].ID)
	}
	return names
}
