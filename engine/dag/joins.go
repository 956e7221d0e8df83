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
			c.warning("unreachable", at, "%q can never run: what it waits for is never delivered", n.Doc.ID)
			continue
		}
		if len(n.In) > 1 && n.Join != flowforge.JoinAll {
			continue // one delivery is enough, whichever
		}
		for _, edge := range n.In {
			taken := behind[edge.Node]
			if g.Nodes[edge.Node].picksOne() {
				taken = append(slices.Clone(taken), branch{edge.Node, edge.Port})
			}
			for _, b := range taken {
				if other, clash := clashing(behind[i], b); clash {
					source := &g.Nodes[b.node]
					c.problem("join_never", at+"/join", "%q waits for both %q and %q of %q, of which only one is ever taken: use join: settled or first",
						n.Doc.ID, source.port(other.port), source.port(b.port), source.Doc.ID)
					dead[i] = true
				} else if len(behind[i]) < maxBranches && !slices.Contains(behind[i], b) {
					behind[i] = append(behind[i], b)
				}
			}
		}
	}
}

func clashing(branches []branch, b branch) (branch, bool) {
	for _, other := range branches {
		if other.node == b.node && other.port != b.port {
			return other, true
		}
	}
	return branch{}, false
}

// picksOne reports whether the node emits on one of its ports only.
func (n *Node) picksOne() bool {
	if n.Type == nil || n.Doc.Disabled || n.Each != nil {
		return false
	}
	return n.Type.Spec.PicksOne || (n.OnError == flowforge.OnErrorRoute && len(n.Ports) == 2)
}

// mayEmit reports whether a connection's source can ever emit on its port.
func (g *Graph) mayEmit(edge Edge) bool {
	source := &g.Nodes[edge.Node]
	return !source.Doc.Disabled || source.port(edge.Port) == flowforge.PortOut
}
