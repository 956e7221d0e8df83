package flowforge

import "math"

// ObjectOf makes an object of values. It copies nothing and takes time in the number of values alone, so that
// what many branches deliver can be put together at a join, and again at the next, without being copied each
// time. It may therefore be larger than MaxValueSize: Check tells.
func ObjectOf(parts map[string]Value) Value {
	object := make(map[string]any, len(parts))
	made := extent{size: len("{}")}
	for key, part := range parts {
		object[key] = part.Any()
		made.size = grow(made.size, len(key)+len(`"":,`))
		made.include(part)
	}
	return compose(object, made)
}

// ListOf makes a list of values; like ObjectOf it copies nothing and may be larger than MaxValueSize.
func ListOf(parts []Value) Value {
	list := make([]any, len(parts))
	made := extent{size: len("[]") + len(parts)}
	for i, part := range parts {
		list[i] = part.Any()
		made.include(part)
	}
	return compose(list, made)
}

func (e *extent) include(part Value) {
	e.size = grow(e.size, part.Size())
	e.deepest = max(e.deepest, part.depth()+1)
}

// grow adds sizes without overflow: what is put together again and again doubles each time.
func grow(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

func compose(data any, made extent) Value {
	v := &value{data: data, extent: made}
	v.decodeOnce.Do(func() {})
	return Value{v}
}

// Check tells whether the value is within the limits of size and depth. Only those made by ObjectOf and ListOf
// can be beyond; they have no JSON text, and whatever asks for it gets the error of Check or null.
func (v Value) Check() error {
	if v.v == nil {
		return nil
	}
	f := freezer{v.v.extent}
	return f.check(v.v.deepest)
}
