package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func commitCases() []testCase {
	return []testCase{
		{"a transition changes everything at once", committedAtOnce},
		{"a transition sent again changes nothing and succeeds", func(k *kit) {
			o := k.start(k.newRun())
			first := o.next(flowforge.EventRunStarted, flowforge.EventNodeSucceeded)
			first.Logs = []store.LogLine{{Message: "line"}}
			first.Nodes = []flowforge.NodeRun{{Node: "a", Status: flowforge.NodeRunning, Attempts: 1}}
			second := o.next(flowforge.EventNodeSucceeded)
			second.Status = flowforge.RunWaiting
			second.Nodes = []flowforge.NodeRun{{Node: "a", Status: flowforge.NodeSucceeded, Attempts: 1}}
			k.commit(first, second)
			before := k.whole(acme, o.lease.Run)
			k.commit(first, second)
			k.commit(second)
			require.Equal(k, before, k.whole(acme, o.lease.Run))
		}},
		{"each transition says why the run has its status", func(k *kit) {
			o := k.start(k.newRun())
			for _, reason := range []string{"one", "", "two"} {
				step := o.next(flowforge.EventNodeWaiting)
				step.Reason = reason
				k.commit(step)
				require.Equal(k, reason, k.run(o.lease.Run).Reason)
			}
			k.commit(o.park(k.Now()))
			require.Empty(k, k.claim(long)[0].Run.Reason)
		}},
		{"an end sent again succeeds", func(k *kit) {
			o := k.start(k.newRun())
			step, end := o.next(flowforge.EventRunStarted), o.end(flowforge.RunSucceeded)
			k.commit(step, end)
			before := k.whole(acme, o.lease.Run)
			k.commit(step, end)
			require.Equal(k, before, k.whole(acme, o.lease.Run))
		}},
		{"a transition without events applied twice is the same as once", func(k *kit) {
			o := k.start(k.newRun())
			started := o.next(flowforge.EventRunStarted)
			quiet := o.next()
			quiet.Nodes = []flowforge.NodeRun{
				{Node: "a", Status: flowforge.NodeRunning, Attempts: 1},
				{
					Node: "b", Element: "0", Status: flowforge.NodeSucceeded, Attempts: 1,
					StartedAt: k.Now(), FinishedAt: k.Now(), Output: flowforge.Out(flowforge.MustValue(1)),
				},
			}
			quiet.Starts = []store.NewRun{k.newRun()}
			k.commit(started, quiet)
			before := k.whole(acme, o.lease.Run)
			k.commit(quiet, quiet)
			require.Equal(k, before, k.whole(acme, o.lease.Run))
			require.Len(k, k.claimed(), 1)
		}},
	}
}

func batchCases() []testCase {
	return []testCase{
		{"transitions of one run follow each other in a batch, among those of others", func(k *kit) {
			a, b := k.start(k.newRun()), k.start(k.newRun())
			k.commit(
				a.next(flowforge.EventRunStarted), b.next(flowforge.EventRunStarted), a.next(flowforge.EventNodeSucceeded),
				b.end(flowforge.RunFailed), a.end(flowforge.RunSucceeded),
			)
			require.Equal(k, []flowforge.EventKind{
				flowforge.EventRunCreated, flowforge.EventRunStarted, flowforge.EventNodeSucceeded, flowforge.EventRunSucceeded,
			}, k.kinds(a.lease.Run))
			require.Equal(k, flowforge.RunFailed, k.run(b.lease.Run).Status)
		}},
		{"what follows a refused transition in a batch is refused as well", func(k *kit) {
			o := k.start(k.newRun())
			bad := o.next(flowforge.EventRunStarted)
			bad.Events = nil
			answers := k.try(bad, o.next(flowforge.EventNodeSucceeded))
			k.code(flowforge.CodeConflict, answers[0].Err)
			k.code(flowforge.CodeConflict, answers[1].Err)
			require.Len(k, k.kinds(o.lease.Run), 1)
		}},
		{"a run that does not exist is not found", func(k *kit) {
			o := &owned{kit: k, lease: store.Lease{Workspace: acme, Run: "missing", Epoch: 1}, seq: 1}
			k.refuse(flowforge.CodeNotFound, o.next(flowforge.EventRunStarted))
		}},
		{"the end frees the lease for good", func(k *kit) {
			o := k.start(k.newRun())
			k.commit(o.end(flowforge.RunTimedOut))
			require.NoError(k, k.Store.Release(k.ctx, []store.Lease{o.lease}))
			require.Empty(k, k.claimed())
			k.Advance(k.Lease)
			require.Empty(k, k.claimed())
		}},
	}
}

