package main

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// oneRun is what a command about one run is given.
type oneRun struct {
	ID string `arg:"" help:"The run's id."`
	storeFlags
}

func (o *oneRun) id() flowforge.RunID { return flowforge.RunID(o.ID) }

// get opens the store and finds the run.
func (o *oneRun) get(ctx context.Context, con *console) (*session, flowforge.Run, error) {
	s, err := o.look(ctx, con)
	if err != nil {
		return nil, flowforge.Run{}, err
	}
	run, err := s.engine.GetRun(ctx, s.workspace, o.id())
	if err != nil {
		s.close() //nolint:contextcheck // It takes its time also where ctx has ended.
		return nil, run, noRun(err)
	}
	return s, run, nil
}

func noRun(err error) error { return notThere(err, "flowforge runs list tells which runs there are") }

// runsShowCommand is `flowforge runs show`.
type runsShowCommand struct {
	oneRun
	JSON bool `name:"json" help:"Print one object, as flowforge run --json does: {run, nodes, output}."`
}

// Run shows a run.
func (r *runsShowCommand) Run(con *console) error {
	ctx := context.Background()
	s, run, err := r.get(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	if r.JSON {
		return s.printAll(ctx, run)
	}
	return s.tellRun(ctx, run, time.Now())
}

// maxNodeRows bounds how many node runs are shown to people.
const maxNodeRows = 500

// tellRun shows a run to people.
func (s *session) tellRun(ctx context.Context, run flowforge.Run, now time.Time) error {
	out := bufio.NewWriter(s.con.out)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	result := resultOfRun(run)
	say("run %s of %s", run.ID, human.Workflow(run.Workflow.Name, run.Workflow.Version))
	say("  %s, created %s, took %s", human.Status(run.Status), human.Age(run.CreatedAt, now), human.Took(run.StartedAt, run.FinishedAt, now))
	if reason := why(&result); reason != "" {
		say("  %s", reason)
	}
	if run.Test {
		say("  a test run")
	}
	say("")
	if err := flush(out); err != nil {
		return err
	}
	rows := [][]string{{"NODE", "STATUS", "ATTEMPTS", "TOOK", "WHY"}}
	more := 0
	for node, err := range s.engine.NodeRuns(ctx, run.Workspace, run.ID) {
		switch {
		case err != nil:
			return err
		case len(rows) > maxNodeRows:
			more++
		default:
			rows = append(rows, rowOf(node, now))
		}
	}
	if err := human.Table(s.con.out, rows); err != nil {
		return err
	}
	if more > 0 {
		say("and %d more: --json prints all", more)
	}
	if run.Status == flowforge.RunSucceeded {
		say("\noutput: %s", human.Shorten(human.Line(run.Output.String()), human.MaxMessage))
	}
	return flush(out)
}

func rowOf(node flowforge.NodeRun, now time.Time) []string {
	reason := string(node.Reason)
	switch {
	case node.Error != nil:
		reason = string(node.Error.Code) + ": " + human.Shorten(human.Line(node.Error.Message), maxWhy)
	case node.Copied:
		reason = "copied"
	case node.Status == flowforge.NodeWaiting && !node.Awaits.IsNull():
		reason = "for " + human.Shorten(human.Line(node.Awaits.String()), maxWhy)
	}
	if !node.ResumeAt.IsZero() && !node.Status.Terminal() {
		reason += " until " + human.Clock(node.ResumeAt)
	}
	attempts := strconv.Itoa(node.Attempts)
	if node.Lost > 0 {
		attempts += fmt.Sprintf(" (%d lost)", node.Lost)
	}
	name, spent := human.Label(node.Node, node.Element), human.Took(node.StartedAt, node.FinishedAt, now)
	return []string{name, string(node.Status), attempts, spent, reason}
}
