//go:build linux || darwin

package faulttest_test

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/server/cmd/faulttest"
	"github.com/flowforge-go/flowforge/store"
)

// observed is what was seen of a run before its end.
type observed struct {
	results map[store.NodeKey]string // of node runs that had ended
	status  flowforge.RunStatus
	seq     int64
}

// observe looks at a run: what has ended never changes. Whether something will wake it is asked of all at once, by
// requireSound.
func (w *world) observe(id flowforge.RunID) flowforge.RunStatus {
	w.t.Helper()
	run := w.run(id)
	w.compare(run, w.nodeRuns(id))
	return run.Status
}

// compare compares a run with what was seen of it before.
func (w *world) compare(run flowforge.Run, recorded []flowforge.NodeRun) {
	w.t.Helper()
	before := w.seen[run.ID]
	if before == nil {
		before = &observed{results: map[store.NodeKey]string{}}
		w.seen[run.ID] = before
	}
	require.GreaterOrEqual(w.t, run.Seq, before.seq, "I7: run %s went back", run.ID)
	if before.status.Terminal() {
		require.Equal(w.t, before.status, run.Status, "I7: the end of run %s changed", run.ID)
	}
	before.seq, before.status = run.Seq, run.Status
	for _, n := range recorded {
		key := store.NodeKey{Node: n.Node, Element: n.Element}
		result := fmt.Sprint(n.Status, n.Reason, n.Attempts, n.FinishedAt.UnixMicro(), n.Output, n.Error)
		if was, known := before.results[key]; known {
			require.Equal(w.t, was, result, "I2: the result of %s[%s] of run %s changed", n.Node, n.Element, run.ID)
		}
		if n.Status.Terminal() {
			before.results[key] = result
		}
	}
}

func (w *world) nodeRuns(id flowforge.RunID) []flowforge.NodeRun {
	w.t.Helper()
	return ask(w, func() ([]flowforge.NodeRun, error) {
		return w.store.NodeRuns(w.t.Context(), flowforge.Local, id, 0, 1<<20)
	})
}

func (w *world) events(id flowforge.RunID) []flowforge.Event {
	w.t.Helper()
	return ask(w, func() ([]flowforge.Event, error) { return w.store.Events(w.t.Context(), flowforge.Local, id, 0, 1<<20) })
}

// check finishes the world and checks all invariants of all runs and effects. The runs that were acknowledged are
// there and have one of the statuses; effects is how many there are in all, below 0 where that is not known.
func (w *world) check(limit time.Duration, acknowledged []flowforge.RunID, effects int, statuses ...flowforge.RunStatus) {
	w.t.Helper()
	w.finish(limit)
	if len(statuses) == 0 {
		statuses = []flowforge.RunStatus{flowforge.RunSucceeded}
	}
	runs := map[flowforge.RunID]flowforge.Run{}
	for _, run := range w.runs() {
		runs[run.ID] = run
	}
	for _, id := range acknowledged {
		run, found := runs[id]
		require.True(w.t, found, "I1: run %s was acknowledged and is not there", id)
		require.Contains(w.t, statuses, run.Status, "run %s: %+v", id, run.Error)
	}
	calls := map[flowforge.RunID]map[string][]call{}
	for _, c := range w.sink.all() {
		if calls[c.Run] == nil {
			calls[c.Run] = map[string][]call{}
		}
		calls[c.Run][c.Key] = append(calls[c.Run][c.Key], c)
	}
	documents := map[string]map[flowforge.NodeID]*flowforge.Node{}
	for id, run := range runs {
		if documents[run.Workflow.Hash] == nil {
			documents[run.Workflow.Hash] = w.documentOf(run)
		}
		recorded := w.nodeRuns(id)
		w.compare(run, recorded)
		checkEvents(w.t, run, w.events(id))
		checkEffects(w.t, documents[run.Workflow.Hash], id, recorded, calls[id])
		delete(calls, id)
	}
	require.Empty(w.t, calls, "effects of runs that are not there")
	if effects >= 0 {
		require.Equal(w.t, effects, w.sink.keys(), "I4: how many effects there are")
	}
}

// roundTrip is how far what a worker takes for the store's time may lie behind, where the answer was slow. Whether
// what follows a wait is early is also seen at the sink, to the instant.
const roundTrip = 500 * time.Millisecond

