package expr

import "slices"

// loopFunctions are those with a body that is evaluated for each element.
func loopFunctions() []function {
	return slices.Concat(transformations(), searches(), quantifiers(), aggregations())
}

func transformations() []function {
	return []function{
		{
			signature: "map(list list, each predicate) list",
			doc:       "Makes a list of what `each` gives for every element.",
			examples:  []Example{gives(`map([1, 2, 3], # * 2)`, `[2,4,6]`), gives(`map([{"id": 7}, {"id": 8}], .id)`, `[7,8]`)},
			call:      mapList,
		},
		{
			signature: "filter(list list, condition predicate) list",
			doc:       "Keeps the elements for which the condition holds.",
			examples:  []Example{gives(`filter([1, 2, 3, 4], # % 2 == 0)`, `[2,4]`), gives(`filter([{"ok": true}, {}], .ok)`, `[{"ok":true}]`)},
			call:      filterList,
		},
		{
			signature: "sortBy(list list, key predicate, order? string) list",
			doc: "Sorts by what `key` gives for every element; order is \"asc\" (the default) or \"desc\". Equal ones keep their order, " +
				"null comes last.",
			examples: []Example{
				gives(`sortBy([{"n": 2}, {"n": 1}], .n)`, `[{"n":1},{"n":2}]`),
				gives(`sortBy(["a", "ccc", "bb"], len(#), "desc")`, `["ccc","bb","a"]`),
			},
			call: sortBy,
		},
		{
			signature: "groupBy(list list, key predicate) object",
			doc:       "Makes an object of lists: the elements that have the same key, under that key as text.",
			examples:  []Example{gives(`groupBy([1, 2, 3], # % 2 == 0 ? "even" : "odd")`, `{"even":[2],"odd":[1,3]}`)},
			call:      groupBy,
		},
		{
			signature: "reduce(list list, next predicate, start? any) any",
			doc: "Goes over the list with an accumulator `#acc`: what `next` gives becomes the accumulator for the next element. " +
				"Without a start it is the first element.",
			examples: []Example{gives(`reduce([1, 2, 3], #acc + #, 10)`, `16`), gives(`reduce(["a", "b"], #acc + "-" + #)`, `"a-b"`)},
			call:     reduce,
		},
	}
}

func searches() []function {
	return []function{
		{
			signature: "find(list list, condition predicate) any",
			doc:       "Gives the first element for which the condition holds, or null.",
			examples:  []Example{gives(`find([1, 2, 3], # > 1)`, `2`), gives(`find([1], # > 1)`, `null`)},
			call:      func(c *call) (any, error) { return c.search(false, false) },
		},
		{
			signature: "findIndex(list list, condition predicate) int",
			doc:       "Gives the place of the first element for which the condition holds, or null.",
			examples:  []Example{gives(`findIndex(["a", "b"], # == "b")`, `1`)},
			call:      func(c *call) (any, error) { return c.search(false, true) },
		},
		{
			signature: "findLast(list list, condition predicate) any",
			doc:       "Gives the last element for which the condition holds, or null.",
			examples:  []Example{gives(`findLast([1, 2, 3], # < 3)`, `2`)},
			call:      func(c *call) (any, error) { return c.search(true, false) },
		},
		{
			signature: "findLastIndex(list list, condition predicate) int",
			doc:       "Gives the place of the last element for which the condition holds, or null.",
			examples:  []Example{gives(`findLastIndex([1, 2, 3], # < 3)`, `1`)},
			call:      func(c *call) (any, error) { return c.search(true, true) },
		},
	}
}

func quantifiers() []function {
	return []function{
		{
			signature: "all(list list, condition predicate) bool",
			doc:       "Tells whether the condition holds for every element; of an empty list it does.",
			examples:  []Example{gives(`all([1, 2], # > 0)`, `true`), gives(`all([], # > 0)`, `true`)},
			call: func(c *call) (any, error) {
				n, err := c.holding()
				return n == len(c.list(0)), err
			},
		},
		{
			signature: "any(list list, condition predicate) bool",
			doc:       "Tells whether the condition holds for at least one element.",
			examples:  []Example{gives(`any([1, 2], # > 1)`, `true`)},
			call: func(c *call) (any, error) {
				at, err := c.search(false, true)
				return at != nil, err
			},
		},
		{
			signature: "none(list list, condition predicate) bool",
			doc:       "Tells whether the condition holds for no element.",
			examples:  []Example{gives(`none([1, 2], # > 2)`, `true`)},
			call: func(c *call) (any, error) {
				at, err := c.search(false, true)
				return at == nil, err
			},
		},
		{
			signature: "one(list list, condition predicate) bool",
			doc:       "Tells whether the condition holds for exactly one element.",
			examples:  []Example{gives(`one([1, 2], # > 1)`, `true`)},
			call: func(c *call) (any, error) {
				n, err := c.holding()
				return n == 1, err
			},
		},
	}
}

