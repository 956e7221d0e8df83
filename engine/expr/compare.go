package expr

import (
	"maps"
	"slices"
	"strconv"

	"github.com/flowforge-go/flowforge"
)

// The types of values, as users know them.
const (
	typeNull    = "null"
	typeBoolean = "boolean"
	typeNumber  = "number"
	typeString  = "string"
	typeList    = "list"
	typeObject  = "object"
	typeUnknown = "unknown"
)

// typeName gives a value's type as users know it.
func typeName(x any) string {
	switch x.(type) {
	case nil:
		return typeNull
	case bool:
		return typeBoolean
	case int64, uint64, float64:
		return typeNumber
	case string:
		return typeString
	case []any:
		return typeList
	case map[string]any:
		return typeObject
	}
	return typeUnknown
}

// aType is typeName with its article.
func aType(x any) string {
	switch name := typeName(x); name {
	case typeNull:
		return name
	case typeObject, typeUnknown:
		return "an " + name
	default:
		return "a " + name
	}
}

// equal compares two values as JSON. Lists may share parts many times over, so that each element is charged.
func equal(m *machine, a, b any) (bool, error) {
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		if !ok || len(x) != len(y) {
			return false, nil
		}
		return x == y, m.charge(len(x) / 64)
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false, nil
		}
		return equalLists(m, x, y)
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false, nil
		}
		return equalObjects(m, x, y)
	}
	if isNumber(a) {
		return isNumber(b) && compareNumbers(a, b) == 0, nil
	}
	switch b.(type) {
	case []any, map[string]any:
		return false, nil
	}
	return a == b, nil
}

func equalLists(m *machine, x, y []any) (bool, error) {
	if err := m.enter(); err != nil {
		return false, err
	}
	defer m.leave()
	for i := range x {
		if err := m.charge(1); err != nil {
			return false, err
		}
		if same, err := equal(m, x[i], y[i]); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

func equalObjects(m *machine, x, y map[string]any) (bool, error) {
	if err := m.enter(); err != nil {
		return false, err
	}
	defer m.leave()
	for _, key := range sortedKeys(x) { // in order, so that it always ends alike where it runs out of steps
		if err := m.charge(2); err != nil {
			return false, err
		}
		right, ok := y[key]
		if !ok {
			return false, nil
		}
		if same, err := equal(m, x[key], right); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

// compare orders two numbers or two strings.
func compare(m *machine, a, b any) (int, error) {
	if isNumber(a) && isNumber(b) {
		return compareNumbers(a, b), nil
	}
	x, xText := a.(string)
	y, yText := b.(string)
	if xText && yText {
		return order(x, y), m.charge(min(len(x), len(y)) / 64)
	}
	return 0, failf("%s and %s have no order: only two numbers or two strings can be compared", aType(a), aType(b))
}

// compareForSort is compare with null after everything else and false before true.
func compareForSort(m *machine, a, b any) (int, error) {
	if a == nil || b == nil {
		return order(nullRank(a), nullRank(b)), nil
	}
	x, xBool := a.(bool)
	y, yBool := b.(bool)
	if xBool && yBool {
		return order(boolRank(x), boolRank(y)), nil
	}
	return compare(m, a, b)
}

func nullRank(x any) int64 { return boolRank(x == nil) }

func boolRank(x bool) int64 {
	if x {
		return 1
	}
	return 0
}

// textOf gives a value as it stands within a longer text: a string as it is, null as nothing, anything else as
// canonical JSON.
func textOf(m *machine, x any) (string, error) {
	switch x := x.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	case bool:
		return strconv.FormatBool(x), nil
	case int64:
		return strconv.FormatInt(x, 10), nil
	case uint64:
		return strconv.FormatUint(x, 10), nil
	}
	return canonical(m, x)
}

// canonical gives a value's canonical JSON. Its size is measured first, as it may share parts many times over.
func canonical(m *machine, x any) (string, error) {
	size, err := m.measure(x)
	if err != nil {
		return "", err
	}
	if err := m.text(size); err != nil {
		return "", err
	}
	v, err := flowforge.Freeze(x)
	if err != nil {
		return "", err
	}
	text := v.String()
	return text, m.text(len(text) - size)
}

// measure gives about how long a value's JSON is. It charges for each part.
func (m *machine) measure(x any) (int, error) {
	if err := m.charge(2); err != nil {
		return 0, err
	}
	total := 8
	switch x := x.(type) {
	case string:
		return len(x) + total, m.charge(len(x) / 32)
	case []any:
		if err := m.enter(); err != nil {
			return 0, err
		}
		defer m.leave()
		for _, item := range x {
			size, err := m.measure(item)
			if err != nil {
				return 0, err
			}
			total += size
		}
	case map[string]any:
		if err := m.enter(); err != nil {
			return 0, err
		}
		defer m.leave()
		for key, item := range x {
			size, err := m.measure(item)
			if err != nil {
				return 0, err
			}
			total += size + len(key)
		}
	}
	return total, nil
}

// keyOf gives a text that two values share exactly when they are equal.
func keyOf(m *machine, x any) (string, error) {
	if err := m.charge(1); err != nil {
		return "", err
	}
	switch x := x.(type) {
	case nil:
		return typeNull, nil
	case string:
		return `"` + x, m.text(len(x))
	}
	return textOf(m, x)
}

// sortedKeys gives an object's keys in canonical order: what goes over an object always does so alike.
func sortedKeys(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }
