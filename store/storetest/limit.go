package storetest

import (
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func limitCases() []testCase {
	return []testCase{
		{"a run that finds its limit reached is refused where it asks for that, and leaves nothing behind", refusedAtLimit},
		{"who would have a place of another run is answered with that run", func(k *kit) {
			o := k.start(k.limited(store.LimitAnswers, 1, 0))
			again := k.create(k.limited(store.LimitAnswers, 1, 0))[0]
			require.True(k, again.Existing)
			require.Equal(k, o.lease.Run, again.Run.ID)
			require.Zero(k, again.Epoch)
			k.commit(o.end(flowforge.RunFailed))
			require.False(k, k.create(k.limited(store.LimitAnswers, 1, 0))[0].Existing)
		}},
		{"in one batch the earlier runs take the places", func(k *kit) {
			runs := []store.NewRun{k.limited(store.LimitRefuses, 2, 0), k.limited(store.LimitRefuses, 2, 0), k.limited(store.LimitRefuses, 2, 0)}
			created, err := k.Store.Create(k.ctx, runs)
			require.NoError(k, err)
			require.NoError(k, created[0].Err)
			require.NoError(k, created[1].Err)
			require.Equal(k, flowforge.CodeLimited, flowforge.CodeOf(created[2].Err))
		}},
	}
}

func placeCases() []testCase {
	return []testCase{
		{"a place for a time is free when that is over, not when its run ends", func(k *kit) {
			k.create(k.limited(store.LimitWaits, 2, k.Lease), k.limited(store.LimitWaits, 2, k.Lease))
			third := k.limited(store.LimitWaits, 2, k.Lease)
			k.create(third)
			for _, c := range k.claim(long) {
				o := &owned{kit: k, lease: c.Lease, seq: 1}
				k.commit(o.end(flowforge.RunSucceeded))
			}
			k.waitOut(k.Lease)
			require.Equal(k, []flowforge.RunID{third.Run.ID}, k.claimed())
		}},
		{"a claim tells when a place for a time is free again", func(k *kit) {
			k.create(k.limited(store.LimitWaits, 1, k.Lease), k.limited(store.LimitWaits, 1, k.Lease))
			require.Len(k, k.claimed(), 1)
			claims, err := k.Store.Claim(k.ctx, store.Claim{
				Worker: alice, Pools: []string{""}, NodeTypes: []string{"core.set@1"}, Limit: 10, For: long,
			})
			require.NoError(k, err)
			require.Positive(k, claims.Next)
			require.LessOrEqual(k, claims.Next, k.Lease)
		}},
		{"a rate refuses, tells how long, and lets pass again", func(k *kit) {
			k.create(k.limited(store.LimitRefuses, 1, k.Lease))
			created, err := k.Store.Create(k.ctx, []store.NewRun{k.limited(store.LimitRefuses, 1, k.Lease)})
			require.NoError(k, err)
			require.Equal(k, flowforge.CodeLimited, flowforge.CodeOf(created[0].Err))
			require.Positive(k, created[0].After)
			require.LessOrEqual(k, created[0].After, k.Lease)
			k.Advance(k.Lease)
			k.create(k.limited(store.LimitRefuses, 1, k.Lease))
		}},
		{"a newer run makes the oldest of its key cancel, those that wait too", supersedes},
	}
}

func backlogCases() []testCase {
	return []testCase{
		{"no more runs than a workspace may have wait in its backlog", func(k *kit) {
			k.create(k.newRun(), k.newRun())
			n := k.newRun()
			n.Backlog = 2
			created, err := k.Store.Create(k.ctx, []store.NewRun{n})
			require.NoError(k, err)
			require.Equal(k, flowforge.CodeLimited, flowforge.CodeOf(created[0].Err))
			elsewhere := k.newRun()
			elsewhere.Run.Workspace, elsewhere.Backlog = other, 1
			k.create(elsewhere)
			o := k.start(k.newRun())
			k.commit(o.next(flowforge.EventRunStarted))
			n.Backlog = 3
			k.create(n)
		}},
		{"a run that begins at once records what begins with it, one that waits does not", func(k *kit) {
			begun, waits := k.limited(store.LimitWaits, 1, 0), k.limited(store.LimitWaits, 1, 0)
			for _, n := range []*store.NewRun{&begun, &waits} {
				n.Lease = &store.Lease{Worker: alice, For: long}
				n.Started = []flowforge.NodeRun{{Node: "a", Status: flowforge.NodeRunning, Attempts: 1}}
			}
			created := k.create(begun, waits)
			require.NotZero(k, created[0].Epoch)
			require.Zero(k, created[1].Epoch)
			require.Len(k, k.nodeRuns(begun), 1)
			require.Empty(k, k.nodeRuns(waits))
		}},
		{"of those in line for a slot the most urgent gets it", func(k *kit) {
			o := k.start(k.slotted(1, "key"))
			late, urgent := k.slotted(1, "key"), k.slotted(1, "key")
			urgent.Run.Priority = 1
			k.create(late)
			k.create(urgent)
			k.commit(o.end(flowforge.RunSucceeded))
			require.Equal(k, []flowforge.RunID{urgent.Run.ID}, k.claimed())
		}},
	}
}

// limited gives a run with one slot of the key "key".
func (k *kit) limited(at store.AtLimit, limit int, span time.Duration) store.NewRun {
	n := k.newRun()
	n.Slots = []store.Slot{{Key: "key", Limit: limit, For: span, AtLimit: at}}
	return n
}

func (k *kit) nodeRuns(n store.NewRun) []flowforge.NodeRun {
	k.Helper()
	nodes, err := k.Store.NodeRuns(k.ctx, n.Run.Workspace, n.Run.ID, 0, 0)
	require.NoError(k, err)
	return nodes
}

func refusedAtLimit(k *kit) {
	o := k.start(k.limited(store.LimitRefuses, 1, 0))
	n := k.limited(store.LimitRefuses, 1, 0)
	n.Slots = append([]store.Slot{{Key: "more", Limit: 1, AtLimit: store.LimitRefuses}}, n.Slots...)
	n.IdempotencyKey = "start"
	created, err := k.Store.Create(k.ctx, []store.NewRun{n})
	require.NoError(k, err)
	require.Equal(k, flowforge.CodeLimited, flowforge.CodeOf(created[0].Err))
	_, err = k.Store.Run(k.ctx, acme, n.Run.ID)
	require.Equal(k, flowforge.CodeNotFound, flowforge.CodeOf(err))
	more := k.newRun()
	more.Slots = []store.Slot{{Key: "more", Limit: 1, AtLimit: store.LimitRefuses}}
	k.commit(k.start(more).end(flowforge.RunSucceeded), o.end(flowforge.RunSucceeded))
	require.False(k, k.create(n)[0].Existing)
	require.True(k, k.create(n)[0].Existing, "its own place does not refuse a start that is sent again")
}

func supersedes(k *kit) {
	first := k.start(k.limited(store.LimitCancels, 1, 0))
	second, third := k.limited(store.LimitCancels, 1, 0), k.limited(store.LimitCancels, 1, 0)
	k.create(second)
	messages, err := k.Store.Messages(k.ctx, acme, first.lease.Run)
	require.NoError(k, err)
	require.Len(k, messages, 1)
	require.Equal(k, store.MessageCancel, messages[0].Kind)
	require.Empty(k, k.claimed(), "it waits until the first has ended")
	k.create(third)
	claimed := k.claim(long)
	require.Equal(k, []flowforge.RunID{second.Run.ID}, idsOf(claimed), "to be canceled")
	o := &owned{kit: k, lease: claimed[0].Lease, seq: 1}
	k.commit(o.end(flowforge.RunCanceled), first.end(flowforge.RunCanceled))
	require.Equal(k, []flowforge.RunID{third.Run.ID}, k.claimed())
}

func gatherCases() []testCase {
	return []testCase{
		{"starts in a burst become one run, once none has come for a while", func(k *kit) {
			first, second := k.gathered(0), k.gathered(0)
			k.create(first)
			k.Advance(k.Lease / 2)
			joined := k.create(second)[0]
			require.True(k, joined.Existing)
			require.Equal(k, first.Run.ID, joined.Run.ID)
			require.Equal(k, first.Run.ID, k.create(second)[0].Run.ID, "sent again, it is the same start")
			k.waitOut(k.Lease)
			claimed := k.claim(long)
			require.Equal(k, []flowforge.RunID{first.Run.ID}, idsOf(claimed))
			require.Len(k, claimed[0].Messages, 1)
			require.Equal(k, store.MessageInput, claimed[0].Messages[0].Kind)
			require.Equal(k, second.Run.Input.String(), claimed[0].Messages[0].Payload.String())
			require.False(k, k.create(k.gathered(0))[0].Existing, "it has begun")
			require.Equal(k, first.Run.ID, k.create(second)[0].Run.ID, "it is still the same start")
		}},
		{"a batch is ready at once when it is full", func(k *kit) {
			runs := []store.NewRun{k.gathered(3), k.gathered(3), k.gathered(3), k.gathered(3)}
			created := k.create(runs[:2]...)
			require.Equal(k, runs[0].Run.ID, created[1].Run.ID)
			require.Empty(k, k.claimed())
			created = k.create(runs[2:]...)
			require.Equal(k, runs[0].Run.ID, created[0].Run.ID)
			require.False(k, created[1].Existing, "the first is full")
			claimed := k.claim(long)
			require.Equal(k, []flowforge.RunID{runs[0].Run.ID}, idsOf(claimed))
			require.Len(k, claimed[0].Messages, 2)
			require.Equal(k, runs[1].Run.Input.String(), claimed[0].Messages[0].Payload.String())
		}},
	}
}

func gatheredCases() []testCase {
	return []testCase{
		{"a batch that does not fill begins after its time", func(k *kit) {
			first := k.gathered(3)
			k.create(first)
			k.Advance(k.Lease / 2)
			k.create(k.gathered(3))
			k.Advance(k.Lease/2 + time.Millisecond)
			require.Equal(k, []flowforge.RunID{first.Run.ID}, k.claimed())
		}},
		{"a start does not join a run that was asked to cancel", func(k *kit) {
			first := k.gathered(0)
			k.create(first)
			k.send(k.messageTo(first, store.MessageCancel, "cancel"))
			require.False(k, k.create(k.gathered(0))[0].Existing)
		}},
		{"what a run has gathered becomes its input", func(k *kit) {
			o := k.start(k.newRun())
			input := flowforge.MustValue([]any{1, 2})
			t := o.next(flowforge.EventRunStarted)
			t.Input = &input
			k.commit(t)
			run, err := k.Store.Run(k.ctx, acme, o.lease.Run)
			require.NoError(k, err)
			require.Equal(k, input.String(), run.Input.String())
			k.commit(o.next(flowforge.EventRunPaused))
			run, err = k.Store.Run(k.ctx, acme, o.lease.Run)
			require.NoError(k, err)
			require.Equal(k, input.String(), run.Input.String())
		}},
	}
}

// gathered gives a run that gathers so many inputs, or with 0 the latest.
func (k *kit) gathered(size int) store.NewRun {
	n := k.newRun()
	n.Gather = &store.Gather{Key: "gather", Size: size, Period: k.Lease}
	n.WakeAt = k.Now().Add(k.Lease)
	return n
}

func onlyCases() []testCase {
	return []testCase{
		{"a claim of one run takes no other", func(k *kit) {
			first, second := k.newRun(), k.newRun()
			k.create(first, second)
			only := store.RunKey{Workspace: acme, Run: second.Run.ID}
			require.Equal(k, []flowforge.RunID{second.Run.ID}, idsOf(k.claimWith(store.Claim{Worker: alice, Only: &only})))
			require.Empty(k, k.claimWith(store.Claim{Worker: bob, Only: &only}), "it is leased")
			only.Workspace, only.Run = other, first.Run.ID
			require.Empty(k, k.claimWith(store.Claim{Worker: alice, Only: &only}))
		}},
		{"a claim of one run is no way around its limit, its pool or its node types", func(k *kit) {
			k.start(k.slotted(1, "key"))
			n := k.slotted(1, "key")
			k.create(n)
			only := store.RunKey{Workspace: acme, Run: n.Run.ID}
			require.Empty(k, k.claimWith(store.Claim{Worker: alice, Only: &only}))
			free := k.newRun()
			k.create(free)
			only.Run = free.Run.ID
			require.Empty(k, k.claimWith(store.Claim{Worker: alice, Only: &only, Pools: []string{"gpu"}}))
			require.Empty(k, k.claimWith(store.Claim{Worker: alice, Only: &only, NodeTypes: []string{"other@1"}}))
			require.Len(k, k.claimWith(store.Claim{Worker: alice, Only: &only}), 1)
		}},
		{"a commit tells that it gave slots back that others wait for", func(k *kit) {
			for _, keys := range [][]string{{"key"}, {"a", "b"}} {
				first, plain := k.start(k.slotted(1, keys...)), k.start(k.newRun())
				second := k.slotted(1, keys...)
				k.create(second)
				answers := k.try(first.next(flowforge.EventRunStarted), plain.end(flowforge.RunSucceeded))
				require.False(k, answers[0].Freed)
				require.False(k, answers[1].Freed)
				require.True(k, k.try(first.end(flowforge.RunSucceeded))[0].Freed)
				last := k.takeOver(alice)
				require.False(k, k.try(last.end(flowforge.RunSucceeded))[0].Freed, "nobody waits")
			}
		}},
	}
}

func limitRaceCases() []testCase {
	return []testCase{
		{"a limit that refuses holds among many who start at once", func(k *kit) {
			const starts, limit = 24, 3
			created := k.createAtOnce(starts, func() store.NewRun { return k.limited(store.LimitRefuses, limit, 0) })
			made := 0
			for _, c := range created {
				if c.Err == nil {
					made++
				} else {
					require.Equal(k, flowforge.CodeLimited, flowforge.CodeOf(c.Err))
				}
			}
			require.Equal(k, limit, made)
		}},
		{"a limit that lets wait holds among eager starts and ends at once, and nobody is forgotten", func(k *kit) {
			const starts, limit = 24, 3
			created := k.createAtOnce(starts, func() store.NewRun {
				n := k.limited(store.LimitWaits, limit, 0)
				n.Lease = &store.Lease{Worker: alice, For: long}
				return n
			})
			running := map[flowforge.RunID]store.Lease{}
			for _, c := range created {
				require.NoError(k, c.Err)
				if c.Epoch != 0 {
					running[c.Run.ID] = store.Lease{Worker: alice, Workspace: acme, Run: c.Run.ID, Epoch: c.Epoch, For: long}
				}
			}
			for ended := 0; ended < starts; {
				require.NotEmpty(k, running, "%d of %d runs have ended, and nobody goes on", ended, starts)
				require.LessOrEqual(k, len(running), limit)
				var all sync.WaitGroup
				for _, lease := range running {
					ended++
					o := &owned{kit: k, lease: lease, seq: 1}
					end := o.end(flowforge.RunSucceeded)
					all.Go(func() {
						answers, err := k.Store.Commit(k.ctx, []store.Transition{end})
						if assert.NoError(k, err) {
							assert.NoError(k, answers[0].Err)
						}
					})
				}
				all.Wait()
				clear(running)
				for _, c := range k.claim(long) {
					running[c.Run.ID] = c.Lease
				}
			}
		}},
		{"many starts at once that gather make full batches", func(k *kit) {
			const starts, size = 24, 6
			joined := map[flowforge.RunID]int{}
			for _, c := range k.createAtOnce(starts, func() store.NewRun { return k.gathered(size) }) {
				require.NoError(k, c.Err)
				joined[c.Run.ID]++
			}
			require.Len(k, joined, starts/size)
			for id, n := range joined {
				require.Equal(k, size, n, id)
			}
		}},
	}
}

// createAtOnce makes runs, each by a call of its own.
func (k *kit) createAtOnce(starts int, fresh func() store.NewRun) []store.Created {
	created := make([]store.Created, starts)
	var all sync.WaitGroup
	for i := range created {
		n := fresh()
		all.Go(func() {
			answers, err := k.Store.Create(k.ctx, []store.NewRun{n})
			if assert.NoError(k, err) {
				created[i] = answers[0]
			}
		})
	}
	all.Wait()
	return created
}