func aggregations() []function {
	return []function{
		{
			signature: "count(list list, condition? predicate) int",
			doc:       "Counts the elements for which the condition holds, or all.",
			examples:  []Example{gives(`count([1, 2, 3], # > 1)`, `2`), gives(`count([1, 2, 3])`, `3`)},
			call: func(c *call) (any, error) {
				if c.body.run == nil {
					return int64(len(c.list(0))), nil
				}
				n, err := c.holding()
				return int64(n), err
			},
		},
		{
			signature: "sum(list list, value? predicate) number",
			doc:       "Adds up the elements, or what `value` gives for each; null counts as 0.",
			examples:  []Example{gives(`sum([1, 2, 3.5])`, `6.5`), gives(`sum([{"price": 2}, {"price": 3}], .price)`, `5`)},
			call: func(c *call) (any, error) {
				var total any = int64(0)
				err := c.each(c.list(0), func(i int, x any) (bool, error) {
					if x == nil {
						return false, nil
					}
					if !isNumber(x) {
						return true, c.fail("element %d is %s, but only numbers can be added up", i, aType(x))
					}
					var err error
					total, err = arithmetic("+", total, x)
					return false, err
				})
				return total, err
			},
		},
	}
}

func mapList(c *call) (any, error) {
	list := c.list(0)
	if err := c.newList(len(list)); err != nil {
		return nil, err
	}
	out := make([]any, len(list))
	err := c.each(list, func(i int, result any) (bool, error) {
		out[i] = result
		return false, nil
	})
	return out, err
}

func filterList(c *call) (any, error) {
	list, out := c.list(0), []any{}
	if err := c.newList(len(list)); err != nil {
		return nil, err
	}
	err := c.test(list, func(i int, holds bool) bool {
		if holds {
			out = append(out, list[i])
		}
		return false
	})
	return out, err
}

// holding counts the elements for which the condition holds.
func (c *call) holding() (int, error) {
	n := 0
	err := c.test(c.list(0), func(_ int, holds bool) bool {
		if holds {
			n++
		}
		return false
	})
	return n, err
}

// search gives the first or last element for which the condition holds, or its place, or null.
func (c *call) search(backwards, place bool) (any, error) {
	outer, list := c.scope, c.list(0)
	defer func() { c.scope = outer }()
	for i := range list {
		if backwards {
			i = len(list) - 1 - i
		}
		found := false
		if _, err := c.once(i, list[i], c.condition(func(_ int, holds bool) bool {
			found = holds
			return holds
		})); err != nil {
			return nil, err
		}
		if found && place {
			return int64(i), nil
		}
		if found {
			return list[i], nil
		}
	}
	return nil, nil
}

func sortBy(c *call) (any, error) {
	list := c.list(0)
	keys := make([]any, 0)
	if err := c.newList(3 * len(list)); err != nil {
		return nil, err
	}
	err := c.each(list, func(_ int, key any) (bool, error) {
		keys = append(keys, key)
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	return c.sort(list, keys, c.stringOr(2, "asc"))
}

func groupBy(c *call) (any, error) {
	list, groups := c.list(0), map[string]any{}
	if err := c.newList(2 * len(list)); err != nil {
		return nil, err
	}
	err := c.each(list, func(i int, key any) (bool, error) {
		switch key.(type) {
		case []any, map[string]any:
			return true, c.fail("the key of element %d is %s: it must be a string, a number or a boolean", i, aType(key))
		}
		name, err := groupName(c.machine, key)
		if err != nil {
			return true, err
		}
		members, _ := groups[name].([]any)
		if members == nil {
			if err := c.allocate(2 * entrySize); err != nil {
				return true, err
			}
		}
		groups[name] = append(members, list[i])
		return false, nil
	})
	return groups, err
}

// groupName writes a key as text; null is not the empty text here, so that the two stay apart.
func groupName(m *machine, key any) (string, error) {
	if key == nil {
		return typeNull, nil
	}
	return textOf(m, key)
}

func reduce(c *call) (any, error) {
	list := c.list(0)
	outer := c.scope
	defer func() { c.scope = outer }()
	if len(c.args) > 2 {
		c.scope.acc = c.args[2]
	} else {
		if len(list) == 0 {
			return nil, c.fail("the list is empty, and no start is given: reduce(list, ..., start)")
		}
		c.scope.acc = list[0]
	}
	for i, item := range list {
		if i == 0 && len(c.args) < 3 {
			continue
		}
		_, err := c.once(i, item, func(_ int, result any) (bool, error) {
			c.scope.acc = result
			return false, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return c.scope.acc, nil
}
