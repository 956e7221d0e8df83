// Package catalogue writes what is known of node types for people: all of them in a list, or one on a page.
package catalogue

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/doc"
	"github.com/flowforge-go/flowforge/nodes"
)

// Write lists types by category, a line each.
func Write(w *bytes.Buffer, specs []nodes.Spec) {
	byCategory := make(map[string][]nodes.Spec)
	for _, spec := range specs {
		byCategory[spec.Category] = append(byCategory[spec.Category], spec)
	}
	width := 0
	for _, spec := range specs {
		width = max(width, len(spec.Type))
	}
	for _, category := range slices.Sorted(maps.Keys(byCategory)) {
		fmt.Fprintf(w, "%s\n", category)
		for _, spec := range byCategory[category] {
			fmt.Fprintf(w, "  %-*s  %s\n", width, spec.Type, firstSentence(spec.Doc))
		}
	}
}

func firstSentence(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if sentence, _, more := strings.Cut(line, ". "); more {
		return sentence + "."
	}
	return line
}

// WriteSpec writes all that is known of a type.
func WriteSpec(w *bytes.Buffer, spec *nodes.Spec) {
	fmt.Fprintf(w, "%s (version %d): %s\n", spec.Type, spec.Version, spec.Title)
	fmt.Fprintf(w, "%s, %s\n\n%s\n", spec.Category, spec.Kind, strings.TrimSpace(spec.Doc))
	writeParams(w, spec.Params)
	fmt.Fprintf(w, "\nPorts\n")
	for _, port := range spec.Outputs {
		fmt.Fprintf(w, "  %s  %s\n", port.Name, port.Doc)
	}
	if len(spec.Outputs) == 0 {
		fmt.Fprintf(w, "  as the parameters say\n")
	}
	if len(spec.Credentials) > 0 {
		fmt.Fprintf(w, "\nCredentials\n")
		for _, slot := range spec.Credentials {
			need := "optional"
			if slot.Required {
				need = "required"
			}
			fmt.Fprintf(w, "  %s (%s, %s)  %s\n", slot.Name, strings.Join(slot.Types, " | "), need, slot.Doc)
		}
	}
	if len(spec.Examples) > 0 {
		fmt.Fprintf(w, "\nExamples\n")
	}
	for _, example := range spec.Examples {
		writeExample(w, spec, example)
	}
}

// writeExample writes an example as a node of a document, and what comes of it.
func writeExample(w *bytes.Buffer, spec *nodes.Spec, example nodes.Example) {
	_, verb, _ := strings.Cut(spec.Type, ".")
	id := flowforge.NodeID(strings.ReplaceAll(verb, ".", "_"))
	workflow := &flowforge.Workflow{Name: "example"}
	workflow.Nodes = []flowforge.Node{{ID: id, Type: spec.Type, Params: example.Params}}
	fmt.Fprintf(w, "  %s\n", example.Title)
	text, err := doc.Write(workflow, doc.YAML)
	if err != nil {
		text = example.Params.JSON()
	}
	_, node, found := strings.Cut(string(text), "nodes:\n")
	if !found {
		node = string(text)
	}
	for line := range strings.Lines(node) {
		fmt.Fprintf(w, "    %s\n", strings.TrimRight(line, "\n"))
	}
	if !example.Input.IsNull() {
		fmt.Fprintf(w, "    # input: %s\n", example.Input)
	}
	for _, out := range example.Want {
		fmt.Fprintf(w, "    # %s: %s\n", out.Port, out.Value)
	}
}
