package dag_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
)

// shape says which nodes lead to node i of n, and which one it reads; -1: none.
type shape struct {
	name    string
	sources func(i, n int) []int
	reads   func(i, n int) int
}

// shapes are graphs that are hard in their way.
var shapes = []shape{
	{"chain", func(i, _ int) []int { return before(i, 1) }, func(i, _ int) int { return i - 1 }},
	{"chain reading far back", func(i, _ int) []int { return before(i, 1) }, func(i, _ int) int { return min(0, i-1) }},
	{"chain reading two back", func(i, _ int) []int { return before(i, 1) }, func(i, _ int) int { return i - 2 }},
	{"chain reading half back", func(i, _ int) []int { return before(i, 1) }, func(i, n int) int { return max(i-n/2, -1) }},
	{"layers", func(i, _ int) []int { return layer(i) }, func(i, _ int) int { return i - 20 }},
	{"fan out", func(i, _ int) []int { return before(min(i, 1), 1) }, func(i, _ int) int { return min(0, i-1) }},
	{"fan in", func(i, n int) []int {
		if i < n-1 {
			return nil
		}
		return before(i, n)
	}, func(int, int) int { return -1 }},
}

// planned are those that differ in their connections.
var planned = slices.DeleteFunc(slices.Clone(shapes), func(s shape) bool { return strings.Contains(s.name, "reading") })

// before gives up to count nodes before i.
func before(i, count int) []int {
	var nodes []int
	for j := max(0, i-count); j < i; j++ {
		nodes = append(nodes, j)
	}
	return nodes
}

// layer gives three of the ten nodes in the layer before that of i.
func layer(i int) []int {
	if i < 10 {
		return nil
	}
	first := i/10*10 - 10
	return []int{first + i%10, first + (i+1)%10, first + (i+3)%10}
}

func shaped(sources func(i, n int) []int, reads func(i, n int) int, n int) *flowforge.Workflow {
	document := &flowforge.Workflow{Name: "shaped"}
	id := func(i int) flowforge.NodeID { return flowforge.NodeID(fmt.Sprintf("n%d", i)) }
	for i := range n {
		node := flowforge.Node{ID: id(i), Type: "test.work"}
		if read := reads(i, n); read >= 0 {
			node.Params = flowforge.MustValue(object{"v": fmt.Sprintf("{{ nodes.n%d.output }}", read)})
		}
		document.Nodes = append(document.Nodes, node)
		for _, source := range sources(i, n) {
			document.Connections = append(document.Connections, flowforge.Connection{
				From: flowforge.Endpoint{Node: id(source)}, To: flowforge.Endpoint{Node: id(i)},
			})
		}
	}
	return document
}

// through runs a graph to its end, each node emitting on its first port, and counts the actions.
func through(state *dag.State) (actions int) {
	ports := []int32{0}
	var todo []dag.Ref
	take := func(list []dag.Action) {
		actions += len(list)
		for _, a := range list {
			if a.Kind == dag.Run {
				todo = append(todo, a.At)
			}
		}
	}
	take(state.Start())
	for len(todo) > 0 {
		last := len(todo) - 1
		at := todo[last]
		todo = todo[:last]
		take(state.Apply(dag.Event{Kind: dag.Succeeded, At: at, Ports: ports}))
	}
	return actions
}

func BenchmarkCompile(b *testing.B) {
	types := registry(b)
	for _, shape := range shapes {
		for _, n := range []int{1_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", shape.name, n), func(b *testing.B) {
				document := shaped(shape.sources, shape.reads, n)
				perNode(b, n, func() {
					if workflow, problems := dag.Compile(document, types, dag.Limits{}); workflow == nil {
						b.Fatal(problems)
					}
				})
			})
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, shape := range planned {
		for _, n := range []int{1_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", shape.name, n), func(b *testing.B) {
				graph := compiled(b, shaped(shape.sources, func(int, int) int { return -1 }, n)).Graph
				perNode(b, n, func() { through(dag.NewState(graph)) })
			})
		}
	}
}

// perNode reports what a loop costs for each of n nodes.
func perNode(b *testing.B, n int, work func()) {
	b.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		work()
	}
	runtime.ReadMemStats(&after)
	all := float64(b.N) * float64(n)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/all, "ns/node")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/all, "B/node")
}

// TestPlanIsLinear counts instead of measuring time: a run takes two actions for each node, and allocates no
// more for a large graph than for a small one.
func TestPlanIsLinear(t *testing.T) { //nolint:paralleltest // Allocations are counted for the whole process.
	for _, shape := range planned {
		allocated := func(n int) float64 {
			graph := compiled(t, shaped(shape.sources, func(int, int) int { return -1 }, n)).Graph
			require.Equal(t, 2*n+1, through(dag.NewState(graph)), shape.name)
			return testing.AllocsPerRun(3, func() { through(dag.NewState(graph)) })
		}
		small, large := allocated(1_000), allocated(30_000)
		require.Less(t, large, small+50, "%s: %v allocations for 1,000 nodes, %v for 30,000", shape.name, small, large)
	}
}

// TestCompileIsLinear compares the allocations for each node of small and large graphs.
func TestCompileIsLinear(t *testing.T) { //nolint:paralleltest // As above.
	types := registry(t)
	for _, shape := range shapes {
		allocated := func(n int) float64 {
			document := shaped(shape.sources, shape.reads, n)
			return testing.AllocsPerRun(1, func() {
				_, problems := dag.Compile(document, types, dag.Limits{})
				require.NoError(t, problems.Err())
			}) / float64(n)
		}
		small, large := allocated(500), allocated(10_000)
		require.Less(t, large, small*1.5+5, "%s: %v allocations for each node of 500, %v of 10,000", shape.name, small, large)
	}
}

// TestLongSkips skips a chain as long as a document may be, without going as deep.
func TestLongSkips(t *testing.T) {
	t.Parallel()
	const n = 100_000
	document := shaped(func(i, _ int) []int { return before(i, 1) }, func(int, int) int { return -1 }, n)
	for i := range document.Nodes {
		if i%2 == 1 {
			document.Nodes[i].Join = flowforge.JoinAll
		}
	}
	graph := compiled(t, document).Graph
	for _, kind := range []dag.EventKind{dag.Succeeded, dag.Failed, dag.CancelRun} {
		state := dag.NewState(graph)
		state.Start()
		first := dag.Ref{Element: dag.NoElement}
		actions := state.Apply(dag.Event{Kind: kind, At: first, Code: "boom"})
		ended := len(actions)
		if kind == dag.CancelRun {
			ended-- // the first is asked to stop
			actions = state.Apply(dag.Event{Kind: dag.Canceled, At: first})
			ended += len(actions)
		}
		require.Equal(t, n+1, ended)
		require.Equal(t, dag.Done, actions[len(actions)-1].Kind)
	}
}
