package expr

import (
	"maps"
	"slices"
)

func objectFunctions() []function { return slices.Concat(fields(), places(), composition()) }

func fields() []function {
	return []function{
		{
			signature: "keys(object object) list",
			doc:       "Gives the names of the fields, in alphabetical order.",
			examples:  []Example{gives(`keys({"b": 1, "a": 2})`, `["a","b"]`)},
			call:      func(c *call) (any, error) { return c.sorted(func(key string, _ any) any { return key }) },
		},
		{
			signature: "values(object object) list",
			doc:       "Gives the values of the fields, in the alphabetical order of their names.",
			examples:  []Example{gives(`values({"b": 1, "a": 2})`, `[2,1]`)},
			call:      func(c *call) (any, error) { return c.sorted(func(_ string, value any) any { return value }) },
		},
		{
			signature: "entries(object object) list",
			doc:       "Makes a list of {key, value} of the fields, in alphabetical order: what map and filter can go over.",
			examples: []Example{
				gives(`entries({"b": 1, "a": 2})`, `[{"key":"a","value":2},{"key":"b","value":1}]`),
				gives(`map(entries({"a": 1}), .key + "!")`, `["a!"]`),
			},
			call: func(c *call) (any, error) {
				if err := c.allocate(len(c.object(0)) * (objectSize + 2*entrySize)); err != nil {
					return nil, err
				}
				return c.sorted(func(key string, value any) any { return map[string]any{"key": key, "value": value} })
			},
		},
		{
			signature: "fromEntries(list list) object",
			doc:       "Makes an object of a list of {key, value}, or of lists of two; of several with one key the last stays.",
			examples: []Example{
				gives(`fromEntries([{"key": "a", "value": 1}])`, `{"a":1}`),
				gives(`fromEntries(zip(["a", "b"], [1, 2]))`, `{"a":1,"b":2}`),
			},
			call: fromEntries,
		},
	}
}

func places() []function {
	return []function{
		{
			signature: "get(value any, path any, missing? any) any",
			doc: "Gives what stands at a path such as \"rows[0].id\", or `missing` (null by default) where nothing does. It never fails " +
				"on null.",
			examples: []Example{
				gives(`get({"a": {"b": [7]}}, "a.b[0]")`, `7`),
				gives(`get({}, "a.b", "none")`, `"none"`),
				gives(`get({"a.b": 1}, ["a.b"])`, `1`),
			},
			flat: true,
			call: func(c *call) (any, error) {
				path, err := c.path()
				if err != nil {
					return nil, err
				}
				if value, found := follow(c.args[0], path); found {
					return value, nil
				}
				return c.arg(2), nil
			},
		},
		{
			signature: "has(value any, path any) bool",
			doc:       "Tells whether anything, be it null, stands at a path.",
			examples:  []Example{gives(`has({"a": null}, "a")`, `true`), gives(`has({"a": 1}, "a.b")`, `false`)},
			flat:      true,
			call: func(c *call) (any, error) {
				path, err := c.path()
				if err != nil {
					return nil, err
				}
				_, found := follow(c.args[0], path)
				return found, nil
			},
		},
		{
			signature: "set(value any, path any, to any) any",
			doc:       "Gives a copy with another value at a path; objects on the way are made where they are missing.",
			examples:  []Example{gives(`set({"a": 1}, "b.c", 2)`, `{"a":1,"b":{"c":2}}`), gives(`set([1, 2], "[0]", 9)`, `[9,2]`)},
			flat:      true,
			call: func(c *call) (any, error) {
				path, err := c.path()
				if err != nil {
					return nil, err
				}
				if len(path) > MaxNesting {
					return nil, c.fail("the path is more than %d deep", MaxNesting)
				}
				return c.put(c.args[0], path, c.args[2])
			},
		},
	}
}

