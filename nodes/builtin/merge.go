package builtin

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// The modes of core.merge.
const (
	modeAppend     = "append"
	modeByKey      = "by_key"
	modeByPosition = "by_position"
	modeCombine    = "combine"
)

// The joins of core.merge.
const (
	joinInner = "inner"
	joinLeft  = "left"
	joinOuter = "outer"
)

// maxMerged bounds the rows of a merge: where keys repeat in both lists, their rows multiply.
const maxMerged = 1_000_000

type mergeParams struct {
	Mode   string           `json:"mode,omitempty" jsonschema:"enum=append,enum=by_key,enum=by_position,enum=combine,default=append" jsonschema_description:"append: one list after the other; by_key: rows with the same key become one; by_position: first with first, second with second; combine: objects become one object."`
	Key    nodes.Selectors  `json:"key,omitempty" jsonschema_description:"For by_key: what rows of both lists have in common: a field, an expression over item, or a list of them."`
	Join   string           `json:"join,omitempty" jsonschema:"enum=inner,enum=left,enum=outer,default=inner" jsonschema_description:"For by_key and by_position: which rows stay. inner: those found in every list; left: all of the first list; outer: all."`
	Inputs *flowforge.Value `json:"inputs,omitempty" jsonschema:"type=array" jsonschema_description:"What to merge, in order, such as the outputs of two nodes. Without it: the fields of the input, in order of their names."`
}

// source is one of the things to merge.
type source struct {
	name string
	data any
}

func runMerge(ctx context.Context, call *nodes.Call, p mergeParams) (flowforge.Value, error) {
	sources, err := sourcesOf(call, p.Inputs)
	if err != nil {
		return flowforge.Value{}, err
	}
	m := merger{ctx: ctx, call: call, key: p.Key, join: p.Join}
	if m.join == "" {
		m.join = joinInner
	}
	var merged any
	switch p.Mode {
	case "", modeAppend:
		merged = appendAll(sources)
	case modeCombine:
		merged, err = combineAll(sources)
	case modeByKey:
		if len(p.Key) == 0 {
			return flowforge.Value{}, refuse(flowforge.CodeInvalidParams, "key is missing: %s", keyHint)
		}
		merged, err = m.fold(sources, m.byKey)
	case modeByPosition:
		merged, err = m.fold(sources, m.byPosition)
	default:
		return flowforge.Value{}, refuse(flowforge.CodeInvalidParams, "there is no mode %q", p.Mode)
	}
	if err != nil {
		return flowforge.Value{}, err
	}
	return freeze(merged)
}

const keyHint = `mode by_key needs to know which field rows have in common, such as "id"`

// sourcesOf gives what to merge: the parameter, or the fields of the input.
func sourcesOf(call *nodes.Call, inputs *flowforge.Value) ([]source, error) {
	var sources []source
	if inputs != nil {
		list, ok := inputs.Any().([]any)
		if !ok {
			return nil, refuse(flowforge.CodeInvalidParams, "inputs is %s, not a list", describe(inputs.Any()))
		}
		for i, data := range list {
			sources = append(sources, source{fmt.Sprintf("inputs[%d]", i), data})
		}
		return sources, nil
	}
	object, ok := call.Input.Any().(map[string]any)
	if !ok {
		return []source{{"the input", call.Input.Any()}}, nil
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		sources = append(sources, source{"input." + name, object[name]})
	}
	return sources, nil
}

func appendAll(sources []source) []any {
	var merged []any
	for _, from := range sources {
		switch data := from.data.(type) {
		case nil:
		case []any:
			merged = append(merged, data...)
		default:
			merged = append(merged, data)
		}
	}
	return merged
}

func combineAll(sources []source) (map[string]any, error) {
	merged := make(map[string]any)
	for _, from := range sources {
		object, ok := from.data.(map[string]any)
		if !ok && from.data != nil {
			return nil, refuse(codeInvalidData, "%s is %s: combine merges objects; for lists use append, by_key or by_position",
				from.name, describe(from.data))
		}
		maps.Copy(merged, object)
	}
	return merged, nil
}

// merger merges lists of objects, two at a time.
type merger struct {
	ctx  context.Context //nolint:containedctx // lives as long as one call
	call *nodes.Call
	key  nodes.Selectors
	join string
}

