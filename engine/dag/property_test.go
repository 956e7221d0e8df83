package dag_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/nodes"
)

// drawGraph draws a graph whose connections lead from earlier nodes to later ones, with loops as deep as depth.
func drawGraph(t *rapid.T, prefix string, depth int) flowforge.Graph {
	var graph flowforge.Graph
	ports := []string{"out", "x"}
	count := rapid.IntRange(1, 7-2*depth).Draw(t, prefix+"nodes")
	for i := range count {
		node := flowforge.Node{
			ID: flowforge.NodeID(fmt.Sprintf("%sn%d", prefix, i)), Type: "test.work",
			Join:    rapid.SampledFrom([]flowforge.Join{"", "settled", "all", "first"}).Draw(t, "join"),
			OnError: rapid.SampledFrom([]flowforge.OnError{"", "", "", "fail", "continue", "route"}).Draw(t, "on_error"),
			Finally: i == count-1 && i > 0 && rapid.IntRange(0, 2).Draw(t, "finally") == 0,
			Retry: flowforge.RetryPolicy{
				MaxAttempts: rapid.IntRange(0, 3).Draw(t, "attempts"), MaxLost: rapid.IntRange(0, 2).Draw(t, "lost"),
			},
		}
		params := object{"ports": ports}
		kind := 0
		if depth > 0 {
			kind = rapid.IntRange(0, 4).Draw(t, "kind")
		}
		switch {
		case kind == 1:
			node.Each = flowforge.MustValue("{{ input }}")
			node.EachParallel = rapid.IntRange(0, 3).Draw(t, "parallel")
		case kind > 1:
			body, err := flowforge.ValueOf(drawGraph(t, string(node.ID)+"_", depth-1))
			require.NoError(t, err)
			if node.Type, params = "test.foreach", (object{"items": "{{ input }}", "body": body}); kind == 4 {
				node.Type, params = "test.repeat", object{"max": 5, "body": body}
			}
		}
		node.Params = flowforge.MustValue(params)
		graph.Nodes = append(graph.Nodes, node)
		if !node.Finally {
			graph.Connections = append(graph.Connections, drawConnections(t, graph.Nodes)...)
		}
	}
	return graph
}

// drawConnections draws those that lead to the last of the nodes.
func drawConnections(t *rapid.T, all []flowforge.Node) []flowforge.Connection {
	var connections []flowforge.Connection
	last := len(all) - 1
	for i := range last {
		ports := []flowforge.Port{flowforge.PortOut}
		if all[i].Type == "test.work" {
			ports = append(ports, "x")
		}
		if all[i].OnError == flowforge.OnErrorRoute {
			ports = append(ports, flowforge.PortError)
		}
		for _, port := range ports {
			if rapid.IntRange(0, 3).Draw(t, "connect") == 0 {
				connections = append(connections, flowforge.Connection{
					From: flowforge.Endpoint{Node: all[i].ID, Port: port}, To: flowforge.Endpoint{Node: all[last].ID},
				})
			}
		}
	}
	return connections
}

// drawWorkflow draws a document and compiles it. Joins that could never fire are made others.
func drawWorkflow(t *rapid.T, types *nodes.Registry, depth int) *dag.Graph {
	document := &flowforge.Workflow{Name: "drawn", Graph: drawGraph(t, "", depth)}
	failFast := rapid.Bool().Draw(t, "fail_fast")
	document.Settings.FailFast = &failFast
	workflow, problems := dag.Compile(document, types, dag.Limits{})
	for _, problem := range problems {
		if !problem.Warning && problem.Code != "join_never" {
			require.Fail(t, "drawn", "%v", problem)
		}
	}
	if workflow == nil {
		t.Skip("a join can never fire")
	}
	return workflow.Graph
}

