package flowforge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

var runStatuses = []flowforge.RunStatus{
	flowforge.RunQueued, flowforge.RunRunning, flowforge.RunWaiting, flowforge.RunPaused, flowforge.RunCanceling,
	flowforge.RunSucceeded, flowforge.RunFailed, flowforge.RunCanceled, flowforge.RunTimedOut,
}

var nodeStatuses = []flowforge.NodeStatus{
	flowforge.NodePending, flowforge.NodeReady, flowforge.NodeRunning, flowforge.NodeRetrying, flowforge.NodeWaiting,
	flowforge.NodeInDoubt, flowforge.NodeSucceeded, flowforge.NodeFailed, flowforge.NodeSkipped, flowforge.NodeCanceled,
}

// status is what both kinds of statuses can do.
type status[S any] interface {
	comparable
	Terminal() bool
	CanBecome(next S) bool
}

// reachable gives where a status leads in any number of steps.
func reachable[S status[S]](from S, all []S, seen map[S]bool) map[S]bool {
	for _, next := range all {
		if from.CanBecome(next) && !seen[next] {
			seen[next] = true
			reachable(next, all, seen)
		}
	}
	return seen
}

func checkTransitions[S status[S]](t *testing.T, all []S, first S) {
	t.Helper()
	met := reachable(first, all, map[S]bool{first: true})
	for _, s := range all {
		require.True(t, met[s], "%v can be reached", s)
		require.False(t, s.CanBecome(s), "%v is no step from itself", s)
		require.False(t, s.CanBecome(*new(S)), "%v becomes no unknown status", s)
		ends := 0
		for next := range reachable(s, all, map[S]bool{}) {
			if next.Terminal() {
				ends++
			}
		}
		if s.Terminal() {
			require.Empty(t, reachable(s, all, map[S]bool{}), "nothing follows %v", s)
		} else {
			require.Positive(t, ends, "%v comes to an end", s)
		}
	}
	require.False(t, (*new(S)).CanBecome(first), "an unknown status leads nowhere")
}

func TestRunTransitions(t *testing.T) {
	t.Parallel()
	checkTransitions(t, runStatuses, flowforge.RunQueued)
}

func TestNodeTransitions(t *testing.T) {
	t.Parallel()
	checkTransitions(t, nodeStatuses, flowforge.NodePending)
}

// The tables in full: a step more or less is a change of what users may rely on.
func TestTransitionTables(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[flowforge.RunStatus][]flowforge.RunStatus{
		"queued":    {"running", "paused", "canceling", "failed", "canceled", "timed_out"},
		"running":   {"queued", "waiting", "paused", "canceling", "succeeded", "failed", "canceled", "timed_out"},
		"waiting":   {"running", "paused", "canceling", "failed", "canceled", "timed_out"},
		"paused":    {"queued", "running", "waiting", "canceling", "canceled", "timed_out"},
		"canceling": {"canceled"},
	}, steps(runStatuses))
	require.Equal(t, map[flowforge.NodeStatus][]flowforge.NodeStatus{
		"pending":  {"ready", "skipped", "canceled"},
		"ready":    {"running", "failed", "canceled"},
		"running":  {"retrying", "waiting", "in_doubt", "succeeded", "failed", "canceled"},
		"retrying": {"ready", "running", "failed", "canceled"},
		"waiting":  {"ready", "running", "retrying", "succeeded", "failed", "canceled"},
		"in_doubt": {"ready", "running", "retrying", "succeeded", "failed", "canceled"},
	}, steps(nodeStatuses))
}

func steps[S status[S]](all []S) map[S][]S {
	table := map[S][]S{}
	for _, from := range all {
		for _, to := range all {
			if from.CanBecome(to) {
				table[from] = append(table[from], to)
			}
		}
	}
	return table
}

func TestEveryEndHasItsEvent(t *testing.T) {
	t.Parallel()
	ends := map[flowforge.EventKind]bool{}
	for _, s := range runStatuses {
		if kind := flowforge.RunEnd(s); s.Terminal() {
			ends[kind] = true
		} else {
			require.Empty(t, kind, s)
		}
	}
	for _, s := range nodeStatuses {
		if kind := flowforge.NodeEnd(s); s.Terminal() {
			ends[kind] = true
		} else {
			require.Empty(t, kind, s)
		}
	}
	require.Equal(t, map[flowforge.EventKind]bool{
		flowforge.EventRunSucceeded: true, flowforge.EventRunFailed: true,
		flowforge.EventRunCanceled: true, flowforge.EventRunTimedOut: true,
		flowforge.EventNodeSucceeded: true, flowforge.EventNodeFailed: true,
		flowforge.EventNodeSkipped: true, flowforge.EventNodeCanceled: true,
	}, ends)
}

func TestPorts(t *testing.T) {
	t.Parallel()
	one, two := flowforge.MustValue(1), flowforge.MustValue("two")
	ports := append(flowforge.Out(one), flowforge.On(flowforge.PortError, two)...)
	require.Equal(t, `{out: 1, error: "two"}`, ports.String())
	got, ok := ports.Get(flowforge.PortError)
	require.True(t, ok)
	require.True(t, got.Equal(two))
	got, ok = ports.Get("true")
	require.False(t, ok)
	require.True(t, got.IsNull())
}

func TestFailFastIsTheDefault(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	require.True(t, (&flowforge.Settings{}).StopsAtFailure())
	require.True(t, (&flowforge.Settings{FailFast: &yes}).StopsAtFailure())
	require.False(t, (&flowforge.Settings{FailFast: &no}).StopsAtFailure())
}
