package engine

import (
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
)

// Partial gives the part of a document that a test of one node needs: the node, and those before it. Pins are outputs that
// nodes give instead of being run; with alone nothing but the node itself may run, so that all before it need one, here or
// in the document. What would happen beside it (on_failure, limits on runs, finally nodes elsewhere) is left out.
func Partial(
	document *flowforge.Workflow, node flowforge.NodeID, pins map[flowforge.NodeID]flowforge.Value, alone bool,
) (*flowforge.Workflow, error) {
	wanted := map[flowforge.NodeID]bool{node: true}
	for grown := true; grown; {
		grown = false
		for _, c := range document.Connections {
			if wanted[c.To.Node] && !wanted[c.From.Node] {
				wanted[c.From.Node], grown = true, true
			}
		}
	}
	part := *document
	part.Settings = flowforge.Settings{
		Timeout: document.Settings.Timeout, MaxParallel: document.Settings.MaxParallel, Pool: document.Settings.Pool,
	}
	part.Output = flowforge.Value{}
	part.Nodes, part.Connections = nil, nil
	var unpinned []string
	for _, n := range document.Nodes {
		if !wanted[n.ID] {
			continue
		}
		if pin, ok := pins[n.ID]; ok {
			n.Pinned = &pin
		}
		if alone && n.ID == node {
			n.Pinned = nil
		} else if alone && n.Pinned == nil {
			unpinned = append(unpinned, string(n.ID))
		}
		part.Nodes = append(part.Nodes, n)
	}
	switch {
	case !slices.ContainsFunc(part.Nodes, func(n flowforge.Node) bool { return n.ID == node }):
		return nil, flowforge.Errorf(flowforge.CodeNotFound, "the document has no such node")
	case len(unpinned) > 0:
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput,
			"to run the node alone, say what these give: %s", strings.Join(unpinned, ", "))
	}
	for _, c := range document.Connections {
		if wanted[c.From.Node] && wanted[c.To.Node] && c.From.Node != node {
			part.Connections = append(part.Connections, c)
		}
	}
	return &part, nil
}
