package builtin

import (
	"context"
	"maps"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

const (
	modeMerge   = "merge"
	modeReplace = "replace"
)

type setParams struct {
	Values flowforge.Value `json:"values,omitzero" jsonschema:"type=object" jsonschema_description:"The fields to set, by name. A field that is there already is replaced as a whole."`
	Mode   string          `json:"mode,omitempty" jsonschema:"enum=merge,enum=replace,default=merge" jsonschema_description:"merge puts the values onto the fields of the input; replace gives nothing but the values."`
	Keep   []string        `json:"keep,omitempty" jsonschema_description:"Keep only these fields of the input. A path such as address.city names a field of a field."`
	Remove []string        `json:"remove,omitempty" jsonschema_description:"Remove these fields of the input."`
}

func runSet(_ context.Context, call *nodes.Call, p setParams) (flowforge.Value, error) {
	values, ok := p.Values.Any().(map[string]any)
	if !ok && !p.Values.IsNull() {
		return flowforge.Value{}, refuse(flowforge.CodeInvalidParams, "values is %s, not an object", describe(p.Values.Any()))
	}
	base, ok := call.Input.Any().(map[string]any)
	if !ok || p.Mode == modeReplace {
		if values == nil {
			values = map[string]any{}
		}
		return freeze(values)
	}
	out := any(base)
	if len(p.Keep) > 0 {
		out = pathTree(p.Keep).only(out)
	}
	if len(p.Remove) > 0 {
		out = pathTree(p.Remove).without(out)
	}
	kept, _ := out.(map[string]any)
	merged := make(map[string]any, len(kept)+len(values))
	maps.Copy(merged, kept)
	maps.Copy(merged, values)
	return freeze(merged)
}

func checkSet(params flowforge.Value) flowforge.Problems {
	if written(params, "mode") != modeReplace {
		return nil
	}
	var problems flowforge.Problems
	for _, name := range []string{"keep", "remove"} {
		if written(params, name) != nil {
			problems = append(problems, problem("/"+name,
				"%s chooses among the fields of the input, all of which mode replace drops: leave out one of them", name))
		}
	}
	return problems
}

func setType() nodes.Type {
	t := nodes.Define(nodes.Spec{
		Type: "core.set", Version: 1, Title: "Set fields", Category: categoryItems, Icon: "pencil", Kind: nodes.Pure,
		Doc: "Adds, changes, keeps and removes fields of an object.\n\n" +
			"First `keep` and `remove` choose among the fields of the input, then `values` are set. " +
			"A path that meets a list goes into each of its items. An input that is no object has no fields: " +
			"the result is then just the values.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The object."}},
		Output:  flowforge.MustValue(map[string]any{"type": "object"}),
		Examples: []nodes.Example{
			{
				Title:  "Add a field",
				Params: flowforge.MustValue(map[string]any{"values": map[string]any{"total": "{{ input.price * input.count }}"}}),
				Input:  flowforge.MustValue(map[string]any{"price": 5, "count": 3}),
				Want:   flowforge.Out(flowforge.MustValue(map[string]any{"price": 5, "count": 3, "total": 15})),
			},
			{
				Title: "A new object",
				Params: flowforge.MustValue(map[string]any{
					"values": map[string]any{"greeting": "Hello {{ input.name }}"}, "mode": modeReplace,
				}),
				Input: flowforge.MustValue(map[string]any{"name": "Ada", "age": 36}),
				Want:  flowforge.Out(flowforge.MustValue(map[string]any{"greeting": "Hello Ada"})),
			},
			{
				Title:  "Remove a field of a field",
				Params: flowforge.MustValue(map[string]any{"remove": []any{"address.street"}}),
				Input:  flowforge.MustValue(map[string]any{"id": 1, "address": map[string]any{"city": "Paris", "street": "Rue"}}),
				Want:   flowforge.Out(flowforge.MustValue(map[string]any{"id": 1, "address": map[string]any{"city": "Paris"}})),
			},
		},
	}, runSet)
	t.Check = checkSet
	return t
}
