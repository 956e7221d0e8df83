package storetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func propertyCases() []testCase {
	return []testCase{{"whatever workers do, in any order, the promises hold", func(k *kit) {
		worlds := 0
		rapid.Check(k.T, func(t *rapid.T) {
			worlds++
			// Each try has a pool and workspaces of its own, so that one store does for all.
			w := &world{T: t, kit: k, pool: fmt.Sprint("pool ", worlds)}
			w.workspaces = []flowforge.Workspace{
				flowforge.Workspace(fmt.Sprint("acme ", worlds)), flowforge.Workspace(fmt.Sprint("other ", worlds)),
			}
			t.Repeat(map[string]func(*rapid.T){
				"create": w.create, "claim": w.claimSome, "claim all": w.claimAll, "commit": w.commit, "commit more": w.commit,
				"send": w.send, "renew": w.renew, "release": w.release, "": w.check,
			})
			w.finish()
		})
	}}}
}

// A world is a store and the model of it.
type world struct {
	*rapid.T
	kit        *kit
	model      model
	pool       string
	workspaces []flowforge.Workspace
}

func (w *world) code(want flowforge.Code, err error) {
	w.Helper()
	require.Equal(w, want, flowforge.CodeOf(err), "%v", err)
}

func (w *world) newRun(workspace flowforge.Workspace, id flowforge.RunID, keys ...string) store.NewRun {
	n := store.NewRun{
		Run:       flowforge.Run{ID: id, Workspace: workspace, Pool: w.pool, CreatedAt: w.kit.Now()},
		NodeTypes: []string{"core.set@1"},
	}
	for _, key := range keys {
		n.Slots = append(n.Slots, store.Slot{Key: key, Limit: limits(key), ReleaseWhileWaiting: key == "released"})
	}
	return n
}

func (w *world) create(t *rapid.T) {
	n := w.newRun(rapid.SampledFrom(w.workspaces).Draw(t, "workspace"),
		flowforge.RunID(rapid.SampledFrom(strings.Fields("a b c d e f g h")).Draw(t, "run")),
		rapid.SampledFrom([][]string{
			nil, {"single"}, {"wide"}, {"single", "wide"}, {"released"}, {"released", "single"},
		}).Draw(t, "slots")...)
	n.IdempotencyKey = rapid.SampledFrom([]string{"", "", "", "key 1", "key 2"}).Draw(t, "key")
	n.Fingerprint = rapid.SampledFrom([]string{"print", "print", "other"}).Draw(t, "fingerprint")
	n.Run.Priority = rapid.IntRange(0, 5).Draw(t, "priority")
	later := rapid.IntRange(0, 4).Draw(t, "later") == 0
	if later {
		n.WakeAt = w.kit.Now().Add(24 * time.Hour)
	}
	eager := rapid.Bool().Draw(t, "eager")
	if eager {
		n.Lease = &store.Lease{Worker: alice, For: long}
	}
	created := w.created(n)
	known := w.model.find(n.Run.Workspace, n.Run.ID)
	if known == nil {
		known = w.model.withKey(n.Run.Workspace, n.IdempotencyKey)
		if known != nil && known.fingerprint != n.Fingerprint {
			w.code(flowforge.CodeKeyReused, created.Err)
			return
		}
	}
	require.NoError(w, created.Err)
	require.Equal(w, known != nil, created.Existing)
	if known != nil {
		require.Equal(w, known.id, created.Run.ID)
		return
	}
	r := &modelRun{
		workspace: n.Run.Workspace, id: n.Run.ID, key: n.IdempotencyKey, fingerprint: n.Fingerprint,
		status: flowforge.RunQueued, seq: 1, later: later, slots: n.Slots,
		granted: map[string]bool{}, nodes: map[flowforge.NodeID]flowforge.NodeRun{}, seen: map[string]bool{},
	}
	w.model.runs = append(w.model.runs, r)
	if later || !eager {
		require.Zero(w, created.Epoch)
	} else if len(r.slots) == 0 {
		require.Equal(w, int64(1), created.Epoch)
	}
	if created.Epoch != 0 {
		r.lease()
	}
}

