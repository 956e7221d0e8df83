package expr_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
)

func TestFunctionExamples(t *testing.T) {
	t.Parallel()
	for _, f := range expr.Functions() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, f.Examples)
			require.Regexp(t, `^[A-Z].*\.\)?$`, f.Doc)
			for _, example := range f.Examples {
				got, err := eval(t, "{{ "+example.Expression+" }}")
				require.NoError(t, err, example.Expression)
				require.Equal(t, example.Result, got.String(), example.Expression)
			}
		})
	}
}

func TestFunctionsSayWhetherTheyAreDeterministic(t *testing.T) {
	t.Parallel()
	compiler := expr.NewCompiler()
	for _, f := range expr.Functions() {
		program, problems := compiler.Expression("{{ "+f.Examples[0].Expression+" }}", "", everyScope)
		require.Empty(t, problems)
		require.Equal(t, f.Deterministic, program.Deterministic(), f.Name)
		_, err := program.Eval(t.Context(), &expr.Env{})
		if f.Deterministic {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, f.Name+"() cannot be used in it")
	}
}

// TestFunctionsRefuseWrongTypes calls every function with arguments of every type: none may panic, and what is
// refused must be refused in words.
func TestFunctionsRefuseWrongTypes(t *testing.T) {
	t.Parallel()
	values := []string{`null`, `true`, `-1`, `1.5e19`, `"é"`, `[null, "a", 1]`, `{"a": [1]}`}
	for _, f := range expr.Functions() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			for _, a := range values {
				for _, b := range values {
					for _, arguments := range [][]string{{a}, {a, b}, {a, b, a}, {`"2026-01-31"`, a, b}, {`[1]`, a, b}} {
						_, err := eval(t, "{{ "+f.Name+"("+strings.Join(arguments, ", ")+") }}")
						if err == nil {
							continue
						}
						require.NotContains(t, err.Error(), "cannot be evaluated")
						require.NotContains(t, err.Error(), "interface {}")
						require.Contains(t, []flowforge.Code{flowforge.CodeExpression, flowforge.CodeInvalidWorkflow}, flowforge.CodeOf(err))
					}
				}
			}
		})
	}
}