func startCases() []testCase {
	return []testCase{
		{"what a run starts is created in the same step, as Create does it, and once", startedOnce},
		{"an end can start a run, which may have the slot that it frees", func(k *kit) {
			n, handler := k.newRun(), k.newRun()
			n.Slots = []store.Slot{{Key: "key", Limit: 1}}
			handler.Slots = n.Slots
			o := k.start(n)
			end := o.end(flowforge.RunFailed)
			end.Starts = []store.NewRun{handler}
			k.commit(end)
			require.Equal(k, []flowforge.RunID{handler.Run.ID}, k.claimed())
		}},
		{"a run of another workspace is not started", func(k *kit) {
			o := k.start(k.newRun())
			step, child := o.next(flowforge.EventNodeWaiting), k.newRun()
			child.Run.Workspace = other
			step.Starts = []store.NewRun{child}
			k.refuse(flowforge.CodeConflict, step)
			_, err := k.Store.Run(k.ctx, other, child.Run.ID)
			k.code(flowforge.CodeNotFound, err)
		}},
	}
}

func startedOnce(k *kit) {
	o := k.start(k.newRun())
	child, leased := k.newRun(), k.newRun()
	child.Run.Origin = &flowforge.Origin{Run: o.lease.Run, Kind: flowforge.OriginParent, Node: "a"}
	leased.Lease = &store.Lease{Worker: alice, For: long}
	step := o.next(flowforge.EventNodeWaiting)
	step.Starts = []store.NewRun{child, leased}

	started := k.try(step)[0].Started
	require.Len(k, started, 2)
	require.Equal(k, text(k, child.Run), text(k, started[0].Run))
	require.Zero(k, started[0].Epoch)
	require.Equal(k, int64(1), started[1].Epoch)
	require.False(k, started[0].Existing || started[1].Existing)

	again := k.try(step)[0].Started
	require.Len(k, again, 2)
	require.True(k, again[0].Existing && again[1].Existing)
	require.Zero(k, again[0].Epoch)
	require.Equal(k, int64(1), again[1].Epoch, "who sends a start again learns of its lease")

	require.Equal(k, text(k, child.Run), text(k, k.run(child.Run.ID)))
	require.Equal(k, []flowforge.RunID{child.Run.ID}, k.claimed())
	childOf := &owned{kit: k, lease: store.Lease{Workspace: acme, Run: leased.Run.ID, Epoch: 1}, seq: 1}
	k.commit(childOf.next(flowforge.EventRunStarted))
}

func committedAtOnce(k *kit) {
	o := k.start(k.newRun())
	at := k.Now()
	step := o.next(flowforge.EventRunStarted, flowforge.EventNodeFailed)
	step.StartedAt = at
	step.Events[1] = flowforge.Event{
		Run: o.lease.Run, Seq: 3, Kind: flowforge.EventNodeFailed, At: at.UTC().Truncate(time.Microsecond),
		Node: "a", Element: "0/1", Attempt: 2, Reason: "why",
		Error: &flowforge.Failure{Code: "http_status", Message: "503", Node: "a", Element: "0/1"},
		Data:  flowforge.MustValue(map[string]any{"x": 1}),
	}
	step.Logs = []store.LogLine{{
		At: at.UTC().Truncate(time.Microsecond), Node: "a", Element: "0/1", Attempt: 2, Level: "INFO", Message: "hello",
		Fields: flowforge.MustValue(map[string]any{"k": "v"}),
	}}
	k.commit(step)

	run := k.run(o.lease.Run)
	require.Equal(k, flowforge.RunRunning, run.Status)
	require.Equal(k, int64(3), run.Seq)
	k.sameTime(at, run.StartedAt)
	require.True(k, run.FinishedAt.IsZero())
	events, err := k.Store.Events(k.ctx, acme, o.lease.Run, 2, 0)
	require.NoError(k, err)
	require.Equal(k, text(k, step.Events[1:]), text(k, events))
	logs, err := k.Store.Logs(k.ctx, acme, o.lease.Run, 0, 0)
	require.NoError(k, err)
	require.Equal(k, text(k, step.Logs), text(k, logs))

	end := o.end(flowforge.RunFailed)
	end.Reason = "because"
	end.End = &store.End{
		Output: flowforge.MustValue([]any{1, "two"}), FinishedAt: at.Add(time.Second),
		Error: &flowforge.Failure{Code: "http_status", Message: "503", Node: "a"},
	}
	k.commit(end)
	run = k.run(o.lease.Run)
	require.Equal(k, flowforge.RunFailed, run.Status)
	require.Equal(k, "because", run.Reason)
	require.JSONEq(k, `[1,"two"]`, run.Output.String())
	require.Equal(k, end.End.Error.Message, run.Error.Message)
	k.sameTime(at, run.StartedAt)
	k.sameTime(at.Add(time.Second), run.FinishedAt)
}

