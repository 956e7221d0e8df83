package engine

import (
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/nodes"
)

// maxRepeated is the size in bytes of an output up to which it is recorded though it stands elsewhere, for people to
// read. What is passed on through joins doubles each time: written out it would fill any disk.
const maxRepeated = 8 << 10

// isLarge reports whether an output is so large that it matters how often it is written and read.
func isLarge(ports flowforge.Ports) bool {
	return slices.ContainsFunc(ports, func(out flowforge.PortValue) bool { return out.Value.Size() > maxRepeated })
}

// shorten leaves out of a record what stands elsewhere: what a node passes on of its input, and what a loop gathered
// of its elements.
func (r *run) shorten(a *activity, record *flowforge.NodeRun) {
	if !isLarge(record.Output) {
		return
	}
	output := slices.Clone(record.Output)
	if g := a.frame.gathers[a.ref.Node]; g != nil && a.ref.Element == dag.NoElement {
		if a.node.Loop == nodes.LoopRepeat {
			return
		}
		g.recorded, record.Gathered = true, true
		for i := range output {
			output[i].Value = flowforge.Value{}
		}
		record.Output = output
		return
	}
	for i := range output {
		if output[i].Value.Size() > maxRepeated && output[i].Value.Same(a.input) {
			output[i].Value = flowforge.Value{}
			record.Passed = append(record.Passed, output[i].Port)
		}
	}
	if record.Passed == nil {
		return
	}
	record.Output = output
	for _, edge := range a.node.In {
		a.frame.results[edge.Node].sourced = true
	}
}

// lengthen puts into an activity's output what its record left out.
func (r *run) lengthen(a *activity, record *flowforge.NodeRun) {
	if g := a.frame.gathers[a.ref.Node]; record.Gathered && g != nil {
		g.recorded = true
		a.ports, _ = g.gathered(a.node)
		return
	}
	if record.Passed == nil {
		return
	}
	input, err := r.inputUnder(a)
	if err != nil {
		return // it was emitted once, so that this cannot be
	}
	a.input = input
	a.ports = slices.Clone(a.ports)
	for i := range a.ports {
		if slices.Contains(record.Passed, a.ports[i].Port) {
			a.ports[i].Value = input
		}
	}
	for _, edge := range a.node.In {
		a.frame.results[edge.Node].sourced = true
	}
}
