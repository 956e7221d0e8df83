package dag_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
	"github.com/flowforge-go/flowforge/nodes"
)

// object is a JSON object in Go form.
type object = map[string]any

func schema(properties object, required ...any) flowforge.Value {
	made := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		made["required"] = required
	}
	return flowforge.MustValue(made)
}

// portsIn reads the parameter "ports"; without it there is only "out".
func portsIn(params flowforge.Value) []flowforge.Port {
	given, _ := params.Any().(object)
	list, ok := given["ports"].([]any)
	if !ok {
		return []flowforge.Port{flowforge.PortOut}
	}
	ports := make([]flowforge.Port, 0, len(list))
	for _, name := range list {
		text, _ := name.(string)
		ports = append(ports, flowforge.Port(text))
	}
	return ports
}

// registry holds node types that do nothing, one for each thing that the compiler looks at.
func registry(tb testing.TB) *nodes.Registry {
	tb.Helper()
	nothing := nodes.Func(func(context.Context, *nodes.Call) (flowforge.Ports, error) { return nil, nil })
	anyList := object{"type": "array"}
	body := object{"type": "object"}
	types, err := nodes.NewRegistry(
		nodes.Type{Spec: nodes.Spec{Type: "test.work"}, Node: nothing, Ports: portsIn},
		nodes.Type{Spec: nodes.Spec{Type: "test.pick", PicksOne: true}, Node: nothing, Ports: portsIn},
		nodes.Type{Spec: nodes.Spec{Type: "test.pure", Kind: nodes.Pure}, Node: nothing},
		nodes.Type{Spec: nodes.Spec{Type: "test.stubborn", Retry: flowforge.RetryPolicy{MaxAttempts: 3}}, Node: nothing},
		nodes.Type{Spec: nodes.Spec{Type: "test.versioned", Version: 1}, Node: nothing},
		nodes.Type{Spec: nodes.Spec{Type: "test.versioned", Version: 3}, Node: nothing},
		nodes.Type{Spec: nodes.Spec{
			Type: "test.secret",
			Credentials: []nodes.CredentialSlot{
				{Name: "auth", Types: []string{"bearer", "basic"}, Required: true}, {Name: "proxy", Types: []string{"basic"}},
			},
		}, Node: nothing},
		nodes.Type{Spec: nodes.Spec{
			Type: "test.filter", Kind: nodes.Pure,
			Params: schema(object{
				"where": object{"type": "string"}, "by": object{"type": "string"}, "most": object{"type": "integer"},
				"until": object{"type": "string"}, "rules": anyList,
			}),
			Expressions: []nodes.ExpressionParam{
				{Pointer: "/where", Scope: []string{"item", "index"}},
				{Pointer: "/by", Scope: []string{"item"}, Path: true},
				{Pointer: "/until", Scope: []string{"output"}},
				{Pointer: "/rules/*/when", Scope: []string{"item"}},
			},
		}, Node: nothing, Check: func(params flowforge.Value) flowforge.Problems {
			if given, _ := params.Any().(object); given["most"] == int64(0) {
				return flowforge.Problems{{Code: "bad_value", Pointer: "/most", Message: "nothing would be left"}}
			}
			return nil
		}},
		nodes.Type{Spec: nodes.Spec{
			Type: "test.foreach", Kind: nodes.Control, Loop: nodes.LoopForeach, Body: "body",
			Params: schema(object{"items": object{}, "parallel": object{"type": "integer"}, "body": body}, "items", "body"),
		}},
		nodes.Type{Spec: nodes.Spec{
			Type: "test.repeat", Kind: nodes.Control, Loop: nodes.LoopRepeat, Body: "body",
			Params: schema(object{"until": object{"type": "string"}, "max": object{"type": "integer"}, "body": body}, "max", "body"),
		}},
	)
	require.NoError(tb, err)
	return types
}

// compiled compiles a document that has no problems but warnings.
func compiled(tb testing.TB, document *flowforge.Workflow) *dag.Workflow {
	tb.Helper()
	workflow, problems := dag.Compile(document, registry(tb), dag.Limits{})
	require.NoError(tb, problems.Err())
	return workflow
}
