package dag

import (
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
)

// outputReader stands for the template of a graph's output among the readers of nodes.
const outputReader int32 = -1

// refs are the references of one graph's templates to its own nodes.
type refs struct {
	list []located
	seen map[ref]bool
}

type located struct {
	ref
	pointer string
}

func (r *refs) add(from int32, l located) {
	l.from = from
	if r.seen[l.ref] {
		return
	}
	if r.seen == nil {
		r.seen = make(map[ref]bool)
	}
	r.seen[l.ref] = true
	r.list = append(r.list, l)
}

// resolve finds the node that a template names, in its own graph or in those around it.
func (c *compiler) resolve(g *Graph, from int32, reference expr.Ref, found *refs) {
	if to, known := g.byID[flowforge.NodeID(reference.Node)]; known {
		found.add(from, located{ref: ref{to: to}, pointer: reference.Pointer})
		return
	}
	for outer := g; outer.Parent != nil; outer = outer.Parent {
		if to, known := outer.Parent.byID[flowforge.NodeID(reference.Node)]; known {
			outer.outer = append(outer.outer, located{ref: ref{to: to}, pointer: reference.Pointer})
			return
		}
	}
	mend := g.nearestNode(reference.Node)
	if at, declared := c.declared[flowforge.NodeID(reference.Node)]; declared {
		mend = ": the one at " + at + " is inside a loop; read the loop's output instead"
	}
	c.problem("unknown_node", reference.Pointer, "there is no node %q to read here%s", reference.Node, mend)
}

// outerRefs gives the references of a body, and of those within it, to nodes of the graph around it.
func (g *Graph) outerRefs() []located {
	outer := g.outer
	g.outer = nil
	return outer
}

// checkRefs tells the references to nodes that are not upstream of their reader, and marks those that depend
// on the winners of first joins.
func (c *compiler) checkRefs(g *Graph, order []int32, found *refs) {
	var pairs []located
	for _, l := range found.list {
		switch {
		case l.from == outputReader:
			if g.Nodes[l.to].Doc.Finally {
				c.problem("not_upstream", l.pointer, "the output cannot read %q: finally nodes run after it is made", g.Nodes[l.to].Doc.ID)
			}
		case g.Nodes[l.from].Doc.Finally:
			if g.Nodes[l.to].Doc.Finally {
				c.problem("not_upstream", l.pointer, "%q cannot be read here: finally nodes run side by side", g.Nodes[l.to].Doc.ID)
			}
		default:
			pairs = append(pairs, l)
		}
	}
	known := g.reach(order, pairs, func(*Node) bool { return true })
	for i, l := range pairs {
		if known[i] {
			continue
		}
		reader, read := g.Nodes[l.from].Doc.ID, g.Nodes[l.to].Doc.ID
		if reader == read {
			c.problem("not_upstream", l.pointer, "%q cannot read its own output", reader)
			continue
		}
		c.problem("not_upstream", l.pointer, "%q is not upstream of %q, so it may not have run: connect it, directly or through others", read, reader)
	}
	firm := g.reach(order, pairs, func(n *Node) bool { return n.Join != flowforge.JoinFirst || len(n.In) < 2 })
	for i, l := range pairs {
		if known[i] && !firm[i] {
			reader := &g.Nodes[l.from]
			reader.condition = append(reader.condition, l.ref)
		}
	}
}

// reach tells for each pair whether `to` is upstream of `from`, looking only through nodes whose incoming
// connections count. Most pairs are neighbours; the others are answered by passing sets of up to 256 sources
// along the order of the graph, so that even a reference from every node costs little.
func (g *Graph) reach(order []int32, pairs []located, counts func(*Node) bool) []bool {
	answers := make([]bool, len(pairs))
	bySource := make(map[int32][]int)
	for i, p := range pairs {
		reader := &g.Nodes[p.from]
		if counts(reader) && slices.ContainsFunc(reader.In, func(e Edge) bool { return e.Node == p.to }) {
			answers[i] = true
			continue
		}
		bySource[p.to] = append(bySource[p.to], i)
	}
	sources := make([]int32, 0, len(bySource))
	for source := range bySource {
		sources = append(sources, source)
	}
	const width = 256
	type set [width / 64]uint64
	var upstream []set
	for batch := range slices.Chunk(sources, width) {
		if upstream == nil {
			upstream = make([]set, len(g.Nodes))
		}
		clear(upstream)
		bit := make(map[int32]int, len(batch))
		for b, source := range batch {
			bit[source] = b
		}
		for _, i := range order {
			n := &g.Nodes[i]
			if !counts(n) {
				continue
			}
			for _, edge := range n.In {
				for w, word := range upstream[edge.Node] {
					upstream[i][w] |= word
				}
				if b, is := bit[edge.Node]; is {
					upstream[i][b/64] |= 1 << (b % 64)
				}
			}
		}
		for b, source := range batch {
			for _, pair := range bySource[source] {
				answers[pair] = upstream[pairs[pair].from][b/64]&(1<<(b%64)) != 0
			}
		}
	}
	return answers
}

// countReaders notes who reads which output, so that a run can let go of those that nobody will read again.
func (g *Graph) countReaders(found *refs) {
	for i := range g.Nodes {
		for _, edge := range g.Nodes[i].In {
			found.add(int32(i), located{ref: ref{to: edge.Node}})
		}
	}
	for _, l := range found.list {
		switch {
		case l.from == outputReader || g.Nodes[l.from].Doc.Finally:
			g.Nodes[l.to].Kept = true
		default:
			reader := &g.Nodes[l.from]
			reader.Reads = append(reader.Reads, l.to)
			g.Nodes[l.to].Readers++
		}
	}
	if g.Output != nil {
		return
	}
	for _, terminal := range g.Terminals {
		g.Nodes[terminal].Kept = true
	}
}
