package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
	"github.com/flowforge-go/flowforge/store"
)

// runsCommand is `flowforge runs`.
type runsCommand struct {
	List    runsListCommand    `cmd:"" help:"List runs, newest first."`
	Show    runsShowCommand    `cmd:"" help:"Show a run, its nodes and its output."`
	Events  runsEventsCommand  `cmd:"" help:"Tell what happened in a run."`
	Explain runsExplainCommand `cmd:"" help:"Tell why a run does not move, and what would make it."`
	Retry   runsRetryCommand   `cmd:"" help:"Make new runs of runs that have ended: from what failed, from a node, or from the start."`
	Cancel  runsCancelCommand  `cmd:"" help:"Cancel runs."`
	Pause   runsPauseCommand   `cmd:"" help:"Pause runs: what runs ends, nothing new begins."`
	Resume  runsResumeCommand  `cmd:"" help:"Let paused runs go on."`
	Signal  runsSignalCommand  `cmd:"" help:"Send a signal to a run that waits for one, or will."`
	Decide  runsDecideCommand  `cmd:"" help:"Say what became of a node that is in doubt."`
}

// runStatuses are all statuses of runs, in the order of a run's life.
var runStatuses = []flowforge.RunStatus{
	flowforge.RunQueued, flowforge.RunRunning, flowforge.RunWaiting, flowforge.RunPaused, flowforge.RunCanceling,
	flowforge.RunSucceeded, flowforge.RunFailed, flowforge.RunCanceled, flowforge.RunTimedOut,
}

// filterFlags pick runs.
type filterFlags struct {
	Status   []string `placeholder:"STATUS" help:"Runs of this status: ${statuses}. ${many}"`
	Workflow string   `placeholder:"NAME" help:"Runs of this workflow."`
	Origin   string   `placeholder:"ID" help:"Runs that came from this one: retries, children, handlers."`
}

func (f *filterFlags) filter() (store.Filter, error) {
	filter := store.Filter{Workflow: f.Workflow, Origin: flowforge.RunID(f.Origin)}
	for _, text := range f.Status {
		status := flowforge.RunStatus(text)
		if !slices.Contains(runStatuses, status) {
			return filter, usage("there is no status %q; there are %s", human.Line(text), statusNames())
		}
		filter.Statuses = append(filter.Statuses, status)
	}
	return filter, nil
}

func statusNames() string {
	names := make([]string, len(runStatuses))
	for i, status := range runStatuses {
		names[i] = string(status)
	}
	return strings.Join(names, ", ")
}

// runsListCommand is `flowforge runs list`.
type runsListCommand struct {
	storeFlags
	filterFlags
	Limit  int    `default:"50" placeholder:"N" help:"At most so many (default: 50)."`
	Before string `placeholder:"ID" help:"Only older ones than this run: the last of the page before."`
	JSON   bool   `name:"json" help:"Print a list of runs: {id, workflow, status, ...}."`
}

// Run lists runs.
func (r *runsListCommand) Run(con *console) error {
	filter, err := r.filter()
	if err != nil {
		return err
	}
	if r.Limit < 1 {
		return usage("--limit must be at least 1")
	}
	filter.Before = flowforge.RunID(r.Before)
	ctx := context.Background()
	s, err := r.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	runs := make([]runResult, 0, min(r.Limit, runsPage))
	err = s.eachRun(ctx, filter, func(run flowforge.Run) (more bool) {
		runs = append(runs, resultOfRun(run))
		return len(runs) < r.Limit
	})
	if err != nil {
		return notThere(err, "--before names a run that there is")
	}
	if r.JSON {
		return con.printJSON(runs)
	}
	if len(runs) == 0 {
		con.printf("flowforge: no runs\n")
		return nil
	}
	return human.Table(con.out, rowsOf(runs, time.Now()))
}

const runsPage = 200

// eachRun gives the runs of a filter, newest first, until it was enough.
func (s *session) eachRun(ctx context.Context, filter store.Filter, take func(run flowforge.Run) (more bool)) error {
	filter.Limit = runsPage
	for {
		runs, err := s.engine.ListRuns(ctx, s.workspace, filter)
		if err != nil {
			return err
		}
		for _, run := range runs {
			if !take(run) {
				return nil
			}
			filter.Before = run.ID
		}
		if len(runs) < runsPage {
			return nil
		}
	}
}

func rowsOf(runs []runResult, now time.Time) [][]string {
	rows := make([][]string, 0, len(runs)+1)
	rows = append(rows, []string{"RUN", "WORKFLOW", "STATUS", "CREATED", "TOOK", "WHY"})
	for i := range runs {
		r := &runs[i]
		rows = append(rows, []string{
			string(r.ID), human.Workflow(r.Workflow, r.Version), human.Status(r.Status), human.Age(r.CreatedAt, now),
			human.Took(r.StartedAt, r.FinishedAt, now), human.Shorten(why(r), maxWhy),
		})
	}
	return rows
}

// maxWhy bounds a reason in a table, in characters.
const maxWhy = 100

// why says what the status of a run does not.
func why(r *runResult) string {
	var parts []string
	if r.Error != nil {
		parts = append(parts, human.Failure(r.Error))
	}
	if r.Reason != "" {
		parts = append(parts, human.Line(r.Reason))
	}
	if r.Origin != nil {
		parts = append(parts, originName(r.Origin))
	}
	return strings.Join(parts, "; ")
}

func originName(origin *flowforge.Origin) string {
	switch origin.Kind {
	case flowforge.OriginRetry:
		return "retry of " + string(origin.Run)
	case flowforge.OriginOnFailure:
		return "told of the failure of " + string(origin.Run)
	case flowforge.OriginParent, flowforge.OriginDetached:
		return "started by node " + human.Label(origin.Node, origin.Element) + " of " + string(origin.Run)
	case flowforge.OriginSchedule:
		return "started by schedule " + human.Line(string(origin.Schedule))
	default:
		return string(origin.Kind) + " of " + string(origin.Run)
	}
}
