package builtin

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// nothing is the parameters of types that have none.
type nothing struct{}

func passOn(_ context.Context, call *nodes.Call, _ nothing) (flowforge.Value, error) {
	return call.Input, nil
}

func manualTrigger() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "trigger.manual", Version: 1, Title: "Manual", Category: categoryTrigger, Icon: "play", Kind: nodes.Control,
		Doc: "Starts the workflow when a person or a program asks for it.\n\n" +
			"It emits the input of the run. A workflow without any trigger can be started so too; the node only shows where it begins.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The input of the run."}},
		Examples: []nodes.Example{{
			Title: "Pass the run's input on",
			Input: flowforge.MustValue(map[string]any{"email": "ada@example.com"}),
			Want:  flowforge.Out(flowforge.MustValue(map[string]any{"email": "ada@example.com"})),
		}},
	}, passOn)
}
