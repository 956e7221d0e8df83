package memory

import (
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// nodes is the node runs of a run, in the order they were first recorded.
type nodes struct {
	records pages[nodeRecord]
	index   map[store.NodeKey]int32    // nil while there are few
	latest  map[flowforge.NodeID]int32 // of the elements of each node, the number of the latest; the first is 1
}

// manyNodes is how many node runs are searched one by one before an index is made.
const manyNodes = 16

// A nodeRecord is a node run in half the memory, since a run may have a million elements: what succeeded at the
// first attempt, as nearly all do, needs no more than this; any other is whole.
type nodeRecord struct {
	key      store.NodeKey
	output   flowforge.Ports
	started  int64 // in nanoseconds since 1970
	finished int64
	before   int32 // the number of the element of the same node before this one; 0: none
	dropped  bool  // going on does not read its output
	whole    *flowforge.NodeRun
}

// find gives the record of a node run, or nil.
func (n *nodes) find(key store.NodeKey, steps *int) *nodeRecord {
	if n.index != nil {
		*steps++
		if i, ok := n.index[key]; ok {
			return n.records.at(int(i))
		}
		return nil
	}
	for i := range n.records.len() {
		*steps++
		if record := n.records.at(i); record.key == key {
			return record
		}
	}
	return nil
}

// drop takes note that going on does not read an output, or those of all elements of a node.
func (n *nodes) drop(key store.NodeKey, steps *int) {
	if key.Element != store.AllElements {
		if record := n.find(key, steps); record != nil {
			record.dropped = true
		}
		return
	}
	for number := n.latest[key.Node]; number != 0; {
		*steps++
		record := n.records.at(int(number) - 1)
		record.dropped = true
		number = record.before
	}
}

// set records a node run; a terminal one that is there stays as it is.
func (n *nodes) set(run *flowforge.NodeRun, steps *int) {
	key := store.NodeKey{Node: run.Node, Element: run.Element}
	record := n.find(key, steps)
	switch {
	case record == nil:
		n.add(pack(key, run))
	case !record.status().Terminal():
		before := record.before
		*record = pack(key, run)
		record.before = before
	}
}

func (n *nodes) add(record nodeRecord) {
	if record.key.Element != "" {
		if n.latest == nil {
			n.latest = map[flowforge.NodeID]int32{}
		}
		record.before = n.latest[record.key.Node]
		n.latest[record.key.Node] = int32(n.records.len() + 1) //nolint:gosec // Memory ends long before 2^31 records.
	}
	n.records.add(record)
	n.reindex(record.key)
}

// reindex takes note of the record that was added last.
func (n *nodes) reindex(key store.NodeKey) {
	count := n.records.len()
	if n.index != nil {
		n.index[key] = int32(count - 1) //nolint:gosec // Memory ends long before 2^31 records.
		return
	}
	if count <= manyNodes {
		return
	}
	n.index = make(map[store.NodeKey]int32, 2*count)
	for i := range count {
		n.index[n.records.at(i).key] = int32(i)
	}
}

// slice gives a part of the node runs.
func (n *nodes) slice(from, to int) []flowforge.NodeRun {
	if from >= to {
		return nil
	}
	runs := make([]flowforge.NodeRun, 0, to-from)
	for i := from; i < to; i++ {
		runs = append(runs, n.records.at(i).unpack())
	}
	return runs
}

// needed gives all node runs as going on needs them.
func (n *nodes) needed() []flowforge.NodeRun {
	runs := n.slice(0, n.records.len())
	for i := range runs {
		if !n.records.at(i).dropped {
			continue
		}
		ports := slices.Clone(runs[i].Output)
		for j := range ports {
			ports[j].Value = flowforge.Value{}
		}
		runs[i].Output = ports
	}
	return runs
}

func pack(key store.NodeKey, run *flowforge.NodeRun) nodeRecord {
	plain := run.Status == flowforge.NodeSucceeded && run.Reason == "" && run.Attempts == 1 && run.Lost == 0 &&
		!run.Copied && run.Error == nil && run.Passed == nil && !run.Gathered && !run.StartedAt.IsZero() && !run.FinishedAt.IsZero()
	if !plain {
		whole := *run
		return nodeRecord{key: key, whole: &whole}
	}
	return nodeRecord{
		key: key, output: run.Output,
		started: run.StartedAt.UnixNano(), finished: run.FinishedAt.UnixNano(),
	}
}

func (r *nodeRecord) unpack() flowforge.NodeRun {
	if r.whole != nil {
		return *r.whole
	}
	return flowforge.NodeRun{
		Node: r.key.Node, Element: r.key.Element, Status: flowforge.NodeSucceeded, Attempts: 1, Output: r.output,
		StartedAt: time.Unix(0, r.started).UTC(), FinishedAt: time.Unix(0, r.finished).UTC(),
	}
}

func (r *nodeRecord) status() flowforge.NodeStatus {
	if r.whole != nil {
		return r.whole.Status
	}
	return flowforge.NodeSucceeded
}

// records reports whether a node run is the very result that is recorded, sent again.
func (r *nodeRecord) records(run *flowforge.NodeRun) bool {
	kept := r.unpack()
	return kept.Status == run.Status && kept.Attempts == run.Attempts &&
		kept.FinishedAt.Truncate(time.Microsecond).Equal(run.FinishedAt.Truncate(time.Microsecond))
}
