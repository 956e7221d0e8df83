package dag_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
)

func decoded(tb testing.TB, text string) *flowforge.Workflow {
	tb.Helper()
	document, err := flowforge.DecodeWorkflow([]byte(text))
	require.NoError(tb, err)
	return document
}

// ids gives the ids of nodes by their indices.
func ids(g *dag.Graph, indices []int32) string {
	names := make([]string, len(indices))
	for i, index := range indices {
		names[i] = string(g.Nodes[index].Doc.ID)
	}
	return strings.Join(names, " ")
}

func TestCompiledWorkflow(t *testing.T) {
	t.Parallel()
	workflow := compiled(t, decoded(t, `{"name": "case", "settings": {"fail_fast": false}, "nodes": [
		{"id": "a", "type": "test.work", "params": {"ports": ["x", "y"]}, "on_error": "route", "retry": {"max_attempts": 2}},
		{"id": "b", "type": "test.stubborn"}, {"id": "c", "type": "test.versioned", "type_version": 1},
		{"id": "h", "type": "test.work", "params": {"v": "{{ nodes.a.error }}"}}, {"id": "h2", "type": "test.work"},
		{"id": "l", "type": "test.foreach", "params": {"items": "{{ input }}", "parallel": "{{ 1 + 1 }}", "body": {"nodes": [
			{"id": "x", "type": "test.work", "params": {"v": "{{ nodes.b.output }}"}},
			{"id": "y", "type": "test.work"}
		], "connections": [{"from": "x", "to": "y"}]}}},
		{"id": "e", "type": "test.work", "each": "{{ input }}", "each_parallel": 4294967296},
		{"id": "f", "type": "test.work", "finally": true, "join": "first", "params": {"v": "{{ nodes.e.output }}"}}
	], "connections": [
		{"from": "a.x", "to": "b"}, {"from": "a.y", "to": "b"}, {"from": "a.y", "to": "c"}, {"from": "a.error", "to": "h"},
		{"from": "h", "to": "h2"}, {"from": "b", "to": "l"}, {"from": "c", "to": "e"}, {"from": "b", "to": "f"}
	]}`))
	require.Equal(t, []string{"test.foreach@1", "test.stubborn@1", "test.versioned@1", "test.work@1"}, workflow.NodeTypes)
	require.Equal(t, 10, workflow.NodeCount)

	g := workflow.Graph
	node := func(id flowforge.NodeID) *dag.Node {
		i, found := g.Find(id)
		require.True(t, found)
		return &g.Nodes[i]
	}
	require.False(t, g.FailFast)
	require.Equal(t, "a", ids(g, g.Roots))
	require.Equal(t, "f", ids(g, g.Finals))
	require.Equal(t, "h2 l e", ids(g, g.Terminals))
	require.Equal(t, []flowforge.Port{"x", "y", "error"}, node("a").Ports)
	require.Equal(t, int32(-1), node("a").Port("out"))
	require.Equal(t, []dag.Edge{{Node: 0, Port: 0, Slot: 0, Key: "a.x"}, {Node: 0, Port: 1, Slot: 1, Key: "a.y"}}, node("b").In)
	require.Equal(t, []dag.Edge{{Node: 0, Port: 1, Slot: 0, Key: "a"}}, node("c").In)
	require.Len(t, node("b").Out, 1, "what leads to a finally node is not waited for")
	require.Equal(t, 2, node("a").Retry.MaxAttempts)
	require.Equal(t, 3, node("b").Retry.MaxAttempts, "the type's own")
	require.Equal(t, flowforge.JoinSettled, node("f").Join)
	require.Positive(t, node("e").Parallel)

	require.True(t, node("h").Handler)
	require.True(t, node("h2").Handler)
	require.False(t, node("b").Handler)
	require.False(t, node("a").Handler)

	require.Equal(t, "b", ids(g, node("l").Reads), "for its body, once")
	require.Equal(t, "a", ids(g, node("h").Reads))
	require.Empty(t, node("f").Reads, "finally nodes read what is kept")
	require.Equal(t, int32(3), node("a").Readers)
	require.Equal(t, int32(1), node("b").Readers)
	var kept []flowforge.NodeID
	for i := range g.Nodes {
		if g.Nodes[i].Kept {
			kept = append(kept, g.Nodes[i].Doc.ID)
		}
	}
	require.Equal(t, []flowforge.NodeID{"b", "h2", "l", "e"}, kept)

	loop := node("l")
	require.True(t, loop.IsLoop())
	require.NotNil(t, loop.Width)
	body := loop.Body
	require.Same(t, g, body.Parent)
	require.Equal(t, "l", ids(g, []int32{body.Loop}))
	require.False(t, body.FailFast)
	require.Equal(t, "y", ids(body, body.Terminals))
	require.Equal(t, int32(1), body.Nodes[0].Readers)
}

