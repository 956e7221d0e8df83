package builtin_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes/nodetest"
)

func TestSet(t *testing.T) {
	t.Parallel()
	input := object{"id": int64(9007199254740993), "a": object{"b": 1, "c": 2}, "rows": list{object{"x": 1, "y": 2}, 7}}
	testRows(t, "core.set", []row{
		{name: "merges", params: object{"values": object{"same": "{{ input.id }}", "a": 1}}, input: input, want: object{"id": int64(9007199254740993), "same": int64(9007199254740993), "a": 1, "rows": input["rows"]}},
		{name: "replaces", params: object{"values": object{"n": 1}, "mode": "replace"}, input: input, want: object{"n": 1}},
		{name: "no object", params: object{"values": object{"n": 1}}, input: list{1}, want: object{"n": 1}},
		{name: "no object, no values", params: object{}, input: nil, want: object{}},
		{name: "nothing to do", params: object{}, input: input, want: input},
		{name: "values from elsewhere", params: object{"values": "{{ input.a }}"}, input: input, want: object{"id": int64(9007199254740993), "a": input["a"], "rows": input["rows"], "b": 1, "c": 2}},
		{name: "values of the wrong kind", params: object{"values": "{{ input.rows }}"}, input: input, code: flowforge.CodeInvalidParams, says: "/params/values"},
		{name: "keeps", params: object{"keep": list{"a.b", "rows.x", "missing", "id.x"}}, input: input, want: object{"id": int64(9007199254740993), "a": object{"b": 1}, "rows": list{object{"x": 1}, 7}}},
		{name: "removes", params: object{"remove": list{"a.b", "rows.x", "missing.x", "id"}}, input: input, want: object{"a": object{"c": 2}, "rows": list{object{"y": 2}, 7}}},
		{name: "values win", params: object{"remove": list{"id"}, "values": object{"id": 1}}, input: object{"id": 2}, want: object{"id": 1}},
		{name: "text that looks like an expression", params: object{"values": object{"t": "{{ input.t }}"}, "mode": "replace"}, input: object{"t": "{{ 1 + 1 }}"}, want: object{"t": "{{ 1 + 1 }}"}},
	})
}

func TestRename(t *testing.T) {
	t.Parallel()
	testRows(t, "core.rename", []row{
		{name: "swaps", params: object{"fields": object{"a": "b", "b": "a"}}, input: object{"a": 1, "b": 2}, want: object{"a": 2, "b": 1}},
		{name: "missing", params: object{"fields": object{"x": "y"}}, input: object{"a": 1}, want: object{"a": 1}},
		{name: "replaces", params: object{"fields": object{"a": "b"}}, input: object{"a": 1, "b": 2}, want: object{"b": 1}},
		{name: "path and parent", params: object{"fields": object{"a": "z", "a.b": "c"}}, input: object{"a": object{"b": 1}}, want: object{"z": object{"c": 1}}},
		{name: "list", params: object{"fields": object{"a": "b"}, "items": "{{ input.rows }}"}, input: object{"rows": list{object{"a": 1}, 2}}, want: list{object{"b": 1}, 2}},
		{name: "nothing to rename", params: object{"fields": object{"a": "b"}}, input: 7, code: "invalid_data", says: "not the number 7"},
	})
}

func TestFilter(t *testing.T) {
	t.Parallel()
	testRows(t, "core.filter", []row{
		{name: "input", params: object{"condition": "{{ item > 1 }}"}, input: list{1, 2, 3}, want: list{2, 3}},
		{name: "index", params: object{"condition": "{{ index % 2 == 0 }}"}, input: list{"a", "b", "c"}, want: list{"a", "c"}},
		{name: "none", params: object{"condition": "{{ false }}"}, input: list{1}, want: list{}},
		{name: "empty", params: object{"condition": "{{ item.x }}"}, input: list{}, want: list{}},
		{name: "no list", params: object{"condition": "{{ true }}"}, input: object{}, code: "invalid_data", says: `name the list in the parameter "items"`},
		{name: "null is no list", params: object{"condition": "{{ true }}", "items": "{{ input.missing }}"}, input: object{}, code: flowforge.CodeInvalidParams, says: "/params/items"},
		{name: "not a condition", params: object{"condition": "{{ item }}"}, input: list{true, "x"}, code: flowforge.CodeInvalidParams, says: `item 1: condition gave the string "x"`},
		{name: "fails", params: object{"condition": "{{ item.a.b > 1 }}"}, input: list{1}, code: flowforge.CodeExpression, says: "item 0"},
	})
}

