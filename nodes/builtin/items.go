package builtin

import (
	"context"
	"fmt"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// itemsParam is the parameter of all types that work on a list.
type itemsParam struct {
	Items *flowforge.Value `json:"items,omitempty" jsonschema:"type=array" jsonschema_description:"The list to work on. Without it: the input."`
}

// given gives the value of an optional parameter that stands for the input.
func given(call *nodes.Call, param *flowforge.Value) any {
	if param == nil {
		return call.Input.Any()
	}
	return param.Any()
}

// itemsOf gives the list to work on: the parameter, or the input where there is none.
func itemsOf(call *nodes.Call, param *flowforge.Value) ([]any, error) {
	x := given(call, param)
	if list, ok := x.([]any); ok {
		return list, nil
	}
	if param == nil {
		return nil, refuse(codeInvalidData,
			"the input is %s, not a list: name the list in the parameter \"items\", such as \"{{ input.rows }}\"", describe(x))
	}
	return nil, refuse(flowforge.CodeInvalidParams, "items is %s, not a list", describe(x))
}

// pace is how many items are looked at between two looks at the context.
const pace = 256

// walk calls visit for each item, until one fails or ctx ends.
func walk(ctx context.Context, items []any, visit func(i int, item any) error) error {
	for i, item := range items {
		if i%pace == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := visit(i, item); err != nil {
			return err
		}
	}
	return nil
}

// selectAll gives what the selectors pick of an item, in their order; without selectors the item itself.
func selectAll(ctx context.Context, call *nodes.Call, by nodes.Selectors, item any, index int) ([]any, error) {
	if len(by) == 0 {
		return []any{item}, nil
	}
	picked := make([]any, len(by))
	for i, selector := range by {
		x, err := selector.Select(ctx, call, item, index)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", index, err)
		}
		picked[i] = plain(x)
	}
	return picked, nil
}

// freeze makes the result of a node.
func freeze(x any) (flowforge.Value, error) {
	value, err := flowforge.Freeze(x)
	if err != nil {
		return flowforge.Value{}, nodes.Permanent(err)
	}
	return value, nil
}
