package storetest

import (
	"slices"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

func nodeCases() []testCase {
	return []testCase{
		{"a node run is kept as it was given", keptWhole},
		{"a node run changes until it has its result, and keeps its place", func(k *kit) {
			o := k.start(k.newRun())
			for _, status := range []flowforge.NodeStatus{
				flowforge.NodeRunning, flowforge.NodeRetrying, flowforge.NodeWaiting, flowforge.NodeInDoubt, flowforge.NodeSucceeded,
			} {
				step := o.next(flowforge.EventNodeWaiting)
				step.Nodes = []flowforge.NodeRun{{Node: "a", Status: status}, {Node: "b", Status: flowforge.NodeRunning}}
				k.commit(step)
				nodes := k.nodes(o.lease.Run)
				require.Len(k, nodes, 2)
				require.Equal(k, flowforge.NodeID("a"), nodes[0].Node)
				require.Equal(k, status, nodes[0].Status)
			}
		}},
		{"a recorded result never changes", resultStays},
		{"a recorded result sent again is no other one", func(k *kit) {
			o := k.start(k.newRun())
			step := o.next(flowforge.EventNodeSucceeded)
			step.Nodes = []flowforge.NodeRun{result("a", flowforge.NodeSucceeded, k.Now())}
			k.commit(step)
			again := o.next()
			again.Nodes = []flowforge.NodeRun{step.Nodes[0]}
			again.Nodes[0].Output = flowforge.Out(flowforge.MustValue("changed"))
			k.commit(again)
			require.Equal(k, text(k, step.Nodes), text(k, k.nodes(o.lease.Run)), "the first is kept")
		}},
	}
}

func elementCases() []testCase {
	return []testCase{
		{"elements of a node are node runs of their own", func(k *kit) {
			o := k.start(k.newRun())
			step := o.next(flowforge.EventNodeElements)
			for _, element := range []string{"", "0", "1", "0/1", "01"} {
				step.Nodes = append(step.Nodes, flowforge.NodeRun{Node: "a", Element: element, Status: flowforge.NodeSucceeded})
			}
			k.commit(step)
			require.Equal(k, text(k, step.Nodes), text(k, k.nodes(o.lease.Run)))
		}},
		{"a run may have many node runs, each found again", manyNodes},
	}
}

func droppedCases() []testCase {
	return []testCase{
		{"of a dropped output who claims the run gets the ports, with null values", func(k *kit) {
			o := k.start(k.newRun())
			step := o.next(flowforge.EventNodeSucceeded)
			step.Nodes = []flowforge.NodeRun{
				result("a", flowforge.NodeSucceeded, k.Now()), result("b", flowforge.NodeSucceeded, k.Now()),
				result("c", flowforge.NodeFailed, k.Now()), result("d", flowforge.NodeSucceeded, k.Now()),
			}
			step.Nodes[0].Output = flowforge.Ports{{Port: "x", Value: flowforge.MustValue(1)}, {Port: "y", Value: flowforge.MustValue("two")}}
			step.Nodes[2].Output, step.Nodes[3].Attempts = flowforge.On(flowforge.PortError, flowforge.MustValue("why")), 2
			drop := o.next()
			drop.Dropped = []store.NodeKey{{Node: "a"}, {Node: "c"}, {Node: "d"}, {Node: "b", Element: "7"}, {Node: "unknown"}}
			k.commit(step, drop, drop)
			want := slices.Clone(step.Nodes)
			want[0].Output = flowforge.Ports{{Port: "x"}, {Port: "y"}}
			want[2].Output, want[3].Output = flowforge.On(flowforge.PortError, flowforge.Value{}), flowforge.Out(flowforge.Value{})
			k.claimsNodes(o, want, step.Nodes)
		}},
		{"what is dropped with the transition that records it is dropped as well", func(k *kit) {
			o := k.start(k.newRun())
			step := o.next(flowforge.EventNodeSucceeded)
			step.Nodes = []flowforge.NodeRun{result("a", flowforge.NodeSucceeded, k.Now())}
			step.Dropped = []store.NodeKey{{Node: "a"}}
			k.commit(step)
			want := slices.Clone(step.Nodes)
			want[0].Output = flowforge.Out(flowforge.Value{})
			k.claimsNodes(o, want, step.Nodes)
		}},
	}
}

func droppedElementCases() []testCase {
	return []testCase{
		{"dropping all elements of a node leaves the node itself and other nodes", func(k *kit) {
			o := k.start(k.newRun())
			step := o.next(flowforge.EventNodeElements)
			kept := map[store.NodeKey]bool{{Node: "a"}: true, {Node: "b", Element: "0"}: true}
			want := make([]flowforge.NodeRun, 0, 5)
			for _, key := range []store.NodeKey{
				{Node: "a", Element: "0"}, {Node: "a"}, {Node: "b", Element: "0"}, {Node: "a", Element: "1/7"}, {Node: "a", Element: "2"},
			} {
				node := result(key.Node, flowforge.NodeSucceeded, k.Now())
				node.Element = key.Element
				step.Nodes = append(step.Nodes, node)
				if !kept[key] {
					node.Output = flowforge.Out(flowforge.Value{})
				}
				want = append(want, node)
			}
			drop := o.next()
			drop.Dropped = []store.NodeKey{{Node: "a", Element: store.AllElements}, {Node: "c", Element: store.AllElements}}
			k.commit(step, drop)
			k.claimsNodes(o, want, step.Nodes)
		}},
		{"a dropped result sent again is no other one, and stays dropped", func(k *kit) {
			o := k.start(k.newRun())
			step := o.next(flowforge.EventNodeSucceeded)
			step.Nodes = []flowforge.NodeRun{result("a", flowforge.NodeSucceeded, k.Now())}
			drop, again := o.next(), o.next()
			drop.Dropped = []store.NodeKey{{Node: "a"}}
			again.Nodes = step.Nodes
			k.commit(step, drop, again)
			want := slices.Clone(step.Nodes)
			want[0].Output = flowforge.Out(flowforge.Value{})
			k.claimsNodes(o, want, step.Nodes)
		}},
	}
}

// claimsNodes gives a run back, and checks what node runs the next owner gets and what stays in the history.
func (k *kit) claimsNodes(o *owned, claim, history []flowforge.NodeRun) {
	k.Helper()
	require.Equal(k, text(k, history), text(k, k.nodes(o.lease.Run)))
	require.NoError(k, k.Store.Release(k.ctx, []store.Lease{o.lease}))
	claimed := k.claim(long)
	require.Len(k, claimed, 1)
	require.Equal(k, text(k, claim), text(k, claimed[0].Nodes))
	require.Equal(k, text(k, history), text(k, k.nodes(o.lease.Run)), "the history reads dropped outputs, too")
}

func keptWhole(k *kit) {
	o := k.start(k.newRun())
	at := k.Now().UTC().Truncate(time.Microsecond)
	step := o.next(flowforge.EventNodeFailed)
	step.Nodes = []flowforge.NodeRun{
		{
			Node: "a", Element: "1/2", Status: flowforge.NodeFailed, Reason: flowforge.ReasonFailFast, Attempts: 3, Lost: 1,
			Copied: true, StartedAt: at, FinishedAt: at.Add(time.Second),
			Output: flowforge.On(flowforge.PortError, flowforge.MustValue("x")),
			Error:  &flowforge.Failure{Code: "timeout", Message: "late", Details: flowforge.MustValue(1)},
		},
		{
			Node: "b", Status: flowforge.NodeSucceeded, Attempts: 1, StartedAt: at, FinishedAt: at,
			Output: flowforge.Ports{{Port: "x", Value: flowforge.MustValue(1)}, {Port: "a", Value: flowforge.MustValue(nil)}},
		},
		{Node: "c", Status: flowforge.NodeSkipped, Reason: flowforge.ReasonNoInput},
		{Node: "d", Status: flowforge.NodeSucceeded, Attempts: 1, FinishedAt: at},
		{Node: "e", Status: flowforge.NodeSucceeded, Attempts: 2, StartedAt: at, FinishedAt: at},
	}
	plain := result("plain", flowforge.NodeSucceeded, at)
	for i, change := range []func(n *flowforge.NodeRun){
		func(n *flowforge.NodeRun) { n.Reason = flowforge.ReasonPinned },
		func(n *flowforge.NodeRun) { n.Lost = 1 },
		func(n *flowforge.NodeRun) { n.Copied = true },
		func(n *flowforge.NodeRun) { n.Error = &flowforge.Failure{Code: "timeout"} },
		func(n *flowforge.NodeRun) { n.FinishedAt = time.Time{} },
		func(*flowforge.NodeRun) {},
	} {
		node := plain
		node.Element = strconv.Itoa(i)
		change(&node)
		step.Nodes = append(step.Nodes, node)
	}
	k.commit(step)
	require.Equal(k, text(k, step.Nodes), text(k, k.nodes(o.lease.Run)))
}

func result(node flowforge.NodeID, status flowforge.NodeStatus, at time.Time) flowforge.NodeRun {
	return flowforge.NodeRun{
		Node: node, Status: status, Attempts: 1, StartedAt: at, FinishedAt: at,
		Output: flowforge.Out(flowforge.MustValue(string(node))),
	}
}

func resultStays(k *kit) {
	o := k.start(k.newRun())
	at := k.Now()
	step := o.next(flowforge.EventRunStarted)
	ends := []flowforge.NodeStatus{
		flowforge.NodeSucceeded, flowforge.NodeFailed, flowforge.NodeSkipped, flowforge.NodeCanceled,
	}
	for _, status := range ends {
		step.Nodes = append(step.Nodes, result(flowforge.NodeID("node_"+status), status, at))
	}
	k.commit(step)
	seq := o.seq
	for _, recorded := range step.Nodes {
		for _, status := range append([]flowforge.NodeStatus{flowforge.NodeRunning, flowforge.NodeRetrying}, ends...) {
			o.seq = seq
			second := o.next(flowforge.EventNodeSucceeded)
			second.Nodes = []flowforge.NodeRun{
				result("fresh", flowforge.NodeSucceeded, at), result(recorded.Node, status, at.Add(time.Second)),
			}
			k.refuse(flowforge.CodeConflict, second)
		}
	}
	o.seq = seq
	end := o.end(flowforge.RunFailed)
	end.Nodes = []flowforge.NodeRun{result(step.Nodes[0].Node, flowforge.NodeFailed, at)}
	k.refuse(flowforge.CodeConflict, end)
}

func manyNodes(k *kit) {
	o := k.start(k.newRun())
	const many = 700
	batch := make([]store.Transition, 0, many)
	for i := range many {
		step := o.next()
		step.Nodes = []flowforge.NodeRun{{Node: "a", Element: strconv.Itoa(i), Status: flowforge.NodeRunning}}
		batch = append(batch, step)
	}
	k.commit(batch...)
	last := o.next()
	for i := range many {
		last.Nodes = append(last.Nodes, flowforge.NodeRun{Node: "a", Element: strconv.Itoa(i), Status: flowforge.NodeSucceeded})
	}
	k.commit(last)
	nodes := k.nodes(o.lease.Run)
	require.Len(k, nodes, many)
	for i, node := range nodes {
		require.Equal(k, strconv.Itoa(i), node.Element)
		require.Equal(k, flowforge.NodeSucceeded, node.Status)
	}
	require.NoError(k, k.Store.Release(k.ctx, []store.Lease{o.lease}))
	claimed := k.claim(long)
	require.Len(k, claimed, 1)
	require.Equal(k, text(k, nodes), text(k, claimed[0].Nodes))
}
