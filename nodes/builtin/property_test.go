package builtin_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes/nodetest"
)

// anyValue gives values that collide often.
func anyValue() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.SampledFrom([]any{
			nil, true, false, int64(0), 0.5, int64(1), uint64(math.MaxUint64), int64(math.MaxInt64), int64(math.MinInt64), 9.2e18, 1.8e19,
			"", "a", "b", "ab",
			list{},
			list{int64(1)},
			list{"a", nil},
			object{},
			object{"a": int64(1)},
			object{"a": nil},
			object{"b": int64(1)},
		}),
		rapid.Int64Range(-3, 3).AsAny(),
		rapid.Float64Range(-2, 2).AsAny(),
	)
}

// rows gives lists of objects with a key k that repeats and a field of their own.
func rows(field string) *rapid.Generator[list] {
	return rapid.Custom(func(t *rapid.T) list {
		out := make(list, rapid.IntRange(0, 6).Draw(t, "length"))
		for i := range out {
			out[i] = object{"k": rapid.SampledFrom([]any{nil, int64(1), int64(2), 2.0, "2", int64(3)}).Draw(t, "k"), field: i}
		}
		return out
	})
}

// give runs a type and gives what it emits on "out", in Go form.
func give(t *testing.T, rt *rapid.T, typ string, params, input any) any {
	t.Helper()
	ports, err := nodetest.Run(t, typeOf(t, typ), params, input)
	require.NoError(rt, err)
	out, _ := ports.Get(flowforge.PortOut)
	return out.Any()
}

func texts(t *rapid.T, items any) []string {
	asList, ok := items.(list)
	require.True(t, ok)
	out := make([]string, len(asList))
	for i, item := range asList {
		out[i] = flowforge.MustValue(item).String()
	}
	return out
}

func TestSortIsAnOrderedPermutation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		items := rapid.SliceOfN(anyValue(), 0, 12).Draw(rt, "items")
		sorted := give(t, rt, "core.sort", object{}, items)
		before, after := texts(rt, items), texts(rt, sorted)
		slices.Sort(before)
		require.ElementsMatch(rt, before, after)
		require.Equal(rt, after, texts(rt, give(t, rt, "core.sort", object{}, sorted)), "sorting twice changes nothing")

		// The order is total: sorting what was shuffled gives the same, up to equal items.
		shuffled := rapid.Permutation(items).Draw(rt, "shuffled")
		again := give(t, rt, "core.sort", object{}, append(list{}, shuffled...))
		require.Equal(rt, after, texts(rt, again))
	})
}

func TestSortIsStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.SliceOfN(rapid.IntRange(0, 3), 30, 60).Draw(rt, "keys") // short lists are sorted in another way
		items := make(list, len(keys))
		for i, key := range keys {
			items[i] = object{"k": key, "i": i}
		}
		order := rapid.SampledFrom([]string{"asc", "desc"}).Draw(rt, "order")
		sorted, _ := give(t, rt, "core.sort", object{"by": "k", "order": order}, items).(list)
		for i := range len(sorted) - 1 {
			a, b := sorted[i].(object), sorted[i+1].(object)
			if a["k"] == b["k"] {
				require.Less(rt, a["i"], b["i"])
			}
		}
	})
}

func TestDedupeIsIdempotent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		items := rapid.SliceOfN(anyValue(), 0, 12).Draw(rt, "items")
		once := give(t, rt, "core.dedupe", object{}, items)
		require.Equal(rt, texts(rt, once), texts(rt, give(t, rt, "core.dedupe", object{}, once)))

		var naive []string
		for _, text := range texts(rt, items) {
			if !slices.Contains(naive, text) {
				naive = append(naive, text)
			}
		}
		require.Len(rt, texts(rt, once), len(naive))
		require.ElementsMatch(rt, naive, texts(rt, once))
	})
}

func TestMergeByKeyIsTheNaiveOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		left, right := rows("l").Draw(rt, "left"), rows("r").Draw(rt, "right")
		join := rapid.SampledFrom([]string{"inner", "left", "outer"}).Draw(rt, "join")
		got := give(t, rt, "core.merge", object{"mode": "by_key", "key": "k", "join": join}, object{"a": left, "b": right})

		want := list{}
		matched := make([]bool, len(right))
		for _, l := range left {
			l, found := l.(object), false
			for i, r := range right {
				r := r.(object)
				if l["k"] != nil && flowforge.MustValue(l["k"]).Equal(flowforge.MustValue(r["k"])) {
					want = append(want, object{"k": l["k"], "l": l["l"], "r": r["r"]})
					found, matched[i] = true, true
				}
			}
			if !found && join != "inner" {
				want = append(want, l)
			}
		}
		for i, r := range right {
			if !matched[i] && join == "outer" {
				want = append(want, r)
			}
		}
		require.Equal(rt, texts(rt, want), texts(rt, got))
	})
}

func TestAggregateIsTheNaiveOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		input := rows("n").Draw(rt, "rows")
		for _, item := range input {
			item.(object)["n"] = rapid.Int64().Draw(rt, "n")
		}
		got := give(t, rt, "core.aggregate", object{"group_by": "k", "fields": object{
			"sum": object{"op": "sum", "of": "n"}, "count": object{"op": "count"}, "min": object{"op": "min", "of": "n"},
		}}, input)

		var order []string
		groups := make(map[string][]object)
		for _, item := range input {
			key := flowforge.MustValue(item.(object)["k"]).String()
			if len(groups[key]) == 0 {
				order = append(order, key)
			}
			groups[key] = append(groups[key], item.(object))
		}
		want := list{}
		for _, key := range order {
			sum, smallest := new(big.Int), int64(math.MaxInt64)
			for _, item := range groups[key] {
				sum.Add(sum, big.NewInt(item["n"].(int64)))
				smallest = min(smallest, item["n"].(int64))
			}
			var exact any
			switch {
			case sum.IsInt64():
				exact = sum.Int64()
			case sum.IsUint64():
				exact = sum.Uint64()
			default:
				exact, _ = new(big.Float).SetInt(sum).Float64()
			}
			want = append(want, object{"k": groups[key][0]["k"], "sum": exact, "count": len(groups[key]), "min": smallest})
		}
		require.Equal(rt, texts(rt, want), texts(rt, got))
	})
}

func TestXMLIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	var content func(depth int) *rapid.Generator[any]
	content = func(depth int) *rapid.Generator[any] {
		text := rapid.StringMatching(`[a-zé<>&"' ]{0,6}[a-z]`).AsAny()
		if depth == 0 {
			return text
		}
		return rapid.OneOf(text, rapid.Map(rapid.MapOfN(rapid.StringMatching(`@?[a-c]`), content(depth-1), 1, 3), func(fields map[string]any) any {
			for key, x := range fields {
				if _, deep := x.(object); deep && key[0] == '@' {
					fields[key] = "text"
				}
			}
			return fields
		}))
	}
	rapid.Check(t, func(rt *rapid.T) {
		tree := object{"root": content(3).Draw(rt, "tree")}
		text := give(t, rt, "data.xml", object{"action": "write", "indent": rapid.Bool().Draw(rt, "indent")}, tree)
		require.Equal(rt, flowforge.MustValue(tree).String(), flowforge.MustValue(give(t, rt, "data.xml", object{"action": "parse"}, text)).String())
	})
}

func TestEncodingsAreUndone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.String().Draw(rt, "text")
		encoding := rapid.SampledFrom([]string{"hex", "base64", "base64url", "url"}).Draw(rt, "encoding")
		encoded := give(t, rt, "data.encode", object{"action": "encode", "encoding": encoding}, text)
		require.Equal(rt, text, give(t, rt, "data.encode", object{"action": "decode", "encoding": encoding}, encoded))
	})
}
