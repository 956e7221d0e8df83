package storetest

import (
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func workspaceCases() []testCase {
	return []testCase{
		{"what another workspace has answers as what does not exist", foreignIsMissing},
		{"two workspaces may have runs of the same ID and idempotency key", func(k *kit) {
			mine, theirs := k.newRun(), k.newRun()
			mine.IdempotencyKey, theirs.IdempotencyKey = "key", "key"
			mine.Fingerprint, theirs.Fingerprint = "mine", "theirs"
			theirs.Run.Workspace, theirs.Run.ID = other, mine.Run.ID
			for _, created := range k.create(mine, theirs) {
				require.False(k, created.Existing)
			}
			claimed := k.claim(long)
			require.Len(k, claimed, 2)
			for _, c := range claimed {
				if c.Run.Workspace == other {
					o := &owned{kit: k, lease: c.Lease, seq: 1}
					k.commit(o.end(flowforge.RunFailed))
				}
			}
			require.Equal(k, flowforge.RunQueued, k.run(mine.Run.ID).Status)
		}},
		{"a lease of a run is none of the run of that ID in another workspace", func(k *kit) {
			n := k.newRun()
			o := k.start(n)
			n.Run.Workspace = other
			theirs := k.start(n)
			require.NoError(k, k.Store.Release(k.ctx, []store.Lease{theirs.lease}))
			require.Empty(k, k.unread(o))
			k.commit(o.next(flowforge.EventRunStarted))
			claimed := k.claim(long)
			require.Len(k, claimed, 1)
			require.Equal(k, other, claimed[0].Run.Workspace)
		}},
		{"a list holds only runs of its workspace", func(k *kit) {
			mine, theirs := k.newRun(), k.newRun()
			theirs.Run.Workspace = other
			k.create(mine, theirs)
			require.Equal(k, []flowforge.RunID{mine.Run.ID}, k.list(store.Filter{}))
			runs, err := k.Store.List(k.ctx, other, store.Filter{})
			require.NoError(k, err)
			require.Len(k, runs, 1)
			runs, err = k.Store.List(k.ctx, "third", store.Filter{})
			require.NoError(k, err)
			require.Empty(k, runs)
		}},
		{"two workspaces may have workflows of the same name", func(k *kit) {
			mine := k.saveDraft("flow", "mine")
			theirs, err := k.Store.SaveDraft(k.ctx, other, store.SavedWorkflow{
				Name: "flow", Document: store.Document{Hash: "hash of theirs", Text: flowforge.MustValue("theirs")},
			})
			require.NoError(k, err)
			require.NotEqual(k, mine.ID, theirs.ID)
			require.Zero(k, theirs.Published)
			k.workflow("flow", store.DraftVersion, "mine")
		}},
	}
}

// foreignIsMissing asks other for everything twice: before acme has it, and after. The answers must be the same.
func foreignIsMissing(k *kit) {
	n := k.newRun()
	before := foreign(k, n, "00000000-0000-7000-8000-000000000000")

	o := k.start(n)
	k.task(o, "task")
	k.send(o.message(store.MessageSignal, "id"))
	require.NoError(k, k.Store.Release(k.ctx, []store.Lease{o.lease}))
	saved := k.saveDraft("flow", "one")
	k.publish(saved.ID, 1)
	k.setVariable(acme, "variable", flowforge.MustValue(1))
	k.save(k.schedule("schedule", time.Unix(1, 0)))
	k.keepNothing()
	_, _, err := k.Store.PutBlob(k.ctx, acme, strings.NewReader("blob"))
	require.NoError(k, err)
	whole := k.whole(acme, n.Run.ID)

	after := foreign(k, n, saved.ID)
	for name, err := range after {
		k.code(flowforge.CodeNotFound, err)
		want := strings.ReplaceAll(before[name].Error(), "00000000-0000-7000-8000-000000000000", string(saved.ID))
		require.Equal(k, want, err.Error(), name)
	}
	require.Equal(k, whole, k.whole(acme, n.Run.ID), "another workspace changed a run")
	k.workflow("flow", store.DraftVersion, "one")
	require.Len(k, k.variables(acme), 1)
	k.sameTime(time.Unix(1, 0), k.schedules("", 0)[0].NextAt)
	require.Len(k, k.retention(acme), 4)
}

// foreign asks other for what acme has.
func foreign(k *kit, n store.NewRun, workflow flowforge.WorkflowID) map[string]error {
	id := n.Run.ID
	errs := k.histories(other, id)
	_, errs["Document"] = k.Store.Document(k.ctx, other, "hash")
	_, errs["List"] = k.Store.List(k.ctx, other, store.Filter{Before: id})
	errs["Send"] = k.Store.Send(k.ctx, store.Message{Workspace: other, Run: id, ID: "foreign", Kind: store.MessageCancel})
	_, errs["Publish"] = k.Store.Publish(k.ctx, other, workflow, "")
	_, errs["Rollback"] = k.Store.Rollback(k.ctx, other, workflow, 1)
	_, errs["Versions"] = k.Store.Versions(k.ctx, other, workflow, 0, 0)
	_, errs["Standing"] = k.Store.Standing(k.ctx, other, id)
	errs["DeleteVariable"] = k.Store.DeleteVariable(k.ctx, other, "variable")
	_, errs["Schedule"] = k.Store.Schedule(k.ctx, other, "schedule")
	errs["DeleteSchedule"] = k.Store.DeleteSchedule(k.ctx, other, "schedule")
	errs["Fire"] = k.fire(store.Firing{Workspace: other, Schedule: "schedule", At: time.Unix(1, 0), Next: time.Unix(2, 0)}).Err
	_, errs["Workflow draft"] = k.Store.Workflow(k.ctx, other, "flow", store.DraftVersion)
	_, errs["Workflow 1"] = k.Store.Workflow(k.ctx, other, "flow", 1)
	_, errs["SaveDraft"] = k.Store.SaveDraft(k.ctx, other, store.SavedWorkflow{ID: workflow, Name: "stolen"})
	errs["DeleteWorkflow"] = k.Store.DeleteWorkflow(k.ctx, other, workflow, "")
	// The SHA-256 of "blob".
	_, errs["OpenBlob"] = k.Store.OpenBlob(k.ctx, other, "fa2c8cc4f28176bbeed4b736df569a34c79cd3723e9ec42f9674b4d46ac6b8b8")

	lease := store.Lease{Worker: alice, Workspace: other, Run: id, Epoch: 1, For: long}
	o := &owned{kit: k, lease: lease, seq: 1}
	errs["Commit"] = k.try(o.end(flowforge.RunFailed))[0].Err
	o.seq = 1
	errs["Commit park"] = k.try(o.park(time.Time{}))[0].Err
	renewed, err := k.Store.Renew(k.ctx, []store.Lease{lease})
	require.NoError(k, err)
	require.True(k, renewed[0].Lost)
	require.NoError(k, k.Store.Release(k.ctx, []store.Lease{lease}))
	listed, err := k.Store.ListWorkflows(k.ctx, other, "", 0)
	require.NoError(k, err)
	require.Empty(k, listed)
	schedules, err := k.Store.ListSchedules(k.ctx, other, "", 0)
	require.NoError(k, err)
	require.Empty(k, schedules)
	require.Empty(k, k.variables(other))
	require.Empty(k, k.retention(other))
	runs, err := k.Store.List(k.ctx, other, store.Filter{Origin: id})
	require.NoError(k, err)
	require.Empty(k, runs)
	return errs
}
