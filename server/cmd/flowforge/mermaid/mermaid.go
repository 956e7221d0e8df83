// Package mermaid draws compiled workflows as flowcharts in the language of https://mermaid.js.org.
package mermaid

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// Write writes a compiled workflow as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html).
// Bodies of loops are subgraphs, connections from error ports are dotted, finally nodes have round ends.
func Write(w io.Writer, workflow *dag.Workflow) error {
	out := bufio.NewWriter(w)
	_, _ = out.WriteString("flowchart TD\n")
	drawGraph(out, workflow.Graph, "  ")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the flowchart: %w", err)
	}
	return nil
}

// Nodes are called n_id and bodies b_id, so that none is called like a word of Mermaid, such as "end".

func drawGraph(out *bufio.Writer, graph *dag.Graph, indent string) {
	for i := range graph.Nodes {
		node := &graph.Nodes[i]
		from, to := `["`, `"]`
		switch {
		case node.Doc.Finally:
			from, to = `(["`, `"])`
		case len(node.Ports) > 1 && node.Type.Spec.PicksOne:
			from, to = `{"`, `"}`
		}
		_, _ = fmt.Fprintf(out, "%sn_%s%s%s%s\n", indent, node.Doc.ID, from, caption(node), to)
		if node.Body != nil {
			_, _ = fmt.Fprintf(out, "%ssubgraph b_%s [\"%s\"]\n", indent, node.Doc.ID, escape("body of "+string(node.Doc.ID)))
			drawGraph(out, node.Body, indent+"  ")
			_, _ = fmt.Fprintf(out, "%send\n%sn_%s --- b_%s\n", indent, indent, node.Doc.ID, node.Doc.ID)
		}
	}
	for i := range graph.Nodes {
		node := &graph.Nodes[i]
		for _, edge := range node.In {
			source := &graph.Nodes[edge.Node]
			_, _ = fmt.Fprintf(out, "%sn_%s %s n_%s\n", indent, source.Doc.ID, arrow(source.Ports[edge.Port]), node.Doc.ID)
		}
	}
}

func arrow(port flowforge.Port) string {
	switch port {
	case flowforge.PortOut:
		return "-->"
	case flowforge.PortError:
		return "-. error .->"
	default:
		return `-->|"` + escape(string(port)) + `"|`
	}
}

// caption says what a node is.
func caption(node *dag.Node) string {
	name := node.Doc.Name
	if name == "" {
		name = string(node.Doc.ID)
	}
	lines := []string{escape(human.Shorten(human.Line(name), maxCaption)), escape(node.Doc.Type)}
	switch {
	case !node.Doc.Each.IsNull():
		lines = append(lines, "for each element")
	case node.Doc.Disabled:
		lines = append(lines, "disabled")
	}
	if len(node.In) > 1 && node.Join != flowforge.JoinSettled {
		lines = append(lines, "join: "+string(node.Join))
	}
	return strings.Join(lines, "<br/>")
}

const maxCaption = 60

// escape writes what would end a Mermaid text, or be taken for HTML, as entities.
func escape(text string) string {
	return strings.NewReplacer("#", "#35;", "&", "#38;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "`", "#96;").Replace(text)
}
