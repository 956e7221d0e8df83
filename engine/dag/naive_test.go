package dag_test

import (
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
)

// naive is a planner of graphs without loops, slow and as close to the words of the semantics as can be: after
// each event it looks at all nodes until nothing changes.
type naive struct {
	graph  *dag.Graph
	nodes  []naiveNode
	cancel flowforge.Reason // why all is being canceled
	end    flowforge.RunStatus
	ending bool // the finally nodes have begun
	failed bool
	done   flowforge.RunStatus
}

type naiveNode struct {
	status   flowforge.NodeStatus
	reason   flowforge.Reason
	stopping bool
	expired  bool
	emitted  []int32
	failures int
	lost     int
	winner   int
}

func newNaive(graph *dag.Graph) *naive {
	n := &naive{graph: graph, nodes: make([]naiveNode, len(graph.Nodes))}
	for i := range n.nodes {
		n.nodes[i] = naiveNode{status: flowforge.NodePending, winner: -1}
	}
	return n
}

func (n *naive) apply(e dag.Event) {
	if n.done != "" {
		return
	}
	switch e.Kind {
	case dag.CancelRun:
		n.end = flowforge.RunCanceled
		n.cancelAll(flowforge.ReasonRunCanceled)
	case dag.TimeOutRun:
		if n.cancel == "" && !n.ending {
			n.end = flowforge.RunTimedOut
			n.cancelAll(flowforge.ReasonRunTimedOut)
		}
	case dag.TimeOutFinally:
		if n.ending && e.At.Frame == 0 {
			n.failed = true
			n.stop(true, flowforge.ReasonRunTimedOut)
		}
	default:
		if e.At.Element == dag.NoElement && e.At.Frame == 0 && e.At.Node >= 0 && int(e.At.Node) < len(n.nodes) {
			n.applyTo(e, &n.nodes[e.At.Node], &n.graph.Nodes[e.At.Node])
		}
	}
	n.settle()
}

func (n *naive) applyTo(e dag.Event, node *naiveNode, spec *dag.Node) {
	switch {
	case node.status == flowforge.NodeRetrying && e.Kind == dag.TimerFired:
		node.status = flowforge.NodeRunning
	case e.Kind == dag.TimedOut && (node.status == flowforge.NodeRetrying || node.status == flowforge.NodeWaiting):
		node.status = flowforge.NodeFailed
	case e.Kind == dag.TimedOut && node.status == flowforge.NodeRunning && !node.stopping:
		node.stopping, node.expired = true, true
	case node.status == flowforge.NodeWaiting && e.Kind == dag.Succeeded, node.status == flowforge.NodeRunning && e.Kind == dag.Succeeded:
		node.status, node.emitted = flowforge.NodeSucceeded, e.Ports
	case node.status == flowforge.NodeWaiting && e.Kind == dag.Failed:
		n.attemptFailed(e.Code, e.Permanent, node, spec)
	case node.status == flowforge.NodeWaiting && e.Kind == dag.Lost:
		node.status = flowforge.NodeRunning
		n.attemptLost(node, spec)
	case node.status != flowforge.NodeRunning:
	case e.Kind == dag.StopRun:
		node.status = flowforge.NodeSucceeded
		if n.cancel == "" && !n.ending {
			n.skipAndStart()
			n.end = flowforge.RunSucceeded
			n.cancelAll(flowforge.ReasonRunStopped)
		}
	case e.Kind == dag.Waiting && !node.stopping:
		node.status = flowforge.NodeWaiting
	case e.Kind == dag.Waiting:
		n.attemptFailed("", true, node, spec)
	case e.Kind == dag.Failed:
		n.attemptFailed(e.Code, e.Permanent, node, spec)
	case e.Kind == dag.Canceled:
		n.attemptFailed(flowforge.CodeCanceled, e.Permanent, node, spec)
	case e.Kind == dag.Lost:
		n.attemptLost(node, spec)
	}
}

func (n *naive) attemptLost(node *naiveNode, spec *dag.Node) {
	most := spec.Retry.MaxLost
	if most == 0 {
		most = flowforge.DefaultMaxLost
	}
	if node.lost++; node.stopping || node.lost >= most {
		n.attemptFailed(flowforge.CodeWorkerLost, true, node, spec)
	}
}

func (n *naive) attemptFailed(code flowforge.Code, permanent bool, node *naiveNode, spec *dag.Node) {
	switch {
	case node.expired:
		node.status = flowforge.NodeFailed
	case node.stopping:
		node.status, node.reason = flowforge.NodeCanceled, n.cancel
	default:
		node.failures++
		node.status = flowforge.NodeFailed
		if !permanent && spec.Retry.Allows(code, node.failures) {
			node.status = flowforge.NodeRetrying
		}
	}
}

