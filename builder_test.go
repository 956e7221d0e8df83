package flowforge_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
)

func ExampleNewWorkflow() {
	wf := flowforge.NewWorkflow("enrich-lead")
	fetch := wf.Add("fetch", "http.request", flowforge.P{"url": "https://api.example.com/p/{{ input.email }}"}).
		Retry(flowforge.RetryPolicy{MaxAttempts: 5}).
		Timeout(30 * time.Second).
		OnError(flowforge.OnErrorRoute)
	wf.Add("save", "core.noop")
	wf.Add("alert", "core.noop")
	wf.Connect("fetch", "save")
	wf.Connect("fetch.error", "alert")
	fetch.Credential("auth", "crm-key")
	wf.Output("{{ nodes.save.output }}")

	document, err := wf.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := json.MarshalIndent(document, "", "  ")
	fmt.Println(string(text), err)
	// Output:
	// {
	//   "name": "enrich-lead",
	//   "nodes": [
	//     {
	//       "id": "fetch",
	//       "type": "http.request",
	//       "params": {
	//         "url": "https://api.example.com/p/{{ input.email }}"
	//       },
	//       "credentials": {
	//         "auth": "crm-key"
	//       },
	//       "retry": {
	//         "max_attempts": 5
	//       },
	//       "timeout": "30s",
	//       "on_error": "route"
	//     },
	//     {
	//       "id": "save",
	//       "type": "core.noop"
	//     },
	//     {
	//       "id": "alert",
	//       "type": "core.noop"
	//     }
	//   ],
	//   "connections": [
	//     {
	//       "from": "fetch",
	//       "to": "save"
	//     },
	//     {
	//       "from": "fetch.error",
	//       "to": "alert"
	//     }
	//   ],
	//   "output": "{{ nodes.save.output }}"
	// } <nil>
}

// A sequence reads from top to bottom; On names the port to go on from.
func ExampleStep_Then() {
	wf := flowforge.NewWorkflow("triage")
	done := wf.Add("done", "core.noop").Join(flowforge.JoinFirst)
	wf.Add("hook", "trigger.webhook").
		Then(wf.Add("urgent", "core.if", flowforge.P{"condition": "{{ input.priority > 3 }}"})).
		On("true").Then(wf.Add("page", "core.noop")).
		Then(done)
	wf.Connect("urgent.false", "done")

	document, err := wf.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range document.Connections {
		fmt.Println(c.From, "->", c.To)
	}
	// Output:
	// hook -> urgent
	// urgent.true -> page
	// page -> done
	// urgent.false -> done
}

// A loop's body is a graph of its own, put in as a parameter.
func ExampleNewBody() {
	body := flowforge.NewBody()
	body.Add("double", "core.set", flowforge.P{"values": flowforge.P{"n": "{{ item * 2 }}"}})
	body.Output("{{ nodes.double.output.n }}")

	wf := flowforge.NewWorkflow("doubles")
	wf.Add("loop", "core.foreach", flowforge.P{"items": "{{ input.numbers }}", "body": body})

	document, err := wf.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(document.Nodes[0].Params)
	// Output:
	// {"body":{"nodes":[{"id":"double","params":{"values":{"n":"{{ item * 2 }}"}},"type":"core.set"}],"output":"{{ nodes.double.output.n }}"},"items":"{{ input.numbers }}"}
}

// Whatever is wrong is told at the end, all of it, and where.
func ExampleBuilder_Build() {
	wf := flowforge.NewWorkflow("broken")
	wf.Add("fetch", "http.request", flowforge.P{"url": make(chan int)}).Timeout(-time.Second)
	wf.Connect("fetch.", "save")

	_, err := wf.Build()
	for _, problem := range flowforge.ProblemsOf(err) {
		fmt.Println(problem.Pointer+":", problem.Message)
	}
	// Output:
	// /nodes/0/params/url: encode chan int as JSON: json: unsupported type: chan int
	// /nodes/0/timeout: "-1s" is not a duration: write a number with its unit, such as "30s", "1h30m" or "7d"
	// /connections/0/from: "fetch." is not a connection's end: write "node" or "node.port"
}

