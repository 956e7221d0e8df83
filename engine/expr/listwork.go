package expr

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

func length(c *call) (any, error) {
	switch x := c.args[0].(type) {
	case []any:
		return int64(len(x)), nil
	case map[string]any:
		return int64(len(x)), nil
	case string:
		return int64(utf8.RuneCountInString(x)), c.charge(len(x) / 32)
	}
	return nil, c.fail("value must be a list, an object or a string, but it is %s", aType(c.args[0]))
}

// upTo puts a count of elements within the first argument's length.
func (c *call) upTo(n int64) int { return int(max(0, min(n, int64(len(c.list(0)))))) }

func indexOf(c *call) (any, error) {
	switch x := c.args[0].(type) {
	case []any:
		for i, item := range x {
			same, err := equal(c.machine, item, c.args[1])
			if err != nil {
				return nil, err
			}
			if same {
				return int64(i), nil
			}
		}
		return nil, nil
	case string:
		part, ok := c.args[1].(string)
		if !ok {
			return nil, c.fail("part must be a string, as value is one, but it is %s", aType(c.args[1]))
		}
		at := strings.Index(x, part)
		if at < 0 {
			return nil, nil
		}
		return int64(utf8.RuneCountInString(x[:at])), nil
	}
	return nil, c.fail("value must be a list or a string, but it is %s", aType(c.args[0]))
}

// sort gives the elements in the order of their keys; the caller has charged for the lists.
func (c *call) sort(list, keys []any, direction string) (any, error) {
	sign := 1
	switch direction {
	case "asc":
	case "desc":
		sign = -1
	default:
		return nil, c.fail("order must be \"asc\" or \"desc\", but it is %q", shorten(direction, 20))
	}
	if err := c.charge(len(list) * bits.Len(uint(len(list)))); err != nil {
		return nil, err
	}
	places := make([]int, len(list))
	for i := range places {
		places[i] = i
	}
	var failed error
	slices.SortStableFunc(places, func(i, j int) int {
		if failed != nil {
			return 0
		}
		a, b := keys[i], keys[j]
		order, err := compareForSort(c.machine, a, b)
		if err != nil {
			failed = err
			return 0
		}
		if a == nil || b == nil {
			return order
		}
		return sign * order
	})
	if failed != nil {
		return nil, failed
	}
	out := make([]any, len(list))
	for i, place := range places {
		out[i] = list[place]
	}
	return out, nil
}

func reverse(c *call) (any, error) {
	switch x := c.args[0].(type) {
	case []any:
		if err := c.newList(len(x)); err != nil {
			return nil, err
		}
		out := slices.Clone(x)
		slices.Reverse(out)
		return out, nil
	case string:
		if err := c.text(5 * len(x)); err != nil {
			return nil, err
		}
		characters := []rune(x)
		slices.Reverse(characters)
		return string(characters), nil
	}
	return nil, c.fail("value must be a list or a string, but it is %s", aType(c.args[0]))
}

