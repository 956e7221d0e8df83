package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
)

// scheduleCommand is `flowforge schedule`.
type scheduleCommand struct {
	Save     scheduleSaveCommand     `cmd:"" help:"Make or replace a schedule, which starts runs of a saved workflow at times."`
	List     scheduleListCommand     `cmd:"" help:"List the schedules, with when they are due and what came of them."`
	Show     scheduleShowCommand     `cmd:"" help:"Show a schedule."`
	Delete   scheduleDeleteCommand   `cmd:"" help:"Forget a schedule; its runs go on."`
	Pause    schedulePauseCommand    `cmd:"" help:"Keep a schedule from starting runs."`
	Resume   scheduleResumeCommand   `cmd:"" help:"Let a paused schedule start runs again, from its next time on."`
	Trigger  scheduleTriggerCommand  `cmd:"" help:"Start a run of a schedule now."`
	Backfill scheduleBackfillCommand `cmd:"" help:"Make the runs of times that have passed, where there are none."`
	Preview  schedulePreviewCommand  `cmd:"" help:"Tell when a schedule is due next, saved or not."`
}

// timeFlags say when a schedule is due.
type timeFlags struct {
	Cron     string `placeholder:"EXPRESSION" help:"When it is due: minute hour day month weekday (seconds first), or a word such as @daily."`
	Every    string `placeholder:"DURATION" help:"How often it is due, instead of --cron: 10m, 1h30m, 7d."`
	TimeZone string `placeholder:"ZONE" help:"The zone of --cron, such as Europe/Berlin (default: UTC)."`
}

// into puts the flags into a schedule.
func (f *timeFlags) into(schedule *engine.Schedule) error {
	schedule.Cron, schedule.TimeZone = f.Cron, f.TimeZone
	return readDuration("--every", f.Every, &schedule.Every)
}

// readDuration reads a duration as documents write it; an empty one leaves it as it is.
func readDuration(flag, given string, into *flowforge.Duration) error {
	if given == "" {
		return nil
	}
	parsed, err := flowforge.ParseDuration(given)
	if err != nil {
		return usage("%s: %w", flag, err)
	}
	*into = parsed
	return nil
}

// scheduleSaveCommand is `flowforge schedule save`.
type scheduleSaveCommand struct {
	ID       string `arg:"" help:"The schedule's id."`
	Workflow string `required:"" placeholder:"NAME" help:"The saved workflow whose runs it starts."`
	Version  int    `placeholder:"N" help:"The version of the workflow (default: the one that is published when it is due)."`
	timeFlags
	Input    string `placeholder:"JSON" help:"What its runs get as input, with schedule and scheduled_at: JSON, @FILE or - (standard input)."`
	Overlap  string `placeholder:"POLICY" help:"If the run before has not ended: skip (the default), queue or all."`
	CatchUp  string `placeholder:"DURATION" help:"How late a run may start, if no worker was there when it was due (default: 10m)."`
	Jitter   string `placeholder:"DURATION" help:"Runs begin up to so much later than they are due."`
	Priority int    `placeholder:"N" help:"The priority of its runs, from 1 (first) to 5."`
	Pool     string `placeholder:"NAME" help:"The pool of workers that run its runs."`
	Paused   bool   `help:"Save it paused."`
	storeFlags
	JSON bool `name:"json" help:"Print the schedule."`
}

// Run saves a schedule.
func (c *scheduleSaveCommand) Run(con *console) error {
	schedule := engine.Schedule{
		ID: flowforge.ScheduleID(c.ID), Workflow: c.Workflow, Version: c.Version, Overlap: engine.Overlap(c.Overlap),
		Priority: c.Priority, Pool: c.Pool, Paused: c.Paused,
	}
	for _, read := range []func() error{
		func() error { return c.into(&schedule) },
		func() error { return readDuration("--catch-up", c.CatchUp, &schedule.CatchUp) },
		func() error { return readDuration("--jitter", c.Jitter, &schedule.Jitter) },
		func() (err error) {
			if c.Input != "" {
				schedule.Input, err = con.readValue("--input", c.Input)
			}
			return err
		},
	} {
		if err := read(); err != nil {
			return err
		}
	}
	return c.withSchedules(con, c.JSON, func(ctx context.Context, s *session) (engine.ScheduleStatus, error) {
		saved, err := s.engine.SaveSchedule(s.telling(ctx, "schedule.save"), s.workspace, schedule)
		if flowforge.CodeOf(err) == flowforge.CodeNotFound {
			err = noWorkflow(err)
		}
		return saved, err
	})
}

