package dag

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
)

// line gives a graph of nodes in a line.
func line(nodes int) (g *Graph, order []int32) {
	g = &Graph{Nodes: make([]Node, nodes)}
	for i := range g.Nodes {
		order = append(order, int32(i))
		if i > 0 {
			g.Nodes[i].In = []Edge{{Node: int32(i - 1)}}
		}
	}
	return g, order
}

func pair(from, to int32) located { return located{ref: ref{from: from, to: to}} }

// TestUpstream compares with a search from each reader, through up to thousands of sources.
func TestUpstream(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		nodes := int32(rapid.IntRange(1, 700).Draw(t, "nodes"))
		g, order := line(int(nodes))
		reach := rapid.Int32Range(1, 50).Draw(t, "reach")
		seed := rapid.Uint32().Draw(t, "seed")
		random := func(below int32) int32 {
			seed = seed*1664525 + 1013904223 // Numerical Recipes; drawing each number would take too long
			return int32((seed >> 8) % uint32(below))
		}
		for i := range nodes {
			n := &g.Nodes[i]
			n.In = nil
			for range random(3) {
				n.In = append(n.In, Edge{Node: max(0, i-1-random(reach))})
			}
			if i == 0 {
				n.In = nil
			}
			if random(4) == 0 {
				n.Join = flowforge.JoinFirst
			}
		}
		var pairs []located
		for i := range nodes {
			for range random(4) {
				pairs = append(pairs, pair(i, random(nodes)))
			}
		}
		counts := func(n *Node) bool { return !n.choosesFirst() }
		answers := g.upstream(order, pairs, counts)
		for i, p := range pairs {
			require.Equal(t, g.leads(p.from, p.to, counts), answers[i], "%v", p.ref)
		}
	})
}

// leads is upstream for one pair, as one would search.
func (g *Graph) leads(from, to int32, counts func(*Node) bool) bool {
	seen := map[int32]bool{}
	for stack := []int32{from}; len(stack) > 0; {
		n := &g.Nodes[stack[len(stack)-1]]
		stack = stack[:len(stack)-1]
		if !counts(n) {
			continue
		}
		for _, edge := range n.In {
			if edge.Node == to {
				return true
			}
			if !seen[edge.Node] {
				seen[edge.Node] = true
				stack = append(stack, edge.Node)
			}
		}
	}
	return false
}

// TestUpstreamLooksAtFewNodes counts the nodes looked at.
func TestUpstreamLooksAtFewNodes(t *testing.T) {
	t.Parallel()
	const nodes = 100_000
	g, order := line(nodes)
	tests := []struct {
		name string
		read func(i int32) int32
		most int // for each node
	}{
		{"the node before", func(i int32) int32 { return i - 1 }, 1},
		{"the first node", func(int32) int32 { return 0 }, 2},
		{"two back", func(i int32) int32 { return max(0, i-2) }, 3},
		{"a hundred back", func(i int32) int32 { return max(0, i-100) }, 3},
		{"the next node", func(i int32) int32 { return i + 1 }, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var pairs []located
			for i := int32(1); i < nodes-1; i++ {
				pairs = append(pairs, pair(i, test.read(i)))
			}
			looks := 0
			g.upstream(order, pairs, func(*Node) bool { looks++; return true })
			require.LessOrEqual(t, looks, test.most*nodes)
		})
	}
}
