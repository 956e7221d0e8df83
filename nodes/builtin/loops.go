package builtin

import (
	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type foreachParams struct {
	Items    []any           `json:"items" jsonschema_description:"The list; the body runs once for each element of it."`
	Parallel int             `json:"parallel,omitempty" jsonschema:"minimum=1,default=16" jsonschema_description:"How many elements run at a time."`
	Body     flowforge.Graph `json:"body" jsonschema_description:"The nodes and connections that run for each element; its output is the element's."`
}

type repeatParams struct {
	Body  flowforge.Graph `json:"body" jsonschema_description:"The nodes and connections that run in each pass; its output is the input of the next pass."`
	Until nodes.Expr      `json:"until" scope:"output,index" jsonschema_description:"Ends the loop when it is true. Sees the pass's output as output and its number, from 0, as index."`
	Max   int             `json:"max" jsonschema:"minimum=1" jsonschema_description:"The most passes. A loop that has not ended by then fails with repeat_limit."`
}

// loopType is a type that the engine runs itself: there is a Spec and no Node.
func loopType[P any](spec nodes.Spec) nodes.Type {
	t := nodes.Define[P, flowforge.Value](spec, nil)
	t.Node = nil
	return t
}

func foreachType() nodes.Type {
	return loopType[foreachParams](nodes.Spec{
		Type: "core.foreach", Version: 1, Title: "For each", Category: categoryFlow, Icon: "repeat", Kind: nodes.Control,
		Loop: nodes.LoopForeach, Body: "body",
		Doc: "Runs a nested graph once for each element of a list and emits the list of their outputs.\n\n" +
			"In the body `item` is the element and `index` its place. The outputs are in the order of the elements, whatever " +
			"order they end in. `on_error` says what an " +
			"element's failure means: `fail` starts no more of them, `continue` puts null in its place and the error into " +
			"`nodes.<id>.errors`, `route` sends successes to `out` and failures to `error`. " +
			"To repeat a single node, its own `each` is shorter.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The outputs of the elements, in order."}},
		Output:  flowforge.MustValue(map[string]any{"type": "array"}),
		Examples: []nodes.Example{{
			Title: "Greet each customer, four at a time",
			Params: flowforge.MustValue(map[string]any{
				"items": "{{ input.customers }}", "parallel": 4,
				"body": map[string]any{
					"nodes": []any{map[string]any{
						"id": "greet", "type": "core.set",
						"params": map[string]any{"values": map[string]any{"text": "Hello {{ item.name }}"}, "mode": "replace"},
					}},
					"output": "{{ nodes.greet.output.text }}",
				},
			}),
			Input: flowforge.MustValue(map[string]any{"customers": []any{map[string]any{"name": "Ada"}}}),
		}},
	})
}

func repeatType() nodes.Type {
	return loopType[repeatParams](nodes.Spec{
		Type: "core.repeat", Version: 1, Title: "Repeat", Category: categoryFlow, Icon: "rotate-cw", Kind: nodes.Control,
		Loop: nodes.LoopRepeat, Body: "body",
		Doc: "Runs a nested graph again and again until a condition holds, and emits the last pass's output.\n\n" +
			"The first pass gets the node's input, each further one the output of the pass before. The bound `max` is part of " +
			"the loop: a workflow cannot run for ever by mistake.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The output of the last pass."}},
		Examples: []nodes.Example{{
			Title: "Count to five",
			Params: flowforge.MustValue(map[string]any{
				"body": map[string]any{"nodes": []any{map[string]any{
					"id": "step", "type": "core.set",
					"params": map[string]any{"values": map[string]any{"n": "{{ (input.n ?? 0) + 1 }}"}, "mode": "replace"},
				}}},
				"until": "{{ output.n >= 5 }}", "max": 10,
			}),
			Input: flowforge.MustValue(map[string]any{"n": 0}),
		}},
	})
}
