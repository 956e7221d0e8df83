package main

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// scheduleDeleteCommand is `flowforge schedule delete`.
type scheduleDeleteCommand struct {
	ID string `arg:"" help:"The schedule's id."`
	storeFlags
	JSON bool `name:"json" help:"Print JSON: {id, deleted}."`
}

// Run forgets a schedule.
func (c *scheduleDeleteCommand) Run(con *console) error {
	ctx := context.Background()
	s, err := c.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.engine.DeleteSchedule(s.telling(ctx, "schedule.delete"), s.workspace, flowforge.ScheduleID(c.ID)); err != nil {
		return noSchedule(err)
	}
	if c.JSON {
		return con.printJSON(map[string]any{"id": c.ID, "deleted": true})
	}
	return con.tell("schedule %s: deleted", human.Line(c.ID))
}

// schedulePauseCommand is `flowforge schedule pause`.
type schedulePauseCommand struct{ scheduleFlags }

// Run pauses a schedule.
func (c *schedulePauseCommand) Run(con *console) error {
	return c.withSchedules(con, c.JSON, func(ctx context.Context, s *session) (engine.ScheduleStatus, error) {
		return s.engine.PauseSchedule(s.telling(ctx, "schedule.pause"), s.workspace, c.id())
	})
}

// scheduleResumeCommand is `flowforge schedule resume`.
type scheduleResumeCommand struct{ scheduleFlags }

// Run lets a schedule go on.
func (c *scheduleResumeCommand) Run(con *console) error {
	return c.withSchedules(con, c.JSON, func(ctx context.Context, s *session) (engine.ScheduleStatus, error) {
		return s.engine.ResumeSchedule(s.telling(ctx, "schedule.resume"), s.workspace, c.id())
	})
}

// scheduleTriggerCommand is `flowforge schedule trigger`.
type scheduleTriggerCommand struct {
	ID string `arg:"" help:"The schedule's id."`
	storeFlags
	JSON bool `name:"json" help:"Print JSON: the run."`
}

// Run starts a run of a schedule.
func (c *scheduleTriggerCommand) Run(con *console) error {
	ctx := context.Background()
	s, err := c.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	run, err := s.engine.TriggerSchedule(ctx, s.workspace, flowforge.ScheduleID(c.ID))
	if err != nil {
		return noSchedule(err)
	}
	if c.JSON {
		return con.printJSON(resultOfRun(run))
	}
	return con.tell("schedule %s: run %s is started; a worker runs it", human.Line(c.ID), run.ID)
}

// scheduleBackfillCommand is `flowforge schedule backfill`.
type scheduleBackfillCommand struct {
	ID   string    `arg:"" help:"The schedule's id."`
	From time.Time `required:"" format:"2006-01-02T15:04:05Z07:00" placeholder:"INSTANT" help:"The first time: 2027-01-31T09:00:00Z."`
	To   time.Time `required:"" format:"2006-01-02T15:04:05Z07:00" placeholder:"INSTANT" help:"The times before this one, which has come."`
	storeFlags
	JSON bool `name:"json" help:"Print JSON: {times, started, existing}."`
}

// Run makes the runs of times that have passed.
func (c *scheduleBackfillCommand) Run(con *console) error {
	ctx := context.Background()
	s, err := c.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	wish := engine.Backfill{Schedule: flowforge.ScheduleID(c.ID), From: c.From, To: c.To}
	wish.Told = func(progress engine.Backfilled) {
		con.printf("flowforge: %d of %s\n", progress.Started+progress.Existing, human.Count(progress.Times, "time"))
	}
	done, err := s.engine.BackfillSchedule(ctx, s.workspace, wish)
	switch {
	case flowforge.CodeOf(err) == flowforge.CodeInvalidInput:
		return usage("%w", err)
	case err != nil:
		return noSchedule(err)
	case c.JSON:
		return con.printJSON(done)
	}
	return con.tell("schedule %s: %s, %s started, %d were there already",
		human.Line(c.ID), human.Count(done.Times, "time"), human.Count(done.Started, "run"), done.Existing)
}

// schedulePreviewCommand is `flowforge schedule preview`.
type schedulePreviewCommand struct {
	ID string `arg:"" optional:"" help:"The id of a saved schedule; without it --cron or --every says when it is due."`
	timeFlags
	Count int `short:"n" default:"10" placeholder:"N" help:"How many times (default: 10)."`
	storeFlags
	JSON bool `name:"json" help:"Print JSON: a list of instants in UTC."`
}

// maxPreview bounds how many times are told.
const maxPreview = 1_000

// Run tells when a schedule is due.
func (c *schedulePreviewCommand) Run(con *console) error {
	if c.Count < 1 || c.Count > maxPreview {
		return usage("--count must be from 1 to %d", maxPreview)
	}
	if given := c.Cron + c.Every + c.TimeZone; (c.ID == "") == (given == "") {
		return usage("which times? Give the id of a schedule, or --cron or --every")
	}
	ctx := context.Background()
	s, err := c.session(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	schedule, err := c.schedule(ctx, s)
	if err != nil {
		return err
	}
	times, err := s.engine.PreviewSchedule(ctx, schedule, c.Count)
	if err != nil {
		return usage("%w", err)
	}
	if c.JSON {
		return con.printJSON(times)
	}
	for _, at := range times {
		if err := con.tell("%s", inZone(at, schedule.TimeZone)); err != nil {
			return err
		}
	}
	return nil
}

// session makes an engine: over the store only where a saved schedule is meant.
func (c *schedulePreviewCommand) session(ctx context.Context, con *console) (*session, error) {
	if c.ID != "" {
		return c.look(ctx, con)
	}
	place := storeFlags{Store: inMemory, Workspace: c.Workspace}
	kept, err := place.open(ctx)
	if err != nil {
		return nil, err
	}
	return place.over(ctx, con, kept, engine.Config{})
}

// schedule gives the schedule that is meant.
func (c *schedulePreviewCommand) schedule(ctx context.Context, s *session) (schedule engine.Schedule, err error) {
	if c.ID == "" {
		err = c.into(&schedule)
		return schedule, err
	}
	status, err := s.engine.GetSchedule(ctx, s.workspace, flowforge.ScheduleID(c.ID))
	if err != nil {
		return schedule, noSchedule(err)
	}
	return status.Schedule, nil
}
