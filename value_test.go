package flowforge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
)

func TestNumbersKeepTheirExactValue(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]any{
		"0":                      int64(0),
		"-0":                     int64(0),
		"-0.0":                   int64(0),
		"7":                      int64(7),
		"7.0":                    int64(7),
		"7e0":                    int64(7),
		"70E-1":                  int64(7),
		"1e3":                    int64(1000),
		"9007199254740993":       int64(9007199254740993),
		"9007199254740993.0":     int64(9007199254740993),
		"90071992547409930e-1":   int64(9007199254740993),
		"0.9007199254740993e+16": int64(9007199254740993),
		"9223372036854775807":    int64(math.MaxInt64),
		"9223372036854775807.0":  int64(math.MaxInt64),
		"-9223372036854775808":   int64(math.MinInt64),
		"-9223372036854775808.0": int64(math.MinInt64),
		"9223372036854775808":    uint64(1 << 63),
		"9223372036854775808.00": uint64(1 << 63),
		"18446744073709551615":   uint64(math.MaxUint64),
		"18446744073709551615.0": uint64(math.MaxUint64),
		"18446744073709551616":   float64(1 << 64),
		"18446744073709551616.0": float64(1 << 64),
		"-9223372036854775809":   float64(-1 << 63),
		"1e19":                   uint64(1e19),
		"1e20":                   1e20,
		"1.5":                    1.5,
		"1e-400":                 int64(0),
		"1e308":                  1e308,
	} {
		v, err := flowforge.ParseValue([]byte(written))
		require.NoError(t, err, written)
		if f, ok := want.(float64); ok && f == -1<<63 {
			want = int64(math.MinInt64) // the nearest float64 is an integer that fits
		}
		require.Equal(t, want, v.Any(), written)
	}
}

func TestValuesThatCannotBe(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 514) + strings.Repeat("]", 514)
	large := `"` + strings.Repeat("x", flowforge.MaxValueSize) + `"`
	cyclic := map[string]any{}
	cyclic["self"] = cyclic
	for name, test := range map[string]struct {
		make func() (flowforge.Value, error)
		code flowforge.Code
		says string
	}{
		"NaN":              {func() (flowforge.Value, error) { return flowforge.Freeze(math.NaN()) }, flowforge.CodeInvalidValue, "NaN"},
		"infinite":         {func() (flowforge.Value, error) { return flowforge.Freeze([]any{math.Inf(1)}) }, flowforge.CodeInvalidValue, "Inf"},
		"NaN inside":       {func() (flowforge.Value, error) { return flowforge.ValueOf([]float64{math.NaN()}) }, flowforge.CodeInvalidValue, "NaN"},
		"out of range":     {parse("[1e400]"), flowforge.CodeInvalidValue, "1e400 is out of range"},
		"empty":            {parse(" "), flowforge.CodeInvalidValue, "nothing in it"},
		"two":              {parse("1\n 2"), flowforge.CodeInvalidValue, "line 2, column 2"},
		"cut off":          {parse(`{"a":`), flowforge.CodeInvalidValue, "line 1, column"},
		"too deep":         {parse(deep), flowforge.CodeInvalidValue, "512 deep"},
		"too deep, stored": {func() (flowforge.Value, error) { return flowforge.StoredValue([]byte(deep)) }, flowforge.CodeInvalidValue, "512 deep"},
		"too large":        {parse(large), flowforge.CodeValueTooLarge, "16 MiB"},
		"too large, frozen": {
			func() (flowforge.Value, error) { return flowforge.Freeze(large) }, flowforge.CodeValueTooLarge, "16 MiB",
		},
		"too large, stored": {
			func() (flowforge.Value, error) { return flowforge.StoredValue([]byte(large)) }, flowforge.CodeValueTooLarge, "16 MiB",
		},
		"cyclic":   {func() (flowforge.Value, error) { return flowforge.Freeze(cyclic) }, flowforge.CodeInvalidValue, "512 deep"},
		"channel":  {func() (flowforge.Value, error) { return flowforge.Freeze([]any{make(chan int)}) }, flowforge.CodeInvalidValue, "chan int"},
		"not JSON": {func() (flowforge.Value, error) { return flowforge.StoredValue([]byte("{")) }, flowforge.CodeInvalidValue, "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := test.make()
			require.Equal(t, test.code, flowforge.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.says)
			require.True(t, v.IsNull())
		})
	}
}