func (w *world) created(n store.NewRun) store.Created {
	w.Helper()
	created, err := w.kit.Store.Create(context.Background(), []store.NewRun{n})
	require.NoError(w, err)
	return created[0]
}

func (w *world) claimSome(t *rapid.T) { w.claim(rapid.IntRange(1, 3).Draw(t, "limit")) }

// claimAll checks besides that nothing is forgotten: what is ready and has its slots is claimed.
func (w *world) claimAll(*rapid.T) {
	w.claim(1_000)
	for _, r := range w.model.runs {
		require.True(w, !r.ready() || w.model.stuck(r), "run %s of %s was not claimed", r.id, r.workspace)
	}
}

func (w *world) claim(limit int) {
	claims, err := w.kit.Store.Claim(context.Background(), store.Claim{
		Worker: alice, Pools: []string{w.pool}, NodeTypes: []string{"core.set@1"}, Limit: limit, For: long,
	})
	require.NoError(w, err)
	require.LessOrEqual(w, len(claims.Runs), limit)
	for _, c := range claims.Runs {
		r := w.model.find(c.Run.Workspace, c.Run.ID)
		require.NotNil(w, r)
		require.True(w, r.ready(), "run %s of %s was claimed", r.id, r.workspace)
		r.lease()
		require.Equal(w, r.epoch, c.Lease.Epoch)
		require.Equal(w, r.lost, c.Lost)
		require.Equal(w, string(r.journal), string(c.Journal))
		require.Equal(w, r.seq, c.Run.Seq)
		require.Len(w, c.Messages, len(r.unread))
		require.Len(w, c.Nodes, len(r.nodes))
	}
}

// commit sends a batch of transitions, each with one flaw at most.
func (w *world) commit(t *rapid.T) {
	if len(w.model.runs) == 0 {
		return
	}
	var batch []store.Transition
	var want []flowforge.Code
	for range rapid.IntRange(1, 4).Draw(t, "transitions") {
		r := rapid.SampledFrom(w.model.runs).Draw(t, "run")
		next := w.transition(t, r)
		batch = append(batch, next)
		want = append(want, w.model.commit(&next))
	}
	answers, err := w.kit.Store.Commit(context.Background(), batch)
	require.NoError(w, err)
	for i, answer := range answers {
		w.code(want[i], answer.Err)
	}
	for i := range batch {
		if r := w.model.find(batch[i].Workspace, batch[i].Run); r.last != nil && i == len(batch)-1 && want[i] == "" {
			require.Equal(w, len(r.unread) > 0, answers[i].Unread)
		}
	}
}

func (w *world) transition(t *rapid.T, r *modelRun) store.Transition {
	events := rapid.IntRange(0, 2).Draw(t, "events")
	next := store.Transition{
		Workspace: r.workspace, Run: r.id, Epoch: r.epoch, FromSeq: r.seq, Status: flowforge.RunRunning,
	}
	kind := rapid.SampledFrom([]string{"step", "step", "step", "park", "end"}).Draw(t, "kind")
	flaw := rapid.SampledFrom([]string{
		"", "", "", "", "sent again", "stale epoch", "epoch to come", "behind", "ahead", "gap", "result", "early end",
	}).Draw(t, "flaw")
	switch flaw {
	case "sent again":
		if r.last != nil {
			return *r.last
		}
	case "stale epoch":
		next.Epoch--
	case "epoch to come":
		next.Epoch++
	case "behind":
		next.FromSeq--
	case "ahead":
		next.FromSeq++
	case "early end":
		kind, events = "step", 2
	}
	if kind == "end" {
		events = max(events, 1)
	}
	for i := range events {
		next.Events = append(next.Events, flowforge.Event{
			Run: r.id, Seq: next.FromSeq + 1 + int64(i), Kind: flowforge.EventNodeWaiting, At: w.kit.Now(),
		})
	}
	next.ToSeq = next.FromSeq + int64(events)
	next.Nodes = w.results(t, r, flaw == "result")
	next.JournalAt, next.Journal = int64(len(r.journal)), []byte(rapid.SampledFrom([]string{"", "one ", "two "}).Draw(t, "journal"))
	if message := w.message(t); rapid.Bool().Draw(t, "sends") && message.Run != r.id {
		message.Workspace = r.workspace
		next.Sends = []store.Message{message}
	}
	if len(r.unread) > 0 && rapid.Bool().Draw(t, "read") {
		next.Read = []string{r.unread[rapid.IntRange(0, len(r.unread)-1).Draw(t, "message")].ID}
	}
	switch kind {
	case "park":
		next.Status, next.Park = flowforge.RunWaiting, &store.Park{WakeAt: w.kit.Now().Add(24 * time.Hour)}
	case "end":
		next.Status, next.End = flowforge.RunSucceeded, &store.End{FinishedAt: w.kit.Now()}
		next.Events[events-1].Kind = flowforge.EventRunSucceeded
	}
	switch {
	case flaw == "gap" && events > 0:
		next.Events[events-1].Seq++
	case flaw == "early end":
		next.Events[0].Kind = flowforge.EventRunSucceeded
	}
	return next
}

