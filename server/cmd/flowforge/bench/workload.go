package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
)

// Workload names a shape of workflows.
type Workload string

// The workloads.
const (
	W1 Workload = "W1" // one step
	W2 Workload = "W2" // ten steps in sequence
	W3 Workload = "W3" // a hundred parallel steps and a join
	W6 Workload = "W6" // layers of a hundred steps, each fed by two of the layer before
	W8 Workload = "W8" // one pure step, which another process runs
)

const (
	sequence = 10
	parallel = 100
	layer    = 100
)

// Names of the types of steps.
const (
	effectStep = "bench.effect"
	pureStep   = "bench.pure"
)

type nothing struct{}

// Types gives the built-in types and those of the steps: Go functions that do next to nothing, the effectful one as long
// as is wanted.
func Types(effect time.Duration) (*nodes.Registry, error) {
	step := func(name string, kind nodes.Kind) nodes.Type {
		return nodes.Define(nodes.Spec{
			Type: name, Version: 1, Title: "Step", Category: "bench", Kind: kind, Doc: "Does nothing and gives a number.",
		}, func(ctx context.Context, _ *nodes.Call, _ nothing) (int, error) {
			if kind == nodes.Effectful && effect > 0 {
				return 1, last(ctx, effect)
			}
			return 1, nil
		})
	}
	return nodes.NewRegistry(append(builtin.Types(), step(effectStep, nodes.Effectful), step(pureStep, nodes.Pure))...)
}

// last takes its time.
func last(ctx context.Context, effect time.Duration) error {
	timer := time.NewTimer(effect)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// document gives the workflow; of W6 with so many steps.
func (w Workload) document(pure bool, steps int) *flowforge.Workflow {
	kind := effectStep
	if pure {
		kind = pureStep
	}
	document := &flowforge.Workflow{Name: "bench-" + string(w), Graph: flowforge.Graph{Output: flowforge.MustValue("done")}}
	add := func(n int, sources ...int) {
		node := flowforge.Node{ID: stepID(n), Type: kind}
		document.Nodes = append(document.Nodes, node)
		for _, source := range sources {
			document.Connections = append(document.Connections, flowforge.Connection{
				From: flowforge.Endpoint{Node: stepID(source), Port: flowforge.PortOut},
				To:   flowforge.Endpoint{Node: node.ID, Port: flowforge.PortIn},
			})
		}
	}
	switch w {
	case W1:
		add(0)
	case W2:
		add(0)
		for n := 1; n < sequence; n++ {
			add(n, n-1)
		}
	case W3:
		sources := make([]int, parallel)
		for n := range parallel {
			add(n)
			sources[n] = n
		}
		add(parallel, sources...)
	case W8: // handOver has its own
	case W6:
		for n := range steps {
			if n < layer {
				add(n)
			} else {
				above := n - n%layer - layer
				add(n, above+n%layer, above+(n+1)%layer)
			}
		}
	}
	return document
}

func stepID(n int) flowforge.NodeID { return flowforge.NodeID(fmt.Sprint("s", n)) }

// limitOf gives settings with a limit that no run meets.
func limitOf(name string) flowforge.Settings {
	const most = 10_000_000
	switch name {
	case "concurrency":
		return flowforge.Settings{Concurrency: &flowforge.Concurrency{Limit: most}}
	case "throttle":
		return flowforge.Settings{Throttle: &flowforge.Rate{Limit: most, Period: flowforge.Duration(time.Second)}}
	}
	return flowforge.Settings{}
}
