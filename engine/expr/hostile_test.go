package expr_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
)

// hostile are expressions that a program without limits would never finish, or not survive.
func hostile() map[string]string {
	doubling := func(start, body string, times int) string {
		var source strings.Builder
		source.WriteString("let a0 = " + start + "; ")
		for i := range times {
			fmt.Fprintf(&source, "let a%d = %s; ", i+1, strings.ReplaceAll(body, "_", fmt.Sprintf("a%d", i)))
		}
		return source.String()
	}
	return map[string]string{
		"three loops within each other": `map(1..10000, map(1..10001, map(1..10002, # * 2)))`,
		"a loop of a million":           `map(1..1000000, sum(1..1000))`,
		"a range":                       `1..1000000000`,
		"the widest range":              `range(-9223372036854775807, 9223372036854775807)`,
		"the longest text":              `repeat("ab", 9223372036854775807)`,
		"a text repeated":               `repeat(repeat("a", 10000000), 10000000)`,
		"a pad":                         `padStart("a", 9223372036854775807, "é")`,
		"a text that doubles":           doubling(`"aaaaaaaaaaaaaaaa"`, "_ + _", 60) + `a60`,
		"a list that doubles":           doubling(`[1]`, "concat(_, _)", 60) + `len(a60)`,
		"a list shared over and over":   doubling(`[1]`, "[_, _]", 60) + `a60`,
		"the JSON of one":               doubling(`[1]`, "[_, _]", 60) + `len(toJSON(a60))`,
		"the text of one":               doubling(`[1]`, "[_, _]", 60) + `len(join([a60, a60]))`,
		"comparing two":                 doubling(`[1]`, "[_, _]", 60) + strings.ReplaceAll(doubling(`[1]`, "[_, _]", 60), "a", "b") + `a60 == b60`,
		"flattening one":                doubling(`[1]`, "[_, _]", 60) + `len(flatten(a60))`,
		"what is unique in one":         doubling(`[1]`, "[_, _]", 60) + `unique([a60, a60])`,
		"sorting by one":                doubling(`[1]`, "[_, _]", 60) + `countBy([{"k": a60}], "k")`,
		"merging objects":               doubling(`{"a": 1}`, `{"x": _, "y": _}`, 60) + `deepMerge(a60, a60)`,
		"a query of one":                doubling(`[1]`, "[_, _]", 60) + `buildQuery({"a": a60})`,
		"a repetition of repetitions":   `"a" matches "((a{1000}){1000}){1000}"`,
		"that, worked out":              `"a" matches ("((a{100}){100}" + "){100}")`,
		"a long alternation":            `repeat("a", 1000000) matches "(a|aa|aaa|aaaa|aaaaa|aaaaaa|aaaaaaa|aaaaaaaa|aaaaaaaaa){50}b$"`,
		"many patterns":                 `map(1..1000000, "a" matches ("(a{500}){2}" + toString(#)))`,
		"a replacement that grows":      `regexReplace(repeat("a", 1000000), "a+", repeat("$0", 1000000))`,
		"empty matches":                 `len(regexFindAll(repeat("a", 15000000), ""))`,
		"a replacement of all":          `replace(repeat("a", 10000000), "a", repeat("b", 1000000))`,
		"a replacement of nothing":      `replace(repeat("a", 1000000), "", repeat("b", 1000000))`,
		"all characters":                `split(repeat("a", 15000000), "")`,
		"a join":                        `join(1..1000000, repeat("a", 1000000))`,
		"reduce":                        `reduce(1..1000000, #acc + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "")`,
		"reduce that nests":             `reduce(1..1000000, [#acc, #acc], 1)`,
		"comparing deep nests":          `reduce(1..300000, [#acc], 1) == reduce(1..300000, [#acc], 1)`,
		"comparing deep objects":        `reduce(1..100000, {a: #acc}, 1) == reduce(1..100000, {a: #acc}, 1)`,
		"flattening a deep nest":        `flatten(reduce(1..300000, [#acc], 1))`,
		"the text of a deep nest":       `toString(reduce(1..300000, [#acc], 1))`,
		"a product":                     `zip(1..1000000, 1..1000000, 1..1000000, 1..1000000)`,
		"indentation":                   `toJSON(reduce(1..400, [#acc, 1], 1), 8) | repeat(100)`,
		"a huge power":                  `map(1..1000000, 99999999 ** 99999999)`,
		"time zones":                    `map(1..1000000, inZone("2026-01-01", "Europe/" + toString(#)))`,
		"hashes":                        `map(1..1000000, sha256(repeat("a", 1000000)))`,
		"sorting":                       `map(1..10000, sort(1..10000))`,
		"looking for elements":          `let xs = 1..100000; filter(xs, -1 in xs)`,
		"a dozen lets":                  `let x = 1..1000000; let y = map(x, [#]); let z = map(y, [#]); map(z, [#, #, #])`,
	}
}

