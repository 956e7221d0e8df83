// Command quickstart builds a workflow in Go and runs it in memory.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
)

func main() {
	hello := flowforge.NewWorkflow("hello")
	hello.Add("greet", "core.set", flowforge.P{"values": flowforge.P{"text": "Hello {{ input.name }}!"}})
	workflow, err := hello.Build()
	if err != nil {
		log.Fatal(err)
	}
	forge, err := engine.New(engine.Config{}) // in memory, with the built-in nodes
	if err != nil {
		log.Fatal(err)
	}
	run, err := forge.Do(context.Background(), workflow, map[string]any{"name": "Ada"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.Status, run.Output)
}
