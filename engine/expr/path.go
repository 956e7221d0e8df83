package expr

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// A path names a place within a value: "customer.address.city", "rows[0].id" or "rows.0.id". A list of names
// and numbers does the same for names that hold dots.

var errPath = errors.New(`a path is a string such as "customer.rows[0].id", a number, or a list of names and numbers`)

// parsePath gives the names (strings) and places (int64) of a path.
func parsePath(x any) ([]any, error) {
	switch x := x.(type) {
	case int64:
		return []any{x}, nil
	case string:
		return parsePathText(x)
	case []any:
		for _, part := range x {
			switch part.(type) {
			case string, int64:
			default:
				return nil, errPath
			}
		}
		return x, nil
	}
	return nil, errPath
}

func parsePathText(text string) ([]any, error) {
	if len(text) > MaxSource {
		return nil, errors.New("the path is too long")
	}
	var path []any
	for field := range strings.SplitSeq(text, ".") {
		name, places, indexed := strings.Cut(field, "[")
		if name != "" || !indexed {
			path = append(path, name)
		}
		if !indexed {
			continue
		}
		if !strings.HasSuffix(places, "]") {
			return nil, fmt.Errorf("in the path %q a [ is not closed", shorten(text, 40))
		}
		for place := range strings.SplitSeq(strings.TrimSuffix(places, "]"), "][") {
			i, err := strconv.ParseInt(place, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("in the path %q the brackets must hold an integer", shorten(text, 40))
			}
			path = append(path, i)
		}
	}
	return path, nil
}

// follow gives what stands at a path, and whether anything does.
func follow(x any, path []any) (value any, found bool) {
	for _, part := range path {
		switch at := x.(type) {
		case map[string]any:
			if x, found = at[name(part)]; !found {
				return nil, false
			}
		case []any:
			i, ok := place(part)
			if !ok {
				return nil, false
			}
			at64, ok := within(i, len(at))
			if !ok {
				return nil, false
			}
			x = at[at64]
		default:
			return nil, false
		}
	}
	return x, true
}

func name(part any) string {
	if i, ok := part.(int64); ok {
		return strconv.FormatInt(i, 10)
	}
	s, _ := part.(string)
	return s
}

func place(part any) (int64, bool) {
	switch part := part.(type) {
	case int64:
		return part, true
	case string:
		i, err := strconv.ParseInt(part, 10, 64)
		return i, err == nil
	}
	return 0, false
}

// put gives a copy of x with another value at a path. Only what lies along the path is copied.
func (c *call) put(x any, path []any, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	if list, ok := x.([]any); ok {
		return c.putElement(list, path, value)
	}
	object, ok := x.(map[string]any)
	if x != nil && !ok {
		return nil, c.fail("%v stands within %s, which has no fields", path[0], aType(x))
	}
	if err := c.newObject(len(object) + 1); err != nil {
		return nil, err
	}
	key := name(path[0])
	inner, err := c.put(object[key], path[1:], value)
	if err != nil {
		return nil, err
	}
	out := make(map[string]any, len(object)+1)
	maps.Copy(out, object)
	out[key] = inner
	return out, nil
}

func (c *call) putElement(list, path []any, value any) (any, error) {
	i, ok := place(path[0])
	at, inside := within(i, len(list))
	if !ok || !inside {
		return nil, c.fail("there is no element %v: the list has %s", path[0], count(len(list), "element"))
	}
	if err := c.newList(len(list)); err != nil {
		return nil, err
	}
	inner, err := c.put(list[at], path[1:], value)
	if err != nil {
		return nil, err
	}
	out := append([]any(nil), list...)
	out[at] = inner
	return out, nil
}
