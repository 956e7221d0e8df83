package engine_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
	"github.com/flowforge-go/flowforge/store/memory"
)

// effect is the smallest node with an effect: a Go function that does nothing.
func effect() nodes.Type {
	return nodes.Type{
		Spec: nodes.Spec{Type: "test.effect", Kind: nodes.Effectful},
		Node: nodes.Func(func(_ context.Context, call *nodes.Call) (flowforge.Ports, error) {
			return flowforge.Out(call.Input), nil
		}),
	}
}

// layers makes a graph of n nodes in layers of 100, each node fed by two of the layer before.
func layers(n int, nodeType string) *flowforge.Workflow {
	const width = 100
	document := &flowforge.Workflow{Name: "layers"}
	for i := range n {
		id := flowforge.NodeID(fmt.Sprintf("n%d", i))
		document.Nodes = append(document.Nodes, flowforge.Node{ID: id, Type: nodeType})
		if i < width {
			continue
		}
		for _, from := range []int{i - width, i - i%width - width + (i+1)%width} {
			document.Connections = append(document.Connections, flowforge.Connection{
				From: flowforge.Endpoint{Node: flowforge.NodeID(fmt.Sprintf("n%d", from))}, To: flowforge.Endpoint{Node: id},
			})
		}
	}
	document.Output = flowforge.MustValue("done")
	return document
}

func chain(n int, nodeType string) *flowforge.Workflow {
	document := &flowforge.Workflow{Name: "chain"}
	for i := range n {
		document.Nodes = append(document.Nodes, flowforge.Node{ID: flowforge.NodeID(fmt.Sprintf("n%d", i)), Type: nodeType})
		if i > 0 {
			document.Connections = append(document.Connections, flowforge.Connection{
				From: flowforge.Endpoint{Node: flowforge.NodeID(fmt.Sprintf("n%d", i-1))},
				To:   flowforge.Endpoint{Node: flowforge.NodeID(fmt.Sprintf("n%d", i))},
			})
		}
	}
	return document
}

// benchEngine makes an engine that keeps few runs, with a workflow published under its name.
func benchEngine(b *testing.B, document *flowforge.Workflow) *engine.Engine {
	b.Helper()
	registry, err := nodes.NewRegistry(append(builtin.Types(), effect())...)
	require.NoError(b, err)
	kept := memory.New(memory.Config{Keep: 10})
	e, err := engine.New(engine.Config{Nodes: registry, Store: kept})
	require.NoError(b, err)
	b.Cleanup(func() {
		require.NoError(b, e.Close(context.Background()))
		require.NoError(b, kept.Close())
	})
	_, err = e.Save(b.Context(), flowforge.Local, document)
	require.NoError(b, err)
	_, err = e.Publish(b.Context(), flowforge.Local, document.Name)
	require.NoError(b, err)
	// The first run compiles the document; after it the benchmark starts with a clean heap.
	_, err = e.DoRequest(b.Context(), engine.StartRequest{Workflow: document.Name, Input: flowforge.MustValue([]any{})})
	require.NoError(b, err)
	runtime.GC()
	return e
}

// BenchmarkGraph runs one graph of pure nodes at a time: the cost of a node must not grow with the graph.
func BenchmarkGraph(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			document := layers(n, "core.noop")
			e := benchEngine(b, document)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			b.ResetTimer()
			for range b.N {
				_, err := e.DoRequest(b.Context(), engine.StartRequest{Workflow: document.Name})
				require.NoError(b, err)
			}
			b.StopTimer()
			runtime.ReadMemStats(&after)
			steps := float64(b.N) * float64(n)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/steps, "ns/node")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/steps, "B/node")
		})
	}
}

// BenchmarkChain runs many short runs at once: ten nodes in sequence, each recorded before it begins.
func BenchmarkChain(b *testing.B) {
	for _, nodeType := range []string{"test.effect", "core.noop"} {
		b.Run(nodeType, func(b *testing.B) {
			document := chain(10, nodeType)
			e := benchEngine(b, document)
			b.SetParallelism(32)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, err := e.DoRequest(b.Context(), engine.StartRequest{Workflow: document.Name})
					require.NoError(b, err)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
		})
	}
}

// BenchmarkEach runs one node over many elements.
func BenchmarkEach(b *testing.B) {
	document := &flowforge.Workflow{Name: "each", Graph: flowforge.Graph{
		Nodes: []flowforge.Node{{
			ID: "n", Type: "core.set", Each: flowforge.MustValue("{{ input }}"),
			Params: flowforge.MustValue(map[string]any{"mode": "replace", "values": map[string]any{"v": "{{ item + 1 }}"}}),
		}},
		Output: flowforge.MustValue("{{ len(nodes.n.output) }}"),
	}}
	e := benchEngine(b, document)
	list := make([]any, 100_000)
	for i := range list {
		list[i] = int64(i)
	}
	input := flowforge.MustValue(list)
	b.ReportAllocs()
	for b.Loop() {
		run, err := e.DoRequest(b.Context(), engine.StartRequest{Workflow: document.Name, Input: input})
		require.NoError(b, err)
		require.EqualValues(b, len(list), run.Output.Any())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(list)), "ns/element")
}