func TestSort(t *testing.T) {
	t.Parallel()
	big := uint64(math.MaxUint64)
	testRows(t, "core.sort", []row{
		{name: "kinds", params: object{}, input: list{object{"a": 1}, list{1}, "a", 1, true, nil, false}, want: list{nil, false, true, 1, "a", list{1}, object{"a": 1}}},
		{name: "numbers by value", params: object{}, input: list{big, int64(math.MaxInt64), 1.5, 1, -0.5, 1e300, 9007199254740993, 9007199254740992.0}, want: list{-0.5, 1, 1.5, 9007199254740992, 9007199254740993, int64(math.MaxInt64), big, 1e300}},
		{name: "lists and objects", params: object{}, input: list{list{1, 2}, list{1}, list{0, 9}, object{"b": 1}, object{"a": 2}, object{"a": 1, "b": 0}, object{"a": 1}}, want: list{list{0, 9}, list{1}, list{1, 2}, object{"a": 1}, object{"a": 1, "b": 0}, object{"a": 2}, object{"b": 1}}},
		{name: "stable, downwards too", params: object{"by": "k", "order": "desc"}, input: list{object{"k": 1, "i": 0}, object{"k": 2, "i": 1}, object{"k": 1, "i": 2}}, want: list{object{"k": 2, "i": 1}, object{"k": 1, "i": 0}, object{"k": 1, "i": 2}}},
		{name: "by two", params: object{"by": list{"a", "{{ -item.b }}"}}, input: list{object{"a": 2, "b": 1}, object{"a": 1, "b": 1}, object{"a": 1, "b": 2}}, want: list{object{"a": 1, "b": 2}, object{"a": 1, "b": 1}, object{"a": 2, "b": 1}}},
		{name: "missing first", params: object{"by": "a.b"}, input: list{object{"a": object{"b": 1}}, object{}}, want: list{object{}, object{"a": object{"b": 1}}}},
	})
}

func TestLimit(t *testing.T) {
	t.Parallel()
	testRows(t, "core.limit", []row{
		{name: "more than there are", params: object{"count": 9}, input: list{1, 2}, want: list{1, 2}},
		{name: "none", params: object{"count": 0}, input: list{1, 2}, want: list{}},
		{name: "skip", params: object{"count": 1, "skip": 1}, input: list{1, 2, 3}, want: list{2}},
		{name: "skip all", params: object{"count": 1, "skip": 9}, input: list{1, 2}, want: list{}},
		{name: "end", params: object{"count": 2, "from": "end"}, input: list{1, 2, 3}, want: list{2, 3}},
		{name: "end, skip all", params: object{"count": 2, "skip": 9, "from": "end"}, input: list{1, 2, 3}, want: list{}},
		{name: "negative", params: object{"count": "{{ input[0] }}"}, input: list{-1}, code: flowforge.CodeInvalidParams, says: "/params/count"},
	})
}

