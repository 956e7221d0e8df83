package builtin

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type validateParams struct {
	Schema flowforge.Value  `json:"schema" jsonschema:"type=object" jsonschema_description:"A JSON Schema, draft 2020-12. It cannot refer to other documents."`
	Value  *flowforge.Value `json:"value,omitempty" jsonschema_description:"The value to check. Without it: the input."`
	Mode   string           `json:"mode,omitempty" jsonschema:"enum=fail,enum=report,default=fail" jsonschema_description:"fail: a value that does not fit is an error; report: emit {valid, problems, value}."`
}

const modeReport = "report"

// validator keeps the schema it compiled last: in loops it is always the same.
type validator struct {
	last atomic.Pointer[compiledSchema]
}

type compiledSchema struct {
	source flowforge.Value
	schema *nodes.Schema
}

func (v *validator) compile(source flowforge.Value) (*nodes.Schema, error) {
	if last := v.last.Load(); last != nil && last.source.Equal(source) {
		return last.schema, nil
	}
	schema, err := nodes.CompileSchema(source)
	if err != nil {
		return nil, err
	}
	v.last.Store(&compiledSchema{source, schema})
	return schema, nil
}

func (v *validator) run(_ context.Context, call *nodes.Call, p validateParams) (flowforge.Value, error) {
	if _, ok := p.Schema.Any().(map[string]any); !ok {
		return flowforge.Value{}, refuse(flowforge.CodeInvalidParams, "schema is %s, not an object", describe(p.Schema.Any()))
	}
	schema, err := v.compile(p.Schema)
	if err != nil {
		return flowforge.Value{}, refuse(flowforge.CodeInvalidParams, "schema: %w", err)
	}
	value, err := freeze(given(call, p.Value))
	if err != nil {
		return flowforge.Value{}, err
	}
	problems := schema.Check(value, "", nil)
	list := make([]any, len(problems))
	for i, found := range problems {
		list[i] = map[string]any{"pointer": found.Pointer, "message": found.Message}
	}
	if p.Mode == modeReport {
		return freeze(map[string]any{"valid": len(problems) == 0, "problems": list, "value": value})
	}
	if len(problems) == 0 {
		return value, nil
	}
	details, err := freeze(map[string]any{"problems": list})
	if err != nil {
		return flowforge.Value{}, err
	}
	return flowforge.Value{}, nodes.Permanent(
		nodes.Failed(codeNotValid, details, "the value does not fit the schema:\n%s", sentences(problems)))
}

// sentences lists the first problems, a line each.
func sentences(problems flowforge.Problems) string {
	const most = 10
	lines := make([]string, 0, most+1)
	for i, found := range problems {
		if i == most {
			lines = append(lines, fmt.Sprintf("and %d more", len(problems)-most))
			break
		}
		where := found.Pointer
		if where == "" {
			where = "the whole value"
		}
		lines = append(lines, where+": "+found.Message)
	}
	return strings.Join(lines, "\n")
}

// checkValidate finds schemas that cannot be compiled.
func checkValidate(params flowforge.Value) flowforge.Problems {
	schema, ok := written(params, "schema").(map[string]any)
	if !ok || hasTemplate(schema) {
		return nil
	}
	value, err := flowforge.Freeze(schema)
	if err == nil {
		_, err = nodes.CompileSchema(value)
	}
	if err != nil {
		return flowforge.Problems{problem("/schema", "%s", err)}
	}
	return nil
}

func validateType() nodes.Type {
	schema := map[string]any{"type": "object", "required": []any{"email"}}
	ada := flowforge.MustValue(map[string]any{"email": "ada@example.com"})
	t := nodes.Define(nodes.Spec{
		Type: "data.validate", Version: 1, Title: "Validate", Category: categoryData, Icon: "shield-check", Kind: nodes.Pure,
		Doc: "Checks a value against a JSON Schema and passes it on.\n\n" +
			"A value that does not fit fails with `validation_failed`, all its problems in `details.problems`, each with " +
			"a JSON pointer; with `mode: report` they are emitted instead.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The value; in mode report {valid, problems, value}."}},
		Examples: []nodes.Example{
			{
				Title:  "There must be an address",
				Params: flowforge.MustValue(map[string]any{"schema": schema}),
				Input:  ada, Want: flowforge.Out(ada),
			},
			{
				Title:  "Report instead of failing",
				Params: flowforge.MustValue(map[string]any{"schema": schema, "value": map[string]any{}, "mode": modeReport}),
				Want: flowforge.Out(flowforge.MustValue(map[string]any{
					"valid": false, "value": map[string]any{},
					"problems": []any{map[string]any{"pointer": "", "message": `"email" is missing`}},
				})),
			},
		},
	}, (&validator{}).run)
	t.Check = checkValidate
	return t
}
