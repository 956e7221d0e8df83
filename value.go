package flowforge

import (
	"bytes"
	"encoding/json"
	"sync"
)

// MaxValueSize bounds a value's JSON text, in bytes; larger data belongs in a blob.
const MaxValueSize = 16 << 20

// maxValueDepth bounds the nesting of lists and objects.
const maxValueDepth = 512

// Value is immutable JSON. It is decoded and encoded when first asked for and at most once each, and may be
// shared freely. The zero Value is null.
//
// In Go form a value is nil, bool, int64, uint64 (only above the range of int64), float64, string, []any or
// map[string]any. A number that is an integer and fits 64 bits is an int64 or uint64 however it was written
// (7, 7.0, 7e0), so that a value is the same before it was stored and after.
type Value struct{ v *value }

type value struct {
	decodeOnce, encodeOnce sync.Once
	data                   any    // Go form, set once decodeOnce is done
	raw                    []byte // canonical JSON, set once encodeOnce is done
	extent
}

// ParseValue reads one JSON value. Of a key that an object holds twice, the last counts.
func ParseValue(text []byte) (Value, error) {
	if err := checkJSON(text); err != nil {
		return Value{}, Errorf(CodeInvalidValue, "this is not JSON: %w", err)
	}
	return parseValid(text)
}

func parseValid(text []byte) (Value, error) {
	reader := valueReader{scanner: scanner{text: text}}
	return reader.readValue()
}

// ValueOf makes a value of anything encoding/json can encode. It copies, so x may be changed afterwards.
func ValueOf(x any) (Value, error) {
	switch x := x.(type) {
	case nil, bool, int, int64, uint64, float64, string:
		return Freeze(x)
	case Value:
		return x, nil
	}
	text, err := json.Marshal(x)
	if err != nil {
		return Value{}, Errorf(CodeInvalidValue, "encode %T as JSON: %w", x, err)
	}
	return parseValid(text)
}

// MustValue is ValueOf for what the program itself wrote; it panics where ValueOf would fail.
func MustValue(x any) Value {
	v, err := ValueOf(x)
	if err != nil {
		panic(err)
	}
	return v
}

// Freeze makes a value of x without copying what is already in Go form: the caller gives x up and must not
// change it any more. Other numbers, Values inside and typed lists and maps are put into Go form.
func Freeze(x any) (Value, error) {
	f := freezer{}
	data, err := f.freeze(x, 0)
	if err == nil {
		err = f.check(0)
	}
	if err != nil || data == nil {
		return Value{}, err
	}
	return frozen(data, f.extent), nil
}

// frozen makes a value of data in Go form that is not null.
func frozen(data any, e extent) Value {
	v := &value{data: data, extent: e}
	v.decodeOnce.Do(func() {})
	return Value{v}
}

// StoredValue makes a value of canonical JSON, as Value.JSON gave it; it is decoded only when looked into.
func StoredValue(canonical []byte) (Value, error) {
	if !json.Valid(canonical) {
		return Value{}, Errorf(CodeInvalidValue, "stored value is not JSON")
	}
	if string(canonical) == "null" {
		return Value{}, nil
	}
	f := freezer{storedExtent(canonical)}
	if err := f.check(f.deepest); err != nil {
		return Value{}, err
	}
	v := &value{raw: canonical, extent: f.extent}
	v.encodeOnce.Do(func() {})
	return Value{v}, nil
}

// Any gives the Go form. It is shared: it must not be changed.
func (v Value) Any() any {
	if v.v == nil {
		return nil
	}
	v.v.decodeOnce.Do(func() {
		// StoredValue has checked the text, so that this cannot fail.
		if parsed, err := parseValid(v.v.raw); err == nil && parsed.v != nil {
			v.v.data = parsed.v.data
		}
	})
	return v.v.data
}

// JSON gives the canonical JSON text: object keys in byte order, no white space. It is shared: it must not
// be changed. It is null for a value that Check refuses.
func (v Value) JSON() []byte {
	if v.v == nil {
		return []byte("null")
	}
	v.v.encodeOnce.Do(func() {
		if v.Check() != nil {
			v.v.raw = []byte("null")
			return
		}
		var buffer bytes.Buffer
		encoder := json.NewEncoder(&buffer)
		encoder.SetEscapeHTML(false)
		// Freeze has put the data into a form that can always be encoded.
		_ = encoder.Encode(v.v.data)
		v.v.raw = bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
	})
	return v.v.raw
}

// Decode puts the value into a Go variable, as json.Unmarshal does.
func (v Value) Decode(into any) error {
	if err := v.Check(); err != nil {
		return err
	}
	return json.Unmarshal(v.JSON(), into)
}

// Size gives the length of the JSON text in bytes, not counting escapes.
func (v Value) Size() int {
	if v.v == nil {
		return len("null")
	}
	return v.v.size
}

// IsNull reports whether the value is null.
func (v Value) IsNull() bool { return v.v == nil }

// IsZero reports whether the value is null, for encoding/json's omitzero.
func (v Value) IsZero() bool { return v.v == nil }

// Equal reports whether two values have the same JSON.
func (v Value) Equal(other Value) bool {
	return v.v == other.v || bytes.Equal(v.JSON(), other.JSON())
}

// Same reports whether two values are one and the same, not just equal: whether one was made of the other by
// passing it on.
func (v Value) Same(other Value) bool { return v.v == other.v }

// String gives the canonical JSON text.
func (v Value) String() string { return string(v.JSON()) }

// MarshalJSON gives the canonical JSON text, or the error of Check.
func (v Value) MarshalJSON() ([]byte, error) { return v.JSON(), v.Check() }

// UnmarshalJSON reads one JSON value.
func (v *Value) UnmarshalJSON(text []byte) error {
	parsed, err := ParseValue(text)
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

func (v Value) depth() int {
	if v.v == nil {
		return 0
	}
	return v.v.deepest
}
