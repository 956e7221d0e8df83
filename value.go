package flowforge

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
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
	size                   int    // of the JSON text in bytes, escapes not counted
}

// ParseValue reads one JSON value.
func ParseValue(text []byte) (Value, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var data any
	if err := decoder.Decode(&data); err != nil {
		return Value{}, Errorf(CodeInvalidValue, "not JSON: %w", jsonError(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Value{}, Errorf(CodeInvalidValue, "not one JSON value: something follows its end at byte %d", decoder.InputOffset())
	}
	return Freeze(data)
}

func jsonError(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%w at byte %d", err, syntax.Offset)
	}
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty")
	}
	return err
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
	return ParseValue(text)
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
	if err != nil {
		return Value{}, err
	}
	if data == nil {
		return Value{}, nil
	}
	v := &value{data: data, size: f.size}
	v.decodeOnce.Do(func() {})
	return Value{v}, nil
}

// StoredValue makes a value of canonical JSON, as Value.JSON gave it; it is decoded only when looked into.
func StoredValue(canonical []byte) (Value, error) {
	if !json.Valid(canonical) {
		return Value{}, Errorf(CodeInvalidValue, "stored value is not JSON")
	}
	if string(canonical) == "null" {
		return Value{}, nil
	}
	v := &value{raw: canonical, size: len(canonical)}
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
		if parsed, err := ParseValue(v.v.raw); err == nil && parsed.v != nil {
			v.v.data = parsed.v.data
		}
	})
	return v.v.data
}