func parse(text string) func() (flowforge.Value, error) {
	return func() (flowforge.Value, error) { return flowforge.ParseValue([]byte(text)) }
}

func TestDepthCountsThroughNestedValues(t *testing.T) {
	t.Parallel()
	half, err := flowforge.ParseValue([]byte(strings.Repeat("[", 300) + "1" + strings.Repeat("]", 300)))
	require.NoError(t, err)
	stored, err := flowforge.StoredValue(half.JSON())
	require.NoError(t, err)
	for _, v := range []flowforge.Value{half, stored} {
		nested := any(v)
		for range 212 {
			nested = []any{nested}
		}
		_, err = flowforge.Freeze(nested)
		require.NoError(t, err)
		_, err = flowforge.Freeze([]any{nested})
		require.ErrorContains(t, err, "512 deep")
	}
}

func TestObjectKeysHaveOneOrder(t *testing.T) {
	t.Parallel()
	v, err := flowforge.ParseValue([]byte("{ \"b\" : [1.0, {\"z\":1,\"y\":\"<&>\"}], \"é\": null,\n\"B\": 1e2, \"\": true }"))
	require.NoError(t, err)
	require.Equal(t, `{"":true,"B":100,"b":[1,{"y":"<&>","z":1}],"é":null}`, v.String()) //nolint:testifylint // the order counts
}

func TestInvalidTextBecomesWhatEncodingMakesOfIt(t *testing.T) {
	t.Parallel()
	frozen, err := flowforge.Freeze(map[string]any{"k\xff": "a\xff\xfeb", "k\xfe": 1})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"k\ufffd": "a\ufffd\ufffdb"}, frozen.Any())
	parsed, err := flowforge.ParseValue([]byte("\"a\xff\xfeb\""))
	require.NoError(t, err)
	require.Equal(t, "a\ufffd\ufffdb", parsed.Any())
}

func TestTheLastOfEqualKeysCounts(t *testing.T) {
	t.Parallel()
	v, err := flowforge.ParseValue([]byte(`{"a":[1,2,3],"a":2}`))
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": int64(2)}, v.Any())
	require.Equal(t, len(`{"a":2}`), v.Size())
}

func TestZeroValueIsNull(t *testing.T) {
	t.Parallel()
	var zero flowforge.Value
	parsed, err := flowforge.ParseValue([]byte(" null "))
	require.NoError(t, err)
	for _, v := range []flowforge.Value{zero, parsed, flowforge.MustValue(nil), flowforge.MustValue((*int)(nil))} {
		require.True(t, v.IsNull() && v.IsZero() && v.Equal(zero))
		require.Nil(t, v.Any())
		require.Equal(t, "null", v.String())
		require.Equal(t, 4, v.Size())
	}
}

func TestMustValuePanicsWhereValueOfFails(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { flowforge.MustValue(func() {}) })
}

func TestValueDecodes(t *testing.T) {
	t.Parallel()
	var into struct {
		ID    int64           `json:"id"`
		Inner flowforge.Value `json:"inner"`
	}
	require.NoError(t, flowforge.MustValue(map[string]any{"id": 9007199254740993, "inner": []int{1}}).Decode(&into))
	require.Equal(t, int64(9007199254740993), into.ID)
	require.Equal(t, "[1]", into.Inner.String())
	require.Error(t, json.Unmarshal([]byte(`{"inner":1e999}`), &into))
}

