package builtin

import (
	"context"
	"maps"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type splitParams struct {
	Items *flowforge.Value `json:"items,omitempty" jsonschema_description:"What to make a list of. Without it: the input."`
	Size  int              `json:"size,omitempty" jsonschema:"minimum=1" jsonschema_description:"Cut the list into lists of at most so many items. Without it: one list."`
}

func runSplit(_ context.Context, call *nodes.Call, p splitParams) (flowforge.Value, error) {
	var items []any
	switch x := given(call, p.Items).(type) {
	case nil:
		items = []any{}
	case []any:
		items = x
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			items = append(items, map[string]any{"key": key, "value": x[key]})
		}
	default:
		items = []any{x}
	}
	if p.Size <= 0 {
		return freeze(items)
	}
	batches := make([]any, 0, len(items)/p.Size+1)
	for batch := range slices.Chunk(items, p.Size) {
		batches = append(batches, batch)
	}
	return freeze(batches)
}

func splitType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "core.split", Version: 1, Title: "Split", Category: categoryItems, Icon: "scissors", Kind: nodes.Pure,
		Doc: "Gives the items of a value as one list, so that the next node can go through them.\n\n" +
			"It emits once, the whole list: give the node behind it `each: \"{{ input }}\"` to run it for every item, or use " +
			"core.foreach. A list stays as it is, an object becomes a list of {key, value} in order of key, null an empty " +
			"list, any other value a list of one. With `size` the list is cut into batches.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The list."}},
		Output:  flowforge.MustValue(map[string]any{"type": "array"}),
		Examples: []nodes.Example{
			{
				Title:  "The lines of an order",
				Params: flowforge.MustValue(map[string]any{"items": "{{ input.lines }}"}),
				Input:  flowforge.MustValue(map[string]any{"lines": []any{"tea", "milk"}}),
				Want:   flowforge.Out(flowforge.MustValue([]any{"tea", "milk"})),
			},
			{
				Title:  "Batches of two",
				Params: flowforge.MustValue(map[string]any{"size": 2}),
				Input:  flowforge.MustValue([]any{1, 2, 3}),
				Want:   flowforge.Out(flowforge.MustValue([]any{[]any{1, 2}, []any{3}})),
			},
			{
				Title:  "The fields of an object",
				Params: flowforge.MustValue(map[string]any{}),
				Input:  flowforge.MustValue(map[string]any{"b": 2, "a": 1}),
				Want: flowforge.Out(flowforge.MustValue([]any{
					map[string]any{"key": "a", "value": 1}, map[string]any{"key": "b", "value": 2},
				})),
			},
		},
	}, runSplit)
}
