package builtin

import (
	"context"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

const orderDesc = "desc"

type sortParams struct {
	itemsParam

	By    nodes.Selectors `json:"by,omitempty" jsonschema_description:"What to sort by: a field, an expression over item, or a list of them, the most important first. Without it: the items themselves."`
	Order string          `json:"order,omitempty" jsonschema:"enum=asc,enum=desc,default=asc" jsonschema_description:"asc: smallest first; desc: largest first."`
}

// keyed is an item beside what it is sorted by.
type keyed struct {
	item any
	keys []any
}

func runSort(ctx context.Context, call *nodes.Call, p sortParams) (flowforge.Value, error) {
	items, err := itemsOf(call, p.Items)
	if err != nil {
		return flowforge.Value{}, err
	}
	rows := make([]keyed, len(items))
	err = walk(ctx, items, func(i int, item any) error {
		keys, err := selectAll(ctx, call, p.By, item, i)
		rows[i] = keyed{item, keys}
		return err
	})
	if err != nil {
		return flowforge.Value{}, err
	}
	if err := sortRows(ctx, rows, p.Order == orderDesc); err != nil {
		return flowforge.Value{}, err
	}
	sorted := make([]any, len(rows))
	for i, row := range rows {
		sorted[i] = row.item
	}
	return freeze(sorted)
}

// sortRows sorts by the keys; equal rows stay in order, downwards too.
func sortRows(ctx context.Context, rows []keyed, down bool) error {
	steps, canceled := 0, false
	slices.SortStableFunc(rows, func(a, b keyed) int {
		steps++
		if steps%(16*pace) == 0 && ctx.Err() != nil {
			canceled = true
		}
		if canceled {
			return 0 // lets the sort end soon
		}
		if down {
			a, b = b, a
		}
		return slices.CompareFunc(a.keys, b.keys, compare)
	})
	if canceled {
		return context.Cause(ctx)
	}
	return nil
}

func sortType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "core.sort", Version: 1, Title: "Sort", Category: categoryItems, Icon: "arrow-down-up", Kind: nodes.Pure,
		Doc: "Sorts a list by fields of its items, or by the items themselves.\n\n" +
			"Items that compare equal stay in their order, so that sorting twice sorts by two things. Values of different " +
			"kinds have an order too: null, false, true, numbers, strings, lists, objects. Numbers compare by value " +
			"(1 and 1.0 are equal), strings byte by byte (upper case before lower; use `{{ lower(item.name) }}` to sort as " +
			"people do), lists item by item.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The items, sorted."}},
		Output:  flowforge.MustValue(map[string]any{"type": "array"}),
		Examples: []nodes.Example{{
			Title:  "The largest first",
			Params: flowforge.MustValue(map[string]any{"by": "size", "order": orderDesc}),
			Input: flowforge.MustValue([]any{
				map[string]any{"name": "a", "size": 1}, map[string]any{"name": "b", "size": 3}, map[string]any{"name": "c", "size": 2},
			}),
			Want: flowforge.Out(flowforge.MustValue([]any{
				map[string]any{"name": "b", "size": 3}, map[string]any{"name": "c", "size": 2}, map[string]any{"name": "a", "size": 1},
			})),
		}},
	}, runSort)
}
