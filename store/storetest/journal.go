package storetest

import (
	"bytes"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func journalCases() []testCase {
	return []testCase{
		{"who claims a run gets its journal, all that its transitions appended", func(k *kit) {
			o := k.start(k.newRun())
			piece := []byte{0, 255, '\n', '\''}
			batch := make([]store.Transition, 0, 50)
			for i := range cap(batch) {
				step := o.next(make([]flowforge.EventKind, i%3)...)
				for j := range step.Events {
					step.Events[j].Kind = flowforge.EventNodeWaiting
				}
				batch = append(batch, o.journals(step, bytes.Repeat(piece, i)))
			}
			k.commit(batch[:20]...)
			k.commit(batch[20:]...)
			k.handOver(o, bytes.Repeat(piece, 49*50/2))
		}},
		{"a run without a journal has an empty one", func(k *kit) {
			o := k.start(k.newRun())
			k.commit(o.next(flowforge.EventRunStarted))
			k.handOver(o, nil)
		}},
		{"a journal outlives parks, and goes on under the next owner", func(k *kit) {
			o := k.start(k.newRun())
			k.commit(o.journals(o.park(k.Now()), []byte("one ")))
			next := k.takeOver(bob)
			require.Equal(k, o.journal, next.journal)
			k.commit(next.journals(next.next(flowforge.EventRunStarted), []byte("two")))
			k.handOver(next, []byte("one two"))
		}},
		{"a refused transition appends nothing", func(k *kit) {
			o := k.start(k.newRun())
			bad := o.journals(o.next(flowforge.EventRunStarted), []byte("bad"))
			bad.Events = nil
			k.refuse(flowforge.CodeConflict, bad)
			o.seq, o.journal = 1, 0
			stale := o.journals(o.next(flowforge.EventRunStarted), []byte("stale"))
			stale.Epoch++
			k.refuse(flowforge.CodeStaleEpoch, stale)
			k.handOver(o, nil)
		}},
		{"a journal that would have a gap is a conflict", func(k *kit) {
			o := k.start(k.newRun())
			k.commit(o.journals(o.next(flowforge.EventRunStarted), []byte("one")))
			o.journal++
			k.refuse(flowforge.CodeConflict, o.journals(o.next(), []byte("three")))
			k.handOver(o, []byte("one"))
		}},
	}
}

func appendedOnceCases() []testCase {
	return []testCase{
		{"a transition sent again appends nothing", func(k *kit) {
			o := k.start(k.newRun())
			first := o.journals(o.next(flowforge.EventRunStarted), []byte("one"))
			second := o.journals(o.next(flowforge.EventNodeSucceeded), []byte("two"))
			k.commit(first, second)
			k.commit(first, second)
			k.commit(second)
			k.handOver(o, []byte("onetwo"))
		}},
		{"a transition without events applied twice appends once, since more bytes than JournalAt are there", func(k *kit) {
			o := k.start(k.newRun())
			first, second := o.journals(o.next(), []byte("one")), o.journals(o.next(), []byte("two"))
			k.commit(first, first, second)
			k.commit(first, second)
			k.commit(second, first)
			k.handOver(o, []byte("onetwo"))
		}},
		{"a park without events sent again appends once", func(k *kit) {
			o := k.start(k.newRun())
			park := o.next()
			park.Park = &store.Park{WakeAt: k.Now()}
			park = o.journals(park, []byte("one"))
			k.commit(park, park)
			k.commit(park)
			claimed := k.claim(long)
			require.Len(k, claimed, 1)
			require.Equal(k, "one", string(claimed[0].Journal))
		}},
	}
}

// journals adds what is appended to the journal; the owner then takes it for applied.
func (o *owned) journals(t store.Transition, text []byte) store.Transition {
	t.JournalAt, t.Journal = o.journal, text
	o.journal += int64(len(text))
	return t
}

// handOver gives a run back, and checks the journal that the next owner gets.
func (k *kit) handOver(o *owned, journal []byte) {
	k.Helper()
	require.NoError(k, k.Store.Release(k.ctx, []store.Lease{o.lease}))
	claimed := k.claim(long)
	require.Len(k, claimed, 1)
	require.True(k, bytes.Equal(journal, claimed[0].Journal), "%q is not %q", claimed[0].Journal, journal)
}

func lostCases() []testCase {
	return []testCase{
		{"leases that run out in a row are counted, the eager one too, whatever was written under them", func(k *kit) {
			n := k.newRun()
			n.Lease = &store.Lease{Worker: alice, For: k.Lease}
			o := &owned{kit: k, lease: store.Lease{Workspace: acme, Run: n.Run.ID, Epoch: k.create(n)[0].Epoch}, seq: 1}
			for lost := 1; lost <= 3; lost++ {
				k.commit(o.next(flowforge.EventNodeSucceeded))
				k.Advance(k.Lease)
				claimed := k.claim(k.Lease)
				require.Len(k, claimed, 1)
				require.Equal(k, lost, claimed[0].Lost)
				o.lease = claimed[0].Lease
			}
		}},
		{"a lease that ran out but was renewed is not lost", func(k *kit) {
			k.create(k.newRun())
			c := k.claim(k.Lease)[0]
			k.Advance(k.Lease)
			renewed, err := k.Store.Renew(k.ctx, []store.Lease{c.Lease})
			require.NoError(k, err)
			require.False(k, renewed[0].Lost)
			k.Advance(k.Lease)
			require.Equal(k, 1, k.claim(long)[0].Lost)
		}},
		{"a run that was parked has lost no lease", func(k *kit) {
			o := k.lostOnce()
			k.commit(o.park(k.Now()))
			claimed := k.claim(k.Lease)
			require.Zero(k, claimed[0].Lost)
			k.Advance(k.Lease)
			require.Equal(k, 1, k.claim(long)[0].Lost)
		}},
		{"a run that was given back has lost no lease", func(k *kit) {
			o := k.lostOnce()
			require.NoError(k, k.Store.Release(k.ctx, []store.Lease{o.lease}))
			require.Zero(k, k.claim(long)[0].Lost)
		}},
	}
}

// lostOnce makes a run whose first lease ran out.
func (k *kit) lostOnce() *owned {
	k.Helper()
	k.create(k.newRun())
	k.claim(k.Lease)
	k.Advance(k.Lease)
	claimed := k.claim(k.Lease)
	require.Equal(k, 1, claimed[0].Lost)
	return &owned{kit: k, lease: claimed[0].Lease, seq: 1}
}

func clockCases() []testCase {
	return []testCase{
		{"Now gives the store's clock", func(k *kit) {
			for range 3 {
				before := k.Now().Add(-time.Microsecond)
				now, err := k.Store.Now(k.ctx)
				require.NoError(k, err)
				require.False(k, now.Before(before), "%s is before %s", now, before)
				require.False(k, now.After(k.Now().Add(time.Microsecond)))
				k.Advance(k.Lease)
			}
		}},
		{"a claim tells how long it takes until another run may wake, and nothing where none is to", func(k *kit) {
			next := func() time.Duration {
				claims, err := k.Store.Claim(k.ctx, store.Claim{
					Worker: alice, Pools: []string{""}, NodeTypes: []string{"core.set@1"}, Limit: 10, For: 10 * long,
				})
				require.NoError(k, err)
				return claims.Next
			}
			require.Zero(k, next())
			late, early := k.newRun(), k.newRun()
			late.WakeAt, early.WakeAt = k.Now().Add(2*long), k.Now().Add(long)
			k.create(late, early)
			require.Positive(k, next())
			require.LessOrEqual(k, next(), long)
			o := k.start(k.newRun())
			k.commit(o.park(k.Now().Add(long / 2)))
			require.LessOrEqual(k, next(), long/2)
			k.Advance(long)
			require.Positive(k, next())
			require.LessOrEqual(k, next(), long)
			k.Advance(long)
			require.Zero(k, next())
		}},
	}
}
