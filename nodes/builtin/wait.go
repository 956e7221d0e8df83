package builtin

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type waitParams struct {
	Duration flowforge.Duration `json:"duration,omitempty" jsonschema_description:"How long to wait: a number with its unit, such as 30s, 1h30m or 7d."`
	Until    string             `json:"until,omitempty" jsonschema_description:"The instant to wait for, as RFC 3339 writes it: 2027-01-31T09:00:00Z. One that has passed is not waited for."`
	Signal   string             `json:"signal,omitempty" jsonschema_description:"The name of the signal to wait for."`
	Match    nodes.Expr         `json:"match,omitempty" scope:"item" jsonschema_description:"Which signal of that name: an expression that must be true, with the signal's data as item."`
	Timeout  flowforge.Duration `json:"timeout,omitempty" jsonschema_description:"How long to wait for the signal at most; without it for ever."`
}

// portTimeout is where the input goes if the signal does not come in time.
const portTimeout flowforge.Port = "timeout"

func runWait(_ context.Context, call *nodes.Call, p waitParams) (flowforge.Ports, error) {
	switch {
	case p.Signal != "":
		return nil, &nodes.Await{
			Signal: p.Signal, Match: string(p.Match), For: p.Timeout.Std(), Then: flowforge.On(portTimeout, call.Input),
		}
	case p.Until != "":
		until, err := time.Parse(time.RFC3339, p.Until)
		if err != nil {
			return nil, nodes.Permanent(flowforge.Errorf(flowforge.CodeInvalidParams,
				"until is %q, which is no instant: write it like 2027-01-31T09:00:00Z", p.Until))
		}
		return nil, &nodes.Await{Until: until}
	default:
		return nil, &nodes.Await{For: p.Duration.Std()}
	}
}

// waitPorts gives a wait for a signal a port for the case that it does not come.
func waitPorts(params flowforge.Value) []flowforge.Port {
	fields, _ := params.Any().(map[string]any)
	if _, signal := fields["signal"]; signal {
		return []flowforge.Port{flowforge.PortOut, portTimeout}
	}
	return []flowforge.Port{flowforge.PortOut}
}

// checkWait finds what a wait waits for.
func checkWait(params flowforge.Value) flowforge.Problems {
	fields, _ := params.Any().(map[string]any)
	var given []string
	for _, name := range []string{"duration", "until", "signal"} {
		if _, is := fields[name]; is {
			given = append(given, name)
		}
	}
	var problems flowforge.Problems
	switch len(given) {
	case 1:
	case 0:
		problems = append(problems, problem("", "nothing says what to wait for: give one of duration, until and signal"))
	default:
		problems = append(problems, problem("/"+given[1], "this and %s exclude each other: give one of duration, until and signal", given[0]))
	}
	for _, name := range []string{"match", "timeout"} {
		if _, is := fields[name]; is && fields["signal"] == nil {
			problems = append(problems, problem("/"+name, "%s means something for a signal only: give signal, too", name))
		}
	}
	if text, is := fields["until"].(string); is && !isTemplate(text) {
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			problems = append(problems, problem("/until", "%q is no instant: write it like 2027-01-31T09:00:00Z", text))
		}
	}
	return problems
}

func waitType() nodes.Type {
	t := nodes.Define(nodes.Spec{
		Type: "core.wait", Version: 1, Title: "Wait", Category: categoryFlow, Icon: "clock", Kind: nodes.Control,
		Doc: "Waits for a time, an instant or a signal.\n\n" +
			"After a time its input passes on. A signal is sent to the run by name (`flowforge runs signal`, the API or a " +
			"program) and its data is emitted on `out`; one that came before it was waited for counts too. If it has not come " +
			"when `timeout` has passed, the input is emitted on `timeout` instead. " +
			"A waiting run holds no worker, and a wait of days outlives restarts.",
		Outputs: []nodes.PortSpec{
			{Name: flowforge.PortOut, Doc: "The input, once the time has passed; of a signal its data."},
			{Name: portTimeout, Doc: "The input, if the signal did not come in time. Only with `signal`."},
		},
		PicksOne: true,
		Examples: []nodes.Example{{
			Title:  "Wait a day before the reminder",
			Params: flowforge.MustValue(map[string]any{"duration": "1d"}),
			Input:  flowforge.MustValue(map[string]any{"order": 7}),
			Want:   flowforge.Out(flowforge.MustValue(map[string]any{"order": 7})),
		}, {
			Title: "Wait for the payment of this order, a week at most",
			Params: flowforge.MustValue(map[string]any{
				"signal": "payment", "match": "{{ item.order == input.order }}", "timeout": "7d",
			}),
			Input: flowforge.MustValue(map[string]any{"order": 7}),
		}},
	}, runWait)
	t.Ports, t.Check = waitPorts, checkWait
	return t
}
