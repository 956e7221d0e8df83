package expr

import (
	"math"
	"slices"
)

func listFunctions() []function {
	return slices.Concat(ends(), arrangements(), shapes(), sets(), keyedLists(), listNumbers())
}

func ends() []function {
	return []function{
		{
			signature: "len(value any) int",
			doc:       "Counts the elements of a list, the fields of an object or the characters of a string.",
			examples:  []Example{gives(`len([1, 2])`, `2`), gives(`len("héé")`, `3`), gives(`len({"a": 1})`, `1`)},
			flat:      true,
			call:      length,
		},
		{
			signature: "first(list list) any",
			doc:       "Gives the first element, or null where there is none.",
			examples:  []Example{gives(`first([1, 2])`, `1`), gives(`first([])`, `null`)},
			flat:      true,
			call: func(c *call) (any, error) {
				if len(c.list(0)) == 0 {
					return nil, nil
				}
				return c.list(0)[0], nil
			},
		},
		{
			signature: "last(list list) any",
			doc:       "Gives the last element, or null where there is none.",
			examples:  []Example{gives(`last([1, 2])`, `2`)},
			flat:      true,
			call: func(c *call) (any, error) {
				if len(c.list(0)) == 0 {
					return nil, nil
				}
				return c.list(0)[len(c.list(0))-1], nil
			},
		},
		{
			signature: "take(list list, count int) list",
			doc:       "Gives the first elements, at most `count`.",
			examples:  []Example{gives(`take([1, 2, 3], 2)`, `[1,2]`)},
			flat:      true,
			call: func(c *call) (any, error) {
				n := c.upTo(c.int(1, 0))
				return c.list(0)[:n:n], nil
			},
		},
		{
			signature: "drop(list list, count int) list",
			doc:       "Leaves out the first elements.",
			examples:  []Example{gives(`drop([1, 2, 3], 2)`, `[3]`)},
			flat:      true,
			call:      func(c *call) (any, error) { return c.list(0)[c.upTo(c.int(1, 0)):], nil },
		},
		{
			signature: "indexOf(value any, part any) int",
			doc: "Gives the place of the first such element of a list, or of the first such part of a string, counted from 0; null " +
				"where there is none.",
			examples: []Example{gives(`indexOf(["a", "b"], "b")`, `1`), gives(`indexOf("hello", "l")`, `2`), gives(`indexOf([], 1)`, `null`)},
			call:     indexOf,
		},
	}
}

func arrangements() []function {
	return []function{
		{
			signature: "sort(list list, order? string) list",
			doc:       "Sorts numbers, or strings, by value; order is \"asc\" (the default) or \"desc\". Null comes last.",
			examples:  []Example{gives(`sort([3, 1, 2])`, `[1,2,3]`), gives(`sort(["b", "a"], "desc")`, `["b","a"]`)},
			call: func(c *call) (any, error) {
				if err := c.newList(2 * len(c.list(0))); err != nil {
					return nil, err
				}
				return c.sort(c.list(0), c.list(0), c.stringOr(1, "asc"))
			},
		},
		{
			signature: "reverse(value any) any",
			doc:       "Turns a list or a string round.",
			examples:  []Example{gives(`reverse([1, 2])`, `[2,1]`), gives(`reverse("abc")`, `"cba"`)},
			call:      reverse,
		},
		{
			signature: "concat(lists... list) list",
			doc:       "Puts lists one after the other.",
			examples:  []Example{gives(`concat([1], [2, 3])`, `[1,2,3]`)},
			call: func(c *call) (any, error) {
				total := 0
				for i := range c.args {
					total += len(c.list(i))
				}
				if err := c.newList(total); err != nil {
					return nil, err
				}
				out := make([]any, 0, total)
				for i := range c.args {
					out = append(out, c.list(i)...)
				}
				return out, nil
			},
		},
		{
			signature: "append(list list, values... any) list",
			doc:       "Puts values at the end of a list.",
			examples:  []Example{gives(`append([1], 2, 3)`, `[1,2,3]`)},
			call: func(c *call) (any, error) {
				if err := c.newList(len(c.list(0)) + len(c.args)); err != nil {
					return nil, err
				}
				return slices.Concat(c.list(0), c.args[1:]), nil
			},
		},
	}
}

func shapes() []function {
	return []function{
		{
			signature: "flatten(list list, depth? int) list",
			doc:       "Puts the elements of lists within the list in their place; depth says how many levels (all by default).",
			examples:  []Example{gives(`flatten([1, [2, [3]]])`, `[1,2,3]`), gives(`flatten([1, [2, [3]]], 1)`, `[1,2,[3]]`)},
			call: func(c *call) (any, error) {
				return c.flatten([]any{}, c.list(0), c.int(1, math.MaxInt64))
			},
		},
		{
			signature: "chunk(list list, size int) list",
			doc:       "Cuts a list into lists of `size` elements; the last may be shorter.",
			examples:  []Example{gives(`chunk([1, 2, 3], 2)`, `[[1,2],[3]]`)},
			call:      chunk,
		},
		{
			signature: "zip(lists... list) list",
			doc:       "Makes lists of the elements that have the same place; the shortest list decides how many.",
			examples:  []Example{gives(`zip([1, 2], ["a", "b"])`, `[[1,"a"],[2,"b"]]`)},
			call:      zip,
		},
		{
			signature: "range(from int, to int, step? int) list",
			doc:       "Makes the list of integers from `from` to before `to`. With `from..to` the last one is included.",
			examples:  []Example{gives(`range(0, 3)`, `[0,1,2]`), gives(`range(10, 0, -5)`, `[10,5]`), gives(`1..3`, `[1,2,3]`)},
			call: func(c *call) (any, error) {
				from, to, by := c.int(0, 0), c.int(1, 0), c.int(2, 1)
				switch {
				case by == 0:
					return nil, c.fail("step must not be 0")
				case by > 0 && to == math.MinInt64, by < 0 && to == math.MaxInt64:
					return []any{}, nil
				case by > 0:
					to--
				default:
					to++
				}
				return integerRange(c.machine, from, to, by)
			},
		},
	}
}

