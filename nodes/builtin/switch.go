package builtin

import (
	"context"
	"fmt"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type switchParams struct {
	Value   flowforge.Value `json:"value" jsonschema_description:"What the cases are compared with."`
	Cases   []switchCase    `json:"cases" jsonschema:"minItems=1" jsonschema_description:"The cases, in the order they are tried."`
	Default flowforge.Port  `json:"default,omitempty" jsonschema:"pattern=^[a-z][a-z0-9_]*$" jsonschema_description:"The port for values that no case has. Without it nothing is emitted for them."`
}

type switchCase struct {
	Equals flowforge.Value `json:"equals" jsonschema_description:"The value of this case. 1 and 1.0 are equal; 1 and \"1\" are not."`
	Port   flowforge.Port  `json:"port" jsonschema:"pattern=^[a-z][a-z0-9_]*$" jsonschema_description:"The port that the input leaves on: a plain name. Several cases may share one."`
}

func runSwitch(_ context.Context, call *nodes.Call, p switchParams) (flowforge.Ports, error) {
	for _, c := range p.Cases {
		if compare(p.Value.Any(), c.Equals.Any()) == 0 {
			return flowforge.On(c.Port, call.Input), nil
		}
	}
	if p.Default != "" {
		return flowforge.On(p.Default, call.Input), nil
	}
	return nil, nil
}

// switchPorts gives the ports that the parameters name, each once, in order.
func switchPorts(params flowforge.Value) []flowforge.Port {
	var ports []flowforge.Port
	add := func(x any) {
		name, _ := x.(string)
		if port := flowforge.Port(name); name != "" && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	cases, _ := written(params, "cases").([]any)
	for _, c := range cases {
		if c, ok := c.(map[string]any); ok {
			add(c["port"])
		}
	}
	add(written(params, "default"))
	return ports
}

// checkSwitch finds ports that are not plain names, and cases that an earlier one hides.
func checkSwitch(params flowforge.Value) flowforge.Problems {
	var problems flowforge.Problems
	checkPort := func(x any, pointer string) {
		switch name, _ := x.(string); {
		case isTemplate(name):
			problems = append(problems, problem(pointer,
				"a port must be a plain name, not an expression: connections need to know it before the workflow runs"))
		case flowforge.Port(name) == flowforge.PortError:
			problems = append(problems, problem(pointer, `the port "error" is where on_error: route sends failures: choose another name`))
		}
	}
	seen := make(map[string]int)
	cases, _ := written(params, "cases").([]any)
	for i, c := range cases {
		c, _ := c.(map[string]any)
		checkPort(c["port"], fmt.Sprintf("/cases/%d/port", i))
		equals, found := c["equals"]
		if !found || hasTemplate(equals) {
			continue
		}
		key := identity(equals)
		if first, taken := seen[key]; taken {
			problems = append(problems, problem(fmt.Sprintf("/cases/%d/equals", i),
				"case %d compares with %s already, so that this one is never reached: remove one", first, describe(equals)))
			continue
		}
		seen[key] = i
	}
	checkPort(written(params, "default"), "/default")
	return problems
}

func switchType() nodes.Type {
	params := flowforge.MustValue(map[string]any{
		"value": "{{ input.kind }}",
		"cases": []any{
			map[string]any{"equals": "invoice", "port": "invoice"},
			map[string]any{"equals": "receipt", "port": "receipt"},
		},
		"default": "other",
	})
	invoice := flowforge.MustValue(map[string]any{"kind": "invoice", "total": 12})
	note := flowforge.MustValue(map[string]any{"kind": "note"})
	t := nodes.Define(nodes.Spec{
		Type: "core.switch", Version: 1, Title: "Switch", Category: categoryFlow, Icon: "list-tree", Kind: nodes.Pure, PicksOne: true,
		Doc: "Sends its input to the port of the first case that equals a value.\n\n" +
			"The cases make the ports. Where no case fits, the input goes to the port named by `default`; " +
			"without a default nothing is emitted and what hangs on the ports is skipped.",
		Outputs: []nodes.PortSpec{{Name: "<port of a case>", Doc: "The input, if the case is the first that fits."}},
		Examples: []nodes.Example{
			{Title: "By kind of document", Params: params, Input: invoice, Want: flowforge.On("invoice", invoice)},
			{Title: "No case fits", Params: params, Input: note, Want: flowforge.On("other", note)},
		},
	}, runSwitch)
	t.Ports, t.Check = switchPorts, checkSwitch
	return t
}
