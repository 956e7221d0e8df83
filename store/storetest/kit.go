package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

const (
	acme  = flowforge.Workspace("acme")
	other = flowforge.Workspace("other")

	alice = flowforge.WorkerID("alice")
	bob   = flowforge.WorkerID("bob")

	long = time.Hour // a lease that no case lets run out
)

// A kit makes the steps of a case short. What fails in it fails the case.
type kit struct {
	*testing.T
	Harness
	ctx  context.Context //nolint:containedctx // It is the test's, and lives as long.
	runs int
}

func newKit(t *testing.T, h Harness) *kit {
	t.Helper()
	if h.Lease == 0 {
		h.Lease = time.Minute
	}
	t.Cleanup(func() { require.NoError(t, h.Store.Close()) })
	return &kit{T: t, Harness: h, ctx: context.Background()}
}

// newRun gives a run to be created, in order of creation.
func (k *kit) newRun() store.NewRun {
	k.runs++
	return store.NewRun{
		Run: flowforge.Run{
			ID: flowforge.RunID(fmt.Sprintf("run-%04d", k.runs)), Workspace: acme,
			Workflow:  flowforge.WorkflowRef{Name: "flow", Version: 1, Hash: "hash"},
			Status:    flowforge.RunQueued,
			ActsFor:   "ada",
			Seq:       1,
			Input:     flowforge.MustValue(map[string]any{"n": k.runs}),
			Vars:      flowforge.MustValue(map[string]any{"v": "x"}),
			CreatedAt: time.Date(2026, 1, 2, 3, 4, k.runs, 5_000, time.UTC),
		},
		Document:  store.Document{Hash: "hash", Text: flowforge.MustValue(map[string]any{"name": "flow"})},
		NodeTypes: []string{"core.set@1"},
	}
}

// create makes runs, which must succeed.
func (k *kit) create(runs ...store.NewRun) []store.Created {
	k.Helper()
	created, err := k.Store.Create(k.ctx, runs)
	require.NoError(k, err)
	require.Len(k, created, len(runs))
	for _, c := range created {
		require.NoError(k, c.Err)
	}
	return created
}

// claim is what alice claims in the default pool.
func (k *kit) claim(length time.Duration) []store.Claimed {
	k.Helper()
	return k.claimWith(store.Claim{Worker: alice, For: length})
}

// claimWith fills in what most claims share.
func (k *kit) claimWith(claim store.Claim) []store.Claimed {
	k.Helper()
	if claim.Pools == nil {
		claim.Pools = []string{""}
	}
	if claim.NodeTypes == nil {
		claim.NodeTypes = []string{"core.set@1"}
	}
	if claim.Limit == 0 {
		claim.Limit = 1_000
	}
	if claim.For == 0 {
		claim.For = long
	}
	claims, err := k.Store.Claim(k.ctx, claim)
	require.NoError(k, err)
	return claims.Runs
}

// claimed are the IDs of what alice claims.
func (k *kit) claimed() []flowforge.RunID {
	k.Helper()
	return idsOf(k.claim(long))
}

func idsOf(claimed []store.Claimed) []flowforge.RunID {
	ids := make([]flowforge.RunID, 0, len(claimed))
	for _, c := range claimed {
		ids = append(ids, c.Run.ID)
	}
	return ids
}

// waitOut lets d pass, and checks that nothing can be claimed before that.
func (k *kit) waitOut(d time.Duration) {
	k.Helper()
	require.Empty(k, k.claimed(), "claimed before its time")
	if k.Exact {
		k.Advance(d - time.Microsecond)
		require.Empty(k, k.claimed(), "claimed a microsecond early")
		d = time.Microsecond
	}
	k.Advance(d)
}

// owned is a run under a lease, as its owner sees it.
type owned struct {
	kit   *kit
	lease store.Lease
	seq   int64

	journal int64 // bytes
}

// start makes a run that alice owns.
func (k *kit) start(n store.NewRun) *owned {
	k.Helper()
	n.Lease = &store.Lease{Worker: alice, For: long}
	created := k.create(n)[0]
	require.NotZero(k, created.Epoch, "the run is not leased")
	return &owned{k, store.Lease{
		Worker: alice, Workspace: n.Run.Workspace, Run: n.Run.ID, Epoch: created.Epoch, For: long,
	}, 1, 0}
}

// takeOver claims the one run that there is to claim.
func (k *kit) takeOver(worker flowforge.WorkerID) *owned {
	k.Helper()
	claimed := k.claimWith(store.Claim{Worker: worker})
	require.Len(k, claimed, 1)
	return &owned{k, claimed[0].Lease, claimed[0].Run.Seq, int64(len(claimed[0].Journal))}
}

// next is the transition that adds events of these kinds; the owner then takes it for applied.
func (o *owned) next(kinds ...flowforge.EventKind) store.Transition {
	t := store.Transition{
		Workspace: o.lease.Workspace, Run: o.lease.Run, Epoch: o.lease.Epoch,
		FromSeq: o.seq, ToSeq: o.seq + int64(len(kinds)), Status: flowforge.RunRunning,
	}
	for _, kind := range kinds {
		o.seq++
		t.Events = append(t.Events, flowforge.Event{Run: t.Run, Seq: o.seq, Kind: kind, At: o.kit.Now()})
	}
	return t
}