func sets() []function {
	return []function{
		{
			signature: "unique(list list) list",
			doc:       "Keeps the first of equal elements.",
			examples:  []Example{gives(`unique([1, 2, 1, "1"])`, `[1,2,"1"]`)},
			call: func(c *call) (any, error) {
				return c.distinct(c.list(0), itself)
			},
		},
		{
			signature: "union(lists... list) list",
			doc:       "Gives what is in any of the lists, each value once.",
			examples:  []Example{gives(`union([1, 2], [2, 3])`, `[1,2,3]`)},
			call: func(c *call) (any, error) {
				total, all := 0, []any{}
				for i := range c.args {
					total += len(c.list(i))
				}
				if err := c.newList(2 * total); err != nil {
					return nil, err
				}
				for i := range c.args {
					all = append(all, c.list(i)...)
				}
				return c.distinct(all, itself)
			},
		},
		{
			signature: "intersect(a list, b list) list",
			doc:       "Gives what is in both lists, in the order of the first.",
			examples:  []Example{gives(`intersect([1, 2, 3], [3, 2])`, `[2,3]`)},
			call:      func(c *call) (any, error) { return c.against(true) },
		},
		{
			signature: "difference(a list, b list) list",
			doc:       "Gives what is in the first list but not in the second.",
			examples:  []Example{gives(`difference([1, 2, 3], [2])`, `[1,3]`)},
			call:      func(c *call) (any, error) { return c.against(false) },
		},
		{
			signature: "compact(list list) list",
			doc:       "Leaves out null and empty strings.",
			examples:  []Example{gives(`compact([1, null, "", 0])`, `[1,0]`)},
			call: func(c *call) (any, error) {
				if err := c.newList(len(c.list(0))); err != nil {
					return nil, err
				}
				out := []any{}
				for _, x := range c.list(0) {
					if x != nil && x != "" {
						out = append(out, x)
					}
				}
				return out, nil
			},
		},
	}
}

func keyedLists() []function {
	return []function{
		{
			signature: "uniqueBy(list list, path string) list",
			doc:       "Keeps the first of the elements that have the same value at a path.",
			examples:  []Example{gives(`uniqueBy([{"id": 1, "n": "a"}, {"id": 1, "n": "b"}], "id")`, `[{"id":1,"n":"a"}]`)},
			call: func(c *call) (any, error) {
				return c.distinct(c.list(0), c.at(1))
			},
		},
		{
			signature: "countBy(list list, path string) object",
			doc:       "Counts the elements by their value at a path.",
			examples:  []Example{gives(`countBy([{"s": "ok"}, {"s": "bad"}, {"s": "ok"}], "s")`, `{"bad":1,"ok":2}`)},
			call: func(c *call) (any, error) {
				return c.keyed(func(object map[string]any, name string, _ any) {
					n, _ := object[name].(int64)
					object[name] = n + 1
				})
			},
		},
		{
			signature: "keyBy(list list, path string) object",
			doc:       "Makes an object of the elements by their value at a path; of several the last stays.",
			examples:  []Example{gives(`keyBy([{"id": "a", "n": 1}], "id")`, `{"a":{"id":"a","n":1}}`)},
			call: func(c *call) (any, error) {
				return c.keyed(func(object map[string]any, name string, item any) { object[name] = item })
			},
		},
	}
}

func listNumbers() []function {
	return []function{
		{
			signature: "min(values... any) any",
			doc:       "Gives the smallest of the values, or of the elements of one list; null where there is none.",
			examples:  []Example{gives(`min(2, 1)`, `1`), gives(`min([2, 1, 3])`, `1`), gives(`min([])`, `null`)},
			call:      func(c *call) (any, error) { return c.extreme(-1) },
		},
		{
			signature: "max(values... any) any",
			doc:       "Gives the largest of the values, or of the elements of one list; null where there is none.",
			examples:  []Example{gives(`max(2, 1)`, `2`), gives(`max(["a", "b"])`, `"b"`)},
			call:      func(c *call) (any, error) { return c.extreme(1) },
		},
		{
			signature: "avg(list list) number",
			doc:       "Gives the mean of the numbers, or null where there is none.",
			examples:  []Example{gives(`avg([1, 2])`, `1.5`), gives(`avg(map([{"n": 4}, {"n": 6}], .n))`, `5`)},
			call: func(c *call) (any, error) {
				list, err := c.numbers()
				if len(list) == 0 || err != nil {
					return nil, err
				}
				var total any = int64(0)
				for _, x := range list {
					if total, err = arithmetic("+", total, x); err != nil {
						return nil, err
					}
				}
				return arithmetic("/", total, int64(len(list)))
			},
		},
		{
			signature: "median(list list) number",
			doc:       "Gives the number in the middle, or the mean of the two there; null where there is none.",
			examples:  []Example{gives(`median([5, 1, 3])`, `3`), gives(`median([1, 2])`, `1.5`)},
			call:      median,
		},
	}
}
