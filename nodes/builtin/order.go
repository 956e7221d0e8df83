package builtin

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"slices"

	"github.com/flowforge-go/flowforge"
)

// rank gives the place of a kind of value in the order of all values:
// null < false < true < numbers < strings < lists < objects.
func rank(x any) int {
	switch x.(type) {
	case nil:
		return 0
	case bool:
		return 1
	case int64, uint64, float64:
		return 2
	case string:
		return 3
	case []any:
		return 4
	default:
		return 5
	}
}

// plain puts what an expression may have made into the Go form of values.
func plain(x any) any {
	switch x := x.(type) {
	case nil, bool, int64, string, []any, map[string]any:
		return x
	case int:
		return int64(x)
	}
	value, err := flowforge.Freeze(x)
	if err != nil {
		return nil
	}
	return value.Any()
}

// compare orders any two values: negative where a comes first, 0 where they are equal. Numbers compare by value
// whatever their form, strings byte by byte, lists item by item, objects by their fields in order of name.
func compare(a, b any) int {
	a, b = plain(a), plain(b)
	if by := cmp.Compare(rank(a), rank(b)); by != 0 {
		return by
	}
	switch a := a.(type) {
	case nil:
		return 0
	case bool:
		return compareBools(a, b == true)
	case string:
		other, _ := b.(string)
		return cmp.Compare(a, other)
	case []any:
		other, _ := b.([]any)
		return slices.CompareFunc(a, other, compare)
	case map[string]any:
		other, _ := b.(map[string]any)
		return compareObjects(a, other)
	}
	return compareNumbers(a, b)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func compareObjects(a, b map[string]any) int {
	keys, others := slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))
	for i := range min(len(keys), len(others)) {
		if by := cmp.Or(cmp.Compare(keys[i], others[i]), compare(a[keys[i]], b[others[i]])); by != 0 {
			return by
		}
	}
	return cmp.Compare(len(keys), len(others))
}

// compareNumbers compares exactly: no integer is rounded to a float.
func compareNumbers(a, b any) int {
	switch a := a.(type) {
	case int64:
		switch b := b.(type) {
		case int64:
			return cmp.Compare(a, b)
		case uint64:
			return compareUnsigned(b, a) * -1
		case float64:
			return compareIntFloat(a, b)
		}
	case uint64:
		switch b := b.(type) {
		case int64:
			return compareUnsigned(a, b)
		case uint64:
			return cmp.Compare(a, b)
		case float64:
			return compareUintFloat(a, b)
		}
	case float64:
		if other, ok := b.(float64); ok {
			return cmp.Compare(a, other)
		}
		return compareNumbers(b, a) * -1
	}
	return 0
}

func compareUnsigned(a uint64, b int64) int {
	if b < 0 {
		return 1
	}
	return cmp.Compare(a, uint64(b))
}

func compareIntFloat(a int64, b float64) int {
	switch {
	case b >= math.MaxInt64: // the float next to it is 2^63
		return -1
	case b < math.MinInt64:
		return 1
	}
	whole := math.Trunc(b)
	return cmp.Or(cmp.Compare(a, int64(whole)), cmp.Compare(whole, b))
}

func compareUintFloat(a uint64, b float64) int {
	switch {
	case b >= math.MaxUint64: // the float next to it is 2^64
		return -1
	case b < 0:
		return 1
	}
	whole := math.Trunc(b)
	return cmp.Or(cmp.Compare(a, uint64(whole)), cmp.Compare(whole, b))
}

// identity gives the same string for equal values and different ones for others.
func identity(values ...any) string {
	var buffer []byte
	for _, x := range values {
		buffer = appendIdentity(buffer, plain(x))
	}
	return string(buffer)
}

func appendIdentity(buffer []byte, x any) []byte {
	switch x := x.(type) {
	case nil:
		return append(buffer, 'z')
	case bool:
		if x {
			return append(buffer, 't')
		}
		return append(buffer, 'f')
	case int64:
		return binary.BigEndian.AppendUint64(append(buffer, 'i'), uint64(x)) //nolint:gosec // the bits, not the number
	case uint64:
		return binary.BigEndian.AppendUint64(append(buffer, 'u'), x)
	case float64:
		return binary.BigEndian.AppendUint64(append(buffer, 'd'), math.Float64bits(x))
	case string:
		buffer = binary.AppendUvarint(append(buffer, 's'), uint64(len(x)))
		return append(buffer, x...)
	case []any:
		buffer = binary.AppendUvarint(append(buffer, 'l'), uint64(len(x)))
		for _, item := range x {
			buffer = appendIdentity(buffer, plain(item))
		}
		return buffer
	case map[string]any:
		buffer = binary.AppendUvarint(append(buffer, 'o'), uint64(len(x)))
		for _, key := range slices.Sorted(maps.Keys(x)) {
			buffer = appendIdentity(buffer, key)
			buffer = appendIdentity(buffer, plain(x[key]))
		}
		return buffer
	}
	return buffer
}
