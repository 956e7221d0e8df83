package builtin_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/nodetest"
)

func TestIf(t *testing.T) {
	t.Parallel()
	input := object{"s": "yes", "t": "true", "rows": list{1}, "n": 0}
	testRows(t, "core.if", []row{
		{name: "true", params: object{"condition": true}, input: input, want: flowforge.On("true", flowforge.MustValue(input))},
		{name: "false", params: object{"condition": "{{ input.n > 0 }}"}, input: input, want: flowforge.On("false", flowforge.MustValue(input))},
		{name: "text", params: object{"condition": "{{ input.s }}"}, input: input, code: flowforge.CodeInvalidParams, says: `condition gave the string "yes", not true or false: compare it`},
		{name: "text that looks so", params: object{"condition": "{{ input.t }}"}, input: input, code: flowforge.CodeInvalidParams, says: `input.flag == \"true\"`},
		{name: "number", params: object{"condition": "{{ input.n }}"}, input: input, code: flowforge.CodeInvalidParams, says: "condition gave the number 0"},
		{name: "nothing", params: object{"condition": "{{ input.missing }}"}, input: input, code: flowforge.CodeInvalidParams, says: "?? false"},
		{name: "list", params: object{"condition": "{{ input.rows }}"}, input: input, code: flowforge.CodeInvalidParams, says: "a list of 1 items"},
	})
}

func TestIfFindsMistakesWhenSaved(t *testing.T) {
	t.Parallel()
	check := typeOf(t, "core.if").Check
	require.Empty(t, check(flowforge.MustValue(object{"condition": "{{ input.x }}"})))
	require.Empty(t, check(flowforge.MustValue(object{"condition": true})))
	found := check(flowforge.MustValue(object{"condition": "input.x > 1"}))
	require.Len(t, found, 1)
	require.Equal(t, "/condition", found[0].Pointer)
}

func TestSwitch(t *testing.T) {
	t.Parallel()
	cases := list{object{"equals": "a", "port": "a"}, object{"equals": 1, "port": "one"}, object{"equals": "b", "port": "a"}, object{"equals": nil, "port": "none"}}
	on := func(port flowforge.Port, input any) flowforge.Ports {
		return flowforge.On(port, flowforge.MustValue(input))
	}
	testRows(t, "core.switch", []row{
		{name: "first", params: object{"value": "{{ input }}", "cases": cases}, input: "a", want: on("a", "a")},
		{name: "shared port", params: object{"value": "{{ input }}", "cases": cases}, input: "b", want: on("a", "b")},
		{name: "numbers by value", params: object{"value": "{{ input }}", "cases": cases}, input: 1.0, want: on("one", 1)},
		{name: "text is no number", params: object{"value": "{{ input }}", "cases": cases, "default": "other"}, input: "1", want: on("other", "1")},
		{name: "null", params: object{"value": "{{ input }}", "cases": cases}, input: nil, want: on("none", nil)},
		{name: "no case", params: object{"value": "{{ input }}", "cases": cases}, input: "z", want: flowforge.Ports(nil)},
		{name: "bad port", params: object{"value": 1, "cases": list{object{"equals": 1, "port": "{{ input }}"}}}, input: "A.b", code: flowforge.CodeInvalidParams, says: "pattern"},
	})
}

func TestSwitchPorts(t *testing.T) {
	t.Parallel()
	typ := typeOf(t, "core.switch")
	params := flowforge.MustValue(object{"cases": list{
		object{"equals": "x", "port": "b"}, object{"equals": "y", "port": "a"}, object{"equals": "z", "port": "b"}, 7,
	}, "default": "rest"})
	require.Equal(t, []flowforge.Port{"b", "a", "rest"}, typ.OutputPorts(params))

	found := typ.Check(flowforge.MustValue(object{"default": "error", "cases": list{
		object{"equals": 1, "port": "a"},
		object{"equals": 1.0, "port": "b"},
		object{"equals": "{{ input.x }}", "port": "{{ input.port }}"},
		object{"equals": "{{ input.x }}", "port": "c"},
	}}))
	require.Len(t, found, 3, found)
	require.Equal(t, "/cases/1/equals", found[0].Pointer)
	require.Contains(t, found[0].Message, "case 0 compares with the number 1 already")
	require.Equal(t, "/cases/2/port", found[1].Pointer)
	require.Equal(t, "/default", found[2].Pointer)
}

