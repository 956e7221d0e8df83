package expr_test

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	exprlang "github.com/expr-lang/expr"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
)

// anyValue draws a JSON value in Go form.
func anyValue(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Bool().AsAny(),
		rapid.Int64().AsAny(),
		rapid.Float64Range(-1e6, 1e6).AsAny(),
		rapid.String().AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	inner := anyValue(depth - 1)
	return rapid.OneOf(append(scalars, rapid.SliceOfN(inner, 0, 4).AsAny(), rapid.MapOfN(rapid.String(), inner, 0, 4).AsAny())...)
}

func frozen(t *rapid.T, x any) flowforge.Value {
	v, err := flowforge.Freeze(x)
	require.NoError(t, err)
	return v
}

func TestTextWithoutExpressionsIsLeftAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := frozen(t, anyValue(3).Draw(t, "value"))
		if expr.IsTemplate(v.String()) {
			t.Skip()
		}
		compiled, problems := expr.NewCompiler().Template(v, "", expr.Options{})
		require.Empty(t, problems)
		constant, ok := compiled.Constant()
		require.True(t, ok)
		require.True(t, v.Equal(constant))
		got, err := compiled.Eval(t.Context(), &expr.Env{})
		require.NoError(t, err)
		require.True(t, v.Equal(got))
	})
}

// TestJSONIsAnExpression: JSON text means the same within {{ }}.
func TestJSONIsAnExpression(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := frozen(t, anyValue(3).Draw(t, "value"))
		if strings.Contains(v.String(), "-9223372036854775808") || strings.ContainsAny(v.String(), "\u2028\u2029\x7f") {
			t.Skip() // the least int64 has no literal
		}
		program, problems := expr.NewCompiler().Expression("{{ "+v.String()+" }}", "", 0)
		require.Empty(t, problems, v.String())
		got, err := program.Eval(t.Context(), &expr.Env{})
		require.NoError(t, err)
		require.Equal(t, v.String(), frozen(t, got).String())
	})
}

// TestDataPassesThrough: whatever data is, and wherever it stands, it comes out as it went in.
func TestDataPassesThrough(t *testing.T) {
	t.Parallel()
	template := flowforge.MustValue(map[string]any{
		"whole": "{{ input }}", "field": "{{ input.x }}", "list": []any{"{{ [input.x][0] }}"}, "other": "{{ nodes.a.output.x }}",
	})
	compiled, problems := expr.NewCompiler().Template(template, "", expr.Options{})
	require.Empty(t, problems)
	rapid.Check(t, func(t *rapid.T) {
		x := frozen(t, anyValue(3).Draw(t, "value"))
		input := flowforge.MustValue(map[string]any{"x": x})
		got, err := compiled.Eval(t.Context(), &expr.Env{Input: input, Nodes: nodes{"a": {Output: input}}})
		require.NoError(t, err)
		want := flowforge.MustValue(map[string]any{"whole": input, "field": x, "list": []any{x}, "other": x})
		require.Equal(t, want.String(), got.String())
	})
}

func TestIntegersAreExact(t *testing.T) {
	t.Parallel()
	operations := map[string]func(z, x, y *big.Int) *big.Int{"+": (*big.Int).Add, "-": (*big.Int).Sub, "*": (*big.Int).Mul}
	compiler := expr.NewCompiler()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-10, 10), rapid.Int64Range(-1<<32, 1<<32))
		x, y := number.Draw(t, "x"), number.Draw(t, "y")
		op := rapid.SampledFrom([]string{"+", "-", "*"}).Draw(t, "op")
		program, problems := compiler.Expression("{{ input.x "+op+" input.y }}", "", 0)
		require.Empty(t, problems)
		got, err := program.Eval(t.Context(), &expr.Env{Input: flowforge.MustValue(map[string]any{"x": x, "y": y})})
		require.NoError(t, err)
		want := operations[op](new(big.Int), big.NewInt(x), big.NewInt(y))
		switch {
		case want.IsInt64():
			require.Equal(t, want.Int64(), got)
		case want.IsUint64():
			require.Equal(t, want.Uint64(), got)
		default:
			nearest, _ := new(big.Float).SetInt(want).Float64()
			require.Equal(t, frozen(t, nearest).Any(), got)
		}
	})
}

