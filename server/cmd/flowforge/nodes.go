package main

import (
	"bytes"
	"encoding/json"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/catalogue"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// nodesCommand is `flowforge nodes [TYPE]`.
type nodesCommand struct {
	Type string `arg:"" optional:"" help:"A type of node, such as core.if; all are listed unless one is given."`
	JSON bool   `name:"json" help:"Print the specifications: a list, or the one of TYPE."`
}

// Run lists the node types, or shows one.
func (n *nodesCommand) Run(con *console) error {
	types, err := newRegistry(nil, false)
	if err != nil {
		return err
	}
	var page any = types.Specs()
	var text bytes.Buffer
	if n.Type == "" {
		catalogue.Write(&text, types.Specs())
	} else {
		found, ok := types.Lookup(n.Type, 0)
		if !ok {
			var names []string
			for _, spec := range types.Specs() {
				names = append(names, spec.Type)
			}
			near := flowforge.DidYouMean(n.Type, names)
			if near == "" {
				near = ": flowforge nodes lists them all"
			}
			return usage("there is no node type %q%s", human.Line(n.Type), near)
		}
		page = found.Spec
		catalogue.WriteSpec(&text, &found.Spec)
	}
	if n.JSON {
		text.Reset()
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(page); err != nil {
			return err
		}
	}
	_, err = con.out.Write(text.Bytes())
	return err
}
