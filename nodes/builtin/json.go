package builtin

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type jsonParams struct {
	Action string           `json:"action" jsonschema:"enum=parse,enum=write" jsonschema_description:"parse: text to a value; write: a value to text."`
	Value  *flowforge.Value `json:"value,omitempty" jsonschema_description:"The text or value to work on. Without it: the input."`
	Indent bool             `json:"indent,omitempty" jsonschema_description:"For write: over several lines, for people."`
}

func runJSON(_ context.Context, call *nodes.Call, p jsonParams) (flowforge.Value, error) {
	x := given(call, p.Value)
	switch p.Action {
	case actionParse:
		text, ok := x.(string)
		if !ok {
			return flowforge.Value{}, refuse(codeInvalidData, "JSON is text, not %s: it may be parsed already", describe(x))
		}
		value, err := flowforge.ParseValue([]byte(text))
		if err != nil {
			return flowforge.Value{}, refuse(codeInvalidData, "%w: the text begins %q", err, shorten(text))
		}
		return value, nil
	case actionWrite:
		return writeJSON(x, p.Indent)
	}
	return flowforge.Value{}, noAction(p.Action, actionParse, actionWrite)
}

func writeJSON(x any, indent bool) (flowforge.Value, error) {
	value, err := freeze(x)
	if err != nil || !indent {
		return flowforge.MustValue(value.String()), err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, value.JSON(), "", "  "); err != nil {
		return flowforge.Value{}, err
	}
	return freeze(text.String())
}

func jsonType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "data.json", Version: 1, Title: "JSON", Category: categoryData, Icon: "braces", Kind: nodes.Pure,
		Doc: "Reads JSON text into a value, or writes a value as JSON text.\n\n" +
			"Most nodes give and take values already; this one is for JSON inside of text. Integers of up to 64 bits keep " +
			"their exact value, and the keys of objects are written in order.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The value, or the text."}},
		Examples: []nodes.Example{
			{
				Title:  "Read a message",
				Params: flowforge.MustValue(map[string]any{"action": actionParse, "value": "{{ input.body }}"}),
				Input:  flowforge.MustValue(map[string]any{"body": `{"id": 9007199254740993}`}),
				Want:   flowforge.Out(flowforge.MustValue(map[string]any{"id": int64(9007199254740993)})),
			},
			{
				Title:  "Write the input",
				Params: flowforge.MustValue(map[string]any{"action": actionWrite}),
				Input:  flowforge.MustValue(map[string]any{"b": 1, "a": []any{}}),
				Want:   flowforge.Out(flowforge.MustValue(`{"a":[],"b":1}`)),
			},
		},
	}, runJSON)
}