// fold merges the first list with the second, the result with the third, and so on.
func (m *merger) fold(sources []source, merge func(left, right []any) ([]any, error)) ([]any, error) {
	var merged []any
	for i, from := range sources {
		rows, err := rowsOf(from)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			merged = rows
			continue
		}
		if merged, err = merge(merged, rows); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// rowsOf gives a list of objects; null is the empty list.
func rowsOf(from source) ([]any, error) {
	if from.data == nil {
		return nil, nil
	}
	rows, ok := from.data.([]any)
	if !ok {
		return nil, refuse(codeInvalidData, "%s is %s, not a list", from.name, describe(from.data))
	}
	for i, row := range rows {
		if _, ok := row.(map[string]any); !ok {
			return nil, refuse(codeInvalidData, "%s: item %d is %s, not an object", from.name, i, describe(row))
		}
	}
	return rows, nil
}

func (m *merger) byKey(left, right []any) ([]any, error) {
	places, err := m.index(right)
	if err != nil {
		return nil, err
	}
	matches, err := m.matches(left, places)
	if err != nil {
		return nil, err
	}
	used := make([]bool, len(right))
	var merged []any
	err = walk(m.ctx, left, func(i int, row any) error {
		if len(matches[i]) == 0 && m.join != joinInner {
			merged = append(merged, row)
		}
		for _, place := range matches[i] {
			used[place] = true
			merged = append(merged, mergeRows(row, right[place]))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if m.join == joinOuter {
		for i, row := range right {
			if !used[i] {
				merged = append(merged, row)
			}
		}
	}
	return merged, nil
}

// matches gives the places of the rows that each row meets. It counts them before anything is made of them.
func (m *merger) matches(rows []any, places map[string][]int) ([][]int, error) {
	matches := make([][]int, len(rows))
	count := 0
	err := walk(m.ctx, rows, func(i int, row any) error {
		id, err := m.identityOf(row, i)
		if err != nil {
			return err
		}
		matches[i] = places[id] // none for "", which has no place
		if count += len(matches[i]); count > maxMerged {
			return refuse(flowforge.CodeValueTooLarge, "the merge has more than %d rows: the key repeats in both lists, "+
				"and each row of one meets each of the other; choose a key that is unique in one of them", maxMerged)
		}
		return nil
	})
	return matches, err
}

// index gives the places of rows by the identity of their key.
func (m *merger) index(rows []any) (map[string][]int, error) {
	places := make(map[string][]int, len(rows))
	err := walk(m.ctx, rows, func(i int, row any) error {
		id, err := m.identityOf(row, i)
		if err == nil && id != "" {
			places[id] = append(places[id], i)
		}
		return err
	})
	return places, err
}

// identityOf gives the identity of a row's key; "" where a part of it is null, which equals nothing.
func (m *merger) identityOf(row any, index int) (string, error) {
	keys, err := selectAll(m.ctx, m.call, m.key, row, index)
	if err != nil || slices.Contains(ranks(keys), 0) {
		return "", err
	}
	return identity(keys...), nil
}

func ranks(keys []any) []int {
	out := make([]int, len(keys))
	for i, key := range keys {
		out[i] = rank(key)
	}
	return out
}

func (m *merger) byPosition(left, right []any) ([]any, error) {
	length := min(len(left), len(right))
	merged := make([]any, 0, max(len(left), len(right)))
	err := walk(m.ctx, left[:length], func(i int, row any) error {
		merged = append(merged, mergeRows(row, right[i]))
		return nil
	})
	if m.join != joinInner {
		merged = append(merged, left[length:]...)
	}
	if m.join == joinOuter {
		merged = append(merged, right[length:]...)
	}
	return merged, err
}

// mergeRows puts the fields of the right object onto those of the left one.
func mergeRows(left, right any) any {
	l, _ := left.(map[string]any)
	r, _ := right.(map[string]any)
	merged := make(map[string]any, len(l)+len(r))
	maps.Copy(merged, l)
	maps.Copy(merged, r)
	return merged
}

func checkMerge(params flowforge.Value) flowforge.Problems {
	switch mode, key := written(params, "mode"), written(params, "key"); {
	case mode == modeByKey && key == nil:
		return flowforge.Problems{problem("/mode", "key is missing: %s", keyHint)}
	case key != nil && (mode == nil || mode == modeAppend || mode == modeCombine || mode == modeByPosition):
		return flowforge.Problems{problem("/key", `a key is of use only in mode by_key: write mode: by_key`)}
	}
	return nil
}

func mergeType() nodes.Type {
	t := nodes.Define(nodes.Spec{
		Type: "core.merge", Version: 1, Title: "Merge", Category: categoryFlow, Icon: "merge", Kind: nodes.Pure,
		Doc: "Makes one list or object of what several nodes gave.\n\n" +
			"A node with several connections gets an object keyed by where the data came from; its fields are merged in " +
			"order of their names. Where the order matters (a left join, or fields that both sides have) name the parts in " +
			"`inputs`. A part that is null, since its branch was not taken, counts as empty. Where two objects have the same " +
			"field, the later one wins. In by_key, a row whose key is null matches nothing, and a key that repeats on both " +
			"sides gives each pair.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "A list; in mode combine an object."}},
		Output:  flowforge.MustValue(map[string]any{"type": []any{"array", "object"}}),
		Examples: []nodes.Example{
			{
				Title:  "One list after the other",
				Params: flowforge.MustValue(map[string]any{"mode": modeAppend}),
				Input:  flowforge.MustValue(map[string]any{"first": []any{1, 2}, "second": []any{3}}),
				Want:   flowforge.Out(flowforge.MustValue([]any{1, 2, 3})),
			},
			{
				Title: "Orders with their customers",
				Params: flowforge.MustValue(map[string]any{
					"mode": modeByKey, "key": "customer", "join": joinLeft, "inputs": []any{"{{ input.orders }}", "{{ input.customers }}"},
				}),
				Input: flowforge.MustValue(map[string]any{
					"customers": []any{map[string]any{"customer": 7, "name": "Ada"}},
					"orders":    []any{map[string]any{"order": 1, "customer": 7}, map[string]any{"order": 2, "customer": 8}},
				}),
				Want: flowforge.Out(flowforge.MustValue([]any{
					map[string]any{"order": 1, "customer": 7, "name": "Ada"}, map[string]any{"order": 2, "customer": 8},
				})),
			},
			{
				Title:  "One object",
				Params: flowforge.MustValue(map[string]any{"mode": modeCombine}),
				Input:  flowforge.MustValue(map[string]any{"a": map[string]any{"name": "Ada"}, "b": map[string]any{"age": 36}}),
				Want:   flowforge.Out(flowforge.MustValue(map[string]any{"name": "Ada", "age": 36})),
			},
		},
	}, runMerge)
	t.Check = checkMerge
	return t
}
