package builtin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type aggregateParams struct {
	itemsParam

	GroupBy nodes.Selectors           `json:"group_by,omitempty" jsonschema_description:"What the items of a group have in common: a field, an expression over item, or a list of them. Without it: all items are one group."`
	Fields  map[string]aggregateField `json:"fields" jsonschema:"minProperties=1" jsonschema_description:"What to work out for each group, by the name of the field that gets it."`
}

type aggregateField struct {
	Op string         `json:"op" jsonschema:"enum=sum,enum=avg,enum=min,enum=max,enum=count,enum=first,enum=last,enum=list,enum=unique" jsonschema_description:"sum, avg, min, max and count pass over null; first, last, list and unique keep it."`
	Of nodes.Selector `json:"of,omitempty" jsonschema_description:"Of what: a field or an expression over item. Without it: the item itself."`
}

// group is the items that have the same keys.
type group struct {
	keys   []any
	totals []total // in the order of the field names
}

// aggregator gathers items into groups, in order of first appearance.
type aggregator struct {
	call   *nodes.Call
	params aggregateParams
	names  []string // of the fields, sorted
	groups []*group
	byKey  map[string]*group
}

func runAggregate(ctx context.Context, call *nodes.Call, p aggregateParams) (flowforge.Value, error) {
	items, err := itemsOf(call, p.Items)
	if err != nil {
		return flowforge.Value{}, err
	}
	a := &aggregator{call: call, params: p, names: slices.Sorted(maps.Keys(p.Fields)), byKey: make(map[string]*group)}
	if len(p.GroupBy) == 0 {
		if _, err := a.groupOf(nil); err != nil {
			return flowforge.Value{}, err
		}
	}
	if err := walk(ctx, items, func(i int, item any) error { return a.add(ctx, i, item) }); err != nil {
		return flowforge.Value{}, err
	}
	return a.result()
}

func (a *aggregator) add(ctx context.Context, index int, item any) error {
	var keys []any
	if len(a.params.GroupBy) > 0 {
		var err error
		if keys, err = selectAll(ctx, a.call, a.params.GroupBy, item, index); err != nil {
			return err
		}
	}
	g, err := a.groupOf(keys)
	if err != nil {
		return err
	}
	for i, name := range a.names {
		x := item
		if of := a.params.Fields[name].Of; of != "" {
			if x, err = of.Select(ctx, a.call, item, index); err != nil {
				return fmt.Errorf("fields.%s: item %d: %w", name, index, err)
			}
		}
		if err := g.totals[i].add(plain(x)); err != nil {
			return refuse(codeInvalidData, "fields.%s: item %d: %w", name, index, err)
		}
	}
	return nil
}

func (a *aggregator) groupOf(keys []any) (*group, error) {
	id := identity(keys...)
	if g, found := a.byKey[id]; found {
		return g, nil
	}
	g := &group{keys: keys, totals: make([]total, len(a.names))}
	for i, name := range a.names {
		var err error
		if g.totals[i], err = newTotal(a.params.Fields[name].Op); err != nil {
			return nil, refuse(flowforge.CodeInvalidParams, "fields.%s: %w", name, err)
		}
	}
	a.byKey[id] = g
	a.groups = append(a.groups, g)
	return g, nil
}

func (a *aggregator) result() (flowforge.Value, error) {
	names := keyNames(a.params.GroupBy)
	rows := make([]any, len(a.groups))
	for i, g := range a.groups {
		row := make(map[string]any, len(names)+len(a.names))
		for k, name := range names {
			row[name] = g.keys[k]
		}
		for k, name := range a.names {
			x, err := g.totals[k].result()
			if err != nil {
				return flowforge.Value{}, refuse(codeInvalidData, "fields.%s: %w", name, err)
			}
			row[name] = x
		}
		rows[i] = row
	}
	if len(a.params.GroupBy) == 0 {
		return freeze(rows[0])
	}
	return freeze(rows)
}

// keyNames gives the fields that hold the keys of a group: the last step of a path; "key" for an expression, or
// "key_2" for the second of several selectors.
func keyNames(by nodes.Selectors) []string {
	names := make([]string, len(by))
	for i, selector := range by {
		text := string(selector)
		switch {
		case !isTemplate(text):
			names[i] = text[strings.LastIndex(text, ".")+1:]
		case len(by) == 1:
			names[i] = "key"
		default:
			names[i] = fmt.Sprintf("key_%d", i+1)
		}
	}
	return names
}

// checkAggregate finds two results that would have the same name.
func checkAggregate(params flowforge.Value) flowforge.Problems {
	var by nodes.Selectors
	if x := written(params, "group_by"); x != nil {
		if value, err := flowforge.Freeze(x); err == nil {
			_ = value.Decode(&by) // the schema says what is wrong with it
		}
	}
	var problems flowforge.Problems
	names := keyNames(by)
	fields, _ := written(params, "fields").(map[string]any)
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			problems = append(problems, problem("/group_by", "two of the keys would be called %q: rename one with core.rename first", name))
		}
		if _, taken := fields[name]; taken {
			problems = append(problems, problem("/fields/"+flowforge.EscapePointer(name),
				"the key of the group is called %q already: choose another name", name))
		}
	}
	return problems
}

func aggregateType() nodes.Type {
	sales := flowforge.MustValue([]any{
		map[string]any{"country": "FR", "amount": 5}, map[string]any{"country": "DE", "amount": 2}, map[string]any{"country": "FR", "amount": 1},
	})
	t := nodes.Define(nodes.Spec{
		Type: "core.aggregate", Version: 1, Title: "Aggregate", Category: categoryItems, Icon: "sigma", Kind: nodes.Pure,
		Doc: "Works out sums, averages, counts and the like, for a whole list or for each group of its items.\n\n" +
			"With `group_by` it emits a list with an object for each group, in order of first appearance: the group's keys " +
			"(under the last step of their path; an expression's under `key`) and the fields. Without it, one object. " +
			"Sums of integers are exact; one that does not fit 64 bits becomes a float. The sum of nothing is 0, and the " +
			"average, smallest, largest, first and last of nothing are null. min and max use the order of core.sort.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "An object, or with group_by a list of objects."}},
		Output:  flowforge.MustValue(map[string]any{"type": []any{"object", "array"}}),
		Examples: []nodes.Example{
			{
				Title: "Sales by country",
				Params: flowforge.MustValue(map[string]any{
					"group_by": "country",
					"fields":   map[string]any{"total": map[string]any{"op": "sum", "of": "amount"}, "orders": map[string]any{"op": "count"}},
				}),
				Input: sales,
				Want: flowforge.Out(flowforge.MustValue([]any{
					map[string]any{"country": "FR", "total": 6, "orders": 2}, map[string]any{"country": "DE", "total": 2, "orders": 1},
				})),
			},
			{
				Title: "Of all sales",
				Params: flowforge.MustValue(map[string]any{"fields": map[string]any{
					"largest": map[string]any{"op": "max", "of": "amount"}, "countries": map[string]any{"op": "unique", "of": "country"},
				}}),
				Input: sales,
				Want:  flowforge.Out(flowforge.MustValue(map[string]any{"largest": 5, "countries": []any{"FR", "DE"}})),
			},
		},
	}, runAggregate)
	t.Check = checkAggregate
	return t
}
