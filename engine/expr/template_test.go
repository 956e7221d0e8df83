package expr_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/expr"
)

func template(tb testing.TB, text string, o expr.Options) (*expr.Template, flowforge.Problems) {
	tb.Helper()
	return expr.NewCompiler().Template(frozenJSON(tb, text), "/params", o)
}

func TestTemplateKeepsItsShape(t *testing.T) {
	t.Parallel()
	compiled, problems := template(t, `{"a": ["{{ input.n }}", 1, {"b": "x{{ input.n }}", "c": [null, true]}], "d": "plain", "e": {}}`, expr.Options{})
	require.Empty(t, problems)
	_, constant := compiled.Constant()
	require.False(t, constant)
	got, err := compiled.Eval(t.Context(), env())
	require.NoError(t, err)
	require.JSONEq(t, `{"a":[2,1,{"b":"x2","c":[null,true]}],"d":"plain","e":{}}`, got.String())
}

func TestTemplateRefs(t *testing.T) {
	t.Parallel()
	compiled, problems := template(t, `{
		"a": "{{ nodes.x.output.v + nodes.y.error.code }} {{ nodes.x.output.w }}",
		"b/c": ["{{ nodes[\"z\"].errors }}", "{{ nodes.x }}", "{{ map(input.rows, nodes.deep.output) }}", "{{ nodes?.careful?.output }}"]
	}`, expr.Options{})
	require.Empty(t, problems)
	require.Equal(t, []expr.Ref{
		{Node: "x", Field: "output", Pointer: "/params/a"},
		{Node: "y", Field: "error", Pointer: "/params/a"},
		{Node: "z", Field: "errors", Pointer: "/params/b~1c/0"},
		{Node: "x", Pointer: "/params/b~1c/1"},
		{Node: "deep", Field: "output", Pointer: "/params/b~1c/2"},
		{Node: "careful", Field: "output", Pointer: "/params/b~1c/3"},
	}, compiled.Refs())
}

func TestTemplateUses(t *testing.T) {
	t.Parallel()
	names := []string{"input", "trigger", "nodes", "run", "vars", "item", "index", "output"}
	for _, name := range names {
		source := name
		if name == "nodes" {
			source = "nodes.a.output"
		}
		compiled, problems := template(t, `["{{ [1, `+source+`] }}", "text"]`, expr.Options{Scope: everyScope})
		require.Empty(t, problems)
		for _, other := range names {
			require.Equal(t, name == other, compiled.Uses(other), "%s in {{ %s }}", other, source)
		}
	}
}

func TestTemplateDeterministic(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`["{{ input.a }}", "{{ upper('a') }}"]`: true,
		`"plain"`:                               true,
		`["{{ input.a }}", "at {{ now() }}"]`:   false,
		`{"a": {"b": "{{ [1, [random()]] }}"}}`: false,
		`"{{ map(input.rows, {id: uuid()}) }}"`: false,
		`"{{ false ? randomInt(1, 2) : 3 }}"`:   false,
	} {
		compiled, problems := template(t, text, expr.Options{})
		require.Empty(t, problems)
		require.Equal(t, want, compiled.Deterministic(), text)
	}
}

func TestTemplateLiteral(t *testing.T) {
	t.Parallel()
	var asked []string
	o := expr.Options{Literal: func(pointer string) bool {
		asked = append(asked, pointer)
		return pointer == "/graph" || pointer == "/list/0"
	}}
	compiled, problems := template(t, `{"graph": {"x": ["{{ nonsense"]}, "list": ["{{ item.n }}", "{{ input.n }}"]}`, o)
	require.Empty(t, problems)
	require.Equal(t, []string{"", "/graph", "/list", "/list/0", "/list/1"}, asked)
	got, err := compiled.Eval(t.Context(), env())
	require.NoError(t, err)
	require.JSONEq(t, `{"graph":{"x":["{{ nonsense"]},"list":["{{ item.n }}",2]}`, got.String())
}

func TestTemplateReportsAllProblems(t *testing.T) {
	t.Parallel()
	compiled, problems := template(t, `{"a": "{{ inptu }} {{ uper(1) }}", "b": ["{{", "{{ nodes.x.output + foo + bar }}"]}`, expr.Options{})
	var pointers []string
	for _, problem := range problems {
		pointers = append(pointers, problem.Pointer)
		require.NotEmpty(t, problem.Code)
	}
	require.Equal(t, []string{"/params/a", "/params/a", "/params/b/0", "/params/b/1", "/params/b/1"}, pointers)
	require.Equal(t, []expr.Ref{{Node: "x", Field: "output", Pointer: "/params/b/1"}}, compiled.Refs())
}

func TestTemplateWarnsOfExpressionsInNames(t *testing.T) {
	t.Parallel()
	compiled, problems := template(t, `{"{{ input.name }}": 1}`, expr.Options{})
	require.Len(t, problems, 1)
	require.True(t, problems[0].Warning)
	require.Equal(t, "/params/{{ input.name }}", problems[0].Pointer)
	constant, ok := compiled.Constant()
	require.True(t, ok)
	require.Equal(t, `{"{{ input.name }}":1}`, constant.String())
}