func TestWaitHoldsNoWorker(t *testing.T) {
	t.Parallel()
	_, err := nodetest.Run(t, typeOf(t, "core.wait"), object{"duration": "1d12h"}, 7)
	await, ok := errors.AsType[*nodes.Await](err)
	require.True(t, ok, err)
	require.Equal(t, 36*time.Hour, await.For)
	require.Nil(t, await.Then, "the input passes on")
	testRows(t, "core.wait", []row{
		{name: "no unit", params: object{"duration": "10"}, code: flowforge.CodeInvalidParams},
		{name: "negative", params: object{"duration": "{{ input }}"}, input: "-1s", code: flowforge.CodeInvalidParams},
	})
}

func TestWaitForAnInstantOrASignal(t *testing.T) {
	t.Parallel()
	await := func(params any) *nodes.Await {
		_, err := nodetest.Run(t, typeOf(t, "core.wait"), params, object{"order": 7})
		await, ok := errors.AsType[*nodes.Await](err)
		require.True(t, ok, err)
		return await
	}
	require.Equal(t, time.Date(2027, 1, 31, 9, 0, 0, 0, time.UTC), await(object{"until": "2027-01-31T10:00:00+01:00"}).Until.UTC())
	signal := await(object{"signal": "paid-{{ input.order }}", "match": "{{ item.ok }}", "timeout": "1h"})
	require.Equal(t, "paid-7", signal.Signal)
	require.Equal(t, "{{ item.ok }}", signal.Match)
	require.Equal(t, time.Hour, signal.For)
	require.Equal(t, `{timeout: {"order":7}}`, signal.Then.String())
	testRows(t, "core.wait", []row{
		{name: "no instant", params: object{"until": "{{ input }}"}, input: "tomorrow", code: flowforge.CodeInvalidParams, says: "2027-01-31T09:00:00Z"},
	})

	typ := typeOf(t, "core.wait")
	require.Equal(t, []flowforge.Port{"out", "timeout"}, typ.OutputPorts(flowforge.MustValue(object{"signal": "x"})))
	require.Equal(t, []flowforge.Port{"out"}, typ.OutputPorts(flowforge.MustValue(object{"duration": "1s"})))
	for says, params := range map[string]object{
		"give one of duration, until and signal": {},
		"this and duration exclude each other":   {"duration": "1s", "signal": "x"},
		"match means something for a signal":     {"duration": "1s", "match": "{{ true }}"},
		"\"soon\" is no instant":                 {"until": "soon"},
	} {
		found := typ.Check(flowforge.MustValue(params))
		require.Len(t, found, 1, params)
		require.Contains(t, found[0].Message, says)
	}
}

func TestSubworkflow(t *testing.T) {
	t.Parallel()
	_, err := nodetest.Run(t, typeOf(t, "core.subworkflow"), object{"workflow": "other"}, 7)
	await, ok := errors.AsType[*nodes.Await](err)
	require.True(t, ok, err)
	require.Equal(t, &nodes.Child{Workflow: "other", Input: flowforge.MustValue(7)}, await.Child)
	_, err = nodetest.Run(t, typeOf(t, "core.subworkflow"), object{"workflow": "other", "input": nil, "detach": true, "version": 2}, 7)
	await, _ = errors.AsType[*nodes.Await](err)
	require.Equal(t, &nodes.Child{Workflow: "other", Version: 2, Detach: true}, await.Child)
}

func TestFail(t *testing.T) {
	t.Parallel()
	_, err := nodetest.Run(t, typeOf(t, "core.fail"), object{"message": "no %d {{ input.x }}", "code": "boom", "details": object{"a": 1}}, object{"x": 1})
	failure := nodes.FailureOf(err)
	require.Equal(t, flowforge.Code("boom"), failure.Code)
	require.Equal(t, "no %d 1", failure.Message)
	require.JSONEq(t, `{"a":1}`, failure.Details.String())
	require.False(t, nodes.AdviceOf(err).Permanent, "it may be tried again")

	_, err = nodetest.Run(t, typeOf(t, "core.fail"), object{"message": "{{ input }}"}, list{1})
	require.Equal(t, flowforge.Code("failed"), flowforge.CodeOf(err))
	require.EqualError(t, err, "[1]")
}

