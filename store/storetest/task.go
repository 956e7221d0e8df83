package storetest

import (
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func taskCases() []testCase {
	return []testCase{
		{"a task is claimed as it was made, by pool and node type", func(k *kit) {
			o := k.start(k.newRun())
			task := k.task(o, "task")
			require.Empty(k, k.claimTasks(store.Claim{Pools: []string{""}}))
			require.Empty(k, k.claimTasks(store.Claim{NodeTypes: []string{"http.request@2"}}))
			claimed := k.claimTasks(store.Claim{Worker: bob, For: long})
			require.Len(k, claimed, 1)
			require.Equal(k, text(k, task), text(k, claimed[0].Task))
			require.Equal(k, store.TaskLease{Worker: bob, Task: "task", Epoch: 1, For: long}, claimed[0].Lease)
			require.Empty(k, k.claimTasks(store.Claim{}))
			require.Empty(k, k.claimed(), "a task is no run")
		}},
		{"the longest waiting tasks are claimed first, up to a limit", func(k *kit) {
			o := k.start(k.newRun())
			for i := range 5 {
				k.task(o, strconv.Itoa(i))
				k.Advance(time.Millisecond)
			}
			var got []string
			for _, limit := range []int{2, 10} {
				for _, c := range k.claimTasks(store.Claim{Limit: limit}) {
					got = append(got, string(c.Task.ID))
				}
			}
			require.Equal(k, []string{"0", "1", "2", "3", "4"}, got)
		}},
		{"a task of a transition that is sent again is one task", func(k *kit) {
			o := k.start(k.newRun())
			step := o.next(flowforge.EventNodeWaiting)
			step.Tasks = []store.Task{newTask(o, "task")}
			k.commit(step)
			k.commit(step)
			quiet := o.next()
			quiet.Tasks = step.Tasks
			k.commit(quiet)
			require.Len(k, k.claimTasks(store.Claim{}), 1)
		}},
		{"a task of another run is refused", func(k *kit) {
			a, b := k.start(k.newRun()), k.start(k.newRun())
			k.task(a, "task")
			for _, task := range []store.Task{newTask(a, "fresh"), newTask(b, "task")} {
				b.seq = 1
				step := b.next(flowforge.EventNodeWaiting)
				step.Tasks = []store.Task{task}
				k.refuse(flowforge.CodeConflict, step)
			}
		}},
	}
}

func taskLeaseCases() []testCase {
	return []testCase{
		{"a task's lease that has ended is taken over under the next epoch", func(k *kit) {
			o := k.start(k.newRun())
			k.task(o, "task")
			first := k.claimTasks(store.Claim{For: k.Lease})[0].Lease
			k.Advance(k.Lease)
			second := k.claimTasks(store.Claim{})
			require.Len(k, second, 1)
			require.Equal(k, int64(2), second[0].Lease.Epoch)
			require.Equal(k, 1, second[0].Lost)
			k.code(flowforge.CodeStaleEpoch, k.Store.FinishTask(k.ctx, first, store.TaskResult{}))
			require.Empty(k, k.unread(o))
			renewed, err := k.Store.RenewTasks(k.ctx, []store.TaskLease{first, second[0].Lease, {Task: "missing"}})
			require.NoError(k, err)
			require.Equal(k, []store.RenewedTask{{Lost: true}, {}, {Lost: true}}, renewed)
		}},
		{"renewing keeps a task", func(k *kit) {
			o := k.start(k.newRun())
			k.task(o, "task")
			lease := k.claimTasks(store.Claim{For: 2 * k.Lease})[0].Lease
			for range 3 {
				k.Advance(k.Lease)
				_, err := k.Store.RenewTasks(k.ctx, []store.TaskLease{lease})
				require.NoError(k, err)
				require.Empty(k, k.claimTasks(store.Claim{}))
			}
		}},
		{"a result comes as a message to the run, once", finishedOnce},
		{"a task that was canceled is not claimed, who has it is told, and its end comes to the run", canceledTasks},
		{"a task that was released is claimed at once, and its old lease is over", releasedTasks},
		{"a task stands with who has it, until it has a result", standingTasks},
		{"the tasks of a run are over when it ends", func(k *kit) {
			o := k.start(k.newRun())
			k.task(o, "claimed")
			lease := k.claimTasks(store.Claim{})[0].Lease
			k.task(o, "unclaimed")
			k.commit(o.end(flowforge.RunFailed))
			require.Empty(k, k.claimTasks(store.Claim{}))
			renewed, err := k.Store.RenewTasks(k.ctx, []store.TaskLease{lease})
			require.NoError(k, err)
			require.Equal(k, []store.RenewedTask{{Canceled: true}}, renewed)
			require.NoError(k, k.Store.FinishTask(k.ctx, lease, store.TaskResult{}))
		}},
		{"a task that does not exist cannot be finished", func(k *kit) {
			k.code(flowforge.CodeNotFound, k.Store.FinishTask(k.ctx, store.TaskLease{Task: "missing", Epoch: 1}, store.TaskResult{}))
		}},
	}
}

func newTask(o *owned, id string) store.Task {
	return store.Task{
		ID: flowforge.TaskID(id), Workspace: o.lease.Workspace, Run: o.lease.Run,
		Node: store.NodeKey{Node: "a", Element: "1"}, Pool: "gpu", NodeType: "http.request@1",
		Call: flowforge.MustValue(map[string]any{"call": id}),
	}
}

// task makes a task of a run.
func (k *kit) task(o *owned, id string) store.Task {
	k.Helper()
	task := newTask(o, id)
	step := o.next(flowforge.EventNodeWaiting)
	step.Tasks = []store.Task{task}
	k.commit(step)
	return task
}

func (k *kit) claimTasks(claim store.Claim) []store.ClaimedTask {
	k.Helper()
	if claim.Pools == nil {
		claim.Pools = []string{"cpu", "gpu"}
	}
	if claim.NodeTypes == nil {
		claim.NodeTypes = []string{"core.set@1", "http.request@1"}
	}
	if claim.Worker == "" {
		claim.Worker = alice
	}
	if claim.Limit == 0 {
		claim.Limit = 1_000
	}
	if claim.For == 0 {
		claim.For = long
	}
	claimed, err := k.Store.ClaimTasks(k.ctx, claim)
	require.NoError(k, err)
	return claimed
}

func finishedOnce(k *kit) {
	o := k.start(k.newRun())
	k.task(o, "task")
	k.commit(o.park(time.Time{}))
	lease := k.claimTasks(store.Claim{For: k.Lease})[0].Lease
	result := store.TaskResult{Task: "task", Outcome: flowforge.MustValue(map[string]any{"output": 42})}
	require.NoError(k, k.Store.FinishTask(k.ctx, lease, result))
	second := result
	second.Outcome = flowforge.Value{}
	require.NoError(k, k.Store.FinishTask(k.ctx, lease, second))

	claimed := k.claim(long)
	require.Len(k, claimed, 1, "a result wakes the run")
	require.Len(k, claimed[0].Messages, 1)
	message := claimed[0].Messages[0]
	require.Equal(k, store.MessageTaskDone, message.Kind)
	require.Equal(k, o.lease.Run, message.Run)
	require.Equal(k, acme, message.Workspace)
	require.NotEmpty(k, message.ID)
	var got store.TaskResult
	require.NoError(k, message.Payload.Decode(&got))
	require.Equal(k, text(k, result), text(k, got))

	k.Advance(k.Lease)
	require.Empty(k, k.claimTasks(store.Claim{}), "a finished task was claimed again")
	renewed, err := k.Store.RenewTasks(k.ctx, []store.TaskLease{lease})
	require.NoError(k, err)
	require.True(k, renewed[0].Lost)
}

func canceledTasks(k *kit) {
	o := k.start(k.newRun())
	k.task(o, "lapsed")
	lapsed := k.claimTasks(store.Claim{For: k.Lease})[0].Lease
	k.Advance(k.Lease)
	k.task(o, "claimed")
	lease := k.claimTasks(store.Claim{Limit: 2, For: k.Lease})
	require.Len(k, lease, 2)
	k.Advance(k.Lease)
	k.task(o, "unclaimed")
	cancel := o.next(flowforge.EventNodeCanceled)
	cancel.CancelTasks = []flowforge.TaskID{"lapsed", "claimed", "unclaimed", "missing"}
	k.commit(cancel)
	require.Empty(k, k.claimTasks(store.Claim{}))
	for _, c := range lease {
		renewed, err := k.Store.RenewTasks(k.ctx, []store.TaskLease{c.Lease})
		require.NoError(k, err)
		require.Equal(k, []store.RenewedTask{{Canceled: true}}, renewed, c.Task.ID)
		require.NoError(k, k.Store.FinishTask(k.ctx, c.Lease, store.TaskResult{}))
	}
	k.code(flowforge.CodeStaleEpoch, k.Store.FinishTask(k.ctx, lapsed, store.TaskResult{}))
	require.Len(k, k.unread(o), len(lease), "the run waits for the attempts to end")

	foreign := k.start(k.newRun())
	k.task(o, "kept")
	cancel = foreign.next(flowforge.EventNodeCanceled)
	cancel.CancelTasks = []flowforge.TaskID{"kept"}
	k.try(cancel)
	require.Len(k, k.claimTasks(store.Claim{}), 1, "a run canceled the task of another one")
}

func releasedTasks(k *kit) {
	o := k.start(k.newRun())
	k.task(o, "lapsed")
	lapsed := k.claimTasks(store.Claim{For: k.Lease})[0].Lease
	k.Advance(k.Lease)
	first := k.claimTasks(store.Claim{Worker: bob})[0]
	require.Equal(k, 1, first.Lost)
	release := []store.TaskLease{lapsed, first.Lease, {Task: "missing", Epoch: 1}}
	require.NoError(k, k.Store.ReleaseTasks(k.ctx, release))
	k.code(flowforge.CodeStaleEpoch, k.Store.FinishTask(k.ctx, first.Lease, store.TaskResult{}))
	renewed, err := k.Store.RenewTasks(k.ctx, release[:2])
	require.NoError(k, err)
	require.Equal(k, []store.RenewedTask{{Lost: true}, {Lost: true}}, renewed)

	second := k.claimTasks(store.Claim{})
	require.Len(k, second, 1)
	require.Zero(k, second[0].Lost, "a release is no loss")
	require.Equal(k, first.Lease.Epoch+1, second[0].Lease.Epoch)
	require.NoError(k, k.Store.ReleaseTasks(k.ctx, release))
	require.Empty(k, k.claimTasks(store.Claim{}), "a release that was sent again took it from another worker")
	require.NoError(k, k.Store.FinishTask(k.ctx, second[0].Lease, store.TaskResult{}))
	require.NoError(k, k.Store.ReleaseTasks(k.ctx, []store.TaskLease{second[0].Lease}))
	require.Empty(k, k.claimTasks(store.Claim{}), "a finished task was released")

	k.task(o, "canceled")
	held := k.claimTasks(store.Claim{})[0].Lease
	cancel := o.next(flowforge.EventNodeCanceled)
	cancel.CancelTasks = []flowforge.TaskID{"canceled"}
	k.commit(cancel)
	require.NoError(k, k.Store.ReleaseTasks(k.ctx, []store.TaskLease{held}))
	require.Empty(k, k.claimTasks(store.Claim{}), "a canceled task was claimed")
	require.Empty(k, k.standing(o.lease.Run).Tasks[0].Worker)
}

func standingTasks(k *kit) {
	o := k.start(k.newRun())
	k.task(o, "held")
	lease := k.claimTasks(store.Claim{Worker: bob, For: k.Lease})[0].Lease
	k.Advance(time.Millisecond)
	k.task(o, "free")
	at := store.NodeKey{Node: "a", Element: "1"}
	stands := k.standing(o.lease.Run).Tasks
	require.Len(k, stands, 2)
	require.Equal(k, store.TaskStanding{ID: "held", Node: at, Pool: "gpu", Worker: bob, LeaseEnds: stands[0].LeaseEnds}, stands[0])
	require.True(k, stands[0].LeaseEnds.After(k.Now().Add(-time.Second)))
	require.Equal(k, store.TaskStanding{ID: "free", Node: at, Pool: "gpu"}, stands[1])

	cancel := o.next(flowforge.EventNodeCanceled)
	cancel.CancelTasks = []flowforge.TaskID{"held", "free"}
	k.commit(cancel)
	k.Advance(k.Lease)
	stands = k.standing(o.lease.Run).Tasks
	require.Len(k, stands, 2)
	require.Equal(k, store.TaskStanding{
		ID: "held", Node: at, Pool: "gpu", Worker: bob, LeaseEnds: stands[0].LeaseEnds, Canceled: true,
	}, stands[0])
	require.False(k, stands[0].LeaseEnds.IsZero(), "the end of a canceled task's lease is not known")
	require.Equal(k, store.TaskStanding{ID: "free", Node: at, Pool: "gpu", Canceled: true}, stands[1])

	require.NoError(k, k.Store.FinishTask(k.ctx, lease, store.TaskResult{}))
	require.Len(k, k.standing(o.lease.Run).Tasks, 1)
	k.commit(o.end(flowforge.RunCanceled))
	require.Empty(k, k.standing(o.lease.Run).Tasks)
}