func TestPureIsWhatMayRunAgain(t *testing.T) {
	t.Parallel()
	for params, pure := range map[string]bool{
		`{"where": "{{ item > 1 }}", "most": "{{ input.n }}"}`: true,
		`{"where": "{{ item > random() }}"}`:                   false,
		`{"most": "{{ randomInt(1, 2) }}"}`:                    false,
		`{}`:                                                   true,
	} {
		workflow := compiled(t, decoded(t, `{"name": "case", "nodes": [{"id": "a", "type": "test.filter", "params": `+params+`}]}`))
		require.Equal(t, pure, workflow.Graph.Nodes[0].Pure, params)
	}
	each := `{"name": "case", "nodes": [{"id": "a", "type": "test.pure", "each": "{{ [now()] }}"}, {"id": "b", "type": "test.work"}]}`
	workflow := compiled(t, decoded(t, each))
	require.False(t, workflow.Graph.Nodes[0].Pure)
	require.False(t, workflow.Graph.Nodes[1].Pure)
}

// TestConditional reads through first joins: only the winner's side may be read, which the run knows.
func TestConditional(t *testing.T) {
	t.Parallel()
	workflow := compiled(t, decoded(t, `{"name": "case", "nodes": [
		{"id": "s", "type": "test.work"}, {"id": "a", "type": "test.work"}, {"id": "b", "type": "test.work"},
		{"id": "j", "type": "test.work", "join": "first", "params": {"v": "{{ nodes.a.output }}", "w": "{{ nodes.s.output }}"}},
		{"id": "k", "type": "test.work", "params": {"v": "{{ nodes.b.output ?? nodes.a.output }}", "w": "{{ nodes.j.output }}"}},
		{"id": "one", "type": "test.work", "join": "first", "params": {"v": "{{ nodes.s.output }}"}}
	], "connections": [
		{"from": "s", "to": "a"}, {"from": "s", "to": "b"}, {"from": "a", "to": "j"}, {"from": "b", "to": "j"}, {"from": "j", "to": "k"},
		{"from": "a", "to": "one"}
	]}`))
	g := workflow.Graph
	at := func(id string) int32 {
		i, _ := g.Find(flowforge.NodeID(id))
		return i
	}
	var conditional []string
	for _, reader := range []string{"j", "k", "one"} {
		for _, read := range []string{"s", "a", "b", "j"} {
			if g.Conditional(at(reader), at(read)) {
				conditional = append(conditional, reader+" of "+read)
			}
		}
	}
	require.Equal(t, []string{"j of s", "j of a", "k of a", "k of b"}, conditional)

	w := newWorld(g)
	w.start()
	w.apply(w.event(t, "s ok"))
	require.Equal(t, int32(-1), w.state.Winner(0, at("j")))
	require.False(t, w.state.Reaches(0, at("k"), at("a")))
	w.apply(w.event(t, "b ok"))
	require.Equal(t, int32(1), w.state.Winner(0, at("j")))
	require.True(t, w.state.Reaches(0, at("j"), at("b")))
	require.True(t, w.state.Reaches(0, at("k"), at("b")))
	require.True(t, w.state.Reaches(0, at("k"), at("s")))
	require.False(t, w.state.Reaches(0, at("k"), at("a")))
	require.False(t, w.state.Reaches(7, at("k"), at("b")), "a frame that is gone")
	require.Equal(t, int32(-1), w.state.Winner(7, at("j")))
}

