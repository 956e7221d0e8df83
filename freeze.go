package flowforge

import (
	"encoding"
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// freezer puts data into Go form and counts its size and depth. What is in that form already is kept, not
// copied.
type freezer struct{ extent }

// extent says how large a value is.
type extent struct {
	size    int // of the JSON text in bytes, escapes not counted
	deepest int // lists and objects around the innermost item
}

func (f *freezer) freeze(x any, depth int) (any, error) {
	if err := f.check(depth); err != nil {
		return nil, err
	}
	switch x := x.(type) {
	case nil:
		f.size += len("null")
		return nil, nil
	case bool:
		f.size += len(strconv.FormatBool(x))
		return x, nil
	case string:
		x = validText(x)
		f.size += len(x) + len(`""`)
		return x, nil
	case []any:
		return f.freezeList(x, depth)
	case map[string]any:
		return f.freezeObject(x, depth)
	case Value:
		return f.freezeValue(x, depth)
	}
	switch x.(type) {
	case json.Number:
	case json.Marshaler, encoding.TextMarshaler:
		return f.freezeEncoded(x, depth)
	}
	if number, ok, err := f.number(x); ok || err != nil {
		return number, err
	}
	return f.freezeOther(x, depth)
}

func (f *freezer) check(depth int) error {
	f.deepest = max(f.deepest, depth)
	switch {
	case depth > maxValueDepth:
		return Errorf(CodeInvalidValue, "lists and objects are nested more than %d deep", maxValueDepth)
	case f.size > MaxValueSize:
		return Errorf(CodeValueTooLarge,
			"the value is larger than %d MiB: keep it in a blob and pass a reference", MaxValueSize>>20)
	}
	return nil
}

// validText replaces invalid bytes as encoding/json would, so that a value is the same before it was stored
// and after.
func validText(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

func (f *freezer) freezeList(list []any, depth int) (any, error) {
	f.size += containerSize(len(list))
	if list == nil {
		return []any{}, nil
	}
	out, copied := list, false
	for i, item := range list {
		frozen, err := f.freeze(item, depth+1)
		if err != nil {
			return nil, err
		}
		if same(item, frozen) {
			continue
		}
		if !copied {
			out, copied = slices.Clone(list), true
		}
		out[i] = frozen
	}
	return out, nil
}

func (f *freezer) freezeObject(object map[string]any, depth int) (any, error) {
	if object == nil {
		object = map[string]any{}
	}
	object = validKeys(object)
	f.size += containerSize(len(object))
	out, copied := object, false
	for key, item := range object {
		f.size += len(key) + len(`"":`)
		frozen, err := f.freeze(item, depth+1)
		if err != nil {
			return nil, err
		}
		if same(item, frozen) {
			continue
		}
		if !copied {
			out, copied = maps.Clone(object), true
		}
		out[key] = frozen
	}
	return out, nil
}

// validKeys gives the object itself, or a copy with valid keys; of keys that become equal the last counts.
func validKeys(object map[string]any) map[string]any {
	for key := range object {
		if utf8.ValidString(key) {
			continue
		}
		valid := make(map[string]any, len(object))
		for _, key := range slices.Sorted(maps.Keys(object)) {
			valid[validText(key)] = object[key]
		}
		return valid
	}
	return object
}

// containerSize is what a list or object of n items adds to theirs: its brackets and commas.
func containerSize(n int) int { return len("[]") + max(0, n-1) }

// freezeValue takes in a value; it is known to be in Go form.
func (f *freezer) freezeValue(x Value, depth int) (any, error) {
	f.size += x.Size()
	if err := f.check(depth + x.depth()); err != nil {
		return nil, err
	}
	return x.Any(), nil
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
	if integer := parseInteger(text); integer != nil {
		return integer, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, Errorf(CodeInvalidValue, "the number %s is out of range", shorten(text))
	}
	const exact = 1 << 53 // below it every integer is a float64
	if math.Abs(x) >= exact && math.Abs(x) <= math.MaxUint64 {
		if integer := parseInteger(wholeDigits(text)); integer != nil {
			return integer, nil
		}
	}
	return float(x)
}

// parseInteger reads an integer of 64 bits, or gives nil.
func parseInteger(text string) any {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return u
	}
	return nil
}

// wholeDigits writes a number out without fraction and exponent, or gives "" if it is no integer or is too
// long for 64 bits.
func wholeDigits(text string) string {
	const longest = 40 // digits, zeros at the front included
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	shift, _ := strconv.Atoi(exponent)
	digits := strings.TrimRight(whole+fraction, "0")
	point := len(whole) + shift
	if point < len(digits) || point > longest || digits == "" {
		return ""
	}
	return sign + digits + strings.Repeat("0", point-len(digits))
}

func numberSize(number any) int {
	var buffer [32]byte
	return len(appendNumber(buffer[:0], number))
}

// appendNumber writes a number in Go form as encoding/json does.
func appendNumber(text []byte, number any) []byte {
	switch x := number.(type) {
	case int64:
		return strconv.AppendInt(text, x, 10)
	case uint64:
		return strconv.AppendUint(text, x, 10)
	case float64:
		if size := math.Abs(x); x == 0 || size >= 1e-6 && size < 1e21 {
			return strconv.AppendFloat(text, x, 'f', -1, 64)
		}
		text = strconv.AppendFloat(text, x, 'e', -1, 64)
		if n := len(text); n >= 4 && text[n-4] == 'e' && text[n-3] == '-' && text[n-2] == '0' {
			text[n-2] = text[n-1] // e-09 is written e-9
			text = text[:n-1]
		}
	}
	return text
}

// storedExtent gives the extent of the value that is written as canonical JSON.
func storedExtent(canonical []byte) extent {
	e := extent{size: len(canonical)}
	depth, quoted := 0, false
	for i := 0; i < len(canonical); i++ {
		switch c := canonical[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
			e.size--
			if canonical[i] == 'u' {
				code, _ := strconv.ParseUint(string(canonical[i+1:i+5]), 16, 16)
				e.size -= len("u0000") - utf8.RuneLen(rune(code))
				i += 4
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
			if next := canonical[i+1]; next == '}' || next == ']' {
				break
			}
			e.deepest = max(e.deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return e
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
	return f.freezeEncoded(x, depth)
}

func (f *freezer) freezeEncoded(x any, depth int) (any, error) {
	v, err := ValueOf(x)
	if err != nil {
		return nil, err
	}
	return f.freezeValue(v, depth)
}