// TestHostile runs one after the other, so that what each allocates can be told. It is as much about time: the
// limits end each of these within a fraction of a second.
func TestHostile(t *testing.T) { //nolint:paralleltest // it measures what it allocates.
	for name, source := range hostile() { //nolint:paralleltest // as above.
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := eval(t, "{{ "+source+" }}")
			runtime.ReadMemStats(&after)
			require.Error(t, err)
			require.Less(t, len(err.Error()), 1000)
			require.NotContains(t, err.Error(), "cannot be evaluated")
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(6*expr.MaxMemory)) // with -race pools give away what they hold
		})
	}
}

func TestHostileSource(t *testing.T) {
	t.Parallel()
	chained := "1"
	for range 60 {
		chained = "1 < (" + chained + ") < 2"
	}
	elvis := "1"
	for range 60 {
		elvis = "(" + elvis + " ?: 2)"
	}
	tests := map[string]string{
		"parentheses":         strings.Repeat("(", 8000) + "1" + strings.Repeat(")", 8000),
		"open parentheses":    strings.Repeat("(", 16000),
		"lists":               strings.Repeat("[", 8000) + strings.Repeat("]", 8000),
		"objects":             strings.Repeat("{a:", 4000) + "1" + strings.Repeat("}", 4000),
		"signs":               strings.Repeat("-", 16000) + "1",
		"nots":                strings.Repeat("not ", 4000) + "true",
		"powers":              strings.Repeat("1**", 5000) + "1",
		"conditions":          strings.Repeat("true?1:", 2300) + "1",
		"sums":                strings.Repeat("1+", 8000) + "1",
		"fields":              "input" + strings.Repeat(".a", 8000),
		"elements":            "input" + strings.Repeat("[0]", 5000),
		"ifs":                 strings.Repeat("if true {1} else ", 900) + "{1}",
		"bodies":              strings.Repeat("map([1],", 2000) + "1" + strings.Repeat(")", 2000),
		"pipes":               "1" + strings.Repeat("|type()", 2000),
		"lets":                strings.Repeat("let a=1;", 2000) + "1",
		"a long list":         "[" + strings.Repeat("1,", 8000) + "]",
		"too long":            `"` + strings.Repeat("a", 20000) + `"`,
		"optional fields":     "input" + strings.Repeat("?.a", 5000),
		"a deep description":  strings.Repeat("not ", 300) + "(" + chained + ")",
		"a shared comparison": chained + strings.Repeat(" < 3", 4000),
	}
	for name, source := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := eval(t, "{{ "+source+" }}")
			require.Equal(t, flowforge.CodeInvalidWorkflow, flowforge.CodeOf(err))
			require.Less(t, len(err.Error()), 2000)
		})
	}
	// Those share subtrees, so that a walk of the tree would take 2^60 steps: they are compiled as they are written.
	for _, source := range []string{chained, elvis} {
		_, problems := expr.NewCompiler().Template(flowforge.MustValue("{{ "+source+" }}"), "", expr.Options{})
		require.Empty(t, problems)
	}
}

// TestCanceled needs an expression that takes longer than the steps between two looks at the context.
func TestCanceled(t *testing.T) {
	t.Parallel()
	why := errors.New("the run was canceled")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	for _, template := range []string{`{{ map(1..100000, # * 2) }}`, `n: {{ len(map(1..100000, # * 2)) }}`} {
		compiled, problems := expr.NewCompiler().Template(flowforge.MustValue(template), "", expr.Options{})
		require.Empty(t, problems)
		_, err := compiled.Eval(ctx, env())
		require.Equal(t, flowforge.CodeCanceled, flowforge.CodeOf(err))
		require.ErrorIs(t, err, context.Canceled)
	}
}

// canceling is a NodeSource that cancels a context at one of its reads.
type canceling struct {
	reads, at int
	cancel    context.CancelFunc
}

func (c *canceling) Node(string) expr.NodeView {
	if c.reads++; c.reads == c.at {
		c.cancel()
	}
	return expr.NodeView{}
}

func TestCanceledMeanwhile(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	source := &canceling{at: 200_000, cancel: cancel}
	program, problems := expr.NewCompiler().Expression("{{ map(1..500000, nodes.a.output) }}", "", 0)
	require.Empty(t, problems)
	_, err := program.Eval(ctx, &expr.Env{Nodes: source})
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, source.reads, 220_000)
}
