// Command errors shows what may go wrong in a run: retries, errors that take another way or are only noted, finally
// nodes, a run that fails and the workflow that is told of it.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/engine/doc"
	"github.com/flowforge-go/flowforge/store"
	"github.com/flowforge-go/flowforge/store/memory"
)

//go:embed workflow.yaml notify.yaml
var files embed.FS

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	kept := memory.New(memory.Config{})
	forge, err := engine.New(engine.Config{Store: kept})
	if err != nil {
		return err
	}
	payment, err := read("workflow.yaml")
	if err != nil {
		return err
	}
	notify, err := read("notify.yaml")
	if err != nil {
		return err
	}
	if _, err := forge.Save(ctx, flowforge.Local, notify); err != nil {
		return err
	}
	if _, err := forge.Publish(ctx, flowforge.Local, notify.Name); err != nil {
		return err
	}
	for _, amount := range []int{50, 500} {
		done, err := forge.Do(ctx, payment, map[string]any{"amount": amount})
		fmt.Println(amount, done.Status, done.Output)
		if errors.Is(err, &flowforge.Error{Code: "above_limit"}) { // errors are matched by their code
			fmt.Println("  error:", err)
		}
		if err := tellNodes(ctx, forge, done); err != nil {
			return err
		}
	}
	if err := forge.Close(ctx); err != nil { // waits for the handler
		return err
	}
	return tellHandlers(ctx, kept)
}

func read(name string) (*flowforge.Workflow, error) {
	text, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	file, err := doc.Read(name, text)
	if err != nil {
		return nil, err
	}
	return file.Workflow, nil
}

// tellNodes prints what became of each node.
func tellNodes(ctx context.Context, forge *engine.Engine, run flowforge.Run) error {
	for node, err := range forge.NodeRuns(ctx, run.Workspace, run.ID) {
		if err != nil {
			return err
		}
		fmt.Printf("  %-6s %-9s attempts: %d %s\n", node.Node, node.Status, node.Attempts, node.Reason)
	}
	return nil
}

// tellHandlers prints what the runs of the handler gave.
func tellHandlers(ctx context.Context, kept store.History) error {
	runs, err := kept.List(ctx, flowforge.Local, store.Filter{Workflow: "notify"})
	if err != nil {
		return err
	}
	for _, listed := range runs {
		run, err := kept.Run(ctx, flowforge.Local, listed.ID)
		if err != nil {
			return err
		}
		fmt.Println("handler:", run.Status, run.Output)
	}
	return nil
}