// skipAndStart goes on with all nodes that wait for their connections, until nothing changes.
func (n *naive) skipAndStart() {
	for changed := true; changed; {
		changed = false
		for i := range n.nodes {
			if node := &n.nodes[i]; node.status == flowforge.NodePending && !n.graph.Nodes[i].Doc.Finally {
				n.join(&n.graph.Nodes[i], node)
				changed = changed || node.status != flowforge.NodePending
			}
		}
	}
}

// settle finds what follows from what the nodes came to.
func (n *naive) settle() {
	n.skipAndStart()
	open := false
	for i := range n.nodes {
		if spec := &n.graph.Nodes[i]; n.nodes[i].status == flowforge.NodeFailed && spec.OnError == flowforge.OnErrorFail {
			late := n.end == flowforge.RunSucceeded && !spec.Doc.Finally
			n.failed = n.failed || !late
			if n.graph.FailFast && !spec.Doc.Finally {
				n.cancelAll(flowforge.ReasonFailFast)
			}
		}
	}
	for i := range n.nodes {
		open = open || !n.graph.Nodes[i].Doc.Finally && !n.nodes[i].status.Terminal()
	}
	if !open && !n.ending {
		n.ending = true
		n.failed = n.failed && n.end != flowforge.RunSucceeded
		for i := range n.nodes {
			if n.graph.Nodes[i].Doc.Finally {
				n.nodes[i].status = flowforge.NodeRunning
			}
		}
	}
	if n.ending && !slices.ContainsFunc(n.nodes, func(node naiveNode) bool { return !node.status.Terminal() }) {
		switch {
		case n.end == flowforge.RunCanceled || n.end == flowforge.RunTimedOut:
			n.done = n.end
		case n.failed:
			n.done = flowforge.RunFailed
		default:
			n.done = flowforge.RunSucceeded
		}
	}
}

// join decides what becomes of a node by its incoming connections.
func (n *naive) join(spec *dag.Node, node *naiveNode) {
	settled, delivered, failed := 0, 0, 0
	for slot, edge := range spec.In {
		switch n.connection(edge) {
		case "delivered":
			settled++
			delivered++
			if spec.Join == flowforge.JoinFirst && node.winner < 0 {
				node.winner = slot
			}
		case "failed":
			settled++
			failed++
		case "skipped":
			settled++
		}
	}
	all := settled == len(spec.In)
	runs := all && delivered > 0 && failed == 0
	switch spec.Join {
	case flowforge.JoinFirst:
		runs = delivered > 0
	case flowforge.JoinAll:
		runs = delivered == len(spec.In)
	case flowforge.JoinSettled:
	}
	switch {
	case runs || len(spec.In) == 0:
		node.status = flowforge.NodeRunning
	case all && failed > 0:
		node.status, node.reason = flowforge.NodeSkipped, flowforge.ReasonUpstreamFailed
	case all:
		node.status, node.reason = flowforge.NodeSkipped, flowforge.ReasonNoInput
	}
}

// connection says how a connection settled: "delivered", "skipped", "failed" or not yet "".
func (n *naive) connection(edge dag.Edge) string {
	source, spec := &n.nodes[edge.Node], &n.graph.Nodes[edge.Node]
	deliveredIf := func(yes bool) string {
		if yes {
			return "delivered"
		}
		return "skipped"
	}
	switch source.status {
	case flowforge.NodeSucceeded:
		return deliveredIf(slices.Contains(source.emitted, edge.Port))
	case flowforge.NodeSkipped:
		if source.reason == flowforge.ReasonUpstreamFailed {
			return "failed"
		}
		return "skipped"
	case flowforge.NodeFailed:
		switch spec.OnError {
		case flowforge.OnErrorContinue:
			return deliveredIf(spec.Ports[edge.Port] == flowforge.PortOut)
		case flowforge.OnErrorRoute:
			return deliveredIf(spec.Ports[edge.Port] == flowforge.PortError)
		case flowforge.OnErrorFail:
			return "failed"
		}
	default:
	}
	return ""
}

func (n *naive) cancelAll(reason flowforge.Reason) {
	if n.cancel == "" && !n.ending {
		n.stop(false, reason)
	}
}

// stop cancels all nodes, or all finally nodes.
func (n *naive) stop(finally bool, reason flowforge.Reason) {
	n.cancel = reason
	for i := range n.nodes {
		if node := &n.nodes[i]; n.graph.Nodes[i].Doc.Finally == finally && !node.status.Terminal() {
			if node.status == flowforge.NodeRunning {
				node.stopping = true
				continue
			}
			node.status, node.reason = flowforge.NodeCanceled, reason
		}
	}
}