// checkEvents checks I7: sequence numbers without a gap, one end of the run and of each node, and nothing after it.
func checkEvents(t *testing.T, run flowforge.Run, events []flowforge.Event) {
	t.Helper()
	ends := map[string]flowforge.EventKind{}
	until := map[string]time.Time{}
	for i, event := range events {
		require.EqualValues(t, i+1, event.Seq, "I7: run %s", run.ID)
		at := string(event.Node) + "[" + event.Element + "]"
		switch event.Kind {
		case flowforge.EventNodeSucceeded, flowforge.EventNodeFailed, flowforge.EventNodeSkipped, flowforge.EventNodeCanceled:
			require.Empty(t, ends[at], "I7: %s of run %s ended twice", at, run.ID)
			ends[at] = event.Kind
			if event.Kind == flowforge.EventNodeSucceeded {
				require.False(t, event.At.Before(until[at].Add(-roundTrip)), "I5: %s of run %s went on at %s, early", at, run.ID, event.At)
			}
		case flowforge.EventNodeWaiting:
			var data struct{ Until time.Time }
			_ = event.Data.Decode(&data)
			until[at] = data.Until
		default:
		}
		if event.Kind == flowforge.RunEnd(run.Status) {
			require.Equal(t, len(events), i+1, "I7: run %s goes on after its end", run.ID)
		}
	}
	require.NotEmpty(t, events, "run %s", run.ID)
	require.Equal(t, flowforge.EventRunCreated, events[0].Kind)
	require.Equal(t, flowforge.RunEnd(run.Status), events[len(events)-1].Kind, "I7: run %s", run.ID)
	require.Equal(t, run.Seq, events[len(events)-1].Seq, "run %s", run.ID)
}

// checkEffects compares what a run has recorded of its effects with those that happened.
func checkEffects(
	t *testing.T, document map[flowforge.NodeID]*flowforge.Node, id flowforge.RunID, recorded []flowforge.NodeRun, calls map[string][]call,
) {
	t.Helper()
	for _, n := range recorded {
		node := document[n.Node]
		require.True(t, n.Status.Terminal(), "%s[%s] of run %s is %s after the end", n.Node, n.Element, id, n.Status)
		if node == nil || node.Type != faulttest.EffectType || (!node.Each.IsNull() && n.Element == "") {
			continue
		}
		key := (&nodes.Call{Run: id, Node: n.Node, Element: n.Element}).IdempotencyKey()
		made := calls[key]
		delete(calls, key)
		about := fmt.Sprintf("%s[%s] of run %s: %d calls, %+v", n.Node, n.Element, id, len(made), n)
		checkAttempts(t, node, n, made, about)
	}
	require.Empty(t, calls, "I4: run %s has effects that no node run stands for", id)
}

func checkAttempts(t *testing.T, node *flowforge.Node, n flowforge.NodeRun, made []call, about string) {
	t.Helper()
	if n.Status == flowforge.NodeSucceeded {
		require.NotEmpty(t, made, "I4: an effect that did not happen: %s", about)
	}
	attempts, failed := map[int]bool{}, 0
	for _, c := range made {
		require.False(t, attempts[c.Attempt], "I3: attempt %d was made twice: %s", c.Attempt, about)
		attempts[c.Attempt] = true
		require.LessOrEqual(t, c.Attempt, n.Attempts, "I8: an attempt that is not recorded: %s", about)
		require.True(t, c.Input.Equal(made[0].Input), "I8: it saw %s, then %s: %s", made[0].Input, c.Input, about)
		require.True(t, c.Params.Given.Equal(made[0].Params.Given), "I8: it saw %s, then %s: %s", made[0].Params.Given, c.Params.Given, about)
		if c.failed {
			failed++
		}
	}
	require.LessOrEqual(t, n.Lost, cmp.Or(node.Retry.MaxLost, flowforge.DefaultMaxLost), "I10: %s", about)
	require.LessOrEqual(t, n.Attempts-n.Lost, max(node.Retry.MaxAttempts, 1), "I10: failed attempts of %s", about)
	require.LessOrEqual(t, failed, max(node.Retry.MaxAttempts, 1)+n.Lost, "I10: %s", about)
	if node.Delivery == flowforge.AtMostOnce {
		require.LessOrEqual(t, len(made), 1, "delivered at most once: %s", about)
	}
}

// documentOf gives the nodes of the workflow that a run is of.
func (w *world) documentOf(run flowforge.Run) map[flowforge.NodeID]*flowforge.Node {
	w.t.Helper()
	text := ask(w, func() (store.Document, error) {
		return w.store.Document(w.t.Context(), flowforge.Local, run.Workflow.Hash)
	})
	workflow, err := flowforge.DecodeWorkflow(text.Text.JSON())
	require.NoError(w.t, err)
	found := map[flowforge.NodeID]*flowforge.Node{}
	for i := range workflow.Nodes {
		found[workflow.Nodes[i].ID] = &workflow.Nodes[i]
	}
	return found
}
