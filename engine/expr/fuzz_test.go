package expr_test

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
)

// FuzzTemplate: whatever the text, compiling and evaluating it ends, does not panic, and gives either problems,
// an error with a code, or a value that can be stored.
func FuzzTemplate(f *testing.F) {
	for _, source := range hostile() {
		if len(source) < 300 {
			f.Add("{{ " + source + " }}")
		}
	}
	for _, function := range expr.Functions() {
		for _, example := range function.Examples {
			f.Add("a {{ " + example.Expression + " }}")
		}
	}
	for _, seed := range []string{
		`{{ input.user?.name[1:].x["y"] }}`, `{{ nodes.fetch.output?.rows | map(#) }}`, "{{ `}}` }} {{ \"\\u{61}\" }}", `{{ 1 < 2 < 3 ?: 4 }}`,
		`{{ let x = 1; if x > 0 { [x] } else { {(x): 1} } }}`, `{{ b"a" }}`, `{{ $env }}`, `{{ ::len([1]) }}`, `{{ not 1 in [1] }}`, `{{`, `}}`, `{{{{}}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip()
		}
		compiled, problems := expr.NewCompiler().Template(flowforge.MustValue(text), "/x", expr.Options{Scope: everyScope})
		for _, problem := range problems {
			require.Equal(t, "/x", problem.Pointer)
			require.NotContains(t, problem.Message, "cannot be compiled")
		}
		v, err := compiled.Eval(t.Context(), env())
		if err != nil {
			require.Contains(t, []flowforge.Code{flowforge.CodeExpression, flowforge.CodeCanceled}, flowforge.CodeOf(err))
			require.NotContains(t, err.Error(), "cannot be evaluated")
			return
		}
		require.Empty(t, problems)
		if v.Size() > 1<<16 {
			return // a fuzzer takes an input that is slow for one that hangs
		}
		again, err := flowforge.ParseValue(v.JSON())
		require.NoError(t, err)
		require.True(t, v.Equal(again))
		if !compiled.Deterministic() {
			return
		}
		second, err := compiled.Eval(t.Context(), env())
		require.NoError(t, err)
		require.True(t, v.Equal(second))
	})
}
