package builtin

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type limitParams struct {
	itemsParam

	Count int    `json:"count" jsonschema:"minimum=0" jsonschema_description:"How many items to keep."`
	Skip  int    `json:"skip,omitempty" jsonschema:"minimum=0,default=0" jsonschema_description:"How many items to pass over first."`
	From  string `json:"from,omitempty" jsonschema:"enum=start,enum=end,default=start" jsonschema_description:"Where to count from. The order of the items stays."`
}

func runLimit(_ context.Context, call *nodes.Call, p limitParams) (flowforge.Value, error) {
	items, err := itemsOf(call, p.Items)
	if err != nil {
		return flowforge.Value{}, err
	}
	if p.Count < 0 || p.Skip < 0 {
		return flowforge.Value{}, refuse(flowforge.CodeInvalidParams, "count is %d and skip is %d: neither can be below 0", p.Count, p.Skip)
	}
	skip := min(p.Skip, len(items))
	count := min(p.Count, len(items)-skip)
	if p.From == "end" {
		end := len(items) - skip
		return freeze(items[end-count : end : end])
	}
	return freeze(items[skip : skip+count : skip+count])
}

func limitType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "core.limit", Version: 1, Title: "Limit", Category: categoryItems, Icon: "list-end", Kind: nodes.Pure,
		Doc:     "Keeps the first or the last items of a list.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The items kept."}},
		Output:  flowforge.MustValue(map[string]any{"type": "array"}),
		Examples: []nodes.Example{
			{
				Title:  "The first two",
				Params: flowforge.MustValue(map[string]any{"count": 2}),
				Input:  flowforge.MustValue([]any{1, 2, 3}),
				Want:   flowforge.Out(flowforge.MustValue([]any{1, 2})),
			},
			{
				Title:  "The last but one",
				Params: flowforge.MustValue(map[string]any{"count": 1, "skip": 1, "from": "end"}),
				Input:  flowforge.MustValue([]any{1, 2, 3}),
				Want:   flowforge.Out(flowforge.MustValue([]any{2})),
			},
		},
	}, runLimit)
}