func TestStop(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		params any
		want   *string
	}{
		"with output":    {object{"output": "{{ input.n }}"}, new("7")},
		"null is one":    {object{"output": nil}, new("null")},
		"without output": {object{}, nil},
	} {
		_, err := nodetest.Run(t, typeOf(t, "core.stop"), test.params, object{"n": 7})
		stop, ok := errors.AsType[*nodes.Stop](err)
		require.True(t, ok, name)
		if test.want == nil {
			require.Nil(t, stop.Output, name)
			continue
		}
		require.Equal(t, *test.want, stop.Output.String(), name)
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	host := &nodetest.Host{Input: flowforge.MustValue(object{"n": 7})}
	ports, err := host.Run(t.Context(), typeOf(t, "core.log"), object{"message": "{{ input }}", "level": "warn", "fields": object{"deep": object{"n": "{{ input.n }}"}}})
	require.NoError(t, err)
	require.Equal(t, `{out: {"n":7}}`, ports.String())
	require.Len(t, host.Lines(), 1)
	line := host.Lines()[0]
	require.Equal(t, slog.LevelWarn, line.Level)
	require.JSONEq(t, `{"n":7}`, line.Message)
	require.JSONEq(t, `{"deep":{"n":7}}`, line.Fields.String())
}

func TestLoopsAreRunByTheEngine(t *testing.T) {
	t.Parallel()
	for name, loop := range map[string]nodes.Loop{"core.foreach": nodes.LoopForeach, "core.repeat": nodes.LoopRepeat} {
		typ := typeOf(t, name)
		require.Nil(t, typ.Node)
		require.Equal(t, loop, typ.Spec.Loop)
		require.Equal(t, "body", typ.Spec.Body)
	}
	require.Equal(t, []nodes.ExpressionParam{{Pointer: "/until", Scope: []string{"output", "index"}}}, typeOf(t, "core.repeat").Spec.Expressions)
}

func TestMerge(t *testing.T) {
	t.Parallel()
	left := list{object{"id": 1, "l": "a", "x": "left"}, object{"id": 2, "l": "b"}, object{"l": "no id"}}
	right := list{object{"id": 2.0, "r": "B", "x": "right"}, object{"id": 1, "r": "A", "x": "right"}, object{"id": 3, "r": "C"}, object{"id": nil}}
	one := object{"id": 1, "l": "a", "x": "right", "r": "A"}
	two := object{"id": 2, "l": "b", "x": "right", "r": "B"}
	inputs := list{"{{ input.left }}", "{{ input.right }}"}
	input := object{"left": left, "right": right}
	testRows(t, "core.merge", []row{
		{name: "append is the default", input: object{"b": list{2}, "a": list{1}, "c": nil, "d": 4}, params: object{}, want: list{1, 2, 4}},
		{name: "inputs have an order", input: object{"b": list{2}, "a": list{1}}, params: object{"inputs": list{"{{ input.b }}", "{{ input.a }}"}}, want: list{2, 1}},
		{name: "append of a list", input: list{1, 2}, params: object{"mode": "append"}, want: list{1, 2}},
		{name: "append of nothing", input: object{}, params: object{}, want: list{}},
		{name: "inner", input: input, params: object{"mode": "by_key", "key": "id"}, want: list{one, two}},
		{name: "left", input: input, params: object{"mode": "by_key", "key": "id", "join": "left", "inputs": inputs}, want: list{one, two, object{"l": "no id"}}},
		{name: "outer", input: input, params: object{"mode": "by_key", "key": "id", "join": "outer"}, want: list{one, two, object{"l": "no id"}, object{"id": 3, "r": "C"}, object{"id": nil}}},
		{name: "key of two", input: object{"a": list{object{"x": 1, "y": 1}}, "b": list{object{"x": 1, "y": 2}, object{"x": 1, "y": 1, "z": 9}}}, params: object{"mode": "by_key", "key": list{"x", "{{ item.y }}"}}, want: list{object{"x": 1, "y": 1, "z": 9}}},
		{name: "keys that repeat", input: object{"a": list{object{"k": 1, "a": 1}, object{"k": 1, "a": 2}}, "b": list{object{"k": 1, "b": 1}, object{"k": 1, "b": 2}}}, params: object{"mode": "by_key", "key": "k"}, want: list{object{"k": 1, "a": 1, "b": 1}, object{"k": 1, "a": 1, "b": 2}, object{"k": 1, "a": 2, "b": 1}, object{"k": 1, "a": 2, "b": 2}}},
		{name: "by_key of an absent part", input: object{"a": nil, "b": list{object{"k": 1}}}, params: object{"mode": "by_key", "key": "k", "join": "outer"}, want: list{object{"k": 1}}},
		{name: "by_position", input: object{"a": list{object{"a": 1}, object{"a": 2}}, "b": list{object{"b": 1}}}, params: object{"mode": "by_position"}, want: list{object{"a": 1, "b": 1}}},
		{name: "by_position, all", input: object{"a": list{object{"a": 1}}, "b": list{object{"b": 1}, object{"b": 2}}}, params: object{"mode": "by_position", "join": "outer"}, want: list{object{"a": 1, "b": 1}, object{"b": 2}}},
		{name: "combine", input: object{"a": object{"x": 1, "y": 1}, "b": object{"y": 2}, "c": nil}, params: object{"mode": "combine"}, want: object{"x": 1, "y": 2}},
		{name: "combine of a list", input: object{"a": list{}}, params: object{"mode": "combine"}, code: "invalid_data", says: "input.a is a list of 0 items: combine merges objects"},
		{name: "no key", input: input, params: object{"mode": "by_key"}, code: flowforge.CodeInvalidParams, says: "key is missing"},
		{name: "no rows", input: object{"a": list{1}}, params: object{"mode": "by_key", "key": "k"}, code: "invalid_data", says: "input.a: item 0 is the number 1, not an object"},
	})
}

