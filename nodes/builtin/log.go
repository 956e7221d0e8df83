package builtin

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type logParams struct {
	Level   string          `json:"level,omitempty" jsonschema:"enum=debug,enum=info,enum=warn,enum=error,default=info" jsonschema_description:"How important the line is."`
	Message flowforge.Value `json:"message,omitzero" jsonschema_description:"The line: text, or any value, which is written as JSON; unless given, that the node was reached." jsonschema_extras:"x-type=string"`
	Fields  flowforge.Value `json:"fields,omitzero" jsonschema:"type=object" jsonschema_description:"Facts beside the message, by name."`
}

func runLog(ctx context.Context, call *nodes.Call, p logParams) (flowforge.Value, error) {
	var level slog.Level
	if p.Level != "" {
		if err := level.UnmarshalText([]byte(p.Level)); err != nil {
			return flowforge.Value{}, refuse(flowforge.CodeInvalidParams, "level is %q: write debug, info, warn or error", p.Level)
		}
	}
	fields, _ := p.Fields.Any().(map[string]any)
	attrs := make([]slog.Attr, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		attrs = append(attrs, slog.Any(name, fields[name]))
	}
	text := string(call.Node) + " was reached"
	if !p.Message.IsNull() {
		text = textOf(p.Message.Any())
	}
	call.Log().LogAttrs(ctx, level, text, attrs...) //nolint:sloglint // the message is the author's
	return call.Input, nil
}

func logType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "core.log", Version: 1, Title: "Log", Category: categoryFlow, Icon: "scroll-text", Kind: nodes.Pure,
		Doc:     "Writes a line into the run's log and passes its input on.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The input."}},
		Examples: []nodes.Example{{
			Title: "Say how many rows came",
			Params: flowforge.MustValue(map[string]any{
				"level": "info", "message": "got {{ len(input.rows) }} rows", "fields": map[string]any{"source": "import"},
			}),
			Input: flowforge.MustValue(map[string]any{"rows": []any{1, 2}}),
			Want:  flowforge.Out(flowforge.MustValue(map[string]any{"rows": []any{1, 2}})),
		}},
	}, runLog)
}
