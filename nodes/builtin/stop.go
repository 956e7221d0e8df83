package builtin

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type stopParams struct {
	Output *flowforge.Value `json:"output,omitempty" jsonschema_description:"The output of the run. Without it: what the workflow's output says."`
}

func runStop(_ context.Context, _ *nodes.Call, p stopParams) (flowforge.Ports, error) {
	return nil, &nodes.Stop{Output: p.Output}
}

func stopType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "core.stop", Version: 1, Title: "Stop", Category: categoryFlow, Icon: "square", Kind: nodes.Control,
		Doc: "Ends the whole run as succeeded.\n\nWhat still runs in other branches is canceled; `finally` nodes run all the same.",
		Examples: []nodes.Example{{
			Title:  "Nothing to do",
			Params: flowforge.MustValue(map[string]any{"output": map[string]any{"handled": 0}}),
		}},
	}, runStop)
}