// results gives node runs, of which only with a flaw some have their result already.
func (w *world) results(t *rapid.T, r *modelRun, flaw bool) []flowforge.NodeRun {
	var nodes []flowforge.NodeRun
	names := rapid.SampledFrom([]flowforge.NodeID{"x", "y", "z"})
	for _, name := range rapid.SliceOfNDistinct(names, 0, 2, rapid.ID).Draw(t, "nodes") {
		status := rapid.SampledFrom([]flowforge.NodeStatus{
			flowforge.NodeRunning, flowforge.NodeRunning, flowforge.NodeSucceeded, flowforge.NodeFailed,
		}).Draw(t, "status")
		if flaw || !r.nodes[name].Status.Terminal() {
			// Each result is another one, so that no second one passes for the first sent again.
			w.kit.runs++
			nodes = append(nodes, result(name, status, w.kit.Now().Add(time.Duration(w.kit.runs)*time.Millisecond)))
		}
	}
	return nodes
}

func (w *world) send(t *rapid.T) {
	message := w.message(t)
	w.code(w.model.send(message), w.kit.Store.Send(context.Background(), message))
}

func (w *world) message(t *rapid.T) store.Message {
	message := store.Message{
		Workspace: rapid.SampledFrom(w.workspaces).Draw(t, "workspace"),
		Run:       flowforge.RunID(rapid.SampledFrom(strings.Fields("a b c d e f g h")).Draw(t, "run")),
		ID:        rapid.SampledFrom([]string{"signal 1", "signal 2", "signal 3", "cancel"}).Draw(t, "message"),
		Kind:      store.MessageSignal,
	}
	if message.ID == "cancel" {
		message.Kind = store.MessageCancel
	}
	return message
}

func (w *world) leaseOf(t *rapid.T) (lease store.Lease, holds *modelRun) {
	r := rapid.SampledFrom(w.model.runs).Draw(t, "run")
	lease = store.Lease{
		Worker: alice, Workspace: r.workspace, Run: r.id, For: long,
		Epoch: r.epoch - rapid.SampledFrom([]int64{0, 0, 0, 1}).Draw(t, "behind"),
	}
	if !r.held || lease.Epoch != r.epoch {
		return lease, nil
	}
	return lease, r
}

// renew prolongs a lease, or lets it end at once.
func (w *world) renew(t *rapid.T) {
	if len(w.model.runs) == 0 {
		return
	}
	lease, r := w.leaseOf(t)
	ends := rapid.Bool().Draw(t, "ends")
	if ends {
		lease.For = 0
	}
	renewed, err := w.kit.Store.Renew(context.Background(), []store.Lease{lease})
	require.NoError(w, err)
	require.Equal(w, r == nil, renewed[0].Lost)
	if r != nil {
		require.Equal(w, len(r.unread) > 0, renewed[0].Unread)
		r.expired = ends
	}
}

func (w *world) release(t *rapid.T) {
	if len(w.model.runs) == 0 {
		return
	}
	lease, r := w.leaseOf(t)
	require.NoError(w, w.kit.Store.Release(context.Background(), []store.Lease{lease}))
	if r != nil {
		r.held, r.expired, r.lost = false, false, 0
	}
}
