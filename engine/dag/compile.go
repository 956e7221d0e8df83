package dag

import (
	"slices"
	"strconv"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
	"github.com/flowforge-go/flowforge/nodes"
)

// Limits bound what Compile accepts.
type Limits struct {
	Nodes       int // 0: 1,000,000
	Connections int // 0: 5,000,000
}

// maxNesting bounds how deep loops may be nested.
const maxNesting = 16

// Compile checks a document and makes it ready to be planned. It tells every problem it finds; the workflow
// is nil if one of them is more than a warning.
func Compile(document *flowforge.Workflow, types *nodes.Registry, limits Limits) (*Workflow, flowforge.Problems) {
	c := &compiler{
		types:    types,
		limits:   limits,
		exprs:    expr.NewCompiler(),
		schemas:  make(map[*nodes.Type]*nodes.Schema),
		declared: make(map[flowforge.NodeID]string),
		used:     make(map[string]bool),
	}
	if c.limits.Nodes == 0 {
		c.limits.Nodes = 1_000_000
	}
	if c.limits.Connections == 0 {
		c.limits.Connections = 5 * c.limits.Nodes
	}
	workflow := &Workflow{Document: document}
	c.checkDocument(workflow)
	workflow.Graph = c.graph(&document.Graph, place{failFast: document.Settings.StopsAtFailure()})
	c.tellUnread()
	sortProblems(c.problems)
	for name := range c.used {
		workflow.NodeTypes = append(workflow.NodeTypes, name)
	}
	slices.Sort(workflow.NodeTypes)
	workflow.NodeCount, workflow.ReadsVars = len(c.declared), c.readsVars
	if c.wrong > 0 {
		return nil, c.problems
	}
	return workflow, c.problems
}

// compiler gathers what is found on the way through a document.
type compiler struct {
	types    *nodes.Registry
	limits   Limits
	exprs    *expr.Compiler
	schemas  map[*nodes.Type]*nodes.Schema
	declared map[flowforge.NodeID]string // where each node stands
	used     map[string]bool             // node types
	names    []string                    // of all types, for suggestions

	problems        flowforge.Problems
	wrong, warnings int // told of each
	unread          []unread
	guesses         int
	readsVars       bool
	connections     int
}

// place is where a graph stands.
type place struct {
	pointer  string // of the graph
	parent   *Graph
	loop     int32
	depth    int
	scope    expr.Scope // names its templates may use beside the usual ones
	failFast bool
}

// graph compiles one graph and the bodies in it.
func (c *compiler) graph(document *flowforge.Graph, p place) *Graph {
	g := &Graph{FailFast: p.failFast, Parent: p.parent, Loop: p.loop}
	if !c.withinLimits(document, p.pointer) {
		return g
	}
	g.Nodes = make([]Node, len(document.Nodes))
	g.byID = make(map[flowforge.NodeID]int32, len(document.Nodes))
	for i := range document.Nodes {
		c.declare(g, int32(i), &document.Nodes[i], p.pointer+"/nodes/"+strconv.Itoa(i))
	}
	c.connect(g, document.Connections, p.pointer)
	g.findEnds()
	order, acyclic := c.order(g, p.pointer)
	g.markHandlers(order)
	refs := newRefs(len(g.Nodes))
	for i := range g.Nodes {
		c.node(g, int32(i), p, refs)
	}
	g.Output = c.output(g, document, p, refs)
	if acyclic {
		c.checkRefs(g, order, refs.list)
		c.checkJoins(g, order, p.pointer)
	}
	g.countReaders(refs)
	return g
}

func (c *compiler) withinLimits(document *flowforge.Graph, pointer string) bool {
	if len(document.Nodes) == 0 {
		c.problemf("no_nodes", pointer+"/nodes", "there are no nodes: a graph needs at least one")
	}
	if total := len(c.declared) + len(document.Nodes); total > c.limits.Nodes {
		c.problemf("too_large", pointer+"/nodes", "there are %d nodes, more than the %d allowed", total, c.limits.Nodes)
		return false
	}
	if c.connections += len(document.Connections); c.connections > c.limits.Connections {
		c.problemf("too_large", pointer+"/connections", "there are %d connections, more than the %d allowed",
			c.connections, c.limits.Connections)
		return false
	}
	return true
}

