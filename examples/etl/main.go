// Command etl runs a workflow document behind a node of its own that reads a file, and prints what comes out.
package main

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"log"
	"os"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/engine/doc"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
)

//go:embed workflow.yaml earthquakes.geojson
var files embed.FS

type readParams struct {
	File string `json:"file" jsonschema:"minLength=1" jsonschema_description:"Its name, within the folder of the type."`
}

// fileRead is a node type that reads JSON files of one folder, and nothing beside it.
func fileRead(folder fs.FS) nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "file.read", Version: 1, Title: "Read a file", Category: "files", Kind: nodes.Effectful,
		Doc: "Reads a JSON file.",
	}, func(ctx context.Context, call *nodes.Call, p readParams) (flowforge.Value, error) {
		text, err := fs.ReadFile(folder, p.File)
		if err != nil {
			return flowforge.Value{}, nodes.Permanent(err)
		}
		call.Log().InfoContext(ctx, "read file", "file", p.File, "bytes", len(text))
		return flowforge.ParseValue(text)
	})
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	text, err := files.ReadFile("workflow.yaml")
	if err != nil {
		return err
	}
	file, err := doc.Read("workflow.yaml", text)
	if err != nil {
		return err
	}
	// A document is data: the node that reads is put before the one that checks.
	workflow := file.Workflow
	workflow.Nodes = append(workflow.Nodes, flowforge.Node{
		ID: "read", Type: "file.read", Params: flowforge.MustValue(flowforge.P{"file": "{{ trigger.file }}"}),
	})
	workflow.Connections = append(workflow.Connections, flowforge.Connection{
		From: flowforge.Endpoint{Node: "read"}, To: flowforge.Endpoint{Node: "check"},
	})

	types, err := nodes.NewRegistry(append(builtin.Types(), fileRead(files))...)
	if err != nil {
		return err
	}
	forge, err := engine.New(engine.Config{Nodes: types})
	if err != nil {
		return err
	}
	done, err := forge.DoRequest(ctx, engine.StartRequest{
		Document: workflow,
		Input:    flowforge.MustValue(map[string]any{"file": "earthquakes.geojson"}),
		Vars:     map[string]flowforge.Value{"least": flowforge.MustValue(6.5)},
	})
	if err != nil {
		return err
	}
	for line, err := range forge.Logs(ctx, done.Workspace, done.ID) {
		if err != nil {
			return err
		}
		fmt.Println(line.Node, line.Level, line.Message, line.Fields)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(done.Output)
}
