package builtin

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type failParams struct {
	Message flowforge.Value `json:"message,omitzero" jsonschema_description:"What went wrong: text, or any value, which is written as JSON." jsonschema_extras:"x-type=string"`
	Code    flowforge.Code  `json:"code,omitempty" jsonschema:"default=failed,pattern=^[a-z][a-z0-9_]*$" jsonschema_description:"The stable name of the error, for retry_on and for those who handle it."`
	Details flowforge.Value `json:"details,omitzero" jsonschema_description:"Facts for those who handle the error."`
}

func runFail(_ context.Context, _ *nodes.Call, p failParams) (flowforge.Ports, error) {
	if p.Code == "" {
		p.Code = codeFailed
	}
	text := "the workflow fails here"
	if !p.Message.IsNull() {
		text = textOf(p.Message.Any())
	}
	return nil, nodes.Failed(p.Code, p.Details, "%s", text)
}

func failType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "core.fail", Version: 1, Title: "Fail", Category: categoryFlow, Icon: "octagon-x", Kind: nodes.Pure,
		Doc: "Fails with a message and a code of your own.\n\n" +
			"What follows is as for any failure: `retry` tries again, `on_error` says what it means for the run.",
		Examples: []nodes.Example{{
			Title: "Refuse an order that is too large",
			Params: flowforge.MustValue(map[string]any{
				"message": "order {{ input.id }} is above the limit", "code": "above_limit",
				"details": map[string]any{"limit": 1000},
			}),
			Input: flowforge.MustValue(map[string]any{"id": 7}),
		}},
	}, runFail)
}
