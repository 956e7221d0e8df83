package nodetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// outcome is how an attempt ended.
type outcome struct {
	ports    flowforge.Ports
	stops    bool
	err      error // other than Await and Stop
	panicked any
}

// run executes a node. What it awaits counts as emitted.
func run(ctx context.Context, node nodes.Node, call *nodes.Call) (result outcome) {
	defer func() {
		if x := recover(); x != nil {
			result.panicked = x
		}
	}()
	ports, err := node.Execute(ctx, call)
	if await, ok := errors.AsType[*nodes.Await](err); ok {
		if await.Then == nil && await.Signal == "" && await.Child == nil {
			return outcome{ports: flowforge.Out(call.Input)}
		}
		return outcome{ports: await.Then}
	}
	if _, ok := errors.AsType[*nodes.Stop](err); ok {
		return outcome{stops: true}
	}
	return outcome{ports: ports, err: err}
}

// String says how the attempt ended, the same for equal outcomes.
func (o outcome) String() string {
	switch {
	case o.panicked != nil:
		return fmt.Sprintf("panic: %v", o.panicked)
	case o.err != nil:
		return fmt.Sprintf("error %s: %v", flowforge.CodeOf(o.err), o.err)
	case o.stops:
		return "stops the run"
	}
	return show(o.ports)
}

// show writes ports in order of name.
func show(ports flowforge.Ports) string {
	sorted := slices.SortedFunc(slices.Values(ports), func(a, b flowforge.PortValue) int {
		return strings.Compare(string(a.Port), string(b.Port))
	})
	return flowforge.Ports(sorted).String()
}