func TestMergeIsBounded(t *testing.T) {
	t.Parallel()
	rows := make(list, 1100)
	for i := range rows {
		rows[i] = object{"k": 1, "i": i}
	}
	_, err := nodetest.Run(t, typeOf(t, "core.merge"), object{"mode": "by_key", "key": "k"}, object{"a": rows, "b": rows})
	require.Equal(t, flowforge.CodeValueTooLarge, flowforge.CodeOf(err), err)
}

func TestChecksOfParametersAsWritten(t *testing.T) {
	t.Parallel()
	tests := []struct {
		typ     string
		params  any
		pointer string // of the one problem; "": none
	}{
		{"core.merge", object{"mode": "by_key"}, "/mode"},
		{"core.merge", object{"mode": "by_key", "key": "id"}, ""},
		{"core.merge", object{"key": "id"}, "/key"},
		{"core.set", object{"mode": "replace", "keep": list{"a"}}, "/keep"},
		{"core.set", object{"keep": list{"a"}}, ""},
		{"core.rename", object{"fields": object{"a": "x", "b": "x"}}, "/fields/b"},
		{"core.rename", object{"fields": object{"a.k": "x", "b.k": "x"}}, ""},
		{"core.rename", object{"fields": object{"a": ""}}, "/fields/a"},
		{"core.aggregate", object{"group_by": "a.country", "fields": object{"country": object{"op": "count"}}}, "/fields/country"},
		{"core.aggregate", object{"group_by": list{"a.id", "b.id"}, "fields": object{"n": object{"op": "count"}}}, "/group_by"},
		{"data.validate", object{"schema": object{"type": "numbr"}}, "/schema"},
		{"data.validate", object{"schema": object{"$ref": "https://example.com/x"}}, "/schema"},
		{"data.template", object{"template": "<b>{{ input.name }}</b>"}, "/template"},
		{"data.template", object{"template": "{{ input.template }}"}, ""},
		{"data.template", object{"template": "[[ .name "}, "/template"},
		{"data.template", object{"template": "[[ .name ]]"}, ""},
		{"data.html", object{"fields": object{"a": object{"selector": "a["}}}, "/fields/a/selector"},
		{"data.html", object{"items": "ul >", "fields": object{}}, "/items"},
		{"data.html", object{"fields": object{"a": object{"take": "attribute"}}}, "/fields/a/take"},
		{"trigger.schedule", object{"cron": "@daily", "time_zone": "Europe/Berlin"}, ""},
		{"trigger.schedule", object{"every": "10m"}, ""},
		{"trigger.schedule", object{"cron": "0 0 30 2 *"}, "/cron"},
		{"trigger.schedule", object{"cron": "@daily", "time_zone": "Mars"}, "/time_zone"},
		{"trigger.schedule", object{"every": "1ms"}, "/every"},
		{"trigger.schedule", object{"every": "1m", "time_zone": "Europe/Berlin"}, "/time_zone"},
		{"trigger.schedule", object{"cron": "@daily", "input": object{"a": list{"{{ vars.a }}"}}}, "/input"},
	}
	for _, test := range tests {
		found := typeOf(t, test.typ).Check(flowforge.MustValue(test.params))
		text, _ := json.Marshal(test.params)
		if test.pointer == "" {
			require.Empty(t, found, "%s %s", test.typ, text)
			continue
		}
		require.Len(t, found, 1, "%s %s", test.typ, text)
		require.Equal(t, test.pointer, found[0].Pointer)
	}
}
