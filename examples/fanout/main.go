// Command fanout runs a workflow whose branches run side by side and meet again, and tells what each node did.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"log"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/engine/doc"
)

var (
	//go:embed workflow.yaml
	document []byte
	//go:embed order.json
	order []byte
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	file, err := doc.Read("workflow.yaml", document)
	if err != nil {
		return err
	}
	input, err := flowforge.ParseValue(order)
	if err != nil {
		return err
	}
	forge, err := engine.New(engine.Config{})
	if err != nil {
		return err
	}
	done, err := forge.Do(ctx, file.Workflow, input)
	if err != nil {
		return err
	}
	var told []string // branches end in any order
	for node, err := range forge.NodeRuns(ctx, done.Workspace, done.ID) {
		if err != nil {
			return err
		}
		told = append(told, fmt.Sprintf("%-10s %-2s %s %s", node.Node, node.Element, node.Status, node.Reason))
	}
	slices.Sort(told)
	for _, line := range told {
		fmt.Println(line)
	}
	fmt.Println(done.Output)
	return nil
}
