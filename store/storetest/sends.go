package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func sendCases() []testCase {
	return []testCase{
		{"a transition sends messages to other runs, as Send does", func(k *kit) {
			from, first, second := k.start(k.newRun()), k.start(k.newRun()), k.start(k.newRun())
			step := from.next(flowforge.EventNodeSucceeded)
			step.Sends = []store.Message{
				first.message(store.MessageSignal, "one"), second.message(store.MessageSignal, "one"), first.message(store.MessagePause, "two"),
			}
			k.commit(step)
			require.Equal(k, []string{"one", "two"}, k.unread(first))
			require.Equal(k, []string{"one"}, k.unread(second))
			require.Empty(k, k.unread(from))
			messages, err := k.Store.Messages(k.ctx, acme, first.lease.Run)
			require.NoError(k, err)
			require.Equal(k, store.MessageSignal, messages[0].Kind)
			require.JSONEq(k, `{"id":"one"}`, messages[0].Payload.String())
			k.sameTime(step.Sends[0].At, messages[0].At)
			require.True(k, k.try(first.next(flowforge.EventNodeSucceeded))[0].Unread)
		}},
		{"an end sends, and wakes a parked run with it", func(k *kit) {
			parent, child := k.start(k.newRun()), k.start(k.newRun())
			k.commit(parent.park(time.Time{}))
			require.Empty(k, k.claimed())
			end := child.end(flowforge.RunSucceeded)
			end.Sends = []store.Message{parent.message(store.MessageChildDone, "child")}
			k.commit(end)
			claimed := k.claim(long)
			require.Equal(k, []flowforge.RunID{parent.lease.Run}, idsOf(claimed))
			require.Len(k, claimed[0].Messages, 1)
			require.Equal(k, store.MessageChildDone, claimed[0].Messages[0].Kind)
		}},
		{"a cancel that a transition sends lets a waiting run begin, to end", func(k *kit) {
			o, n := k.start(k.slotted(1, "key")), k.slotted(1, "key")
			k.create(n)
			step := o.next(flowforge.EventRunStarted)
			step.Sends = []store.Message{k.messageTo(n, store.MessageCancel, "cancel")}
			k.commit(step)
			require.Equal(k, []flowforge.RunID{n.Run.ID}, k.claimed())
		}},
		{"a run that has ended or is unknown gets no message, and the transition is applied", func(k *kit) {
			o, ended := k.start(k.newRun()), k.start(k.newRun())
			k.commit(ended.end(flowforge.RunSucceeded))
			step := o.next(flowforge.EventRunStarted)
			unknown := ended.message(store.MessageSignal, "id")
			unknown.Run = "missing"
			step.Sends = []store.Message{ended.message(store.MessageSignal, "id"), unknown}
			k.commit(step)
			require.Len(k, k.kinds(o.lease.Run), 2)
			require.Empty(k, k.unread(ended))
			require.Empty(k, k.claimed())
		}},
	}
}

func sentOnceCases() []testCase {
	return []testCase{
		{"a transition sent again sends nothing twice, read or not", func(k *kit) {
			from, to := k.start(k.newRun()), k.start(k.newRun())
			loud, quiet := from.next(flowforge.EventNodeSucceeded), from.next()
			loud.Sends = []store.Message{to.message(store.MessageSignal, "one")}
			quiet.Sends = []store.Message{to.message(store.MessageSignal, "two")}
			k.commit(loud, quiet, quiet)
			k.commit(loud)
			k.commit(quiet)
			require.Equal(k, []string{"one", "two"}, k.unread(to))
			read := to.next(flowforge.EventNodeSucceeded)
			read.Read = []string{"one", "two"}
			k.commit(read)
			k.commit(loud, quiet)
			require.Empty(k, k.unread(to))
		}},
		{"a refused transition sends nothing", func(k *kit) {
			from, to := k.start(k.newRun()), k.start(k.newRun())
			step := from.next(flowforge.EventNodeSucceeded)
			step.Sends = []store.Message{to.message(store.MessageSignal, "one")}
			step.Epoch++
			k.refuse(flowforge.CodeStaleEpoch, step)
			require.Empty(k, k.unread(to))
		}},
		{"a run of another workspace gets no message", func(k *kit) {
			n := k.newRun()
			n.Run.Workspace = other
			from, to := k.start(k.newRun()), k.start(n)
			step := from.next(flowforge.EventNodeSucceeded)
			step.Sends = []store.Message{to.message(store.MessageSignal, "one")}
			k.refuse(flowforge.CodeConflict, step)
			messages, err := k.Store.Messages(k.ctx, other, n.Run.ID)
			require.NoError(k, err)
			require.Empty(k, messages)
		}},
	}
}

func unreadCases() []testCase {
	return []testCase{
		{"a worker is told which of the runs that it has leased have unread messages", func(k *kit) {
			unread := func(worker flowforge.WorkerID) []store.RunKey {
				keys, err := k.Store.Unread(k.ctx, worker)
				require.NoError(k, err)
				return keys
			}
			key := func(o *owned) store.RunKey { return store.RunKey{Workspace: o.lease.Workspace, Run: o.lease.Run} }
			require.Empty(k, unread(alice))
			theirs := k.newRun()
			theirs.Run.Workspace = other
			quiet, noted, foreign, parked := k.start(k.newRun()), k.start(k.newRun()), k.start(theirs), k.start(k.newRun())
			k.create(k.newRun())
			bobs := k.takeOver(bob)
			require.Empty(k, unread(alice))
			for _, o := range []*owned{noted, foreign, parked, bobs} {
				k.send(o.message(store.MessageSignal, "one"))
			}
			k.commit(parked.park(time.Time{}))
			require.ElementsMatch(k, []store.RunKey{key(noted), key(foreign)}, unread(alice))
			require.Equal(k, []store.RunKey{key(bobs)}, unread(bob))

			read := noted.next(flowforge.EventNodeSucceeded)
			read.Read = []string{"one"}
			k.commit(read, foreign.end(flowforge.RunSucceeded))
			require.Empty(k, unread(alice))
			sent := noted.next(flowforge.EventNodeSucceeded)
			sent.Sends = []store.Message{quiet.message(store.MessageSignal, "one")}
			k.commit(sent)
			require.Equal(k, []store.RunKey{key(quiet)}, unread(alice))
			require.Equal(k, []flowforge.RunID{parked.lease.Run}, k.claimed(), "who claims a run is told, too")
			require.ElementsMatch(k, []store.RunKey{key(quiet), key(parked)}, unread(alice))
			require.NoError(k, k.Store.Release(k.ctx, []store.Lease{quiet.lease, bobs.lease}))
			require.Equal(k, []store.RunKey{key(parked)}, unread(alice))
			require.Empty(k, unread(bob))
		}},
	}
}
