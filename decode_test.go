package flowforge_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
)

func TestDecodeWorkflow(t *testing.T) {
	t.Parallel()
	w, err := flowforge.DecodeWorkflow([]byte(`{
		"name": "enrich", "description": null,
		"settings": {"timeout": "5m", "fail_fast": false, "concurrency": {"limit": 10, "key": "{{ input.account }}"}},
		"input_schema": {"type": "object"},
		"nodes": [
			{"id": "fetch", "type": "http.request", "type_version": 2.0, "params": {"url": "{{ input.url }}", "id": 9007199254740993},
			 "credentials": {"auth": "crm-key"}, "retry": {"max_attempts": 5, "multiplier": 2, "retry_on": ["timeout"]},
			 "timeout": "30s", "on_error": "route", "position": {"x": 1.5, "y": -2}, "pinned": null},
			{"id": "save", "type": "core.noop"}
		],
		"connections": [{"from": "fetch", "to": "save"}, {"from": "fetch.error", "to": "save.in"}],
		"output": "{{ nodes.save.output }}"
	}`))
	require.NoError(t, err)
	no := false
	require.Equal(t, "enrich", w.Name)
	require.Equal(t, flowforge.Settings{
		Timeout: flowforge.Duration(5 * 60e9), FailFast: &no,
		Concurrency: &flowforge.Concurrency{Limit: 10, Key: "{{ input.account }}"},
	}, w.Settings)
	require.Equal(t, []flowforge.Connection{
		{From: flowforge.Endpoint{Node: "fetch"}, To: flowforge.Endpoint{Node: "save"}},
		{From: flowforge.Endpoint{Node: "fetch", Port: "error"}, To: flowforge.Endpoint{Node: "save", Port: "in"}},
	}, w.Connections)
	require.Equal(t, "{{ nodes.save.output }}", w.Output.Any())

	fetch := w.Nodes[0]
	require.Equal(t, int64(9007199254740993), fetch.Params.Any().(map[string]any)["id"])
	require.NotNil(t, fetch.Pinned, "null is a pinned output like any other")
	require.True(t, fetch.Pinned.IsNull())
	require.Equal(t, 2, fetch.TypeVersion)
	require.Equal(t, &flowforge.Position{X: 1.5, Y: -2}, fetch.Position)
	require.Equal(t, map[string]string{"auth": "crm-key"}, fetch.Credentials)
	require.Equal(t, flowforge.RetryPolicy{MaxAttempts: 5, Multiplier: 2, RetryOn: []flowforge.Code{"timeout"}}, fetch.Retry)
	require.Nil(t, w.Nodes[1].Pinned)
}

// A badDocument is the text of a document and its problems, as "pointer: message [code]".
type badDocument struct {
	text string
	want []string
}

func (d badDocument) check(t *testing.T) {
	t.Helper()
	_, err := flowforge.DecodeWorkflow([]byte(d.text))
	require.Equal(t, flowforge.CodeInvalidWorkflow, flowforge.CodeOf(err))
	require.Equal(t, d.want, told(flowforge.ProblemsOf(err)))
}

