package builtin

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type waitParams struct {
	Duration flowforge.Duration `json:"duration" jsonschema_description:"How long to wait: a number with its unit, such as 30s, 1h30m or 7d."`
}

func runWait(_ context.Context, call *nodes.Call, p waitParams) (flowforge.Ports, error) {
	return nil, &nodes.Await{For: p.Duration.Std(), Then: flowforge.Out(call.Input)}
}

func waitType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "core.wait", Version: 1, Title: "Wait", Category: categoryFlow, Icon: "clock", Kind: nodes.Control,
		Doc: "Waits for a time, then passes its input on.\n\n" +
			"A waiting run holds no worker, and a wait of days outlives restarts.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The input, once the time has passed."}},
		Examples: []nodes.Example{{
			Title:  "Wait a day before the reminder",
			Params: flowforge.MustValue(map[string]any{"duration": "1d"}),
			Input:  flowforge.MustValue(map[string]any{"order": 7}),
			Want:   flowforge.Out(flowforge.MustValue(map[string]any{"order": 7})),
		}},
	}, runWait)
}
