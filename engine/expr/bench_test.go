package expr_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
)

func benchmarkProgram(b *testing.B, source string) {
	b.Helper()
	program, problems := expr.NewCompiler().Expression(source, "", everyScope)
	require.Empty(b, problems)
	env := env()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := program.Eval(b.Context(), env); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvalField(b *testing.B) { benchmarkProgram(b, `{{ input.id }}`) }
func BenchmarkEvalNode(b *testing.B)  { benchmarkProgram(b, `{{ nodes.fetch.output.status }}`) }
func BenchmarkEvalCondition(b *testing.B) {
	benchmarkProgram(b, `{{ item.n > 3 && input.name == "Ada" }}`)
}
func BenchmarkEvalArithmetic(b *testing.B) { benchmarkProgram(b, `{{ input.n * 2 + index }}`) }
func BenchmarkEvalCall(b *testing.B)       { benchmarkProgram(b, `{{ upper(input.name) }}`) }
func BenchmarkEvalLoop1000(b *testing.B) {
	benchmarkProgram(b, `{{ sum(filter(1..1000, # % 2 == 0)) }}`)
}

func BenchmarkTemplate(b *testing.B) {
	template := flowforge.MustValue(map[string]any{
		"method": "POST", "url": "{{ vars.base }}/p/{{ input.id }}",
		"body": map[string]any{"status": "{{ nodes.fetch.output.status }}", "all": "{{ nodes.fetch.output }}", "fixed": []any{1, 2, 3}},
	})
	compiled, problems := expr.NewCompiler().Template(template, "", expr.Options{})
	require.Empty(b, problems)
	env := env()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := compiled.Eval(b.Context(), env); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCompile compiles templates with few different sources, as large workflows have.
func BenchmarkCompileCached(b *testing.B) {
	template := flowforge.MustValue(map[string]any{"url": "{{ vars.base }}/p/{{ input.id }}", "n": "{{ nodes.fetch.output.status }}"})
	compiler := expr.NewCompiler()
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := compiler.Template(template, "/nodes/1/params", expr.Options{}); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	compiler, i := expr.NewCompiler(), 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		if _, problems := compiler.Expression(fmt.Sprintf(`{{ nodes.n%d.output.status == 200 && input.name != "x" }}`, i), "", 0); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
