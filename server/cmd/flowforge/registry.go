package main

import (
	"fmt"
	"os"

	"github.com/flowforge-go/flowforge/connectors/all"
	"github.com/flowforge-go/flowforge/connectors/code"
	"github.com/flowforge-go/flowforge/connectors/egress"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/builtin"
)

// newRegistry gives all node types that this program has. Connectors reach public addresses, and what the rules
// allow beside them; scripts are run where withCode says so.
func newRegistry(rules []egress.Rule, withCode bool) (*nodes.Registry, error) {
	config := all.Config{Egress: egress.Policy{Allow: rules}}
	if withCode {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find the program to run scripts with: %w", err)
		}
		config.Code.Command = []string{self, "script"}
	}
	connected, err := all.All(config)
	if err != nil {
		return nil, err
	}
	registry, err := nodes.NewRegistry(builtin.Types()...)
	if err != nil {
		return nil, err
	}
	if err := registry.Register(connected...); err != nil {
		return nil, err
	}
	return registry, nil
}

// scriptCommand is the process that one script runs in; it is started by this program itself.
type scriptCommand struct{}

// Run runs the script that comes on standard input.
func (scriptCommand) Run(con *console) error {
	_, stop := con.listen() // an interrupt is for the program that asked; it ends this one
	defer stop()
	return code.Child(con.in, con.out)
}

func parseRules(given []string) ([]egress.Rule, error) {
	rules := make([]egress.Rule, 0, len(given))
	for _, text := range given {
		rule, err := egress.ParseRule(text)
		if err != nil {
			return nil, usage("--allow-egress: %w", err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}
