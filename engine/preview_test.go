package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
)

func TestATemplateIsPreviewedWithTheDataOfARun(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	document := workflow([]string{"a>b"},
		flowforge.Node{ID: "a", Type: "core.set", Params: flowforge.MustValue(map[string]any{"values": map[string]any{"x": 1}})},
		flowforge.Node{ID: "b", Type: "core.noop"})
	run, err := e.Do(t.Context(), document, map[string]any{"name": "Ada"})
	require.NoError(t, err)
	preview := func(p engine.Preview) (string, error) {
		value, err := e.PreviewTemplate(t.Context(), flowforge.Local, p)
		return value.String(), err
	}
	text := flowforge.MustValue("{{ [nodes.a.output.x, input.name, vars.v, item, index] }}")
	got, err := preview(engine.Preview{
		Template: text, Run: run.ID, Vars: map[string]flowforge.Value{"v": flowforge.MustValue(true)},
		Item: flowforge.MustValue("i"), Index: 3,
	})
	require.NoError(t, err)
	require.Equal(t, `[1,"Ada",true,"i",3]`, got)
	got, err = preview(engine.Preview{
		Template: flowforge.MustValue("{{ nodes.a.output + input }}"), Run: run.ID, Input: flowforge.MustValue(2),
		Outputs: map[flowforge.NodeID]flowforge.Value{"a": flowforge.MustValue(40)},
	})
	require.NoError(t, err)
	require.Equal(t, "42", got)

	_, err = preview(engine.Preview{Template: flowforge.MustValue("{{ 1 + }}")})
	require.ErrorIs(t, err, code(flowforge.CodeInvalidInput))
	require.NotEmpty(t, flowforge.ProblemsOf(err))
	_, err = preview(engine.Preview{Template: flowforge.MustValue(`{{ 1 + "a" }}`)})
	require.ErrorIs(t, err, code(flowforge.CodeExpression))
	_, err = preview(engine.Preview{Template: text, Run: "none"})
	require.ErrorIs(t, err, code(flowforge.CodeNotFound))
	_, err = e.PreviewTemplate(t.Context(), "other", engine.Preview{Template: text, Run: run.ID})
	require.ErrorIs(t, err, code(flowforge.CodeNotFound))
}

func TestAPartOfADocumentIsTested(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Config{})
	adds := func(id flowforge.NodeID, template string) flowforge.Node {
		return flowforge.Node{ID: id, Type: "core.set", Params: flowforge.MustValue(map[string]any{"values": map[string]any{"x": template}})}
	}
	document := workflow([]string{"a>b", "b>c", "z>c"},
		adds("a", "{{ 1 }}"), adds("b", "{{ nodes.a.output.x + 1 }}"), adds("c", "{{ 0 }}"), adds("z", "{{ 0 }}"))
	document.Settings.OnFailure = "notify"
	test := func(pins map[flowforge.NodeID]flowforge.Value, alone bool) (string, error) {
		part, err := engine.Partial(document, "b", pins, alone)
		if err != nil {
			return "", err
		}
		require.Len(t, part.Nodes, 2)
		require.Empty(t, part.Settings.OnFailure)
		run, err := e.DoRequest(t.Context(), engine.StartRequest{Document: part, Test: true})
		return run.Output.String(), err
	}
	got, err := test(nil, false)
	require.NoError(t, err)
	require.Equal(t, `{"x":2}`, got)
	_, err = test(nil, true)
	require.ErrorIs(t, err, code(flowforge.CodeInvalidInput))
	require.ErrorContains(t, err, "a")
	pin := map[flowforge.NodeID]flowforge.Value{"a": flowforge.MustValue(map[string]any{"x": 41})}
	got, err = test(pin, true)
	require.NoError(t, err)
	require.Equal(t, `{"x":42}`, got)
	_, err = engine.Partial(document, "none", nil, false)
	require.ErrorIs(t, err, code(flowforge.CodeNotFound))
	require.Len(t, document.Nodes, 4, "the document stays as it is")
}