func TestCompileIsBounded(t *testing.T) {
	t.Parallel()
	nodes := func(count int) []flowforge.Node {
		made := make([]flowforge.Node, count)
		for i := range made {
			made[i] = flowforge.Node{ID: flowforge.NodeID(fmt.Sprintf("n%d", i)), Type: "test.work"}
		}
		return made
	}
	document := &flowforge.Workflow{Name: "case", Graph: flowforge.Graph{Nodes: nodes(4)}}
	nested := object{"nodes": []any{object{"id": "x", "type": "test.work"}, object{"id": "y", "type": "test.work"}}, "connections": []any{
		object{"from": "x", "to": "y"},
	}}
	document.Nodes[3] = flowforge.Node{ID: "l", Type: "test.foreach", Params: flowforge.MustValue(object{"items": []any{}, "body": nested})}
	connect := flowforge.Connection{From: flowforge.Endpoint{Node: "n0"}, To: flowforge.Endpoint{Node: "n1"}}
	document.Connections = []flowforge.Connection{connect}

	compile := func(limits dag.Limits) string {
		_, problems := dag.Compile(document, registry(t), limits)
		return told(problems)
	}
	require.Empty(t, compile(dag.Limits{Nodes: 6, Connections: 2}))
	require.Equal(t, "/nodes too_large: there are 4 nodes, more than the 3 allowed", compile(dag.Limits{Nodes: 3}))
	require.Equal(t, "/nodes/3/params/body/nodes too_large: there are 6 nodes, more than the 5 allowed", compile(dag.Limits{Nodes: 5}))
	require.Equal(t, "/nodes/3/params/body/connections too_large: there are 2 connections, more than the 1 allowed", compile(dag.Limits{Connections: 1}))

	deep := `{"nodes": [{"id": "x", "type": "test.work"}]}`
	for i := range 17 {
		deep = fmt.Sprintf(`{"nodes": [{"id": "l%d", "type": "test.foreach", "params": {"items": [], "body": %s}}]}`, i, deep)
	}
	_, problems := dag.Compile(decoded(t, strings.Replace(deep, "{", `{"name": "deep", `, 1)), registry(t), dag.Limits{})
	require.Equal(t, strings.Repeat("/nodes/0/params/body", 17)+" too_deep: loops are nested more than 16 deep", told(problems))
}

// TestProblemsAreBounded compiles a document with far more slips than anybody reads: the first thousand are
// told, and no warning pushes out what makes the document useless.
func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	document := &flowforge.Workflow{Name: "case"}
	for i := range 20_000 {
		document.Nodes = append(document.Nodes, flowforge.Node{ID: flowforge.NodeID(fmt.Sprintf("n%d", i)), Type: "test.work", EachParallel: 1})
		document.Connections = append(document.Connections, flowforge.Connection{
			From: flowforge.Endpoint{Node: flowforge.NodeID(fmt.Sprintf("m%d", i))}, To: flowforge.Endpoint{Node: "n0"},
		})
	}
	workflow, problems := dag.Compile(document, registry(t), dag.Limits{})
	require.Nil(t, workflow)
	require.Len(t, problems, 2000)
	document.Connections = document.Connections[:1]
	workflow, problems = dag.Compile(document, registry(t), dag.Limits{})
	require.Nil(t, workflow)
	require.Len(t, problems, 1001)
	require.Error(t, problems.Err())
}