// drawAnswer draws what may come of something that is to be done.
func drawAnswer(t *rapid.T, w *world, at dag.Ref) dag.Event {
	asked := w.open[at]
	e := dag.Event{Kind: dag.Succeeded, At: at, Code: "boom"}
	draw := func(kinds ...dag.EventKind) dag.EventKind { return rapid.SampledFrom(kinds).Draw(t, "answer") }
	switch {
	case asked.kind == dag.Retry:
		e.Kind = dag.TimerFired
	case asked.kind == dag.Run && asked.waiting:
		e.Kind = draw(dag.Succeeded, dag.Failed, dag.Lost)
	case asked.kind == dag.Run:
		e.Kind = draw(dag.Succeeded, dag.Succeeded, dag.Succeeded, dag.Failed, dag.Failed, dag.Lost, dag.Waiting, dag.Canceled)
	case asked.kind == dag.Expand:
		e.Kind = draw(dag.Expanded, dag.Expanded, dag.Expanded, dag.Failed)
		e.Count = int32(rapid.IntRange(0, 3).Draw(t, "count"))
		e.Parallel = int32(rapid.IntRange(0, 2).Draw(t, "width"))
	default:
		e.Kind = draw(dag.Succeeded, dag.Succeeded, dag.Succeeded, dag.Failed)
		e.More = rapid.Bool().Draw(t, "more")
	}
	switch e.Kind {
	case dag.Succeeded:
		for port := range w.frames[at.Frame].Nodes[at.Node].Ports {
			if rapid.IntRange(0, 2).Draw(t, "port") > 0 {
				e.Ports = append(e.Ports, int32(port))
			}
		}
	case dag.Failed:
		e.Permanent = rapid.IntRange(0, 3).Draw(t, "permanent") == 0
	default:
	}
	return e
}

// drawEvent draws what happens next: mostly what is expected, sometimes what comes from outside, and sometimes
// nonsense.
func drawEvent(t *rapid.T, w *world) dag.Event {
	tasks := w.tasks()
	choice := rapid.IntRange(0, 29).Draw(t, "choice")
	switch {
	case choice == 0:
		return dag.Event{Kind: rapid.SampledFrom([]dag.EventKind{dag.CancelRun, dag.TimeOutRun, dag.TimeOutFinally}).Draw(t, "run")}
	case choice == 1 && len(tasks) > 0:
		e := dag.Event{Kind: dag.TimedOut, At: rapid.SampledFrom(tasks).Draw(t, "slow")}
		e.At.Element = dag.NoElement
		return e
	case choice == 2 && len(tasks) > 0:
		if at := rapid.SampledFrom(tasks).Draw(t, "stop"); w.open[at].kind == dag.Run && !w.open[at].waiting {
			return dag.Event{Kind: dag.StopRun, At: at}
		}
		return dag.Event{Kind: dag.TimeOutFinally}
	case choice < 6 || len(tasks) == 0:
		small := rapid.Int32Range(-1, 4)
		return dag.Event{
			Kind:  dag.EventKind(rapid.Uint8Range(0, uint8(dag.TimeOutFinally)+1).Draw(t, "kind")),
			At:    dag.Ref{Frame: small.Draw(t, "frame"), Node: small.Draw(t, "node"), Element: small.Draw(t, "element")},
			Ports: rapid.SliceOfN(small, 0, 3).Draw(t, "ports"), Count: rapid.Int32Range(-2, 3).Draw(t, "n"),
			Parallel: small.Draw(t, "width"), Code: "boom",
		}
	}
	return drawAnswer(t, w, rapid.SampledFrom(tasks).Draw(t, "task"))
}

// finish answers all that is left until the run ends.
func finish(t require.TestingT, w *world, apply func(dag.Event)) {
	for steps := 0; w.done == ""; steps++ {
		tasks := w.tasks()
		require.NotEmpty(t, tasks, "the run hangs")
		require.Less(t, steps, 100_000, "the run never ends")
		e := dag.Event{Kind: dag.Succeeded, At: tasks[0]}
		switch w.open[tasks[0]].kind {
		case dag.Retry:
			e.Kind = dag.TimerFired
		case dag.Expand:
			e.Kind, e.Count = dag.Expanded, 1
		case dag.Run:
			if w.open[tasks[0]].stopped {
				e.Kind = dag.Canceled
			}
		default:
		}
		apply(e)
	}
}

