package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func inboxCases() []testCase {
	return []testCase{
		{"messages are unread, oldest first, until a transition reads them", func(k *kit) {
			o := k.start(k.newRun())
			for _, id := range []string{"c", "a", "b", "d"} {
				k.send(o.message(store.MessageSignal, id))
			}
			require.Equal(k, []string{"c", "a", "b", "d"}, k.unread(o))
			read := func(want bool, ids ...string) {
				t := o.next(flowforge.EventNodeSucceeded)
				t.Read = ids
				answer := k.try(t)[0]
				require.NoError(k, answer.Err)
				require.Equal(k, want, answer.Unread)
			}
			read(true, "c")
			read(true)
			read(true, "d", "unknown", "a")
			require.Equal(k, []string{"b"}, k.unread(o))
			read(false, "b")
			require.Empty(k, k.unread(o))
		}},
		{"a message is kept as it was sent", func(k *kit) {
			o := k.start(k.newRun())
			sent := o.message(store.MessageSignal, "id")
			k.send(sent)
			messages, err := k.Store.Messages(k.ctx, acme, o.lease.Run)
			require.NoError(k, err)
			require.Len(k, messages, 1)
			got := messages[0]
			k.sameTime(sent.At, got.At)
			require.JSONEq(k, `{"id":"id"}`, got.Payload.String())
			got.At, got.Payload, sent.At, sent.Payload = k.Now(), flowforge.Value{}, got.At, flowforge.Value{}
			got.At = sent.At
			require.Equal(k, sent, got)
		}},
	}
}

func resentCases() []testCase {
	return []testCase{
		{"a message sent again changes nothing, read or not", func(k *kit) {
			o := k.start(k.newRun())
			sent := o.message(store.MessageSignal, "id")
			k.send(sent)
			again := sent
			again.Kind, again.Payload = store.MessageCancel, flowforge.Value{}
			k.send(again)
			require.Equal(k, []string{"id"}, k.unread(o))
			t := o.next(flowforge.EventNodeSucceeded)
			t.Read = []string{"id"}
			k.commit(t)
			k.send(sent)
			require.Empty(k, k.unread(o))
		}},
		{"two runs may have messages of the same ID", func(k *kit) {
			a, b := k.start(k.newRun()), k.start(k.newRun())
			k.send(a.message(store.MessageSignal, "id"))
			k.send(b.message(store.MessageSignal, "id"))
			require.Len(k, k.unread(a), 1)
			require.Len(k, k.unread(b), 1)
		}},
		{"a run that has ended takes no message, and one that it had is no new one", func(k *kit) {
			o := k.start(k.newRun())
			sent := o.message(store.MessageCancel, "id")
			k.send(sent)
			k.commit(o.end(flowforge.RunSucceeded))
			k.send(sent)
			k.code(flowforge.CodeConflict, k.Store.Send(k.ctx, o.message(store.MessageCancel, "second")))
			require.Empty(k, k.claimed(), "an ended run was woken")
		}},
		{"a refused transition reads nothing", func(k *kit) {
			o := k.start(k.newRun())
			k.send(o.message(store.MessageSignal, "id"))
			t := o.next(flowforge.EventNodeSucceeded)
			t.Read, t.Events = []string{"id"}, nil
			k.refuse(flowforge.CodeConflict, t)
			require.Len(k, k.unread(o), 1)
		}},
	}
}

func wakingCases() []testCase {
	return []testCase{
		{"a run that does not exist takes no message", func(k *kit) {
			o := &owned{kit: k, lease: store.Lease{Workspace: acme, Run: "missing"}, seq: 1}
			k.code(flowforge.CodeNotFound, k.Store.Send(k.ctx, o.message(store.MessageCancel, "id")))
			_, err := k.Store.Messages(k.ctx, acme, "missing")
			k.code(flowforge.CodeNotFound, err)
		}},
		{"a message to a leased run is for its owner", func(k *kit) {
			o := k.start(k.newRun())
			k.send(o.message(store.MessageCancel, "id"))
			require.Empty(k, k.claimed())
		}},
		{"a run that is to start later is claimed early to be canceled, and for nothing else", func(k *kit) {
			n := k.newRun()
			n.WakeAt = k.Now().Add(long)
			k.create(n)
			k.send(k.messageTo(n, store.MessageSignal, "signal"))
			k.send(k.messageTo(n, store.MessagePause, "pause"))
			require.Empty(k, k.claimed())
			k.send(k.messageTo(n, store.MessageCancel, "cancel"))
			require.Len(k, k.claimed(), 1)
		}},
		{"an unread message is still there for the next owner", func(k *kit) {
			o := k.start(k.newRun())
			k.send(o.message(store.MessageSignal, "id"))
			require.NoError(k, k.Store.Release(k.ctx, []store.Lease{o.lease}))
			claimed := k.claim(long)
			require.Len(k, claimed, 1)
			require.Len(k, claimed[0].Messages, 1)
		}},
	}
}

// unread gives the IDs of a run's unread messages.
func (k *kit) unread(o *owned) []string {
	k.Helper()
	messages, err := k.Store.Messages(k.ctx, acme, o.lease.Run)
	require.NoError(k, err)
	ids := make([]string, 0, len(messages))
	for _, message := range messages {
		ids = append(ids, message.ID)
	}
	return ids
}
