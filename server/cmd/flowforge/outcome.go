package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// refused tells why a run was not created.
func (j *job) refused(err error) error {
	if errors.Is(err, errInterrupted) {
		return &exit{status: exitInterrupted, cause: err}
	}
	problems := flowforge.ProblemsOf(err)
	if flowforge.CodeOf(err) != flowforge.CodeInvalidInput || len(problems) == 0 {
		return &exit{status: exitUsage, cause: err}
	}
	for i, p := range problems {
		if i == maxShown {
			j.con.printf("input: and %d more\n", len(problems)-i)
			break
		}
		pointer := p.Pointer
		if pointer == "" {
			pointer = "(the whole)"
		}
		j.con.printf("input: %s: %s\n", human.Line(pointer), human.Line(p.Message))
	}
	return usage("the input does not fit the input_schema of %s: nothing was run", j.document.file.Name)
}

// awaitHandlers waits for the workflows that were started to be told of the failure, and tells what came of them.
func (j *job) awaitHandlers(ctx context.Context) {
	for _, handler := range j.births.Started() {
		ended, err := j.engine.Wait(ctx, handler.Workspace, handler.ID)
		name := human.Line(handler.Workflow.Name)
		switch {
		case errors.Is(err, errInterrupted):
			j.say("on_failure: " + name + " was interrupted")
		case ended.Status == flowforge.RunSucceeded:
			j.say("on_failure: " + name + " succeeded in " + human.Duration(ended.FinishedAt.Sub(ended.StartedAt)))
		default:
			j.say("on_failure: " + name + " " + string(ended.Status) + ": " + human.Failure(ended.Error))
		}
	}
}

// outcome gives the error that says how the run ended, nil where it succeeded.
func (j *job) outcome(run flowforge.Run, err, interrupted error) error {
	switch {
	case err == nil:
		return nil
	case interrupted != nil && run.Status != flowforge.RunSucceeded:
		j.con.printf("flowforge: interrupted: the run was %s\n", run.Status)
		return &exit{status: exitInterrupted}
	case run.Error == nil && j.command.isDurable():
		err = fmt.Errorf("%w; run %s is not lost: flowforge worker goes on with it", err, run.ID)
		return &exit{status: exitFailed, cause: err}
	case run.Error == nil:
		return &exit{status: exitFailed, cause: err} // it was lost
	}
	j.con.tellFailure(run)
	return &exit{status: exitFailed}
}

// tellFailure tells why a run did not succeed.
func (c *console) tellFailure(run flowforge.Run) {
	c.printf("flowforge: run %s: %s\n", human.Status(run.Status), human.Failure(run.Error))
	if details := run.Error.Details; !details.IsNull() {
		c.printf("  details: %s\n", human.Shorten(human.Line(details.String()), human.MaxMessage))
	}
	if hint := hintFor(run.Error.Code); hint != "" {
		c.printf("  hint: %s\n", hint)
	}
	if run.Reason != "" {
		c.printf("  reason: %s\n", human.Line(run.Reason))
	}
}
