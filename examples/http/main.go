// Command http runs a workflow that asks an HTTP API, here a server of its own that is busy at first. Nodes reach
// public addresses only; the program allows its server's address beside them.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors/all"
	"github.com/flowforge-go/flowforge/connectors/egress"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/engine/doc"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
)

//go:embed workflow.yaml
var document []byte

// people answers 503 to the first request.
func people() http.Handler {
	var asked atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `[{"name": "Ada", "active": true}, {"name": "Charles", "active": false}, {"name": "Grace", "active": true}]`)
	})
}

func main() {
	server := httptest.NewServer(people())
	err := run(context.Background(), server.URL)
	server.Close()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, url string) error {
	rule, err := egress.ParseRule(strings.TrimPrefix(url, "http://"))
	if err != nil {
		return err
	}
	connected, err := all.All(all.Config{Egress: egress.Policy{Allow: []egress.Rule{rule}}})
	if err != nil {
		return err
	}
	types, err := nodes.NewRegistry(append(builtin.Types(), connected...)...)
	if err != nil {
		return err
	}
	forge, err := engine.New(engine.Config{Nodes: types})
	if err != nil {
		return err
	}
	file, err := doc.Read("workflow.yaml", document)
	if err != nil {
		return err
	}
	done, err := forge.Do(ctx, file.Workflow, map[string]any{"url": url})
	if err != nil {
		return err
	}
	for node, err := range forge.NodeRuns(ctx, flowforge.Local, done.ID) {
		if err != nil {
			return err
		}
		fmt.Println(node.Node, node.Status, "attempts:", node.Attempts)
	}
	fmt.Println(done.Output)
	return nil
}