func TestWrongTypes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]badDocument{
		"empty":         {` `, []string{`: this is not JSON: there is nothing in it [syntax]`}},
		"not an object": {`[]`, []string{`: this must be an object, not a list [bad_type]`}},
		"null":          {`null`, []string{`: this must be an object, not null [bad_type]`}},
		"syntax": {
			"{\"name\":\n  nix}",
			[]string{`: this is not JSON: invalid character 'i' in literal null (expecting 'u') at line 2, column 4 [syntax]`},
		},
		"two documents": {
			"{}\n{}", []string{`: this is not JSON: invalid character '{' after top-level value at line 2, column 1 [syntax]`},
		},
		"wrong types": {
			`{"name": 7, "description": true, "settings": [], "nodes": {}, "connections": "a -> b"}`,
			[]string{
				`/name: this must be a string, not the number 7 [bad_type]`,
				`/description: this must be a string, not true [bad_type]`,
				`/settings: this must be an object, not a list [bad_type]`,
				`/nodes: this must be a list, not an object [bad_type]`,
				`/connections: this must be a list, not the string "a -> b" [bad_type]`,
			},
		},
		"wrong types in a node": {
			`{"nodes": [{"id": 1.5, "disabled": "yes", "type_version": 1.5, "each_parallel": "4", "finally": 0, "timeout": 30,
				"node_timeout": {"s": 1}, "credentials": ["a"], "position": {"x": "1"}, "retry": {"retry_on": "x", "multiplier": true}}]}`,
			[]string{
				`/nodes/0/id: this must be a string, not the number 1.5 [bad_type]`,
				`/nodes/0/disabled: this must be true or false, not the string "yes" [bad_type]`,
				`/nodes/0/type_version: this must be a whole number, not the number 1.5 [bad_type]`,
				`/nodes/0/each_parallel: this must be a whole number, not the string "4" [bad_type]`,
				`/nodes/0/finally: this must be true or false, not the number 0 [bad_type]`,
				`/nodes/0/timeout: this must be a duration such as "30s", "1h30m" or "7d", not the number 30 [bad_type]`,
				`/nodes/0/node_timeout: this must be a duration such as "30s", "1h30m" or "7d", not an object [bad_type]`,
				`/nodes/0/credentials: this must be an object, not a list [bad_type]`,
				`/nodes/0/position/x: this must be a number, not the string "1" [bad_type]`,
				`/nodes/0/retry/retry_on: this must be a list, not the string "x" [bad_type]`,
				`/nodes/0/retry/multiplier: this must be a number, not true [bad_type]`,
			},
		},
		"numbers out of range": {
			`{"nodes": [{"type_version": 9223372036854775808, "position": {"x": 1e400}, "params": {"a": [1, 1e400], "b": 2}}]}`,
			[]string{
				`/nodes/0/type_version: this must be a whole number, not the number 9223372036854775808 [bad_type]`,
				`/nodes/0/position/x: this must be a number, not the number 1e400 [bad_type]`,
				`/nodes/0/params/a/1: the number 1e400 is out of range [bad_value]`,
			},
		},
		"null in a list or by name": {
			`{"nodes": [null], "connections": [null, {"from": null, "to": "a"}], "settings": null, "output": null}`,
			[]string{
				`/nodes/0: this must be an object, not null [bad_type]`,
				`/connections/0: this must be an object, not null [bad_type]`,
				`/connections/1/from: "from" is missing: write it as "node" or "node.port" [missing_field]`,
			},
		},
		"a credential that is no name": {
			`{"nodes": [{"credentials": {"a": null, "b": {"id": 1}}}]}`,
			[]string{
				`/nodes/0/credentials/a: this must be a string, not null [bad_type]`,
				`/nodes/0/credentials/b: this must be a string, not an object [bad_type]`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t)
		})
	}
}

func TestBadFields(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]badDocument{
		"bad values": {
			`{"settings": {"timeout": "soon"}, "nodes": [{"timeout": "5"}], "connections": [{"from": "a.", "to": 7}]}`,
			[]string{
				`/settings/timeout: "soon" is not a duration: write a number with its unit, such as "30s", "1h30m" or "7d" [bad_value]`,
				`/nodes/0/timeout: "5" is not a duration: write a number with its unit, such as "30s", "1h30m" or "7d" [bad_value]`,
				`/connections/0/from: "a." is not a connection's end: write "node" or "node.port" [bad_value]`,
				`/connections/0/to: this must be a string, not the number 7 [bad_type]`,
			},
		},
		"unknown fields": {
			`{"Name": 1, "nodez": [], "timeout": "5m", "a/b~c": 0, "nodes": [{"onError": "fail", "max_attempts": 3}],
				"connections": [{"form": "a", "label": "x"}]}`,
			[]string{
				`/Name: there is no field "Name" here: did you mean "name"? [unknown_field]`,
				`/nodez: there is no field "nodez" here: did you mean "nodes"? [unknown_field]`,
				`/timeout: there is no field "timeout" here: write it inside "settings" [unknown_field]`,
				`/a~1b~0c: there is no field "a/b~c" here: it may be name, description, settings, input_schema, nodes, connections, output [unknown_field]`,
				`/nodes/0/onError: there is no field "onError" here: did you mean "on_error"? [unknown_field]`,
				`/nodes/0/max_attempts: there is no field "max_attempts" here: write it inside "retry" [unknown_field]`,
				`/connections/0/form: there is no field "form" here: did you mean "from"? [unknown_field]`,
				`/connections/0/label: there is no field "label" here: it may be from, to [unknown_field]`,
				`/connections/0/from: "from" is missing: write it as "node" or "node.port" [missing_field]`,
				`/connections/0/to: "to" is missing: write it as "node" or "node.port" [missing_field]`,
			},
		},
		"fields given twice": {
			`{"name": null, "n\u0061me": "b", "x": 1, "x": 2, "nodes": [{"params": {"url": 1, "url": {"a": 1e400}}, "credentials": {"a": "b", "a": "c"}}],
				"output": [{"k": 1, "k": 2}]}`,
			[]string{
				`/name: the field "name" is given more than once here: keep one [duplicate_field]`,
				`/x: there is no field "x" here: it may be name, description, settings, input_schema, nodes, connections, output [unknown_field]`,
				`/x: the field "x" is given more than once here: keep one [duplicate_field]`,
				`/nodes/0/params/url/a: the number 1e400 is out of range [bad_value]`,
				`/nodes/0/credentials/a: the field "a" is given more than once here: keep one [duplicate_field]`,
				`/output/0/k: the field "k" is given more than once here: keep one [duplicate_field]`,
			},
		},
		"long texts are cut": {
			`{"name": "a", "nodes": "` + strings.Repeat("é", 50) + `"}`,
			[]string{`/nodes: this must be a list, not the string "` + strings.Repeat("é", 40) + `…" [bad_type]`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t)
		})
	}
}