// Whatever way a value came about, it is the same before it was stored and after.
func TestValueIsTheSameAfterStoring(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := things(3).Draw(t, "x")
		v, err := flowforge.Freeze(x)
		require.NoError(t, err)
		require.Equal(t, canonical(t, v.Any()), v.String(), "the text encoding/json gives")
		require.Equal(t, plainSize(v.Any()), v.Size())

		parsed, err := flowforge.ParseValue(v.JSON())
		require.NoError(t, err)
		stored, err := flowforge.StoredValue(v.JSON())
		require.NoError(t, err)
		again, err := flowforge.Freeze(v.Any())
		require.NoError(t, err)
		for name, other := range map[string]flowforge.Value{"parsed": parsed, "stored": stored, "again": again} {
			require.Equal(t, v.Any(), other.Any(), name)
			require.Equal(t, v.String(), other.String(), name)
			require.Equal(t, v.Size(), other.Size(), name)
			require.True(t, v.Equal(other), name)
		}
	})
}

func canonical(t require.TestingT, x any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	require.NoError(t, encoder.Encode(x))
	return strings.TrimSuffix(text.String(), "\n")
}

// plainSize counts the bytes of a value's JSON text without escapes, item by item.
func plainSize(x any) int {
	switch x := x.(type) {
	case string:
		return len(x) + 2
	case []any:
		size := 2 + max(0, len(x)-1)
		for _, item := range x {
			size += plainSize(item)
		}
		return size
	case map[string]any:
		size := 2 + max(0, len(x)-1)
		for key, item := range x {
			size += len(key) + 3 + plainSize(item)
		}
		return size
	}
	text, _ := json.Marshal(x)
	return len(text)
}

func TestFreezeChangesNothingItWasGiven(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := things(3).Draw(t, "x")
		before := fmt.Sprintf("%#v", x)
		_, err := flowforge.Freeze(x)
		require.NoError(t, err)
		require.Equal(t, before, fmt.Sprintf("%#v", x))
	})
}

func TestFreezeCopiesOnlyWhatItMustChange(t *testing.T) {
	t.Parallel()
	kept := []any{"in Go form"}
	list := []any{kept, 7}
	object := map[string]any{"kept": kept, "changed": int8(1)}
	v, err := flowforge.Freeze([]any{list, object})
	require.NoError(t, err)
	require.Equal(t, []any{kept, 7}, list)
	require.Equal(t, map[string]any{"kept": kept, "changed": int8(1)}, object)

	frozen := v.Any().([]any)
	require.Equal(t, []any{kept, int64(7)}, frozen[0])
	require.Same(t, &kept[0], &frozen[0].([]any)[0].([]any)[0])
	require.Same(t, &kept[0], &frozen[1].(map[string]any)["kept"].([]any)[0])
}

func TestValueOfCopies(t *testing.T) {
	t.Parallel()
	list := []any{"a"}
	v := flowforge.MustValue(list)
	list[0] = "b"
	require.Equal(t, `["a"]`, v.String())
}

// Values are shared between goroutines: each form is made once, whoever asks first.
func TestValueIsDecodedAndEncodedAtMostOnce(t *testing.T) {
	t.Parallel()
	stored, err := flowforge.StoredValue([]byte(`{"list":[1,2,3]}`))
	require.NoError(t, err)
	for _, v := range []flowforge.Value{stored, flowforge.MustValue(map[string]any{"list": []int{1, 2, 3}})} {
		const readers = 16
		lists, encodings := make([]*any, readers), make([]*byte, readers)
		var group sync.WaitGroup
		for i := range readers {
			group.Go(func() {
				lists[i] = &v.Any().(map[string]any)["list"].([]any)[0]
				encodings[i] = &v.JSON()[0]
			})
		}
		group.Wait()
		for i := range readers {
			require.Same(t, lists[0], lists[i])
			require.Same(t, encodings[0], encodings[i])
		}
	}
}
