package builtin

import (
	"context"
	"fmt"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type filterParams struct {
	itemsParam

	Condition nodes.Expr `json:"condition" jsonschema_description:"An expression over item (and index) that gives true or false."`
}

func runFilter(ctx context.Context, call *nodes.Call, p filterParams) (flowforge.Value, error) {
	items, err := itemsOf(call, p.Items)
	if err != nil {
		return flowforge.Value{}, err
	}
	kept := make([]any, 0)
	err = walk(ctx, items, func(i int, item any) error {
		result, err := p.Condition.Eval(ctx, call, nodes.Scope{Item: item, Index: i})
		if err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
		holds, ok := result.(bool)
		if !ok {
			return refuse(flowforge.CodeInvalidParams, "item %d: %s", i, notBoolean(plain(result)))
		}
		if holds {
			kept = append(kept, item)
		}
		return nil
	})
	if err != nil {
		return flowforge.Value{}, err
	}
	return freeze(kept)
}

func filterType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "core.filter", Version: 1, Title: "Filter", Category: categoryItems, Icon: "filter", Kind: nodes.Pure,
		Doc:     "Keeps the items of a list for which a condition holds.\n\nTheir order stays.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The items kept."}},
		Output:  flowforge.MustValue(map[string]any{"type": "array"}),
		Examples: []nodes.Example{{
			Title:  "Adults",
			Params: flowforge.MustValue(map[string]any{"items": "{{ input.people }}", "condition": "{{ item.age >= 18 }}"}),
			Input: flowforge.MustValue(map[string]any{"people": []any{
				map[string]any{"name": "Ada", "age": 36}, map[string]any{"name": "Tim", "age": 9},
			}}),
			Want: flowforge.Out(flowforge.MustValue([]any{map[string]any{"name": "Ada", "age": 36}})),
		}},
	}, runFilter)
}
