package builtin

import (
	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

func noopType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "core.noop", Version: 1, Title: "Do nothing", Category: categoryFlow, Icon: "circle", Kind: nodes.Pure,
		Doc:     "Passes its input on unchanged.\n\nUse it to join branches or to give a place in the graph a name.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The input."}},
		Examples: []nodes.Example{{
			Title: "Pass a list on",
			Input: flowforge.MustValue([]any{1, 2}),
			Want:  flowforge.Out(flowforge.MustValue([]any{1, 2})),
		}},
	}, passOn)
}
