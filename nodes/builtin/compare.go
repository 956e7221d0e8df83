package builtin

import (
	"context"
	"maps"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type compareParams struct {
	Before *flowforge.Value `json:"before" jsonschema:"type=array" jsonschema_description:"The older list of objects."`
	After  *flowforge.Value `json:"after" jsonschema:"type=array" jsonschema_description:"The newer list of objects."`
	Key    nodes.Selectors  `json:"key" jsonschema_description:"What makes a row of both lists the same: a field, an expression over item, or a list of them. No two rows of a list may share it."`
	Ignore []string         `json:"ignore,omitempty" jsonschema_description:"Fields whose change does not count, such as updated_at. A path such as meta.seen names a field of a field."`
}

type compareResult struct {
	Added   []any           `json:"added" jsonschema_description:"Rows only in after, in its order."`
	Removed []any           `json:"removed" jsonschema_description:"Rows only in before, in its order."`
	Changed []compareChange `json:"changed" jsonschema_description:"Rows in both that differ, in the order of after."`
	Same    []any           `json:"same" jsonschema_description:"Rows of after that are as before."`
}

type compareChange struct {
	Before map[string]any `json:"before" jsonschema_description:"The row as it was."`
	After  map[string]any `json:"after" jsonschema_description:"The row as it is."`
	Fields []string       `json:"fields" jsonschema_description:"The names of the fields that differ, sorted."`
}

func runCompare(ctx context.Context, call *nodes.Call, p compareParams) (flowforge.Ports, error) {
	if len(p.Key) == 0 {
		return nil, refuse(flowforge.CodeInvalidParams, "key is missing: name the field that rows of both lists have in common")
	}
	before, err := uniqueRows(ctx, call, "before", p.Before, p.Key)
	if err != nil {
		return nil, err
	}
	after, err := uniqueRows(ctx, call, "after", p.After, p.Key)
	if err != nil {
		return nil, err
	}
	ignored := pathTree(p.Ignore)
	var added, removed, changed, same []any
	err = walk(ctx, after.rows, func(i int, row any) error {
		place, found := before.places[after.ids[i]]
		if !found {
			added = append(added, row)
			return nil
		}
		if fields := changedFields(ignored.without(before.rows[place]), ignored.without(row)); len(fields) > 0 {
			changed = append(changed, map[string]any{"before": before.rows[place], "after": row, "fields": fields})
			return nil
		}
		same = append(same, row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, row := range before.rows {
		if _, found := after.places[before.ids[i]]; !found {
			removed = append(removed, row)
		}
	}
	result, err := freeze(map[string]any{"added": added, "removed": removed, "changed": changed, "same": same})
	return flowforge.Out(result), err
}

// keyedRows is a list of objects that differ in their key.
type keyedRows struct {
	rows   []any
	ids    []string // identity of the key, by row
	places map[string]int
}

func uniqueRows(ctx context.Context, call *nodes.Call, name string, list *flowforge.Value, key nodes.Selectors) (*keyedRows, error) {
	var data any
	if list != nil {
		data = list.Any()
	}
	rows, err := rowsOf(source{name, data})
	if err != nil {
		return nil, err
	}
	keyed := &keyedRows{rows: rows, ids: make([]string, len(rows)), places: make(map[string]int, len(rows))}
	err = walk(ctx, rows, func(i int, row any) error {
		keys, err := selectAll(ctx, call, key, row, i)
		if err != nil {
			return err
		}
		id := identity(keys...)
		if other, twice := keyed.places[id]; twice {
			return refuse(codeInvalidData, "%s: items %d and %d have the same key, %s: a key must be unique in each list",
				name, other, i, describe(keys[0]))
		}
		keyed.ids[i], keyed.places[id] = id, i
		return nil
	})
	return keyed, err
}

// changedFields names the fields in which two objects differ, sorted.
func changedFields(before, after any) []any {
	b, _ := before.(map[string]any)
	a, _ := after.(map[string]any)
	names := slices.Collect(maps.Keys(a))
	for name := range b {
		if _, found := a[name]; !found {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var changed []any
	for _, name := range names {
		x, inBefore := b[name]
		y, inAfter := a[name]
		if inBefore != inAfter || compare(x, y) != 0 {
			changed = append(changed, name)
		}
	}
	return changed
}

func compareType() nodes.Type {
	ada, bob, eve := map[string]any{"id": 1, "name": "Ada"}, map[string]any{"id": 2, "name": "Bob"}, map[string]any{"id": 3, "name": "Eve"}
	rob := map[string]any{"id": 2, "name": "Rob"}
	t := nodes.Define(nodes.Spec{
		Type: "data.compare", Version: 1, Title: "Compare lists", Category: categoryItems, Icon: "diff", Kind: nodes.Pure,
		Doc: "Compares two lists of objects by key: what was added, removed, changed, and what is the same.\n\n" +
			"The key must be unique in each list. Numbers are equal by value: 1 and 1.0 are the same.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The four lists."}},
		Examples: []nodes.Example{{
			Title: "Yesterday and today",
			Params: flowforge.MustValue(map[string]any{
				"before": "{{ input.yesterday }}", "after": "{{ input.today }}", "key": "id",
			}),
			Input: flowforge.MustValue(map[string]any{"yesterday": []any{ada, bob}, "today": []any{rob, eve}}),
			Want: flowforge.Out(flowforge.MustValue(map[string]any{
				"added": []any{eve}, "removed": []any{ada}, "same": []any{},
				"changed": []any{map[string]any{"before": bob, "after": rob, "fields": []any{"name"}}},
			})),
		}},
	}, runCompare)
	t.Spec.Output = outputOf[compareResult]()
	return t
}

// outputOf makes the schema of an output from its Go form, for types that do not go through it themselves.
func outputOf[R any]() flowforge.Value {
	return nodes.Define[nothing, R](nodes.Spec{}, nil).Spec.Output
}
