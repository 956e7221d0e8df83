package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// runsSignalCommand is `flowforge runs signal`.
type runsSignalCommand struct {
	ID   string `arg:"" help:"The run's id."`
	Name string `arg:"" help:"The signal's name."`
	storeFlags
	Data string `placeholder:"JSON" help:"What the signal carries: JSON, @FILE, or - for standard input (default: {})."`
	Key  string `placeholder:"KEY" help:"Makes sending it again safe: the run gets one signal of a key."`
	JSON bool   `name:"json" help:"Print an object: {id, status}."`
}

// Run sends a signal.
func (r *runsSignalCommand) Run(con *console) error {
	data, err := con.readValue("--data", r.Data)
	if err != nil {
		return err
	}
	one := oneRun{ID: r.ID, storeFlags: r.storeFlags}
	return one.send(con, r.JSON, fmt.Sprintf("signal %s sent", human.Line(r.Name)), func(ctx context.Context, s *session) error {
		return s.engine.Signal(ctx, engine.SignalRequest{
			Workspace: s.workspace, Run: one.id(), Name: r.Name, Data: data, IdempotencyKey: r.Key,
		})
	})
}

// send does something to a run and tells how it stands then.
func (o *oneRun) send(con *console, asJSON bool, past string, do func(ctx context.Context, s *session) error) error {
	ctx := context.Background()
	s, _, err := o.get(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	if err := do(ctx, s); err != nil {
		return err
	}
	run, err := s.engine.GetRun(ctx, s.workspace, o.id())
	if err != nil {
		return err
	}
	if asJSON {
		return con.printJSON(deed{ID: run.ID, Status: run.Status})
	}
	return con.tell("run %s: %s%s", run.ID, past, afterwards(run.Status))
}

// runsDecideCommand is `flowforge runs decide`.
type runsDecideCommand struct {
	oneRun
	Node    string `arg:"" help:"The node that is in doubt."`
	Element string `placeholder:"PATH" help:"Its element, inside a loop: 3/0."`
	Output  string `xor:"what" placeholder:"JSON" help:"It has happened, and this is its output: JSON, @FILE, or - for standard input."`
	Failed  string `xor:"what" placeholder:"TEXT" help:"It has failed, and this is why."`
	Undone  bool   `xor:"what" help:"It has not happened, and is to be tried again."`
	JSON    bool   `name:"json" help:"Print an object: {id, status}."`
}

// Run says what became of a node that is in doubt.
func (r *runsDecideCommand) Run(con *console) error {
	decision, err := r.decision(con)
	if err != nil {
		return err
	}
	past := "decided for node " + human.Label(flowforge.NodeID(r.Node), r.Element)
	return r.send(con, r.JSON, past, func(ctx context.Context, s *session) error {
		decision.Workspace = s.workspace
		return s.engine.Decide(ctx, decision)
	})
}

// decision makes a decision of what was given.
func (r *runsDecideCommand) decision(con *console) (engine.Decision, error) {
	told := engine.Decision{
		Run: r.id(), Node: flowforge.NodeID(r.Node), Element: r.Element, NotDone: r.Undone, Message: r.Failed,
	}
	if r.Output == "" {
		if r.Failed == "" && !r.Undone {
			return told, usage("what became of it? Give --output JSON, --failed TEXT or --undone")
		}
		return told, nil
	}
	output, err := con.readValue("--output", r.Output)
	told.Output = flowforge.Out(output)
	return told, err
}

// runsExplainCommand is `flowforge runs explain`.
type runsExplainCommand struct {
	oneRun
	JSON bool `name:"json" help:"Print a tree: {text, action, causes}."`
}

// Run tells why a run does not move.
func (r *runsExplainCommand) Run(con *console) error {
	ctx := context.Background()
	s, _, err := r.get(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	why, err := s.engine.Explain(ctx, s.workspace, r.id())
	if err != nil {
		return err
	}
	if r.JSON {
		return con.printJSON(why)
	}
	var text strings.Builder
	writeExplanation(&text, why, "")
	_, err = con.out.Write([]byte(text.String()))
	return err
}

func writeExplanation(text *strings.Builder, why engine.Explanation, indent string) {
	fmt.Fprintf(text, "%s%s\n", indent, human.Line(why.Text))
	if why.Action != "" {
		fmt.Fprintf(text, "%s  -> %s\n", indent, human.Line(why.Action))
	}
	for _, cause := range why.Causes {
		writeExplanation(text, cause, indent+"  ")
	}
}