// JSON gives the canonical JSON text: object keys in byte order, no white space. It is shared: it must not
// be changed.
func (v Value) JSON() []byte {
	if v.v == nil {
		return []byte("null")
	}
	v.v.encodeOnce.Do(func() {
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
func (v Value) Decode(into any) error { return json.Unmarshal(v.JSON(), into) }

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

// String gives the canonical JSON text.
func (v Value) String() string { return string(v.JSON()) }

// MarshalJSON gives the canonical JSON text.
func (v Value) MarshalJSON() ([]byte, error) { return v.JSON(), nil }

// UnmarshalJSON reads one JSON value.
func (v *Value) UnmarshalJSON(text []byte) error {
	parsed, err := ParseValue(text)
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

// freezer puts data into Go form and counts its size. What is in that form already is kept, not copied.
type freezer struct{ size int }

func (f *freezer) freeze(x any, depth int) (any, error) {
	if depth > maxValueDepth {
		return nil, Errorf(CodeInvalidValue, "lists and objects are nested more than %d deep", maxValueDepth)
	}
	if f.size > MaxValueSize {
		return nil, Errorf(CodeValueTooLarge, "the value is larger than %d MiB: keep it in a blob and pass a reference", MaxValueSize>>20)
	}
	switch x := x.(type) {
	case nil:
		f.size += len("null")
		return nil, nil
	case bool:
		f.size += len("false")
		return x, nil
	case string:
		f.size += len(x) + len(`""`)
		if f.size > MaxValueSize {
			return f.freeze(nil, depth)
		}
		if !utf8.ValidString(x) {
			// What encoding would make of it, so that the value is the same before it is stored and after.
			return strings.ToValidUTF8(x, "\uFFFD"), nil
		}
		return x, nil
	case []any:
		return f.freezeList(x, depth)
	case map[string]any:
		return f.freezeObject(x, depth)
	case Value:
		f.size += x.Size()
		return x.Any(), nil
	}
	switch x.(type) {
	case json.Number:
	case json.Marshaler, encoding.TextMarshaler:
		return f.freezeEncoded(x)
	}
	if number, ok, err := f.number(x); ok || err != nil {
		return number, err
	}
	return f.freezeOther(x, depth)
}

func (f *freezer) freezeList(list []any, depth int) (any, error) {
	f.size += len("[]") + len(list)
	if list == nil {
		return []any{}, nil
	}
	out := list
	for i, item := range list {
		frozen, err := f.freeze(item, depth+1)
		if err != nil {
			return nil, err
		}
		if same(item, frozen) {
			continue
		}
		if &out[0] == &list[0] {
			out = append([]any(nil), list...)
		}
		out[i] = frozen
	}
	return out, nil
}

func (f *freezer) freezeObject(object map[string]any, depth int) (any, error) {
	f.size += len("{}")
	if object == nil {
		return map[string]any{}, nil
	}
	out, copied := object, false
	for key, item := range object {
		f.size += len(key) + len(`"":,`)
		frozen, err := f.freeze(item, depth+1)
		if err != nil {
			return nil, err
		}
		if same(item, frozen) {
			continue
		}
		if !copied {
			out, copied = make(map[string]any, len(object)), true
			for k, v := range object {
				out[k] = v
			}
		}
		out[key] = frozen
	}
	return out, nil
}

// same reports whether freezing left an item as it was.
func same(before, after any) bool {
	switch before := before.(type) {
	case nil, bool:
		return true
	case string, int64, uint64, float64:
		return before == after
	case []any:
		after, ok := after.([]any)
		return ok && before != nil && (len(before) == 0 || &before[0] == &after[0])
	case map[string]any:
		after, ok := after.(map[string]any)
		return ok && before != nil && reflect.ValueOf(before).Pointer() == reflect.ValueOf(after).Pointer()
	}
	return false
}

// number puts any number into Go form; ok is false where x is no number.
func (f *freezer) number(x any) (number any, ok bool, err error) {
	switch x := x.(type) {
	case int64:
		number = x
	case int:
		number = int64(x)
	case uint64:
		number = unsigned(x)
	case float64:
		number, err = float(x)
	case json.Number:
		number, err = parseNumber(string(x))
	default:
		return f.otherNumber(x)
	}
	f.size += numberSize(number)
	return number, true, err
}

func (f *freezer) otherNumber(x any) (number any, ok bool, err error) {
	switch r := reflect.ValueOf(x); {
	case r.CanInt():
		number = r.Int()
	case r.CanUint():
		number = unsigned(r.Uint())
	case r.CanFloat():
		number, err = float(r.Float())
	default:
		return nil, false, nil
	}
	f.size += numberSize(number)
	return number, true, err
}

func unsigned(x uint64) any {
	if x <= math.MaxInt64 {
		return int64(x)
	}
	return x
}

func float(x float64) (any, error) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil, Errorf(CodeInvalidValue, "the number %v cannot be written as JSON", x)
	}
	if x != math.Trunc(x) {
		return x, nil
	}
	if x >= math.MinInt64 && x < math.MaxInt64 {
		return int64(x), nil
	}
	if x >= math.MaxInt64 && x < math.MaxUint64 {
		return uint64(x), nil
	}
	return x, nil
}

func parseNumber(text string) (any, error) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i, nil
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return u, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, Errorf(CodeInvalidValue, "the number %.40s is out of range", text)
	}
	return float(x)
}

func numberSize(number any) int {
	var buffer [32]byte
	switch x := number.(type) {
	case int64:
		return len(strconv.AppendInt(buffer[:0], x, 10))
	case uint64:
		return len(strconv.AppendUint(buffer[:0], x, 10))
	case float64:
		return len(strconv.AppendFloat(buffer[:0], x, 'g', -1, 64))
	}
	return 0
}

// freezeOther takes typed lists and maps apart, and everything else through its JSON.
func (f *freezer) freezeOther(x any, depth int) (any, error) {
	r := reflect.ValueOf(x)
	switch {
	case r.Kind() == reflect.Slice && r.Type().Elem().Kind() != reflect.Uint8:
		list := make([]any, r.Len())
		for i := range list {
			list[i] = r.Index(i).Interface()
		}
		return f.freezeList(list, depth)
	case r.Kind() == reflect.Map && r.Type().Key().Kind() == reflect.String:
		object := make(map[string]any, r.Len())
		for entry := r.MapRange(); entry.Next(); {
			object[entry.Key().String()] = entry.Value().Interface()
		}
		return f.freezeObject(object, depth)
	}
	return f.freezeEncoded(x)
}

func (f *freezer) freezeEncoded(x any) (any, error) {
	v, err := ValueOf(x)
	if err != nil {
		return nil, err
	}
	f.size += v.Size()
	return v.Any(), nil
}