func TestOrderIsTotalAndExact(t *testing.T) {
	t.Parallel()
	program, problems := expr.NewCompiler().Expression("{{ [input.x < input.y, input.x == input.y, input.x > input.y, input.x <= input.y, sort([input.x, input.y])] }}", "", 0)
	require.Empty(t, problems)
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Int64().AsAny(), rapid.Uint64().AsAny(), rapid.Float64Range(-1e19, 1e19).AsAny(), rapid.Float64Range(-2, 2).AsAny())
		x, y := frozen(t, number.Draw(t, "x")), frozen(t, number.Draw(t, "y"))
		got, err := program.Eval(t.Context(), &expr.Env{Input: flowforge.MustValue(map[string]any{"x": x, "y": y})})
		require.NoError(t, err)
		c := exact(t, x).Cmp(exact(t, y))
		sorted := []any{x.Any(), y.Any()}
		if c > 0 {
			slices.Reverse(sorted)
		}
		require.Equal(t, []any{c < 0, c == 0, c > 0, c <= 0, sorted}, got)
	})
}

func exact(t *rapid.T, v flowforge.Value) *big.Rat {
	if f, ok := v.Any().(float64); ok {
		return new(big.Rat).SetFloat64(f)
	}
	r, ok := new(big.Rat).SetString(v.String())
	require.True(t, ok)
	return r
}

// formula draws an expression of small numbers whose meaning expr-lang and this package share: there, too, a
// result is what a calculator shows as long as integers stay small.
func formula(t *rapid.T, depth int) string {
	if depth == 0 {
		return rapid.SampledFrom([]string{"input.a", "input.b", "input.xs[1]", "1", "2.5", "7", "len(input.xs)"}).Draw(t, "leaf")
	}
	left := formula(t, depth-1)
	switch kind := rapid.IntRange(0, 6).Draw(t, "kind"); kind {
	case 0, 1, 2:
		op := rapid.SampledFrom([]string{"+", "-", "*"}).Draw(t, "op")
		return "(" + left + " " + op + " " + formula(t, depth-1) + ")"
	case 3:
		op := rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="}).Draw(t, "op")
		return "(" + left + " " + op + " " + formula(t, depth-1) + " && not (" + left + " > 1000) || input.yes ? " + left + " : " + formula(t, depth-1) + ")"
	case 4:
		return "sum(map(filter(input.xs, # > " + left + "), # * 2))"
	case 5:
		return "(find(input.xs, # >= " + left + ") ?? -1)"
	default:
		return "(let v" + strconv.Itoa(depth) + " = " + left + "; reduce(input.xs, #acc + # * v" + strconv.Itoa(depth) + ", 0) + (any(input.xs, # == 3) ? 1 : 0))"
	}
}

func TestAgreesWithTheLanguage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		source := formula(t, rapid.IntRange(0, 3).Draw(t, "depth"))
		number := rapid.IntRange(-20, 20)
		input := map[string]any{
			"a": number.Draw(t, "a"), "b": number.Draw(t, "b"), "yes": rapid.Bool().Draw(t, "yes"),
			"xs": []any{number.Draw(t, "x"), number.Draw(t, "y"), number.Draw(t, "z")},
		}
		want, err := exprlang.Eval(source, map[string]any{"input": input})
		require.NoError(t, err, source)
		program, problems := expr.NewCompiler().Expression("{{ "+source+" }}", "", 0)
		require.Empty(t, problems, source)
		got, err := program.Eval(t.Context(), &expr.Env{Input: flowforge.MustValue(input)})
		require.NoError(t, err, source)
		require.Equal(t, frozen(t, want).String(), frozen(t, got).String(), source)
	})
}

func TestTextRoundTrips(t *testing.T) {
	t.Parallel()
	pairs := []string{
		`fromJSON(toJSON(input.x))`, `fromJSON(toJSON(input.x, 2))`, `fromEntries(entries({"x": input.x})).x`, `get(set(input, "y.z", input.x), "y.z")`,
		`first(sort([input.x]))`, `reverse(reverse([input.x]))[0]`, `flatten(chunk([input.x, 1], 1), 1)[0]`, `merge({"x": 1}, input).x`,
	}
	texts := []string{`fromBase64(toBase64(input.s))`, `fromBase64(toBase64(input.s, true))`, `fromHex(toHex(input.s))`, `urlDecode(urlEncode(input.s))`, `reverse(reverse(input.s))`, `join(split(input.s, ""))`, `parseQuery(buildQuery({"a": input.s, "b": 1})).a`}
	compiler := expr.NewCompiler()
	rapid.Check(t, func(t *rapid.T) {
		input := frozen(t, map[string]any{"x": anyValue(2).Draw(t, "x"), "s": rapid.String().Draw(t, "s")})
		data := input.Any().(map[string]any)
		for source, want := range map[string]any{rapid.SampledFrom(pairs).Draw(t, "pair"): data["x"], rapid.SampledFrom(texts).Draw(t, "text"): data["s"]} {
			program, problems := compiler.Expression("{{ "+source+" }}", "", 0)
			require.Empty(t, problems, source)
			got, err := program.Eval(t.Context(), &expr.Env{Input: input})
			require.NoError(t, err, source)
			require.Equal(t, want, got, source)
		}
	})
}