func told(problems flowforge.Problems) []string {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = fmt.Sprintf("%s: %s [%s]", p.Pointer, p.Message, p.Code)
	}
	return lines
}

func TestDeepAndLargeParametersAreProblemsOfTheDocument(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 600) + strings.Repeat("]", 600)
	_, err := flowforge.DecodeWorkflow([]byte(`{"nodes": [{"params": {"deep": ` + deep + `}, "id": 1}]}`))
	problems := flowforge.ProblemsOf(err)
	require.Len(t, problems, 2)
	require.True(t, strings.HasPrefix(problems[0].Pointer, "/nodes/0/params/deep/0/0/"))
	require.Contains(t, problems[0].Message, "512 deep")
	require.Equal(t, "/nodes/0/id", problems[1].Pointer)

	large := strings.Repeat("x", flowforge.MaxValueSize)
	_, err = flowforge.DecodeWorkflow([]byte(`{"nodes": [{"params": {"large": "` + large + `"}}]}`))
	require.Equal(t, []string{"bad_value"}, codes(flowforge.ProblemsOf(err)))
}

func codes(problems flowforge.Problems) []string {
	var codes []string
	for _, p := range problems {
		codes = append(codes, p.Code)
	}
	return codes
}

func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	_, err := flowforge.DecodeWorkflow([]byte(`{"nodes": [` + strings.Repeat("7,", 5000) + `7]}`))
	problems := flowforge.ProblemsOf(err)
	require.Len(t, problems, 1001)
	require.Equal(t, "too_many_problems", problems[1000].Code)
}

func TestDecodeGraphPointsIntoTheDocument(t *testing.T) {
	t.Parallel()
	body := flowforge.MustValue(map[string]any{"nodes": []any{map[string]any{"id": "a", "typ": "x"}}, "name": "b"})
	_, err := flowforge.DecodeGraph(body, "/nodes/3/params/body")
	require.Equal(t, []string{
		`/nodes/3/params/body/name: there is no field "name" here: it may be nodes, connections, output [unknown_field]`,
		`/nodes/3/params/body/nodes/0/typ: there is no field "typ" here: did you mean "type"? [unknown_field]`,
	}, told(flowforge.ProblemsOf(err)))

	_, err = flowforge.DecodeGraph(flowforge.Value{}, "/x")
	require.Equal(t, []string{"/x: this must be an object, not null [bad_type]"}, told(flowforge.ProblemsOf(err)))

	graph, err := flowforge.DecodeGraph(flowforge.MustValue(flowforge.Graph{Nodes: []flowforge.Node{{ID: "a"}}}), "")
	require.NoError(t, err)
	require.Equal(t, flowforge.NodeID("a"), graph.Nodes[0].ID)
}

// What is written as JSON is read back as it was, whatever it is.
func TestWorkflowSurvivesJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := workflows().Draw(t, "workflow")
		text, err := json.Marshal(w)
		require.NoError(t, err)
		read, err := flowforge.DecodeWorkflow(text)
		require.NoError(t, err)
		again, err := json.Marshal(read)
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))

		// Values differ in which of their forms are made already; what remains must be the same Go data.
		require.Equal(t, withoutValues(w), withoutValues(read))
	})
}

func withoutValues(w *flowforge.Workflow) flowforge.Workflow {
	plain := *w
	plain.InputSchema, plain.Output, plain.Nodes = flowforge.Value{}, flowforge.Value{}, nil
	for _, n := range w.Nodes {
		n.Params, n.Each, n.Pinned = flowforge.Value{}, flowforge.Value{}, nil
		plain.Nodes = append(plain.Nodes, n)
	}
	return plain
}

func TestWhatCanBeReadIsGivenForMoreToBeFound(t *testing.T) {
	t.Parallel()
	w, err := flowforge.DecodeWorkflow([]byte(`{"name": "x", "nodes": [{"id": "a", "typ": "core.noop", "timeout": 5}, {"id": "b"}]}`))
	require.Len(t, flowforge.ProblemsOf(err), 2)
	require.Equal(t, flowforge.NodeID("a"), w.Nodes[0].ID)
	require.Equal(t, flowforge.NodeID("b"), w.Nodes[1].ID)

	w, err = flowforge.DecodeWorkflow([]byte(`{`))
	require.Error(t, err)
	require.Nil(t, w)
}