// connect compiles the connections of a graph.
func (c *compiler) connect(g *Graph, connections []flowforge.Connection, pointer string) {
	type pair struct {
		from, port, to int32
	}
	seen := make(map[pair]bool, len(connections))
	for i, connection := range connections {
		at := pointer + "/connections/" + strconv.Itoa(i)
		from, fromKnown := c.end(g, connection.From, at+"/from")
		to, toKnown := c.end(g, connection.To, at+"/to")
		if !fromKnown || !toKnown {
			continue
		}
		source, target := &g.Nodes[from], &g.Nodes[to]
		if connection.To.Port != "" && connection.To.Port != flowforge.PortIn {
			c.problemf("unknown_port", at+"/to", "a node has only the input port \"in\": write %q", connection.To.Node)
			continue
		}
		port, known := c.sourcePort(source, connection.From, at+"/from")
		switch {
		case !known:
			continue
		case source.Doc.Finally:
			c.problemf("finally_feeds", at+"/from", "%q is a finally node: it runs last and feeds no other node", source.Doc.ID)
			continue
		case seen[pair{from, port, to}] && source.Type == nil:
			continue
		case seen[pair{from, port, to}]:
			c.problemf("duplicate_connection", at, "%s and %s are connected twice: remove one of them", connection.From, connection.To)
			continue
		}
		seen[pair{from, port, to}] = true
		slot := count(target.In)
		target.In = append(target.In, Edge{Node: from, Port: port, Slot: slot, Key: string(source.Doc.ID)})
		if !target.Doc.Finally {
			source.Out = append(source.Out, Edge{Node: to, Port: port, Slot: slot})
		}
	}
}

func (c *compiler) end(g *Graph, end flowforge.Endpoint, pointer string) (int32, bool) {
	i, found := g.byID[end.Node]
	if !found {
		c.problemf("unknown_node", pointer, "there is no node %q here%s", end.Node, c.nearest(g, string(end.Node)))
	}
	return i, found
}

func (c *compiler) sourcePort(source *Node, end flowforge.Endpoint, pointer string) (int32, bool) {
	if source.Type == nil {
		return 0, true // told already; its ports are not known
	}
	name := end.Port
	if name == "" {
		name = flowforge.PortOut
	}
	port := source.Port(name)
	if port >= 0 {
		return port, true
	}
	id := source.Doc.ID
	switch {
	case name == flowforge.PortError:
		c.problemf("unknown_port", pointer, "%q has the port \"error\" only with on_error: route", id)
	case len(source.Ports) == 0:
		c.problemf("unknown_port", pointer, "%q has no port %q: it emits nothing that could be connected", id, name)
	default:
		c.problemf("unknown_port", pointer, "%q has no port %q: write %s", id, name, choices(id, source.Ports))
	}
	return 0, false
}

func choices(id flowforge.NodeID, ports []flowforge.Port) string {
	const most = 20
	var text strings.Builder
	for i, port := range ports[:min(len(ports), most)] {
		switch {
		case i > 0 && i == len(ports)-1:
			text.WriteString(" or ")
		case i > 0:
			text.WriteString(", ")
		}
		text.WriteString(flowforge.Endpoint{Node: id, Port: port}.String())
	}
	if len(ports) > most {
		text.WriteString(" ...")
	}
	return text.String()
}

// nameInputs gives the connections of a node to which several ports of one source lead their longer keys.
func (g *Graph) nameInputs(n *Node) {
	times := make(map[int32]int, len(n.In))
	for _, edge := range n.In {
		times[edge.Node]++
	}
	for j := range n.In {
		if edge := &n.In[j]; times[edge.Node] > 1 {
			source := &g.Nodes[edge.Node]
			edge.Key = flowforge.Endpoint{Node: source.Doc.ID, Port: source.port(edge.Port)}.String()
		}
	}
}

// findEnds finds where the graph begins and ends.
func (g *Graph) findEnds() {
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if len(n.In) > 1 {
			g.nameInputs(n)
		}
		switch {
		case n.Doc.Finally:
			g.Finals = append(g.Finals, int32(i))
			continue
		case len(n.In) == 0:
			g.Roots = append(g.Roots, int32(i))
		}
		if len(n.Out) == 0 {
			g.Terminals = append(g.Terminals, int32(i))
		}
	}
}

// output compiles the template of a graph's output, which sees all its nodes.
func (c *compiler) output(g *Graph, document *flowforge.Graph, p place, refs *refs) *expr.Template {
	if document.Output.IsNull() {
		return nil
	}
	at := p.pointer + "/output"
	return c.template(document.Output, at, expr.Options{Scope: p.scope}, g, outputReader, refs)
}

// order sorts the nodes so that sources come before targets. Cycles are told, and what is on one or behind it
// is left out.
func (c *compiler) order(g *Graph, pointer string) (order []int32, acyclic bool) {
	open := make([]int32, len(g.Nodes))
	order = make([]int32, 0, len(g.Nodes))
	for i := range g.Nodes {
		if open[i] = count(g.Nodes[i].In); open[i] == 0 {
			order = append(order, int32(i))
		}
	}
	for next := 0; next < len(order); next++ {
		for _, edge := range g.Nodes[order[next]].Out {
			if open[edge.Node]--; open[edge.Node] == 0 {
				order = append(order, edge.Node)
			}
		}
	}
	left := func(i int32) bool { return open[i] > 0 && !g.Nodes[i].Doc.Finally }
	acyclic = !c.tellCycles(g, left, pointer)
	for _, final := range g.Finals {
		if len(g.Nodes[final].In) > 0 {
			order = append(order, final)
		}
	}
	return order, acyclic
}
