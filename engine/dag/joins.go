package dag

import (
	"slices"
	"strconv"

	"github.com/flowforge-go/flowforge"
)

// markHandlers marks the nodes that run only to handle an error.
func (g *Graph) markHandlers(order []int32) {
	for _, i := range order {
		n := &g.Nodes[i]
		n.Handler = len(n.In) > 0 && !slices.ContainsFunc(n.In, func(e Edge) bool {
			source := &g.Nodes[e.Node]
			return !source.Handler && source.port(e.Port) != flowforge.PortError
		})
	}
}

func (n *Node) port(i int32) flowforge.Port {
	if int(i) >= len(n.Ports) {
		return flowforge.PortOut // of an unknown type
	}
	return n.Ports[i]
}

// branch is a port that must have been taken: of a node that emits on one port only.
type branch struct{ node, port int32 }

// maxBranches bounds how many branches a node remembers to stand behind; more only finds more.
const maxBranches = 16

// checkJoins tells the nodes that can never run: joins that wait for branches of which only one is taken, and
// what hangs on nothing but ports that are never emitted.
func (c *compiler) checkJoins(g *Graph, order []int32, pointer string) {
	behind := make([][]branch, len(g.Nodes)) // the branches that must be taken for a node to run
	dead := make([]bool, len(g.Nodes))
	for _, i := range order {
		n := &g.Nodes[i]
		at := pointer + "/nodes/" + strconv.Itoa(int(i))
		if len(n.In) == 0 || n.Doc.Finally {
			continue
		}
		live := 0
		for _, edge := range n.In {
			if !dead[edge.Node] && g.mayEmit(edge) {
				live++
			}
		}
		if live == 0 || (n.Join == flowforge.JoinAll && live < len(n.In)) {
			dead[i] = true
			c.warningf("unreachable", at, "%q can never run: what it waits for is never delivered", n.Doc.ID)
			continue
		}
		if len(n.In) > 1 && n.Join != flowforge.JoinAll {
			continue // one delivery is enough, whichever
		}
		all, one, other := g.branches(n, behind)
		if behind[i] = all; one != other {
			dead[i] = true
			source := &g.Nodes[one.node]
			c.problemf("join_never", at+"/join", "%q waits for both %q and %q of %q, of which only one is ever taken: use join: settled or first",
				n.Doc.ID, source.port(one.port), source.port(other.port), source.Doc.ID)
		}
	}
}

// branches gives the branches that must all be taken for a node to run, and two that cannot both be, if there
// are such.
func (g *Graph) branches(n *Node, behind [][]branch) (all []branch, one, other branch) {
	for _, edge := range n.In {
		taken := behind[edge.Node]
		if source := &g.Nodes[edge.Node]; source.picksOne() || source.routes() {
			taken = append(slices.Clip(taken), branch{edge.Node, edge.Port})
		}
		for _, b := range taken {
			i := slices.IndexFunc(all, func(known branch) bool { return g.clash(known, b) })
			if i >= 0 {
				return all, all[i], b
			}
			if len(all) < maxBranches && !slices.Contains(all, b) {
				all = append(all, b)
			}
		}
	}
	return all, one, other
}

// clash reports whether only one of two branches can be taken.
func (g *Graph) clash(a, b branch) bool {
	if a.node != b.node || a.port == b.port {
		return false
	}
	source := &g.Nodes[a.node]
	return source.picksOne() || source.port(a.port) == flowforge.PortError || source.port(b.port) == flowforge.PortError
}

// picksOne reports whether the node emits on one of its ports only.
func (n *Node) picksOne() bool {
	return n.Type != nil && n.Type.Spec.PicksOne && !n.Doc.Disabled && n.Each == nil
}

// routes reports whether the node emits either on its port "error" or on others.
func (n *Node) routes() bool {
	return n.Type != nil && n.OnError == flowforge.OnErrorRoute && !n.Doc.Disabled && n.Each == nil && !n.ownError
}

// mayEmit reports whether a connection's source can ever emit on its port.
func (g *Graph) mayEmit(edge Edge) bool {
	source := &g.Nodes[edge.Node]
	return !source.Doc.Disabled || source.port(edge.Port) == flowforge.PortOut
}
