package builtin

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// The ports of core.if.
const (
	portTrue  flowforge.Port = "true"
	portFalse flowforge.Port = "false"
)

type ifParams struct {
	Condition flowforge.Value `json:"condition" jsonschema_description:"An expression that gives true or false." jsonschema_extras:"x-type=boolean"`
}

func runIf(_ context.Context, call *nodes.Call, p ifParams) (flowforge.Ports, error) {
	holds, ok := p.Condition.Any().(bool)
	if !ok {
		return nil, refuse(flowforge.CodeInvalidParams, "%s", notBoolean(p.Condition.Any()))
	}
	if holds {
		return flowforge.On(portTrue, call.Input), nil
	}
	return flowforge.On(portFalse, call.Input), nil
}

// notBoolean says what to write where a condition gave something else.
func notBoolean(x any) string {
	hint := "compare it with something, such as \"{{ input.n > 10 }}\""
	switch x := x.(type) {
	case nil:
		hint = "if a missing field shall count as false, write \"{{ input.flag ?? false }}\""
	case string:
		hint = "compare it, such as \"{{ input.answer == \\\"" + shorten(x) + "\\\" }}\""
		if x == "true" || x == "false" {
			hint = "compare it, such as \"{{ input.flag == \\\"true\\\" }}\""
		}
	case []any, map[string]any:
		hint = "ask for its length, such as \"{{ len(input.rows) > 0 }}\""
	}
	return "condition gave " + describe(x) + ", not true or false: " + hint
}

// checkCondition finds a condition that is written out and cannot be true or false.
func checkCondition(params flowforge.Value) flowforge.Problems {
	object, _ := params.Any().(map[string]any)
	condition, found := object["condition"]
	if _, ok := condition.(bool); !found || ok || hasTemplate(condition) {
		return nil
	}
	return flowforge.Problems{problem("/condition", "%s", notBoolean(condition))}
}

func ifType() nodes.Type {
	input := flowforge.MustValue(map[string]any{"status": 200})
	t := nodes.Define(nodes.Spec{
		Type: "core.if", Version: 1, Title: "If", Category: categoryFlow, Icon: "split", Kind: nodes.Pure, PicksOne: true,
		Doc: "Sends its input to `true` or to `false`, as a condition says.\n\n" +
			"The condition must be true or false: other values are an error, not \"truthy\". " +
			"What hangs on the port not taken is skipped.",
		Outputs: []nodes.PortSpec{
			{Name: portTrue, Doc: "The input, if the condition holds."},
			{Name: portFalse, Doc: "The input, if it does not."},
		},
		Examples: []nodes.Example{
			{
				Title:  "Did the request succeed?",
				Params: flowforge.MustValue(map[string]any{"condition": "{{ input.status == 200 }}"}),
				Input:  input, Want: flowforge.On(portTrue, input),
			},
			{
				Title:  "A condition that does not hold",
				Params: flowforge.MustValue(map[string]any{"condition": "{{ input.status >= 400 }}"}),
				Input:  input, Want: flowforge.On(portFalse, input),
			},
		},
	}, runIf)
	t.Check = checkCondition
	return t
}
