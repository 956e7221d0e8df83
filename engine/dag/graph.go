// Package dag is the pure heart of the engine. Compile turns a workflow document into a Graph, telling every
// problem at once; State plans a run of it: it takes events and answers with actions, in time linear in the
// graph over a whole run. It does no I/O, reads no clock and starts no goroutine.
package dag

import (
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
)

// Workflow is a compiled document. It is immutable and may be shared by any number of runs.
type Workflow struct {
	Document    *flowforge.Workflow
	Graph       *Graph
	InputSchema *nodes.Schema // nil: any input
	NodeTypes   []string      // what a worker must have to run it: "core.set@1", sorted
	NodeCount   int           // nested ones included
	ReadsVars   bool          // some expression reads `vars`
	Flow        *Flow         // nil: nothing but workers keeps its runs from beginning
}

// Graph is a compiled graph: the document's own, or the body of a loop.
type Graph struct {
	Nodes     []Node
	Roots     []int32 // nodes without incoming connections, finally nodes aside
	Finals    []int32 // the finally nodes
	Terminals []int32 // nodes without outgoing connections, finally nodes aside
	Output    *expr.Template
	FailFast  bool

	Parent *Graph // the graph that the loop of this body is in; nil: the document's own
	Loop   int32  // the loop's node in Parent

	byID  map[flowforge.NodeID]int32
	outer []located // references of the body to the graph around it, while compiling
}

// Node is a compiled node. Ports and nodes are numbered by their index.
type Node struct {
	Doc    *flowforge.Node
	Type   *nodes.Type
	Params *expr.Template           // templates the engine resolves before each attempt; nil: no parameters
	Lambda map[string]*expr.Program // expressions the node evaluates itself, by their source
	Each   *expr.Template           // gives the list of elements of an each or a foreach
	Until  *expr.Program            // ends a repeat; nil: it ends after its maximum
	Max    *expr.Template           // bounds a repeat
	Body   *Graph                   // of a foreach or a repeat

	Loop     nodes.Loop // "" with Each set: an each
	Parallel int32      // elements at a time, unless Width says; of a repeat 1
	Width    *expr.Template
	Join     flowforge.Join
	OnError  flowforge.OnError
	Retry    *flowforge.RetryPolicy // the document's, or else the type's
	Pure     bool                   // may be run again instead of recorded
	Handler  bool                   // reached through error ports only

	Ports []flowforge.Port // what it may emit on; "error" last where errors are routed
	In    []Edge           // incoming connections, in document order
	Out   []Edge           // outgoing connections to nodes that are not finally nodes

	Reads       []int32 // nodes whose outputs this one may read
	Readers     int32   // how many nodes may read its output
	Kept        bool    // its output is read when the graph ends
	ownError    bool    // it emits on "error" itself, too
	conditional []int32 // of Reads those that hold only if the winners of first joins lead there, sorted
}

// Edge is a compiled connection, seen from one of its ends.
type Edge struct {
	Node int32  // the other end
	Port int32  // of the source
	Slot int32  // index in In of the target
	Key  string // under which a target with several connections finds the value
}

// IsLoop reports whether the node runs once for each of a number of elements.
func (n *Node) IsLoop() bool { return (n.Each != nil || n.Loop != "") && !n.Doc.Disabled }

// Port gives the index of a port, or -1.
func (n *Node) Port(name flowforge.Port) int32 {
	for i, port := range n.Ports {
		if port == name {
			return int32(i)
		}
	}
	return -1
}

// Find gives the index of a node of this graph.
func (g *Graph) Find(id flowforge.NodeID) (int32, bool) {
	i, found := g.byID[id]
	return i, found
}

// ref is a reference of a node's templates to another node of the same graph.
type ref struct{ from, to int32 }

// Conditional reports whether node's references to another hold only if the winners of first joins lead
// there: it must then be asked of Reaches.
func (g *Graph) Conditional(node, to int32) bool {
	_, is := slices.BinarySearch(g.Nodes[node].conditional, to)
	return is
}

// count gives the length of a list of nodes or connections.
func count[T any](list []T) int32 {
	return int32(len(list)) //nolint:gosec // Documents hold fewer: Limits.
}

// LoopDeterministic reports whether finding out what a loop runs over gives the same each time.
func (n *Node) LoopDeterministic() bool {
	for _, template := range []*expr.Template{n.Each, n.Max, n.Width} {
		if template != nil && !template.Deterministic() {
			return false
		}
	}
	return true
}

// choosesFirst reports whether only one of several incoming connections starts the node.
func (n *Node) choosesFirst() bool { return n.Join == flowforge.JoinFirst && len(n.In) > 1 }

// Following marks all nodes that follow on some: those their connections lead to, and the finally nodes.
func (g *Graph) Following(from []int32, marks []bool) {
	stack := slices.Clone(from)
	if len(stack) == 0 {
		return
	}
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, edge := range g.Nodes[at].Out {
			if !marks[edge.Node] {
				marks[edge.Node] = true
				stack = append(stack, edge.Node)
			}
		}
	}
	for _, final := range g.Finals {
		marks[final] = true
	}
}

// Inside finds a node of this graph or of the bodies in it: the node of this graph that it is or is inside of, and
// the node itself; nil where there is none.
func (g *Graph) Inside(id flowforge.NodeID) (top int32, node *Node) {
	if i, here := g.byID[id]; here {
		return i, &g.Nodes[i]
	}
	for i := range g.Nodes {
		if g.Nodes[i].Body == nil {
			continue
		}
		if _, node := g.Nodes[i].Body.Inside(id); node != nil {
			return int32(i), node
		}
	}
	return -1, nil
}