// flatten charges lists that are shared many times each time.
func (c *call) flatten(out, list []any, depth int64) ([]any, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	for _, item := range list {
		if err := c.newList(2); err != nil {
			return nil, err
		}
		inner, ok := item.([]any)
		if !ok || depth <= 0 {
			out = append(out, item)
			continue
		}
		var err error
		if out, err = c.flatten(out, inner, depth-1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func chunk(c *call) (any, error) {
	list, n := c.list(0), c.int(1, 0)
	if n < 1 {
		return nil, c.fail("size must be at least 1, but it is %d", n)
	}
	if err := c.newList(3 * len(list)); err != nil {
		return nil, err
	}
	out := []any{}
	for len(list) > 0 {
		end := int(min(n, int64(len(list))))
		out = append(out, list[:end:end])
		list = list[end:]
	}
	return out, nil
}

func zip(c *call) (any, error) {
	shortest := len(c.list(0))
	for i := range c.args {
		shortest = min(shortest, len(c.list(i)))
	}
	if err := c.newList(shortest * (2 + len(c.args))); err != nil {
		return nil, err
	}
	out := make([]any, shortest)
	for place := range out {
		row := make([]any, len(c.args))
		for i := range c.args {
			row[i] = c.list(i)[place]
		}
		out[place] = row
	}
	return out, nil
}

// integerRange makes the list of integers from low to high, both included, by steps.
func integerRange(m *machine, low, high, by int64) (any, error) {
	if (by > 0) == (low > high) && low != high {
		return []any{}, nil
	}
	span, stride := high-low, by
	if by < 0 {
		span, stride = low-high, -by
	}
	if span < 0 || stride < 0 || span/stride > MaxMemory { // beyond 64 bits, or too many
		return nil, m.allocate(-1)
	}
	n := int(span/stride) + 1
	if err := m.list(n); err != nil {
		return nil, err
	}
	if err := m.allocate(n * 8); err != nil {
		return nil, err
	}
	out := make([]any, n)
	for i := range out {
		out[i] = low + int64(i)*by
	}
	return out, nil
}

// distinct keeps the first of the elements that have the same key.
func (c *call) distinct(list []any, key func(x any) (any, error)) ([]any, error) {
	if err := c.newList(len(list)); err != nil {
		return nil, err
	}
	out, seen := []any{}, map[string]bool{}
	for _, item := range list {
		value, err := key(item)
		if err != nil {
			return nil, err
		}
		k, err := keyOf(c.machine, value)
		if err != nil {
			return nil, err
		}
		if seen[k] {
			continue
		}
		if err := c.allocate(entrySize); err != nil {
			return nil, err
		}
		seen[k] = true
		out = append(out, item)
	}
	return out, nil
}

// itself is the key of elements that are compared as a whole.
func itself(x any) (any, error) { return x, nil }

// at gives what stands at the path that an argument names.
func (c *call) at(argument int) func(x any) (any, error) {
	path, err := parsePath(c.args[argument])
	return func(x any) (any, error) {
		if err != nil {
			return nil, c.fail("%v", err)
		}
		value, _ := follow(x, path)
		return value, c.charge(len(path))
	}
}

func (c *call) keyed(put func(object map[string]any, name string, item any)) (any, error) {
	object, key := map[string]any{}, c.at(1)
	for _, item := range c.list(0) {
		value, err := key(item)
		if err != nil {
			return nil, err
		}
		name, err := groupName(c.machine, value)
		if err != nil {
			return nil, err
		}
		if err := c.allocate(2 * entrySize); err != nil {
			return nil, err
		}
		put(object, name, item)
	}
	return object, nil
}

// against keeps the elements of the first list that are, or are not, in the second, each once.
func (c *call) against(both bool) (any, error) {
	other := map[string]bool{}
	for _, item := range c.list(1) {
		k, err := keyOf(c.machine, item)
		if err != nil {
			return nil, err
		}
		if err := c.allocate(entrySize); err != nil {
			return nil, err
		}
		other[k] = true
	}
	first, err := c.distinct(c.list(0), itself)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, item := range first {
		k, err := keyOf(c.machine, item)
		if err != nil {
			return nil, err
		}
		if other[k] == both {
			out = append(out, item)
		}
	}
	return out, nil
}

// extreme gives the element that compares as sign with all others. Null is passed over.
func (c *call) extreme(sign int) (any, error) {
	values := c.args
	if list, ok := c.args[0].([]any); ok && len(c.args) == 1 {
		values = list
	}
	var best any
	for _, x := range values {
		if x == nil {
			continue
		}
		if best == nil {
			best = x
			continue
		}
		order, err := compare(c.machine, x, best)
		if err != nil {
			return nil, err
		}
		if order == sign {
			best = x
		}
	}
	return best, nil
}

// numbers gives the first argument's elements without null; all must be numbers.
func (c *call) numbers() ([]any, error) {
	if err := c.newList(len(c.list(0))); err != nil {
		return nil, err
	}
	out := []any{}
	for i, x := range c.list(0) {
		if x == nil {
			continue
		}
		if !isNumber(x) {
			return nil, c.fail("element %d is %s, but only numbers can be averaged", i, aType(x))
		}
		out = append(out, x)
	}
	return out, nil
}

func median(c *call) (any, error) {
	list, err := c.numbers()
	if len(list) == 0 || err != nil {
		return nil, err
	}
	if err := c.newList(len(list) * bits.Len(uint(len(list)))); err != nil {
		return nil, err
	}
	slices.SortFunc(list, compareNumbers)
	middle := len(list) / 2
	if len(list)%2 == 1 {
		return list[middle], nil
	}
	total, err := arithmetic("+", list[middle-1], list[middle])
	if err != nil {
		return nil, err
	}
	return arithmetic("/", total, int64(2))
}
