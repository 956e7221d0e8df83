package builtin

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type subworkflowParams struct {
	Workflow string           `json:"workflow" jsonschema_description:"The name of the saved workflow to run."`
	Version  int              `json:"version,omitempty" jsonschema:"minimum=1" jsonschema_description:"Which version of it; without it the published one."`
	Input    *flowforge.Value `json:"input,omitempty" jsonschema_description:"The input of its run; without it the node's own input."`
	Detach   bool             `json:"detach,omitempty" jsonschema_description:"Do not wait for its end, but go on at once with the id of its run."`
}

func runSubworkflow(_ context.Context, call *nodes.Call, p subworkflowParams) (flowforge.Ports, error) {
	child := &nodes.Child{Workflow: p.Workflow, Version: p.Version, Input: call.Input, Detach: p.Detach}
	if p.Input != nil {
		child.Input = *p.Input
	}
	return nil, &nodes.Await{Child: child}
}

func subworkflowType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "core.subworkflow", Version: 1, Title: "Run workflow", Category: categoryFlow, Icon: "workflow", Kind: nodes.Control,
		Doc: "Runs another saved workflow, as a run of its own.\n\n" +
			"The node waits for its end, without holding a worker: it emits the run's output, or fails with the run's error. " +
			"When the node is canceled, so is the run. With `detach` it goes on at once and emits `{\"run\": id}`. " +
			"Workflows may start each other 20 deep.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The output of the run; with `detach` an object with its id as `run`."}},
		Examples: []nodes.Example{{
			Title:  "Enrich each lead with a workflow of its own (with each on the node)",
			Params: flowforge.MustValue(map[string]any{"workflow": "enrich-lead", "input": map[string]any{"email": "{{ item.email }}"}}),
		}},
	}, runSubworkflow)
}