func TestDedupe(t *testing.T) {
	t.Parallel()
	testRows(t, "core.dedupe", []row{
		{name: "whole items", params: object{}, input: list{1, 1.0, "1", true, nil, nil, object{"a": 1, "b": 2}, object{"b": 2, "a": 1}}, want: list{1, "1", true, nil, object{"a": 1, "b": 2}}},
		{name: "first", params: object{"by": "k"}, input: list{object{"k": 1, "i": 0}, object{"k": 2, "i": 1}, object{"k": 1, "i": 2}}, want: list{object{"k": 1, "i": 0}, object{"k": 2, "i": 1}}},
		{name: "last", params: object{"by": "k", "keep": "last"}, input: list{object{"k": 1, "i": 0}, object{"k": 2, "i": 1}, object{"k": 1, "i": 2}}, want: list{object{"k": 1, "i": 2}, object{"k": 2, "i": 1}}},
		{name: "keys do not run together", params: object{"by": list{"a", "b"}}, input: list{object{"a": "x", "b": "yz"}, object{"a": "xy", "b": "z"}}, want: list{object{"a": "x", "b": "yz"}, object{"a": "xy", "b": "z"}}},
	})
}

func TestSplit(t *testing.T) {
	t.Parallel()
	testRows(t, "core.split", []row{
		{name: "null", params: object{}, input: nil, want: list{}},
		{name: "text", params: object{}, input: "abc", want: list{"abc"}},
		{name: "batches of an object", params: object{"size": 1}, input: object{"a": 1}, want: list{list{object{"key": "a", "value": 1}}}},
		{name: "batches of nothing", params: object{"size": 3}, input: list{}, want: list{}},
		{name: "no size", params: object{"size": 0}, input: list{}, code: flowforge.CodeInvalidParams, says: "/params/size"},
	})
}

func TestAggregate(t *testing.T) {
	t.Parallel()
	op := func(op, of string) object { return object{"x": object{"op": op, "of": of}} }
	sum := func(name string, input list, want any) row {
		return row{name: name, params: object{"fields": object{"x": object{"op": "sum"}}}, input: input, want: object{"x": want}}
	}
	testRows(t, "core.aggregate", []row{
		sum("sum of integers", list{1, 2, nil, 3.0}, 6),
		sum("sum of nothing", list{}, 0),
		sum("sum of floats", list{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1}, 5.5),
		sum("lost bits", list{1e100, 1.5, -1e100}, 1.5),
		sum("above int64", list{int64(math.MaxInt64), 1}, uint64(math.MaxInt64)+1),
		sum("above and back", list{uint64(math.MaxUint64), 1, -2}, uint64(math.MaxUint64)-1),
		sum("below int64", list{int64(math.MinInt64), -1}, -9223372036854775809.0),
		sum("above 64 bits", list{uint64(math.MaxUint64), uint64(math.MaxUint64)}, 2*float64(math.MaxUint64)),
		{name: "too large", params: object{"fields": object{"x": object{"op": "sum"}}}, input: list{1.7e308, 1.7e308}, code: "invalid_data", says: "fields.x: the result is larger"},
		{name: "no number", params: object{"fields": op("sum", "n")}, input: list{object{"n": 1}, object{"n": "2"}}, code: "invalid_data", says: `fields.x: item 1: only numbers can be added up, not the string "2"`},
		{name: "average passes over null", params: object{"fields": op("avg", "n")}, input: list{object{"n": 1}, object{}, object{"n": 2}}, want: object{"x": 1.5}},
		{name: "average of nothing", params: object{"fields": op("avg", "n")}, input: list{object{}}, want: object{"x": nil}},
		{name: "min", params: object{"fields": op("min", "n")}, input: list{object{"n": 2}, object{"n": 1.5}, object{}}, want: object{"x": 1.5}},
		{name: "max of texts", params: object{"fields": op("max", "n")}, input: list{object{"n": "2026-01-02"}, object{"n": "2026-02-01"}}, want: object{"x": "2026-02-01"}},
		{name: "count of a field", params: object{"fields": op("count", "n")}, input: list{object{"n": 0}, object{}}, want: object{"x": 1}},
		{name: "first and last keep null", params: object{"fields": object{"f": object{"op": "first", "of": "n"}, "l": object{"op": "last", "of": "n"}}}, input: list{object{}, object{"n": 1}}, want: object{"f": nil, "l": 1}},
		{name: "list and unique", params: object{"fields": object{"l": object{"op": "list"}, "u": object{"op": "unique"}}}, input: list{1, 1.0, nil, "a", 1}, want: object{"l": list{1, 1, nil, "a", 1}, "u": list{1, nil, "a"}}},
		{name: "groups by two", params: object{"group_by": list{"a.b", "{{ item.n > 1 }}"}, "fields": object{"n": object{"op": "count"}}}, input: list{object{"a": object{"b": "x"}, "n": 1}, object{"a": object{"b": "x"}, "n": 2}, object{"n": 2}}, want: list{object{"b": "x", "key_2": false, "n": 1}, object{"b": "x", "key_2": true, "n": 1}, object{"b": nil, "key_2": true, "n": 1}}},
		{name: "group of an expression", params: object{"group_by": "{{ item % 2 }}", "fields": object{"s": object{"op": "sum"}}}, input: list{1, 2, 3}, want: list{object{"key": 1, "s": 4}, object{"key": 0, "s": 2}}},
		{name: "no groups", params: object{"group_by": "a", "fields": object{"s": object{"op": "sum"}}}, input: list{}, want: list{}},
		{name: "op", params: object{"fields": op("median", "")}, input: list{}, code: flowforge.CodeInvalidParams, says: "/params/fields/x/op"},
	})
}

