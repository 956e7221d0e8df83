package nodetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

func examplesGive(ctx context.Context, c *conformer) error {
	for _, example := range c.runnable() {
		got, err := c.execute(ctx, example)
		if err != nil {
			return fmt.Errorf("example %q: %w", example.Title, err)
		}
		switch {
		case got.panicked != nil:
			return fmt.Errorf("example %q: %s", example.Title, got)
		case example.Want == nil && got.err == nil:
			return fmt.Errorf("example %q has no Want and gives %s", example.Title, got)
		case example.Want != nil && got.String() != show(example.Want):
			return fmt.Errorf("example %q\n gives %s\n wants %s", example.Title, got, show(example.Want))
		}
	}
	return nil
}

func emitsOnPorts(ctx context.Context, c *conformer) error {
	for _, example := range c.runnable() {
		got, err := c.execute(ctx, example)
		if err != nil {
			return err
		}
		known := c.typ.OutputPorts(example.Params)
		for i, out := range got.ports {
			if !slices.Contains(known, out.Port) {
				return fmt.Errorf("example %q emits on %q, and the ports are %q", example.Title, out.Port, known)
			}
			if slices.ContainsFunc(got.ports[:i], func(p flowforge.PortValue) bool { return p.Port == out.Port }) {
				return fmt.Errorf("example %q emits on %q twice", example.Title, out.Port)
			}
		}
		if c.typ.Spec.PicksOne && len(got.ports) > 1 {
			return fmt.Errorf("example %q emits on %d ports", example.Title, len(got.ports))
		}
	}
	return nil
}

func fitsOutput(ctx context.Context, c *conformer) error {
	schema, err := nodes.CompileSchema(c.typ.Spec.Output)
	if err != nil {
		return err
	}
	for _, example := range c.runnable() {
		got, err := c.execute(ctx, example)
		if err != nil {
			return err
		}
		if out, emitted := got.ports.Get(flowforge.PortOut); emitted {
			if problems := schema.Check(out, "", nil); len(problems) > 0 {
				return fmt.Errorf("example %q gives %s: %w", example.Title, out, problems)
			}
		}
	}
	return nil
}

func leavesInput(ctx context.Context, c *conformer) error {
	for _, example := range c.runnable() {
		call, err := c.call(ctx, example)
		if err != nil {
			return err
		}
		input, params := plainJSON(call.Input), plainJSON(call.Params)
		run(ctx, c.typ.Node, call)
		if now := plainJSON(call.Input); now != input {
			return fmt.Errorf("example %q: the input was %s and became %s", example.Title, input, now)
		}
		if now := plainJSON(call.Params); now != params {
			return fmt.Errorf("example %q: the parameters were %s and became %s", example.Title, params, now)
		}
	}
	return nil
}

// plainJSON encodes the Go form anew: a Value would give the text that it has kept.
func plainJSON(value flowforge.Value) string {
	text, err := json.Marshal(value.Any())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// times is how often a pure node is run: enough for an order of map keys to change.
const times = 20

func repeats(ctx context.Context, c *conformer) error {
	if c.typ.Spec.Kind != nodes.Pure {
		return nil
	}
	for _, example := range c.runnable() {
		first, err := c.execute(ctx, example)
		if err != nil {
			return err
		}
		for range times {
			again, err := c.execute(ctx, example)
			if err != nil {
				return err
			}
			if again.String() != first.String() {
				return fmt.Errorf("example %q gave %s, then %s", example.Title, first, again)
			}
		}
	}
	return nil
}

func concurs(ctx context.Context, c *conformer) error {
	for _, example := range c.runnable() {
		call, err := c.call(ctx, example)
		if err != nil {
			return err
		}
		alone := run(ctx, c.typ.Node, call).String()
		results := make([]string, times)
		var group sync.WaitGroup
		for i := range results {
			group.Go(func() {
				copied := *call
				results[i] = run(ctx, c.typ.Node, &copied).String()
			})
		}
		group.Wait()
		for _, got := range results {
			if c.typ.Spec.Kind == nodes.Pure && got != alone {
				return fmt.Errorf("example %q gave %s alone, and %s beside others", example.Title, alone, got)
			}
		}
	}
	return nil
}

func returnsWhenCanceled(ctx context.Context, c *conformer) error {
	for _, example := range c.runnable() {
		call, err := c.call(ctx, example)
		if err != nil {
			return err
		}
		canceled, cancel := context.WithCancelCause(ctx)
		cancel(errors.New("the test has canceled it"))
		ended := make(chan outcome, 1)
		go func() { ended <- run(canceled, c.typ.Node, call) }()
		late := time.NewTimer(c.patience)
		select {
		case <-ended:
			late.Stop()
		case <-late.C:
			return fmt.Errorf("example %q has not returned within %s", example.Title, c.patience)
		}
	}
	return nil
}

func survives(ctx context.Context, c *conformer) error {
	if c.typ.Node == nil || len(c.runnable()) == 0 {
		return nil
	}
	try := func(input, params flowforge.Value) error {
		call := &nodes.Call{Workspace: flowforge.Local, Run: "run", Node: "node", Attempt: 1, Input: input, Params: params, Host: &Host{Input: input}}
		if got := run(ctx, c.typ.Node, call); got.panicked != nil {
			return fmt.Errorf("input %s, parameters %s: %s", input, params, got)
		}
		return nil
	}
	for _, params := range c.oddParams() {
		if err := try(c.runnable()[0].Input, params); err != nil {
			return err
		}
	}
	for _, example := range c.runnable() {
		call, err := c.call(ctx, example)
		if err != nil {
			return err
		}
		for _, x := range odd() {
			if err := try(flowforge.MustValue(x), call.Params); err != nil {
				return err
			}
		}
	}
	return nil
}
