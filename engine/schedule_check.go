package engine

import (
	"context"
	"regexp"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/cron"
)

var scheduleID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// leastCatchUp is the shortest window of catching up: a worker may be late by so much though nothing is wrong.
const leastCatchUp = 10 * time.Second

// exampleTime is a time that the input of a schedule is checked with.
var exampleTime = time.Unix(0, 0) //nolint:gochecknoglobals // It is never written to.

// check finds all that is wrong with a schedule.
func (s *Schedule) check() error {
	var problems flowforge.Problems
	add := func(pointer, message string) {
		problems = append(problems, flowforge.Problem{Code: "bad_schedule", Pointer: pointer, Message: message})
	}
	if !scheduleID.MatchString(string(s.ID)) {
		add("/id", "the id must be up to 100 letters, digits, dots, dashes and underscores, the first a letter or a digit")
	}
	if s.Workflow == "" {
		add("/workflow", "the workflow is not named")
	}
	if s.Version < 0 {
		add("/version", "the version must be one from 1 on, or 0 for the one that is published")
	}
	if s.Priority < 0 || s.Priority > 5 {
		add("/priority", "the priority must be from 1 (first) to 5")
	}
	if s.Node != "" {
		add("/node", "only publishing a workflow makes a schedule of a node")
	}
	problems = append(problems, s.checkTimes()...)
	return problemsWith("the schedule", problems)
}

// checkTimes finds what is wrong with all that schedules of nodes have, too.
func (s *Schedule) checkTimes() flowforge.Problems {
	problems := cron.Check(s.Cron, s.Every.Std(), s.TimeZone)
	add := func(pointer, message string) {
		problems = append(problems, flowforge.Problem{Code: "bad_schedule", Pointer: pointer, Message: message})
	}
	switch s.Overlap {
	case "", OverlapSkip, OverlapQueue, OverlapAll:
	default:
		add("/overlap", "overlap must be skip, queue or all")
	}
	if s.CatchUp != 0 && s.CatchUp.Std() < leastCatchUp {
		add("/catch_up", "the window of catching up must be 10s at least")
	}
	if s.Jitter < 0 {
		add("/jitter", "the jitter cannot be negative")
	}
	fields, object := s.Input.Any().(map[string]any)
	if !object && !s.Input.IsNull() {
		add("/input", "the input must be an object, since schedule and scheduled_at are put into it")
	}
	for _, name := range []string{fieldSchedule, fieldScheduledAt} {
		if _, given := fields[name]; given {
			add("/input/"+name, "this is what each run is told by the schedule itself: use another name")
		}
	}
	return problems
}

// problemsWith makes an error of problems; nil where there are none.
func problemsWith(what string, problems flowforge.Problems) error {
	if len(problems) == 0 {
		return nil
	}
	return &flowforge.Error{
		Code: flowforge.CodeInvalidInput, Msg: what + " has problems:\n" + problems.Error(), Err: problems,
	}
}

// checkStart finds out whether a schedule could start a run now.
func (e *Engine) checkStart(ctx context.Context, workspace flowforge.Workspace, s *Schedule) error {
	found, err := e.load(ctx, StartRequest{Workspace: workspace, Workflow: s.Workflow, Version: s.Version})
	if err != nil {
		return err
	}
	problems := found.workflow.InputSchema.Check(s.inputAt(exampleTime), "/input", nil)
	return problemsWith("the input of the schedule does not fit the input_schema of "+s.Workflow+", and", problems)
}
