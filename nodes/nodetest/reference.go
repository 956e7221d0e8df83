package nodetest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// Reference writes the reference page of node types, in Markdown: a table of all by category, then each with
// its parameters, ports, credentials and examples. Categories and types are in the order of their first spec.
func Reference(specs []nodes.Spec) string {
	var page strings.Builder
	page.WriteString("# Nodes\n\nEvery node type, with its parameters, ports and examples. " +
		"This page is made from the types themselves.\n\n" +
		"In the tables, *expression* is a parameter that the node evaluates itself, once for each thing it looks at; " +
		"*field* is a field's path (`address.city`) or such an expression. All other strings may hold `{{ expressions }}`, " +
		"which are evaluated before the node runs.\n")
	byCategory := grouped(specs)
	for _, category := range byCategory {
		fmt.Fprintf(&page, "\n| %s | |\n|---|---|\n", category[0].Category)
		for _, spec := range category {
			fmt.Fprintf(&page, "| [%s](#%s) | %s |\n", spec.Type, anchor(spec), cell(firstSentence(spec.Doc)))
		}
	}
	for _, category := range byCategory {
		fmt.Fprintf(&page, "\n## %s\n", strings.ToUpper(category[0].Category[:1])+category[0].Category[1:])
		for _, spec := range category {
			writeType(&page, spec)
		}
	}
	return page.String()
}

// grouped gives the specs by category.
func grouped(specs []nodes.Spec) [][]nodes.Spec {
	var groups [][]nodes.Spec
	for _, spec := range specs {
		i := slices.IndexFunc(groups, func(group []nodes.Spec) bool { return group[0].Category == spec.Category })
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], spec)
	}
	return groups
}

// heading gives a type's heading: its version is in it where it is not the first.
func heading(spec nodes.Spec) string {
	if spec.Version > 1 {
		return fmt.Sprintf("%s version %d", spec.Type, spec.Version)
	}
	return spec.Type
}

// anchor gives the link to a heading, as GitHub makes it.
func anchor(spec nodes.Spec) string {
	return strings.ReplaceAll(strings.ReplaceAll(heading(spec), ".", ""), " ", "-")
}

func writeType(page *strings.Builder, spec nodes.Spec) {
	fmt.Fprintf(page, "\n### %s\n\n**%s** (%s)\n\n%s\n", heading(spec), spec.Title, spec.Kind, strings.TrimSpace(spec.Doc))
	writeParams(page, spec)
	if len(spec.Outputs) > 0 {
		page.WriteString("\n| port | |\n|---|---|\n")
		for _, port := range spec.Outputs {
			fmt.Fprintf(page, "| %s | %s |\n", code(port.Name), cell(port.Doc))
		}
	}
	if len(spec.Credentials) > 0 {
		page.WriteString("\n| credential | types | |\n|---|---|---|\n")
		for _, slot := range spec.Credentials {
			doc := slot.Doc
			if slot.Required {
				doc += " Required."
			}
			fmt.Fprintf(page, "| %s | %s | %s |\n", code(slot.Name), strings.Join(slot.Types, ", "), cell(doc))
		}
	}
	for _, example := range spec.Examples {
		writeExample(page, example)
	}
}

func writeParams(page *strings.Builder, spec nodes.Spec) {
	var rows []string
	walkParams(spec.Params.Any(), "", func(name string, schema map[string]any, required bool) {
		description, _ := schema["description"].(string)
		if required {
			description += " Required."
		}
		if x, found := schema["default"]; found {
			description += " Default: " + code(flowforge.MustValue(x)) + "."
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s |\n", code(name), cell(typeName(schema)), cell(description)))
	})
	if len(rows) > 0 {
		page.WriteString("\n| parameter | type | |\n|---|---|---|\n" + strings.Join(rows, ""))
	}
}

// walkParams visits each parameter, the required ones first, and what is within it: "fields.*.op", "cases[].port".
func walkParams(schema any, path string, visit func(path string, schema map[string]any, required bool)) {
	object, ok := schema.(map[string]any)
	if !ok {
		return
	}
	properties, _ := object["properties"].(map[string]any)
	required, _ := object["required"].([]any)
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	rank := func(name string) int {
		if i := slices.Index(required, any(name)); i >= 0 {
			return i
		}
		return len(required)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	for _, name := range names {
		if field, ok := properties[name].(map[string]any); ok {
			visit(path+name, field, slices.Contains(required, any(name)))
			walkParams(field, path+name+".", visit)
		}
	}
	walkParams(object["items"], strings.TrimSuffix(path, ".")+"[].", visit)
	walkParams(object["additionalProperties"], path+"*.", visit)
}

// typeName says what a parameter may be.
func typeName(schema map[string]any) string {
	if options, ok := schema["enum"].([]any); ok {
		words := make([]string, len(options))
		for i, option := range options {
			words[i] = code(option)
		}
		return strings.Join(words, " ")
	}
	for _, hint := range []struct{ key, name string }{
		{"x-duration", "duration"}, {"x-graph", "graph"}, {"x-expression", "expression"}, {"x-selector", "field"},
	} {
		if schema[hint.key] == true {
			return hint.name
		}
	}
	if options, ok := schema["anyOf"].([]any); ok {
		if first, ok := options[0].(map[string]any); ok && first["x-selector"] == true {
			return "field or list of them"
		}
	}
	name, _ := schema["type"].(string)
	if hint, ok := schema["x-type"].(string); ok {
		name = hint
	}
	switch name {
	case "":
		return "any"
	case "array":
		if items, ok := schema["items"].(map[string]any); ok {
			return "list of " + typeName(items)
		}
		return "list"
	}
	return name
}

func writeExample(page *strings.Builder, example nodes.Example) {
	fmt.Fprintf(page, "\nExample: %s\n\n```yaml\n", example.Title)
	if !example.Params.IsNull() {
		writeBlock(page, "params", example.Params)
	}
	if !example.Input.IsNull() {
		writeBlock(page, "input", example.Input)
	}
	for _, out := range example.Want {
		writeBlock(page, string(out.Port), out.Value)
	}
	page.WriteString("```\n")
}

// writeBlock writes a name and a value: on one line where it fits.
func writeBlock(page *strings.Builder, name string, value flowforge.Value) {
	const width = 110
	text := value.String()
	if len(text) > width {
		var indented bytes.Buffer
		if err := json.Indent(&indented, value.JSON(), "", "  "); err == nil {
			text = indented.String()
		}
	}
	fmt.Fprintf(page, "%s: %s\n", name, text)
}

// code marks what is written as it stands.
func code(x any) string { return "`" + fmt.Sprint(x) + "`" }

// cell makes text fit into a cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(text), "\n", " "), "|", `\|`)
}