func composition() []function {
	return []function{
		{
			signature: "merge(objects... object) object",
			doc:       "Puts the fields of several objects into one; of fields with one name the last wins.",
			examples:  []Example{gives(`merge({"a": 1, "b": 1}, {"b": 2})`, `{"a":1,"b":2}`)},
			call: func(c *call) (any, error) {
				total := 0
				for i := range c.args {
					total += len(c.object(i))
				}
				if err := c.newObject(total); err != nil {
					return nil, err
				}
				out := map[string]any{}
				for i := range c.args {
					maps.Copy(out, c.object(i))
				}
				return out, nil
			},
		},
		{
			signature: "deepMerge(objects... object) object",
			doc:       "Merges objects, and the objects within them under one name, too. Lists are not merged: the last wins.",
			examples:  []Example{gives(`deepMerge({"a": {"x": 1}}, {"a": {"y": 2}})`, `{"a":{"x":1,"y":2}}`)},
			call: func(c *call) (any, error) {
				out := map[string]any{}
				for i := range c.args {
					merged, err := c.deepMerge(out, c.object(i), 0)
					if err != nil {
						return nil, err
					}
					out = merged
				}
				return out, nil
			},
		},
		{
			signature: "pick(object object, names... any) object",
			doc:       "Keeps only the named fields. The names are strings, or one list of strings.",
			examples:  []Example{gives(`pick({"a": 1, "b": 2}, "a", "z")`, `{"a":1}`), gives(`pick({"a": 1, "b": 2}, ["b"])`, `{"b":2}`)},
			call: func(c *call) (any, error) {
				return c.only(true)
			},
		},
		{
			signature: "omit(object object, names... any) object",
			doc:       "Leaves the named fields out. The names are strings, or one list of strings.",
			examples:  []Example{gives(`omit({"a": 1, "b": 2}, "a")`, `{"b":2}`)},
			call:      func(c *call) (any, error) { return c.only(false) },
		},
	}
}

func (c *call) path() ([]any, error) {
	path, err := parsePath(c.args[1])
	if err != nil {
		return nil, c.fail("%v", err)
	}
	return path, c.charge(len(path))
}

// sorted makes a list of an object's fields in the order of their names.
func (c *call) sorted(of func(key string, value any) any) (any, error) {
	object := c.object(0)
	if err := c.newList(3 * len(object)); err != nil {
		return nil, err
	}
	out := make([]any, 0, len(object))
	for _, key := range sortedKeys(object) {
		out = append(out, of(key, object[key]))
	}
	return out, nil
}

func fromEntries(c *call) (any, error) {
	if err := c.newObject(len(c.list(0))); err != nil {
		return nil, err
	}
	out := make(map[string]any, len(c.list(0)))
	for i, item := range c.list(0) {
		var key, value any
		switch entry := item.(type) {
		case map[string]any:
			key, value = entry["key"], entry["value"]
		case []any:
			if len(entry) != 2 {
				return nil, c.fail("element %d is a list of %d, but a key and a value are two", i, len(entry))
			}
			key, value = entry[0], entry[1]
		default:
			return nil, c.fail("element %d is %s, but it must be an object {key, value} or a list of two", i, aType(item))
		}
		name, ok := key.(string)
		if !ok {
			return nil, c.fail("the key of element %d must be a string, but it is %s", i, aType(key))
		}
		out[name] = value
	}
	return out, nil
}

func (c *call) deepMerge(a, b map[string]any, depth int) (map[string]any, error) {
	if depth > MaxNesting {
		return nil, c.fail("the objects are nested more than %d deep", MaxNesting)
	}
	if err := c.newObject(len(a) + len(b)); err != nil {
		return nil, err
	}
	out := maps.Clone(a)
	for key, value := range b {
		left, isObject := out[key].(map[string]any)
		right, isObjectToo := value.(map[string]any)
		if !isObject || !isObjectToo {
			out[key] = value
			continue
		}
		merged, err := c.deepMerge(left, right, depth+1)
		if err != nil {
			return nil, err
		}
		out[key] = merged
	}
	return out, nil
}

// only keeps the fields that are named, or those that are not.
func (c *call) only(named bool) (any, error) {
	object, names := c.object(0), c.args[1:]
	if len(names) == 1 {
		if list, ok := names[0].([]any); ok {
			names = list
		}
	}
	if err := c.newObject(len(object) + len(names)); err != nil {
		return nil, err
	}
	wanted := make(map[string]bool, len(names))
	for _, x := range names {
		name, ok := x.(string)
		if !ok {
			return nil, c.fail("a field's name must be a string, but got %s", aType(x))
		}
		wanted[name] = true
	}
	out := map[string]any{}
	for key, value := range object {
		if wanted[key] == named {
			out[key] = value
		}
	}
	return out, nil
}