// withSchedules opens the store, does something to a schedule and tells how it is then.
func (s *storeFlags) withSchedules(
	con *console, asJSON bool, do func(ctx context.Context, s *session) (engine.ScheduleStatus, error),
) error {
	ctx := context.Background()
	opened, err := s.look(ctx, con)
	if err != nil {
		return err
	}
	defer opened.close()
	status, err := do(ctx, opened)
	switch code := flowforge.CodeOf(err); {
	case code == flowforge.CodeInvalidInput || code == flowforge.CodeConflict:
		return usage("%w", err)
	case err != nil:
		return noSchedule(err)
	case asJSON:
		return con.printJSON(status)
	}
	return con.tell("schedule %s of %s: %s", human.Line(string(status.ID)), human.Line(status.Workflow), dueText(&status))
}

func noSchedule(err error) error {
	return notThere(err, "flowforge schedule list tells which schedules there are")
}

// dueText says when a schedule is due next.
func dueText(status *engine.ScheduleStatus) string {
	switch {
	case status.Paused:
		return "paused"
	case status.NextAt.IsZero():
		return "never due again"
	}
	return "due next at " + inZone(status.NextAt, status.TimeZone)
}

// inZone writes an instant in a schedule's zone and in UTC.
func inZone(at time.Time, zone string) string {
	utc := at.UTC().Format("2006-01-02 15:04:05 UTC")
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "UTC" {
		return utc
	}
	return at.In(location).Format("Mon 2006-01-02 15:04:05 MST") + " (" + utc + ")"
}

// timesText says by what a schedule is due.
func timesText(s *engine.Schedule) string {
	if s.Cron == "" {
		return "every " + s.Every.String()
	}
	return strings.TrimSpace(human.Line(s.Cron) + " " + human.Line(s.TimeZone))
}

// scheduleListCommand is `flowforge schedule list`.
type scheduleListCommand struct {
	storeFlags
	JSON bool `name:"json" help:"Print a list of schedules."`
}

// Run lists the schedules.
func (c *scheduleListCommand) Run(con *console) error {
	ctx := context.Background()
	s, err := c.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	list := []engine.ScheduleStatus{}
	for after := flowforge.ScheduleID(""); ; after = list[len(list)-1].ID {
		page, err := s.engine.Schedules(ctx, s.workspace, after, runsPage)
		if err != nil {
			return err
		}
		if list = append(list, page...); len(page) < runsPage {
			break
		}
	}
	if c.JSON {
		return con.printJSON(list)
	}
	rows := [][]string{{"SCHEDULE", "WORKFLOW", "WHEN", "NEXT", "RUNS", "SKIPPED", "MISSED", "LAST ERROR"}}
	for i := range list {
		status := &list[i]
		failure := ""
		if status.Error != nil {
			failure = status.Error.At.UTC().Format(time.RFC3339) + " " + human.Shorten(human.Line(status.Error.Message), maxWhy)
		}
		rows = append(rows, []string{
			human.Line(string(status.ID)), human.Workflow(status.Workflow, status.Version), timesText(&status.Schedule),
			strings.TrimPrefix(dueText(status), "due next at "), strconv.Itoa(status.Fired), strconv.Itoa(status.Skips.Count),
			strconv.Itoa(status.Missed.Count), failure,
		})
	}
	return human.Table(con.out, rows)
}

// scheduleFlags are those of commands about one schedule.
type scheduleFlags struct {
	ID string `arg:"" help:"The schedule's id."`
	storeFlags
	JSON bool `name:"json" help:"Print JSON: the schedule, with when it is due and what came of it."`
}

func (f *scheduleFlags) id() flowforge.ScheduleID { return flowforge.ScheduleID(f.ID) }

// scheduleShowCommand is `flowforge schedule show`.
type scheduleShowCommand struct{ scheduleFlags }

// Run shows a schedule.
func (c *scheduleShowCommand) Run(con *console) error {
	ctx := context.Background()
	s, err := c.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	status, err := s.engine.GetSchedule(ctx, s.workspace, c.id())
	if err != nil {
		return noSchedule(err)
	}
	if c.JSON {
		return con.printJSON(status)
	}
	rows := [][]string{
		{"schedule", human.Line(string(status.ID))},
		{"workflow", human.Workflow(status.Workflow, status.Version)},
		{"when", timesText(&status.Schedule)},
		{"next", strings.TrimPrefix(dueText(&status), "due next at ")},
		{"runs", strconv.Itoa(status.Fired)},
		{"skipped", omitted(status.Skips, status.TimeZone)},
		{"missed", omitted(status.Missed, status.TimeZone)},
		{"failed", strconv.Itoa(status.Failed)},
	}
	if status.Last != "" {
		rows = append(rows, []string{"last run", string(status.Last) + ", due at " + inZone(status.LastAt, status.TimeZone)})
	}
	if status.Error != nil {
		rows = append(rows, []string{"last error", inZone(status.Error.At, status.TimeZone) + ": " + human.Line(status.Error.Message)})
	}
	return human.Table(con.out, rows)
}

func omitted(o engine.ScheduleOmissions, zone string) string {
	if o.Count == 0 {
		return "0"
	}
	return fmt.Sprintf("%d, the last at %s", o.Count, inZone(o.LastAt, zone))
}