// TestPlanIsWhatTheDefinitionsSay compares the planner with the naive one, in what becomes of each node after
// each event.
func TestPlanIsWhatTheDefinitionsSay(t *testing.T) {
	t.Parallel()
	types := registry(t)
	rapid.Check(t, func(t *rapid.T) {
		graph := drawWorkflow(t, types, 0)
		w, n := newWorld(graph), newNaive(graph)
		compare := func() {
			require.Empty(t, w.broken)
			for i := range n.nodes {
				run := w.runs[dag.Ref{Node: int32(i), Element: dag.NoElement}]
				require.Equal(t, n.nodes[i].status, run.status, "status of %d", i)
				require.Equal(t, n.nodes[i].reason, run.reason, "reason of %d", i)
				require.Equal(t, int32(n.nodes[i].winner), w.state.Winner(0, int32(i)), "winner of %d", i)
			}
			require.Equal(t, n.done, w.done)
			require.Equal(t, n.done != "", w.state.Done())
		}
		apply := func(e dag.Event) {
			w.apply(e)
			n.apply(e)
			compare()
		}
		w.start()
		n.settle()
		compare()
		for range rapid.IntRange(0, 30).Draw(t, "events") {
			apply(drawEvent(t, w))
		}
		finish(t, w, apply)
		apply(drawEvent(t, w))
	})
}

// keepsPromises watches a run of a graph with loops in loops: the world notices what breaks.
func keepsPromises(types *nodes.Registry) func(*rapid.T) {
	return func(t *rapid.T) {
		w := newWorld(drawWorkflow(t, types, 2))
		apply := func(e dag.Event) {
			w.apply(e)
			require.Empty(t, w.broken)
		}
		w.start()
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			apply(drawEvent(t, w))
		}
		if !rapid.Bool().Draw(t, "cancel") {
			finish(t, w, apply)
			return
		}
		over := w.done != ""
		apply(dag.Event{Kind: dag.CancelRun})
		apply(drawEvent(t, w))
		finish(t, w, apply)
		require.True(t, over || w.done == flowforge.RunCanceled, "it ended as %s", w.done)
	}
}

func TestPlanWithLoopsKeepsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, keepsPromises(registry(t)))
}

// TestResultsDoNotDependOnOrder runs a graph twice, with what each attempt comes to decided beforehand.
func TestResultsDoNotDependOnOrder(t *testing.T) {
	t.Parallel()
	types := registry(t)
	rapid.Check(t, func(t *rapid.T) {
		document := &flowforge.Workflow{Name: "drawn", Graph: drawGraph(t, "", 0)}
		no := false
		document.Settings.FailFast = &no
		fate := make([]dag.Event, len(document.Nodes))
		failures := make([]int, len(document.Nodes))
		for i := range document.Nodes {
			if document.Nodes[i].Join == flowforge.JoinFirst {
				document.Nodes[i].Join = flowforge.JoinSettled // its winner depends on the order
			}
			fate[i].Kind = rapid.SampledFrom([]dag.EventKind{dag.Succeeded, dag.Failed}).Draw(t, "fate")
			fate[i].Ports = rapid.SampledFrom([][]int32{nil, {0}, {1}, {0, 1}}).Draw(t, "emits")
			failures[i] = rapid.IntRange(0, 3).Draw(t, "failures")
		}
		workflow, _ := dag.Compile(document, types, dag.Limits{})
		if workflow == nil {
			t.Skip("a join can never fire")
		}
		play := func(label string) []string {
			w := newWorld(workflow.Graph)
			w.start()
			left := append([]int(nil), failures...)
			for w.done == "" {
				at := rapid.SampledFrom(w.tasks()).Draw(t, label)
				e := fate[at.Node]
				switch {
				case w.open[at].kind == dag.Retry:
					e.Kind = dag.TimerFired
				case left[at.Node] > 0:
					left[at.Node]--
					e.Kind = dag.Failed
				}
				e.At = at
				w.apply(e)
			}
			require.Empty(t, w.broken)
			text := []string{string(w.done)}
			for i := range workflow.Graph.Nodes {
				run := w.runs[dag.Ref{Node: int32(i), Element: dag.NoElement}]
				text = append(text, fmt.Sprintf("%s/%s/%d", run.status, run.reason, run.failures))
			}
			return text
		}
		require.Equal(t, play("one"), play("other"))
	})
}