func eventCases() []testCase {
	return []testCase{
		{"a transition is refused that does not begin where the run stands", func(k *kit) {
			o := k.start(k.newRun())
			k.commit(o.next(flowforge.EventRunStarted, flowforge.EventNodeWaiting))
			o.seq = 4
			k.refuse(flowforge.CodeConflict, o.next(flowforge.EventNodeSucceeded))
			o.seq = 2
			k.refuse(flowforge.CodeConflict, o.next(flowforge.EventNodeSucceeded, flowforge.EventNodeSucceeded))
		}},
		{"events have no gap and no twin", func(k *kit) {
			for _, seqs := range [][]int64{{3}, {2, 4}, {2, 2}, {1, 2}, {3, 2}} {
				o := k.start(k.newRun())
				t := o.next(make([]flowforge.EventKind, len(seqs))...)
				for i := range seqs {
					t.Events[i].Kind, t.Events[i].Seq = flowforge.EventNodeSucceeded, seqs[i]
				}
				k.refuse(flowforge.CodeConflict, t)
			}
		}},
		{"a transition has as many events as it says", func(k *kit) {
			o := k.start(k.newRun())
			t := o.next(flowforge.EventRunStarted)
			t.ToSeq++
			k.refuse(flowforge.CodeConflict, t)
			t.ToSeq = t.FromSeq
			k.refuse(flowforge.CodeConflict, t)
		}},
	}
}

func endCases() []testCase {
	return []testCase{
		{"a run that ends has the event of that as its last, and no other has it", func(k *kit) {
			o := k.start(k.newRun())
			refuse := func(change func(t *store.Transition)) {
				k.Helper()
				o.seq = 1
				t := o.end(flowforge.RunSucceeded)
				change(&t)
				k.refuse(flowforge.CodeConflict, t)
			}
			refuse(func(t *store.Transition) { t.End = nil })
			refuse(func(t *store.Transition) { t.End, t.Status = nil, flowforge.RunRunning })
			refuse(func(t *store.Transition) { t.Status = flowforge.RunRunning })
			refuse(func(t *store.Transition) { t.Status = flowforge.RunFailed })
			refuse(func(t *store.Transition) { t.Events, t.ToSeq = nil, 1 })
			refuse(func(t *store.Transition) {
				t.Events = append(t.Events, flowforge.Event{Seq: 3, Kind: flowforge.EventNodeSucceeded})
				t.ToSeq = 3
			})
			refuse(func(t *store.Transition) { t.Park = &store.Park{} })
		}},
		{"nothing follows the end", func(k *kit) {
			for _, status := range []flowforge.RunStatus{
				flowforge.RunSucceeded, flowforge.RunFailed, flowforge.RunCanceled, flowforge.RunTimedOut,
			} {
				o := k.start(k.newRun())
				k.commit(o.end(status))
				k.refuse(flowforge.CodeConflict, o.next(flowforge.EventNodeSucceeded))
				o.seq--
				k.refuse(flowforge.CodeConflict, o.end(flowforge.RunCanceled))
				o.seq = 2
				k.refuse(flowforge.CodeConflict, o.next())
			}
		}},
		{"a run that is canceling becomes nothing but canceled", func(k *kit) {
			o := k.start(k.newRun())
			canceling := o.next(flowforge.EventRunCanceling)
			canceling.Status = flowforge.RunCanceling
			k.commit(canceling)
			k.refuse(flowforge.CodeConflict, o.next(flowforge.EventNodeSucceeded))
			o.seq = 2
			k.refuse(flowforge.CodeConflict, o.end(flowforge.RunSucceeded))
			o.seq = 2
			more := o.next(flowforge.EventNodeCanceled)
			more.Status = flowforge.RunCanceling
			k.commit(more, o.end(flowforge.RunCanceled))
		}},
	}
}
