package main

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
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
	return s.describe(ctx, run, time.Now())
}

// maxNodeRows bounds how many node runs are shown to people.
const maxNodeRows = 500

// describe shows a run to people.
func (s *session) text.Failure(ctx context.Context, run flowforge.Run, now time.Time) error {
	out := bufio.NewWriter(s.con.out)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	result := resultOfRun(run)
	say("run %s of %s", run.ID, nameAndVersion(run.Workflow.Name, run.Workflow.Version))
	say("  %s, created %s, took %s", text.Status(run.Status), text.Age(run.CreatedAt, now), text.Took(run.StartedAt, run.FinishedAt, now))
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
	if err := writeTable(s.con.out, rows); err != nil {
		return err
	}
	if more > 0 {
		say("and %d more: --json prints all", more)
	}
	if run.Status == flowforge.RunSucceeded {
		say("\noutput: %s", text.Shorten(text.Line(run.Output.String()), text.MaxMessage))
	}
	return flush(out)
}

func rowOf(node flowforge.NodeRun, now time.Time) []string {
	reason := string(node.Reason)
	switch {
	case node.Error != nil:
		reason = string(node.Error.Code) + ": " + text.Shorten(text.Line(node.Error.Message), maxWhy)
	case node.Copied:
		reason = "copied"
	case node.Status == flowforge.NodeWaiting && !node.Awaits.IsNull():
		reason = "for " + text.Shorten(text.Line(node.Awaits.String()), maxWhy)
	}
	if !node.ResumeAt.IsZero() && !node.Status.Terminal() {
		reason += " until " + text.Clock(node.ResumeAt)
	}
	attempts := strconv.Itoa(node.Attempts)
	if node.Lost > 0 {
		attempts += fmt.Sprintf(" (%d lost)", node.Lost)
	}
	return []string{text.Label(node.Node, node.Element), string(node.Status), attempts, text.Took(node.StartedAt, node.FinishedAt, now), reason}
}
