package main

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// bulkFlags name runs one by one, or all that a filter picks.
type bulkFlags struct {
	ID []string `arg:"" optional:"" help:"The ids of runs."`
	storeFlags
	filterFlags
	All  bool `help:"All runs that --status, --workflow and --origin pick, instead of ids."`
	JSON bool `name:"json" help:"Print a list: {id, status or error} for each run."`
}

// deed is what came of a run that something was done to.
type deed struct {
	ID     flowforge.RunID     `json:"id"`
	Status flowforge.RunStatus `json:"status,omitempty"`
	Error  string              `json:"error,omitempty"`

	Run  flowforge.RunID `json:"run,omitempty"`  // the new one, of a retry
	Keys string          `json:"keys,omitempty"` // kept or new, of a retry

	text string
}

// each does something to the runs that were named. Of all, those of the statuses are meant unless others are said;
// what cannot be done to one does not keep it from the others.
func (b *bulkFlags) each(
	ctx context.Context, s *session, past string, statuses []flowforge.RunStatus, do func(id flowforge.RunID) (deed, error),
) error {
	ids, err := b.pick(ctx, s, statuses)
	if err != nil {
		return err
	}
	deeds := make([]deed, 0, len(ids))
	failed := 0
	for _, id := range ids {
		done, err := do(id)
		done.ID = id
		if err != nil {
			failed++
			done.Error = err.Error()
			s.con.printf("flowforge: run %s: %s\n", human.Line(string(id)), human.Line(noRun(err).Error()))
		} else if !b.JSON {
			if err := s.con.tell("%s", done.text); err != nil {
				return err
			}
		}
		deeds = append(deeds, done)
	}
	if b.JSON {
		if err := s.con.printJSON(deeds); err != nil {
			return err
		}
	}
	if b.All {
		s.con.printf("flowforge: %s %s", human.Count(len(ids)-failed, "run"), past)
		if failed > 0 {
			s.con.printf(", %d could not be", failed)
		}
		s.con.printf("\n")
	}
	if failed > 0 {
		return &exit{status: exitFailed}
	}
	return nil
}

// pick gives the ids of the runs that are meant.
func (b *bulkFlags) pick(ctx context.Context, s *session, statuses []flowforge.RunStatus) ([]flowforge.RunID, error) {
	var ids []flowforge.RunID
	if !b.All {
		for _, id := range b.ID {
			ids = append(ids, flowforge.RunID(id))
		}
		return ids, nil
	}
	filter, err := b.filter()
	if err != nil {
		return nil, err
	}
	if len(filter.Statuses) == 0 {
		filter.Statuses = statuses
	}
	err = s.eachRun(ctx, filter, func(run flowforge.Run) bool {
		ids = append(ids, run.ID)
		return true
	})
	return ids, err
}

// check finds contradictions in what was given.
func (b *bulkFlags) check() error {
	picks := len(b.Status) > 0 || b.Workflow != "" || b.Origin != ""
	switch {
	case b.All && len(b.ID) > 0:
		return usage("give either ids of runs or --all")
	case !b.All && picks:
		return usage("--status, --workflow and --origin pick among --all: give that too")
	case !b.All && len(b.ID) == 0:
		return usage("which runs? Give their ids, or --all with --status and --workflow")
	}
	_, err := b.filter()
	return err
}

// with opens the store and does something to each run.
func (b *bulkFlags) with(
	con *console, past string, statuses []flowforge.RunStatus,
	do func(ctx context.Context, s *session, id flowforge.RunID) error,
) error {
	if err := b.check(); err != nil {
		return err
	}
	ctx := context.Background()
	s, err := b.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	return b.each(ctx, s, past, statuses, func(id flowforge.RunID) (deed, error) {
		if err := do(ctx, s, id); err != nil {
			return deed{}, err
		}
		run, err := s.engine.GetRun(ctx, s.workspace, id)
		return deed{Status: run.Status, text: "run " + string(id) + " " + past + afterwards(run.Status)}, err
	})
}

// afterwards says when it will be as it was asked: what is done to a run is done by the worker that has it.
func afterwards(status flowforge.RunStatus) string {
	return ": it is " + human.Status(status) + " now, and the worker that has it, or the next one to have it, acts on that"
}

var unfinished = []flowforge.RunStatus{
	flowforge.RunQueued, flowforge.RunRunning, flowforge.RunWaiting, flowforge.RunPaused,
}

// runsCancelCommand is `flowforge runs cancel`.
type runsCancelCommand struct {
	bulkFlags
	Reason string `placeholder:"TEXT" help:"Why; it is shown with the run."`
}

// Run cancels runs.
func (r *runsCancelCommand) Run(con *console) error {
	return r.with(con, "asked to cancel", unfinished, func(ctx context.Context, s *session, id flowforge.RunID) error {
		return s.engine.Cancel(ctx, s.workspace, id, r.Reason)
	})
}

// runsPauseCommand is `flowforge runs pause`.
type runsPauseCommand struct {
	bulkFlags
	Reason string `placeholder:"TEXT" help:"Why; it is shown with the run."`
}

// Run pauses runs.
func (r *runsPauseCommand) Run(con *console) error {
	statuses := []flowforge.RunStatus{flowforge.RunQueued, flowforge.RunRunning, flowforge.RunWaiting}
	return r.with(con, "asked to pause", statuses, func(ctx context.Context, s *session, id flowforge.RunID) error {
		return s.engine.Pause(ctx, s.workspace, id, r.Reason)
	})
}

// runsResumeCommand is `flowforge runs resume`.
type runsResumeCommand struct{ bulkFlags }

// Run lets paused runs go on.
func (r *runsResumeCommand) Run(con *console) error {
	statuses := []flowforge.RunStatus{flowforge.RunPaused}
	return r.with(con, "asked to go on", statuses, func(ctx context.Context, s *session, id flowforge.RunID) error {
		return s.engine.Resume(ctx, s.workspace, id)
	})
}