// end is the transition that ends the run.
func (o *owned) end(status flowforge.RunStatus) store.Transition {
	t := o.next(flowforge.RunEnd(status))
	t.Status, t.End = status, &store.End{FinishedAt: o.kit.Now()}
	return t
}

// park is the transition that parks the run.
func (o *owned) park(wakeAt time.Time) store.Transition {
	t := o.next(flowforge.EventRunWaiting)
	t.Status, t.Park = flowforge.RunWaiting, &store.Park{WakeAt: wakeAt}
	return t
}

// message is one to the run.
func (o *owned) message(kind store.MessageKind, id string) store.Message {
	return store.Message{
		Workspace: o.lease.Workspace, Run: o.lease.Run, ID: id, Kind: kind,
		Payload: flowforge.MustValue(map[string]any{"id": id}), At: o.kit.Now(),
	}
}

// send puts a message into an inbox, which must succeed.
func (k *kit) send(message store.Message) {
	k.Helper()
	require.NoError(k, k.Store.Send(k.ctx, message))
}

func (k *kit) messageTo(n store.NewRun, kind store.MessageKind, id string) store.Message {
	return store.Message{Workspace: n.Run.Workspace, Run: n.Run.ID, ID: id, Kind: kind, At: k.Now()}
}

// try commits transitions in one batch and gives what became of each.
func (k *kit) try(transitions ...store.Transition) []store.Committed {
	k.Helper()
	answers, err := k.Store.Commit(k.ctx, transitions)
	require.NoError(k, err)
	require.Len(k, answers, len(transitions))
	return answers
}

// commit commits transitions in one batch, which must all succeed.
func (k *kit) commit(transitions ...store.Transition) {
	k.Helper()
	for i, answer := range k.try(transitions...) {
		require.NoError(k, answer.Err, "transition %d", i)
	}
}

// refuse commits a transition, which must be refused with a code and change nothing.
func (k *kit) refuse(code flowforge.Code, t store.Transition) {
	k.Helper()
	before := k.whole(t.Workspace, t.Run)
	k.code(code, k.try(t)[0].Err)
	require.Equal(k, before, k.whole(t.Workspace, t.Run), "a refused transition changed the run")
}

// code checks that err has a code.
func (k *kit) code(code flowforge.Code, err error) {
	k.Helper()
	require.Error(k, err)
	require.Equal(k, code, flowforge.CodeOf(err), err.Error())
}

// run reads a run of acme.
func (k *kit) run(id flowforge.RunID) flowforge.Run {
	k.Helper()
	run, err := k.Store.Run(k.ctx, acme, id)
	require.NoError(k, err)
	return run
}

// kinds gives the kinds of a run's events, having checked that their numbers have no gap.
func (k *kit) kinds(id flowforge.RunID) []flowforge.EventKind {
	k.Helper()
	events, err := k.Store.Events(k.ctx, acme, id, 0, 1_000)
	require.NoError(k, err)
	kinds := make([]flowforge.EventKind, 0, len(events))
	for i, event := range events {
		require.Equal(k, int64(i+1), event.Seq, "the events have a gap")
		kinds = append(kinds, event.Kind)
	}
	return kinds
}

// nodes gives the node runs of a run of acme.
func (k *kit) nodes(id flowforge.RunID) []flowforge.NodeRun {
	k.Helper()
	nodes, err := k.Store.NodeRuns(k.ctx, acme, id, 0, 1_000)
	require.NoError(k, err)
	return nodes
}

// whole is all that can be read of a run, as text.
func (k *kit) whole(workspace flowforge.Workspace, id flowforge.RunID) string {
	k.Helper()
	run, err := k.Store.Run(k.ctx, workspace, id)
	if err != nil {
		return err.Error()
	}
	events, err := k.Store.Events(k.ctx, workspace, id, 0, 1_000)
	require.NoError(k, err)
	nodes, err := k.Store.NodeRuns(k.ctx, workspace, id, 0, 1_000)
	require.NoError(k, err)
	logs, err := k.Store.Logs(k.ctx, workspace, id, 0, 1_000)
	require.NoError(k, err)
	messages, err := k.Store.Messages(k.ctx, workspace, id)
	require.NoError(k, err)
	return text(k, run) + text(k, events) + text(k, nodes) + text(k, logs) + text(k, messages)
}

// text is x as JSON, in which values compare and instants are UTC.
func text(t require.TestingT, x any) string {
	value, err := flowforge.ValueOf(x)
	require.NoError(t, err)
	return value.String()
}

// sameTime checks two instants to the microsecond.
func (k *kit) sameTime(want, got time.Time) {
	k.Helper()
	require.Equal(k, want.UTC().Truncate(time.Microsecond), got.UTC().Truncate(time.Microsecond))
}
