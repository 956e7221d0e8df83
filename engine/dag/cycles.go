package dag

import (
	"fmt"
	"slices"
	"strings"
)

// tellCycles names one cycle in each part of the graph whose nodes all lead to each other. Only nodes that are
// left can be in one.
func (c *compiler) tellCycles(g *Graph, left func(int32) bool, pointer string) (found bool) {
	part := g.parts(left)
	told := make(map[int32]bool)
	for i := range g.Nodes {
		if !left(int32(i)) || told[part[i]] {
			continue
		}
		if cycle := g.cycle(int32(i), part); cycle != nil {
			found, told[part[i]] = true, true
			c.problemf("cycle", pointer+"/connections",
				"the connections form a cycle: %s. A graph runs forward only; to repeat nodes, put them into the body of a core.repeat", g.path(cycle))
		}
	}
	return found
}

// parts numbers the strongly connected components among the nodes that are left (Tarjan 1972), with a stack of
// its own since a path may be as long as the graph. Other nodes are in part 0.
func (g *Graph) parts(left func(int32) bool) []int32 {
	type visit struct{ node, edge int32 }
	var (
		part   = make([]int32, len(g.Nodes))
		number = make([]int32, len(g.Nodes)) // in order of discovery, from 1
		low    = make([]int32, len(g.Nodes)) // the lowest number that is reached
		open   []int32                       // nodes whose part is not known yet
		path   []visit
		count  int32
		parts  int32
	)
	enter := func(i int32) {
		count++
		number[i], low[i] = count, count
		open, path = append(open, i), append(path, visit{node: i})
	}
	for start := range g.Nodes {
		if left(int32(start)) && number[start] == 0 {
			enter(int32(start))
		}
		for len(path) > 0 {
			at := &path[len(path)-1]
			i := at.node
			if out := g.Nodes[i].Out; int(at.edge) < len(out) {
				next := out[at.edge].Node
				at.edge++
				switch {
				case !left(next):
				case number[next] == 0:
					enter(next)
				case part[next] == 0:
					low[i] = min(low[i], number[next])
				}
				continue
			}
			path = path[:len(path)-1]
			if len(path) > 0 {
				before := path[len(path)-1].node
				low[before] = min(low[before], low[i])
			}
			if low[i] < number[i] {
				continue
			}
			for parts++; part[i] == 0; open = open[:len(open)-1] {
				part[open[len(open)-1]] = parts
			}
		}
	}
	return part
}

// cycle gives a cycle of the part that a node is in, beginning with the node that the document has first; nil
// where there is none. Going backwards within the part leads into one.
func (g *Graph) cycle(start int32, part []int32) []int32 {
	var path []int32
	position := make(map[int32]int)
	for at := start; ; {
		if first, seen := position[at]; seen {
			path = path[first:]
			break
		}
		position[at] = len(path)
		path = append(path, at)
		source := slices.IndexFunc(g.Nodes[at].In, func(e Edge) bool { return part[e.Node] == part[at] })
		if source < 0 {
			return nil
		}
		at = g.Nodes[at].In[source].Node
	}
	slices.Reverse(path)
	first := slices.Index(path, slices.Min(path))
	return slices.Concat(path[first:], path[:first])
}

// path writes the nodes of a cycle, of a long one only the ends.
func (g *Graph) path(cycle []int32) string {
	const most = 12
	var text strings.Builder
	for j, i := range cycle {
		switch {
		case len(cycle) > most && j == most/2:
			fmt.Fprintf(&text, "(%d more) → ", len(cycle)-most)
			continue
		case len(cycle) > most && j > most/2 && j <= len(cycle)-most/2:
			continue
		}
		text.WriteString(string(g.Nodes[i].Doc.ID) + " → ")
	}
	text.WriteString(string(g.Nodes[cycle[0]].Doc.ID))
	return text.String()
}
