package dag

import (
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
)

// outputReader stands for the template of a graph's output among the readers of nodes.
const outputReader int32 = -1

// refs are the references of one graph's templates to its own nodes, those of each reader together.
type refs struct {
	list  []located
	known *marks // what the newest reader is known to read
}

type located struct {
	ref
	pointer string
}

func newRefs(nodes int) *refs { return &refs{known: newMarks(nodes)} }

// add notes a reference, once for each reader.
func (r *refs) add(from int32, l located) {
	l.from = from
	if len(r.list) == 0 || r.list[len(r.list)-1].from != from {
		r.known.clear()
	}
	if r.known.set(l.to) {
		r.list = append(r.list, l)
	}
}

// marks is a set of nodes that is cleared without touching each.
type marks struct {
	of  []int32
	now int32
}

func newMarks(nodes int) *marks { return &marks{of: make([]int32, nodes), now: 1} }

func (m *marks) clear() { m.now++ }

func (m *marks) has(i int32) bool { return m.of[i] == m.now }

// set adds a node and reports whether it is new.
func (m *marks) set(i int32) bool {
	isNew := m.of[i] != m.now
	m.of[i] = m.now
	return isNew
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
	// It may be declared in a loop that is not compiled yet.
	if len(c.unread) < maxProblems {
		c.unread = append(c.unread, unread{g, reference})
	}
}

// outerRefs gives the references of a body, and of those within it, to nodes of the graph around it.
func (g *Graph) outerRefs() []located {
	outer := g.outer
	g.outer = nil
	return outer
}

// checkRefs tells the references to nodes that are not upstream of their reader, and marks those that depend
// on the winners of first joins.
func (c *compiler) checkRefs(g *Graph, order []int32, found []located) {
	var pairs []located
	for _, l := range found {
		read := &g.Nodes[l.to]
		switch {
		case read.Doc.Finally:
			c.problemf("not_upstream", l.pointer, "%q cannot be read here: it is a finally node, which run last and side by side", read.Doc.ID)
		case l.from != outputReader && !g.Nodes[l.from].Doc.Finally:
			pairs = append(pairs, l)
		}
	}
	known := g.upstream(order, pairs, func(*Node) bool { return true })
	for i, l := range pairs {
		if known[i] {
			continue
		}
		reader, read := g.Nodes[l.from].Doc.ID, g.Nodes[l.to].Doc.ID
		if reader == read {
			c.problemf("not_upstream", l.pointer, "%q cannot read its own output, and neither can a body of it", reader)
			continue
		}
		c.problemf("not_upstream", l.pointer,
			"%q is not upstream of %q, so it may not have run: connect it, directly or through others", read, reader)
	}
	if !slices.ContainsFunc(g.Nodes, func(n Node) bool { return n.choosesFirst() }) {
		return
	}
	firm := g.upstream(order, pairs, func(n *Node) bool { return !n.choosesFirst() })
	for i, l := range pairs {
		if known[i] && !firm[i] {
			reader := &g.Nodes[l.from]
			reader.conditional = append(reader.conditional, l.to)
		}
	}
	for i := range g.Nodes {
		slices.Sort(g.Nodes[i].conditional)
	}
}

// countReaders notes who reads which output, so that a run can let go of those that nobody will read again.
func (g *Graph) countReaders(found *refs) {
	rest := found.list
	for i := range g.Nodes {
		n := &g.Nodes[i]
		found.known.clear()
		var reads []int32
		for ; len(rest) > 0 && rest[0].from == int32(i); rest = rest[1:] {
			found.known.set(rest[0].to)
			reads = append(reads, rest[0].to)
		}
		for _, edge := range n.In {
			if found.known.set(edge.Node) {
				reads = append(reads, edge.Node)
			}
		}
		if !n.Doc.Finally {
			n.Reads = reads
		}
		for _, read := range reads {
			g.Nodes[read].Kept = g.Nodes[read].Kept || n.Doc.Finally
			if !n.Doc.Finally {
				g.Nodes[read].Readers++
			}
		}
	}
	for _, l := range rest {
		g.Nodes[l.to].Kept = true // by the output
	}
	if g.Output != nil {
		return
	}
	for _, terminal := range g.Terminals {
		g.Nodes[terminal].Kept = true
	}
}