// TestTemplateTakesWholeValuesAsTheyAre: what is only passed on is neither decoded nor looked through.
func TestTemplateTakesWholeValuesAsTheyAre(t *testing.T) { //nolint:paralleltest // it counts allocations.
	large, err := flowforge.StoredValue([]byte(`{"a":[` + strings.TrimSuffix(strings.Repeat("1,", 100_000), ",") + `]}`))
	require.NoError(t, err)
	for _, source := range []string{"{{ input }}", "{{ trigger }}", "{{ vars }}", "{{ nodes.a.output }}", `{{nodes["a"].output}}`} {
		whole, problems := expr.NewCompiler().Template(flowforge.MustValue(source), "", expr.Options{})
		require.Empty(t, problems)
		env := &expr.Env{Input: large, Trigger: large, Vars: large, Nodes: nodes{"a": {Output: large}}}
		require.Less(t, testing.AllocsPerRun(1, func() {
			got, err := whole.Eval(t.Context(), env)
			require.NoError(t, err)
			require.Equal(t, large.Size(), got.Size())
		}), 100.0)
	}
}

// TestTemplateBudgetIsShared: many expressions in one template together get what one would.
func TestTemplateBudgetIsShared(t *testing.T) {
	t.Parallel()
	one := `"{{ len(map(1..500000, #)) }}"`
	single, problems := template(t, one, expr.Options{})
	require.Empty(t, problems)
	_, err := single.Eval(t.Context(), env())
	require.NoError(t, err)
	many, problems := template(t, `[`+strings.TrimSuffix(strings.Repeat(one+",", 10), ",")+`]`, expr.Options{})
	require.Empty(t, problems)
	_, err = many.Eval(t.Context(), env())
	require.Equal(t, flowforge.CodeExpression, flowforge.CodeOf(err))
}

func TestTemplateRefusesWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	compiled, problems := template(t, `["{{ repeat('a', 9000000) }}", "{{ repeat('a', 9000000) }}"]`, expr.Options{})
	require.Empty(t, problems)
	_, err := compiled.Eval(t.Context(), env())
	require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeExpression})
	require.ErrorIs(t, err, &flowforge.Error{Code: flowforge.CodeValueTooLarge})
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	compiled, problems := template(t, `{"a": "{{ let x = input.n; map(input.rows, #.n * x) }}", "b": "{{ input.rows | filter(.tag matches 'a') | len() }}"}`, expr.Options{})
	require.Empty(t, problems)
	shared := env()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				got, err := compiled.Eval(t.Context(), shared)
				if err != nil || got.String() != `{"a":[2,4,6],"b":2}` {
					t.Error(got, err)
				}
			}
		})
	}
	group.Wait()
}

func TestExpression(t *testing.T) {
	t.Parallel()
	compiler := expr.NewCompiler()
	program, problems := compiler.Expression(" {{ item.n > nodes.a.output.limit }}\n", "/params/condition", expr.ScopeElement)
	require.Empty(t, problems)
	require.Equal(t, []expr.Ref{{Node: "a", Field: "output", Pointer: "/params/condition"}}, program.Refs())
	require.True(t, program.Uses("item"))
	require.False(t, program.Uses("input"))
	require.True(t, program.Deterministic())
	got, err := program.Eval(t.Context(), &expr.Env{
		Item:  map[string]any{"n": int64(3)},
		Nodes: nodes{"a": {Output: frozenJSON(t, `{"limit": 2}`)}},
	})
	require.NoError(t, err)
	require.Equal(t, true, got)

	nothing, problems := compiler.Expression("{{ [input, nodes.a.output, index] }}", "", expr.ScopeElement)
	require.Empty(t, problems)
	got, err = nothing.Eval(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []any{nil, nil, int64(0)}, got)

	for _, source := range []string{"item.n", "a {{ item.n }}", "{{ item.n }}{{ item.n }}", "", "{{ item.n"} {
		program, problems := compiler.Expression(source, "/params/condition", expr.ScopeElement)
		require.Len(t, problems, 1, source)
		require.Equal(t, "/params/condition", problems[0].Pointer)
		_, err := program.Eval(t.Context(), env())
		require.Equal(t, flowforge.CodeExpression, flowforge.CodeOf(err))
	}
}

// TestScopesAreKeptApart: the compiler's memory of sources must not let a name leak from one scope into another.
func TestScopesAreKeptApart(t *testing.T) {
	t.Parallel()
	compiler := expr.NewCompiler()
	for range 2 {
		_, problems := compiler.Expression("{{ item }}", "/a", expr.ScopeElement)
		require.Empty(t, problems)
		_, problems = compiler.Expression("{{ item }}", "/b", expr.ScopeOutput)
		require.Len(t, problems, 1)
		require.Equal(t, "/b", problems[0].Pointer)
	}
}

func TestIsTemplate(t *testing.T) {
	t.Parallel()
	require.True(t, expr.IsTemplate("a {{ b }}"))
	require.True(t, expr.IsTemplate("{{"))
	require.False(t, expr.IsTemplate("{ {} }}"))
}
