package nodes_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type greetParams struct {
	Name  string             `json:"name" jsonschema:"minLength=1,description=Whom to greet."`
	Times int                `json:"times,omitempty" jsonschema:"minimum=0,default=1"`
	Wait  flowforge.Duration `json:"wait,omitempty"`
	Tags  []string           `json:"tags,omitempty"`
	By    nodes.Selectors    `json:"by,omitempty"`
	Agg   map[string]struct {
		Of nodes.Selector `json:"of"`
	} `json:"agg,omitempty"`
	Until nodes.Expr `json:"until,omitempty" scope:"output,index"`
}

func greet(_ context.Context, _ *nodes.Call, p greetParams) (string, error) {
	return "hello " + p.Name, nil
}

func TestDefineMakesSchemasAndDecodes(t *testing.T) {
	t.Parallel()
	greeter := nodes.Define(nodes.Spec{Type: "test.greet"}, greet)
	require.Equal(t, []nodes.ExpressionParam{
		{Pointer: "/by", Scope: []string{"item", "index"}, Path: true},
		{Pointer: "/by/*", Scope: []string{"item", "index"}, Path: true},
		{Pointer: "/agg/*/of", Scope: []string{"item", "index"}, Path: true},
		{Pointer: "/until", Scope: []string{"output", "index"}},
	}, greeter.Spec.Expressions)
	require.Contains(t, greeter.Spec.Output.String(), `"type":"string"`)

	out, err := greeter.Node.Execute(t.Context(), &nodes.Call{Params: flowforge.MustValue(map[string]any{"name": "you"})})
	require.NoError(t, err)
	require.Equal(t, flowforge.Out(flowforge.MustValue("hello you")).String(), out.String())
}

type dataParams struct {
	Data  flowforge.Value  `json:"data"`
	Items *flowforge.Value `json:"items,omitempty"`
	Name  string           `json:"name,omitempty"`
}

func TestDefineTakesValuesAsTheyAre(t *testing.T) {
	t.Parallel()
	list := flowforge.MustValue([]any{1, map[string]any{"id": int64(9007199254740993)}})
	tests := []struct {
		name   string
		params any
		check  func(t *testing.T, p dataParams)
	}{
		{"shared", map[string]any{"data": list, "items": list, "name": "x"}, func(t *testing.T, p dataParams) {
			t.Helper()
			require.Equal(t, list.String(), p.Data.String())
			require.Equal(t, list.String(), p.Items.String())
			require.Equal(t, "x", p.Name)
		}},
		{"null is not absent", map[string]any{"items": nil}, func(t *testing.T, p dataParams) {
			t.Helper()
			require.NotNil(t, p.Items)
			require.True(t, p.Items.IsNull())
		}},
		{"absent", map[string]any{}, func(t *testing.T, p dataParams) { t.Helper(); require.Nil(t, p.Items) }},
		{"null", nil, func(t *testing.T, p dataParams) { t.Helper(); require.Zero(t, p) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			typ := nodes.Define(nodes.Spec{Type: "test.data"}, func(_ context.Context, _ *nodes.Call, p dataParams) (any, error) {
				test.check(t, p)
				return nil, nil
			})
			_, err := typ.Node.Execute(t.Context(), &nodes.Call{Params: flowforge.MustValue(test.params)})
			require.NoError(t, err)
		})
	}
	typ := nodes.Define(nodes.Spec{Type: "test.data"}, func(context.Context, *nodes.Call, dataParams) (any, error) { return nil, nil })
	_, err := typ.Node.Execute(t.Context(), &nodes.Call{Params: flowforge.MustValue(map[string]any{"name": 7})})
	require.Equal(t, flowforge.CodeInvalidParams, flowforge.CodeOf(err))
	require.NotContains(t, typ.Spec.Params.String(), "anyOf")
}

func TestSchemaProblemsSayWhereAndHow(t *testing.T) {
	t.Parallel()
	schema, err := nodes.CompileSchema(nodes.Define(nodes.Spec{Type: "test.greet"}, greet).Spec.Params)
	require.NoError(t, err)
	params := flowforge.MustValue(map[string]any{
		"nam": "you", "times": "x", "by": 7, "wait": "{{ input.wait }}",
		"agg": map[string]any{"a": map[string]any{"off": 1}},
	})
	isTemplate := func(text string) bool { return strings.Contains(text, "{{") }

	require.ElementsMatch(t, []string{
		`/nodes/0/params: "name" is missing (Whom to greet)`,
		`/nodes/0/params/times: this must be an integer, not a string`,
		`/nodes/0/params/agg/a: "of" is missing`,
		`/nodes/0/params/agg/a/off: there is no field "off" here: did you mean "of"?`,
		`/nodes/0/params/by: this has none of the allowed forms: this must be a string, not a number; ` +
			`this must be an array, not a number`,
		`/nodes/0/params/nam: there is no field "nam" here: did you mean "name"?`,
	}, strings.Split(schema.Check(params, "/nodes/0/params", isTemplate).Error(), "\n"))
}
