package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func standingCases() []testCase {
	return []testCase{
		{"a leased run stands with its worker and the end of its lease", func(k *kit) {
			n := k.newRun()
			n.NodeTypes = []string{"a@1", "core.set@1"}
			before := k.Now().Add(long - time.Microsecond)
			o := k.start(n)
			standing := k.standing(n.Run.ID)
			require.Equal(k, alice, standing.Worker)
			require.False(k, standing.LeaseEnds.Before(before))
			require.False(k, standing.LeaseEnds.After(k.Now().Add(long+time.Microsecond)))
			require.Equal(k, n.NodeTypes, standing.NodeTypes)
			require.Zero(k, standing.Unread)
			require.True(k, standing.WakeAt.IsZero())
			k.send(o.message(store.MessageSignal, "one"))
			k.send(o.message(store.MessageSignal, "two"))
			require.Equal(k, 2, k.standing(n.Run.ID).Unread)
		}},
		{"a run that nobody owns stands with the time it waits for", func(k *kit) {
			later, parked := k.newRun(), k.start(k.newRun())
			later.WakeAt = k.Now().Add(long)
			k.create(later)
			k.commit(parked.park(k.Now().Add(2 * long)))
			for id, at := range map[flowforge.RunID]time.Time{later.Run.ID: later.WakeAt, parked.lease.Run: k.Now().Add(2 * long)} {
				standing := k.standing(id)
				require.Empty(k, standing.Worker)
				require.True(k, standing.LeaseEnds.IsZero())
				if k.Exact {
					k.sameTime(at, standing.WakeAt)
				}
				require.WithinDuration(k, at, standing.WakeAt, k.Lease)
			}
			k.send(parked.message(store.MessageSignal, "id"))
			require.Len(k, k.claimed(), 1)
			require.True(k, k.standing(parked.lease.Run).WakeAt.IsZero())
		}},
		{"a run stands with the leases that it lost in a row", func(k *kit) {
			o := k.lostOnce()
			require.Equal(k, 1, k.standing(o.lease.Run).Lost)
			k.commit(o.park(time.Time{}))
			require.Zero(k, k.standing(o.lease.Run).Lost)
		}},
		{"a run that has ended stands with nothing", func(k *kit) {
			o := k.start(k.slotted(1, "key"))
			k.send(o.message(store.MessageSignal, "id"))
			k.commit(o.end(flowforge.RunSucceeded))
			require.Equal(k, store.Standing{NodeTypes: []string{"core.set@1"}}, k.standing(o.lease.Run))
		}},
		{"a run that does not exist stands nowhere", func(k *kit) {
			_, err := k.Store.Standing(k.ctx, acme, "missing")
			k.code(flowforge.CodeNotFound, err)
		}},
	}
}

func slotStandingCases() []testCase {
	return []testCase{
		{"a run stands with each slot that it needs, in order of the keys", func(k *kit) {
			n := k.newRun()
			n.Slots = []store.Slot{{Key: "b", Limit: 2}, {Key: "a", Limit: 3}}
			o := k.start(n)
			want := []store.SlotStanding{
				{Key: "a", Limit: 3, Held: true, Holders: []flowforge.RunID{n.Run.ID}},
				{Key: "b", Limit: 2, Held: true, Holders: []flowforge.RunID{n.Run.ID}},
			}
			require.Equal(k, want, k.standing(n.Run.ID).Slots)
			k.commit(o.park(time.Time{}))
			require.Equal(k, want, k.standing(n.Run.ID).Slots, "a parked run keeps its slots")
		}},
		{"who waits for a slot stands with who holds it, the longest first, and how many wait longer", func(k *kit) {
			first, second := k.start(k.slotted(2, "key")), k.start(k.slotted(2, "key"))
			waiting := make([]flowforge.RunID, 0, 4)
			for range cap(waiting) {
				k.Advance(time.Millisecond)
				waiting = append(waiting, k.create(k.slotted(2, "key"))[0].Run.ID)
			}
			stand := func(id flowforge.RunID, ahead int, holders ...flowforge.RunID) {
				k.Helper()
				require.Equal(k, []store.SlotStanding{{Key: "key", Limit: 2, Holders: holders, Ahead: ahead}}, k.standing(id).Slots)
			}
			for i, id := range waiting {
				stand(id, i, first.lease.Run, second.lease.Run)
			}
			require.Zero(k, k.standing(first.lease.Run).Slots[0].Ahead)
			k.commit(first.end(flowforge.RunSucceeded))
			k.takeOver(bob)
			stand(waiting[1], 0, second.lease.Run, waiting[0])
			stand(waiting[3], 2, second.lease.Run, waiting[0])
		}},
		{"10 of those that hold a slot are told", func(k *kit) {
			for range 12 {
				k.start(k.slotted(20, "key"))
			}
			last := k.start(k.slotted(20, "key"))
			require.Len(k, k.standing(last.lease.Run).Slots[0].Holders, 10)
		}},
		{"a run that releases a slot while it waits does not hold it", func(k *kit) {
			n := k.newRun()
			n.Slots = []store.Slot{{Key: "key", Limit: 1, ReleaseWhileWaiting: true}}
			o := k.start(n)
			k.commit(o.park(time.Time{}))
			require.Equal(k, []store.SlotStanding{{Key: "key", Limit: 1}}, k.standing(n.Run.ID).Slots)
		}},
		{"workspaces do not see who holds each other's slots", func(k *kit) {
			mine, theirs := k.slotted(1, "key"), k.slotted(1, "key")
			theirs.Run.Workspace = other
			k.start(theirs)
			k.start(mine)
			require.Equal(k, []flowforge.RunID{mine.Run.ID}, k.standing(mine.Run.ID).Slots[0].Holders)
		}},
	}
}

func seqCases() []testCase {
	return []testCase{
		{"the number of the newest event of each run, and 0 where there is no such run", func(k *kit) {
			n := k.newRun()
			n.Run.Workspace = other
			mine, theirs := k.start(k.newRun()), k.start(n)
			k.commit(mine.next(flowforge.EventRunStarted, flowforge.EventNodeSucceeded), theirs.end(flowforge.RunSucceeded))
			seqs, err := k.Store.Seqs(k.ctx, []store.RunKey{
				{Workspace: other, Run: n.Run.ID},
				{Workspace: acme, Run: "missing"},
				{Workspace: acme, Run: mine.lease.Run},
				{Workspace: other, Run: mine.lease.Run},
				{Workspace: other, Run: n.Run.ID},
			})
			require.NoError(k, err)
			require.Equal(k, []int64{2, 0, 3, 0, 2}, seqs)
			seqs, err = k.Store.Seqs(k.ctx, nil)
			require.NoError(k, err)
			require.Empty(k, seqs)
		}},
	}
}

func (k *kit) standing(id flowforge.RunID) store.Standing {
	k.Helper()
	standing, err := k.Store.Standing(k.ctx, acme, id)
	require.NoError(k, err)
	return standing
}