func TestBuilderWritesEveryField(t *testing.T) {
	t.Parallel()
	no := false
	wf := flowforge.NewWorkflow("all")
	wf.Describe("everything")
	wf.Settings(flowforge.Settings{Timeout: flowforge.Duration(time.Hour), FailFast: &no})
	wf.InputSchema(flowforge.P{"type": "object"})
	wf.Add("a", "core.noop", flowforge.P{"x": 1, "y": 1}, flowforge.P{"y": 2}).Param("z", []int{3}).
		Credential("auth", "key").Retry(flowforge.RetryPolicy{MaxAttempts: 2}).Timeout(time.Second).NodeTimeout(time.Minute).
		OnError(flowforge.OnErrorContinue).Join(flowforge.JoinAll).Each("{{ input.rows }}").EachParallel(4).
		Delivery(flowforge.AtMostOnce).Pool("gpu").TypeVersion(2).Name("A").Notes("n").Disabled().Pinned(nil).Position(1, 2.5)
	wf.Add("z", "core.noop").Finally()
	wf.Connect("a.x", "z")
	wf.Output(flowforge.P{"id": int64(9007199254740993)})

	text, err := json.Marshal(wf)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"name": "all", "description": "everything", "settings": {"timeout": "1h", "fail_fast": false},
		"input_schema": {"type": "object"},
		"nodes": [
			{"id": "a", "type": "core.noop", "type_version": 2, "name": "A", "notes": "n", "position": {"x": 1, "y": 2.5},
			 "disabled": true, "pinned": null, "params": {"x": 1, "y": 2, "z": [3]}, "credentials": {"auth": "key"}, "join": "all",
			 "each": "{{ input.rows }}", "each_parallel": 4, "retry": {"max_attempts": 2}, "timeout": "1s",
			 "node_timeout": "1m", "on_error": "continue", "delivery": "at_most_once", "pool": "gpu"},
			{"id": "z", "type": "core.noop", "finally": true}
		],
		"connections": [{"from": "a.x", "to": "z"}],
		"output": {"id": 9007199254740993}
	}`, string(text))
	document, err := wf.Build()
	require.NoError(t, err)
	require.Equal(t, int64(9007199254740993), document.Output.Any().(map[string]any)["id"])
	require.Equal(t, flowforge.Endpoint{Node: "a", Port: "x"}, document.Connections[0].From)
}

func TestBuilderTellsEveryProblem(t *testing.T) {
	t.Parallel()
	inner := flowforge.NewBody()
	inner.Add("deep", "core.noop", flowforge.P{"list": []any{1, func() {}}})
	inner.Connect("", "deep")
	again := flowforge.NewBody()
	again.Add("self", "core.foreach", flowforge.P{"body": again, "bodies": []*flowforge.Body{again}})

	wf := flowforge.NewWorkflow("bad")
	wf.InputSchema(math.NaN())
	wf.Add("a", "core.foreach", flowforge.P{"body": inner, "k": again}).Each(math.Inf(1)).
		Then(flowforge.NewBody().Add("b", "core.noop"))
	wf.Add("b", "core.noop").Pinned(func() {})
	wf.Output(make(chan int))
	_, err := wf.Build()

	pointers := map[string]string{}
	for _, p := range flowforge.ProblemsOf(err) {
		require.NotContains(t, pointers, p.Pointer, "told once")
		pointers[p.Pointer] = p.Code
	}
	require.Equal(t, map[string]string{
		"/input_schema": "bad_value",
		"/nodes/0/params/body/nodes/0/params/list/1": "bad_value",
		"/nodes/0/params/body/connections/0/from":    "bad_value",
		"/nodes/0/params/k/nodes/0/params/body":      "bad_value",
		"/nodes/0/params/k/nodes/0/params/bodies":    "bad_value",
		"/nodes/0/each":   "bad_value",
		"/connections":    "other_graph",
		"/nodes/1/pinned": "bad_value",
		"/output":         "bad_value",
	}, pointers)
}

func TestBuilderRefusesWhatJSONCannotHold(t *testing.T) {
	t.Parallel()
	wf := flowforge.NewWorkflow("x")
	wf.Add("a", "core.noop").Position(math.NaN(), 0)
	_, err := wf.Build()
	require.ErrorContains(t, err, "NaN")
	_, err = json.Marshal(wf)
	require.ErrorContains(t, err, "NaN")

	cyclic := flowforge.P{}
	cyclic["self"] = cyclic
	wf = flowforge.NewWorkflow("x")
	wf.Add("a", "core.noop", cyclic)
	_, err = wf.Build()
	require.ErrorContains(t, err, "too deep")
}

func TestBodyInsideAnotherTypeIsAGraph(t *testing.T) {
	t.Parallel()
	body := flowforge.NewBody()
	body.Add("a", "core.noop")
	wf := flowforge.NewWorkflow("x")
	wf.Add("switch", "my.bodies", flowforge.P{"bodies": map[string]*flowforge.Body{"one": body}})
	document, err := wf.Build()
	require.NoError(t, err)
	require.JSONEq(t, `{"bodies": {"one": {"nodes": [{"id": "a", "type": "core.noop"}]}}}`, document.Nodes[0].Params.String())
}

// Any document can be built, and is then the same as the one read from JSON.
func TestBuilderGivesWhatDecodingGives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := workflows().Draw(t, "workflow")
		text, err := json.Marshal(w)
		require.NoError(t, err)
		built, err := rebuild(w).Build()
		require.NoError(t, err)
		again, err := json.Marshal(built)
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
		read, err := flowforge.DecodeWorkflow(text)
		require.NoError(t, err)
		require.Equal(t, withoutValues(read), withoutValues(built))
	})
}

func rebuild(w *flowforge.Workflow) *flowforge.Builder {
	wf := flowforge.NewWorkflow(w.Name)
	wf.Describe(w.Description)
	wf.Settings(w.Settings)
	wf.InputSchema(w.InputSchema)
	wf.Output(w.Output.Any())
	for _, n := range w.Nodes {
		step := wf.Add(n.ID, n.Type).Each(n.Each).EachParallel(n.EachParallel).Retry(n.Retry).Timeout(n.Timeout.Std()).
			NodeTimeout(n.NodeTimeout.Std()).OnError(n.OnError).Join(n.Join).Delivery(n.Delivery).Pool(n.Pool).
			TypeVersion(n.TypeVersion).Name(n.Name).Notes(n.Notes)
		if n.Position != nil {
			step.Position(n.Position.X, n.Position.Y)
		}
		if n.Pinned != nil {
			step.Pinned(n.Pinned.Any())
		}
		if n.Disabled {
			step.Disabled()
		}
		if n.Finally {
			step.Finally()
		}
		if params, ok := n.Params.Any().(map[string]any); ok {
			for name, param := range params {
				step.Param(name, param)
			}
		}
		for use, name := range n.Credentials {
			step.Credential(use, name)
		}
	}
	for _, c := range w.Connections {
		wf.Connect(c.From.String(), c.To.String())
	}
	return wf
}
