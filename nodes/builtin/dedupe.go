package builtin

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type dedupeParams struct {
	itemsParam

	By   nodes.Selectors `json:"by,omitempty" jsonschema_description:"What makes two items the same: a field, an expression over item, or a list of them. Without it: the whole item."`
	Keep string          `json:"keep,omitempty" jsonschema:"enum=first,enum=last,default=first" jsonschema_description:"Which of the same items to keep."`
}

func runDedupe(ctx context.Context, call *nodes.Call, p dedupeParams) (flowforge.Value, error) {
	items, err := itemsOf(call, p.Items)
	if err != nil {
		return flowforge.Value{}, err
	}
	places := make(map[string]int)
	kept := make([]any, 0)
	err = walk(ctx, items, func(i int, item any) error {
		keys, err := selectAll(ctx, call, p.By, item, i)
		if err != nil {
			return err
		}
		id := identity(keys...)
		place, seen := places[id]
		switch {
		case !seen:
			places[id] = len(kept)
			kept = append(kept, item)
		case p.Keep == "last":
			kept[place] = item
		}
		return nil
	})
	if err != nil {
		return flowforge.Value{}, err
	}
	return freeze(kept)
}

func dedupeType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "core.dedupe", Version: 1, Title: "Remove duplicates", Category: categoryItems, Icon: "copy-minus", Kind: nodes.Pure,
		Doc: "Keeps one of each group of equal items.\n\n" +
			"The items kept are in the order in which their groups first appear. Numbers are equal by value: 1 and 1.0 are the same.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The items kept."}},
		Output:  flowforge.MustValue(map[string]any{"type": "array"}),
		Examples: []nodes.Example{{
			Title:  "One row per address",
			Params: flowforge.MustValue(map[string]any{"by": "{{ lower(item.email) }}"}),
			Input: flowforge.MustValue([]any{
				map[string]any{"email": "a@x.org", "n": 1}, map[string]any{"email": "A@x.org", "n": 2}, map[string]any{"email": "b@x.org", "n": 3},
			}),
			Want: flowforge.Out(flowforge.MustValue([]any{
				map[string]any{"email": "a@x.org", "n": 1}, map[string]any{"email": "b@x.org", "n": 3},
			})),
		}},
	}, runDedupe)
}