func TestCompareLists(t *testing.T) {
	t.Parallel()
	testRows(t, "data.compare", []row{
		{name: "same by value", params: object{"before": list{object{"id": 1, "n": 1}}, "after": list{object{"id": 1.0, "n": 1.0}}, "key": "id"}, want: object{"added": list{}, "removed": list{}, "changed": list{}, "same": list{object{"id": 1, "n": 1}}}},
		{name: "null is not absent", params: object{"before": list{object{"id": 1}}, "after": list{object{"id": 1, "n": nil}}, "key": "id"}, want: object{"added": list{}, "removed": list{}, "same": list{}, "changed": list{object{"before": object{"id": 1}, "after": object{"id": 1, "n": nil}, "fields": list{"n"}}}}},
		{name: "ignored", params: object{"before": list{object{"id": 1, "m": object{"at": 1}}}, "after": list{object{"id": 1, "m": object{"at": 2}}}, "key": "id", "ignore": list{"m.at"}}, want: object{"added": list{}, "removed": list{}, "changed": list{}, "same": list{object{"id": 1, "m": object{"at": 2}}}}},
		{name: "twice", params: object{"before": list{object{"id": 1}, object{"id": 1}}, "after": list{}, "key": "id"}, code: "invalid_data", says: "before: items 0 and 1 have the same key, the number 1"},
	})
}

// TestLongLists has a list of 100,000 items: what is not linear would not end.
func TestLongLists(t *testing.T) {
	t.Parallel()
	rows := make(list, 100_000)
	for i := range rows {
		rows[i] = object{"id": i, "group": i % 1000, "rank": (i * 7919) % 100_003}
	}
	input := flowforge.MustValue(rows)
	for name, params := range map[string]any{
		"core.filter":    object{"condition": "{{ item.rank > 50000 }}"},
		"core.sort":      object{"by": "rank"},
		"core.dedupe":    object{"by": "group"},
		"core.aggregate": object{"group_by": "group", "fields": object{"n": object{"op": "sum", "of": "rank"}}},
		"core.limit":     object{"count": 10},
		"core.split":     object{"size": 100},
		"core.rename":    object{"fields": object{"id": "key"}},
		"core.merge":     object{"mode": "by_key", "key": "id", "inputs": list{"{{ input }}", "{{ input }}"}},
		"data.compare":   object{"key": "id", "before": "{{ input }}", "after": "{{ input }}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := &nodetest.Host{Input: input}
			_, err := host.Run(t.Context(), typeOf(t, name), params)
			require.NoError(t, err)
			call, err := host.Call(t.Context(), typeOf(t, name), params)
			require.NoError(t, err)
			canceled, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err = typeOf(t, name).Node.Execute(canceled, call); name != "core.limit" && name != "core.split" && name != "core.rename" {
				require.ErrorIs(t, err, context.Canceled)
			}
		})
	}
}
