package server

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/rest"
)

// ScheduleBody says when runs of a saved workflow start.
type ScheduleBody struct {
	Workflow string             `json:"workflow" minLength:"1" maxLength:"200" doc:"The name of a published one."`
	Version  int                `json:"version,omitempty" minimum:"0" maximum:"1000000000" doc:"Absent: the one that is published when it is due."`
	Cron     string             `json:"cron,omitempty" maxLength:"200" doc:"A cron expression; or else every."`
	Every    flowforge.Duration `json:"every,omitempty" doc:"An interval; or else cron."`
	TimeZone string             `json:"time_zone,omitempty" maxLength:"100" doc:"Of cron, such as Europe/Berlin; absent: UTC."`
	Input    flowforge.Value    `json:"input,omitzero" doc:"An object; the runs get schedule and scheduled_at with it."`
	Overlap  engine.Overlap     `json:"overlap,omitempty" enum:"skip,queue,all" doc:"What happens when the run before has not ended (default: skip)."`
	CatchUp  flowforge.Duration `json:"catch_up,omitempty" doc:"How late a run may start (default: 10m)."`
	Jitter   flowforge.Duration `json:"jitter,omitempty" doc:"Runs begin up to so much later than they are due."`
	Priority int                `json:"priority,omitempty" minimum:"0" maximum:"5"`
	Pool     string             `json:"pool,omitempty" maxLength:"200"`
	Paused   bool               `json:"paused,omitempty"`
}

func (b *ScheduleBody) schedule(id string) engine.Schedule {
	return engine.Schedule{
		ID: flowforge.ScheduleID(id), Workflow: b.Workflow, Version: b.Version, Cron: b.Cron, Every: b.Every, TimeZone: b.TimeZone,
		Input: b.Input, Overlap: b.Overlap, CatchUp: b.CatchUp, Jitter: b.Jitter, Priority: b.Priority, Pool: b.Pool, Paused: b.Paused,
	}
}

// backfillBody says which times are made up for.
type backfillBody struct {
	From time.Time `json:"from" doc:"The first time that is meant."`
	To   time.Time `json:"to" doc:"The time before which the last is."`
}

// timesBody asks when a schedule would be due.
type timesBody struct {
	Cron     string             `json:"cron,omitempty" maxLength:"200"`
	Every    flowforge.Duration `json:"every,omitempty"`
	TimeZone string             `json:"time_zone,omitempty" maxLength:"100"`
	Count    int                `json:"count,omitempty" minimum:"1" maximum:"100" doc:"How many times (default: 10)."`
}

// times is when a schedule would be due.
type times struct {
	Times []time.Time `json:"times" nullable:"false"`
}

// NamedSchedule is what requests about one schedule say.
type NamedSchedule struct {
	Schedule string `path:"schedule" maxLength:"500" doc:"The schedule's id, percent-encoded."`
}

func (s *service) addSchedules() {
	about := func(method, path, id, summary, text string, permission auth.Permission, codes ...flowforge.Code) rest.Route {
		return rest.Route{
			Method: method, Path: "/schedules" + path, ID: id, Tag: "schedules", Summary: summary, About: text,
			Policy: rest.Requires(permission), Codes: append(codes, flowforge.CodeInvalidInput),
		}
	}
	const one, missing, conflict = "/{schedule}", flowforge.CodeNotFound, flowforge.CodeConflict
	rest.Add(s.Server, about(http.MethodGet, "", "list-schedules", "List schedules", "In order of id.", auth.ScheduleRead), s.listSchedules)
	rest.Add(s.Server, about(http.MethodGet, one, "get-schedule", "Get a schedule", "With what came of it, and when it is due next.",
		auth.ScheduleRead, missing), s.getSchedule)
	put := about(http.MethodPut, one, "save-schedule", "Make or replace a schedule",
		"Schedules that were made of nodes of a workflow are changed there.", auth.ScheduleEdit, missing, conflict)
	put.Body = &rest.Body{Example: map[string]any{"workflow": "hello", "cron": "0 9 * * MON-FRI", "time_zone": "Europe/Berlin"}}
	rest.Add(s.Server, put, s.saveSchedule)
	rest.Add(s.Server, about(http.MethodDelete, one, "delete-schedule", "Delete a schedule", "Its runs go on.", auth.ScheduleEdit, missing),
		s.deleteSchedule)
	rest.Add(s.Server, about(http.MethodPost, one+"/pause", "pause-schedule", "Pause a schedule",
		"What is due meanwhile is not made up for.", auth.ScheduleEdit, missing, conflict), s.pauseSchedule)
	rest.Add(s.Server, about(http.MethodPost, one+"/resume", "resume-schedule", "Let a paused schedule go on", "From its next time on.",
		auth.ScheduleEdit, missing, conflict), s.resumeSchedule)
	trigger := about(http.MethodPost, one+"/trigger", "trigger-schedule", "Start a run of a schedule now",
		"The times at which it is due stay as they are.", auth.ScheduleEdit, missing, conflict, flowforge.CodeLimited)
	trigger.Status = http.StatusCreated
	rest.Add(s.Server, trigger, s.triggerSchedule)
	backfill := about(http.MethodPost, one+"/backfill", "backfill-schedule", "Make the runs of times that have passed",
		"Where there are none; asking again makes none twice.", auth.ScheduleEdit, missing, conflict, flowforge.CodeLimited)
	backfill.Body = &rest.Body{Example: map[string]any{"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}}
	rest.Add(s.Server, backfill, s.backfillSchedule)
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPost, Path: "/preview/schedule", ID: "preview-schedule", Tag: "schedules",
		Summary: "When a schedule would be due", Policy: rest.Requires(auth.ScheduleRead), Codes: []flowforge.Code{flowforge.CodeInvalidInput},
		Body: &rest.Body{Example: map[string]any{"cron": "@daily", "count": 3}},
	}, s.previewSchedule)
}

func (s *service) listSchedules(
	ctx context.Context, c *rest.Call, in *rest.Paging, _ *rest.None,
) (*rest.Listed[engine.ScheduleStatus], error) {
	after, err := in.After("schedules")
	if err != nil {
		return nil, err
	}
	found, err := s.engine.Schedules(ctx, c.Workspace(), flowforge.ScheduleID(after), in.Limit+1)
	return rest.Page(in, "schedules", found, rest.Same,
		func(last *engine.ScheduleStatus, _ int) string { return string(last.ID) }), err
}

func (s *service) getSchedule(
	ctx context.Context, c *rest.Call, in *NamedSchedule, _ *rest.None,
) (*rest.Answer[engine.ScheduleStatus], error) {
	status, err := s.engine.GetSchedule(ctx, c.Workspace(), flowforge.ScheduleID(in.Schedule))
	return rest.AnswerOf(status), err
}

func (s *service) saveSchedule(
	ctx context.Context, c *rest.Call, in *NamedSchedule, body *ScheduleBody,
) (*rest.Answer[engine.ScheduleStatus], error) {
	status, err := s.engine.SaveSchedule(ctx, c.Workspace(), body.schedule(in.Schedule))
	return rest.AnswerOf(status), err
}

func (s *service) deleteSchedule(ctx context.Context, c *rest.Call, in *NamedSchedule, _ *rest.None) (*rest.Empty, error) {
	return &rest.Empty{}, s.engine.DeleteSchedule(ctx, c.Workspace(), flowforge.ScheduleID(in.Schedule))
}

func (s *service) pauseSchedule(
	ctx context.Context, c *rest.Call, in *NamedSchedule, _ *rest.None,
) (*rest.Answer[engine.ScheduleStatus], error) {
	status, err := s.engine.PauseSchedule(ctx, c.Workspace(), flowforge.ScheduleID(in.Schedule))
	return rest.AnswerOf(status), err
}

func (s *service) resumeSchedule(
	ctx context.Context, c *rest.Call, in *NamedSchedule, _ *rest.None,
) (*rest.Answer[engine.ScheduleStatus], error) {
	status, err := s.engine.ResumeSchedule(ctx, c.Workspace(), flowforge.ScheduleID(in.Schedule))
	return rest.AnswerOf(status), err
}

func (s *service) triggerSchedule(ctx context.Context, c *rest.Call, in *NamedSchedule, _ *rest.None) (*rest.Made[flowforge.Run], error) {
	run, err := s.engine.TriggerSchedule(ctx, c.Workspace(), flowforge.ScheduleID(in.Schedule))
	return s.started(run), err
}

func (s *service) backfillSchedule(
	ctx context.Context, c *rest.Call, in *NamedSchedule, body *backfillBody,
) (*rest.Answer[engine.Backfilled], error) {
	done, err := s.engine.BackfillSchedule(ctx, c.Workspace(), engine.Backfill{
		Schedule: flowforge.ScheduleID(in.Schedule), From: body.From, To: body.To,
	})
	return rest.AnswerOf(done), err
}

func (s *service) previewSchedule(ctx context.Context, _ *rest.Call, _ *struct{}, body *timesBody) (*rest.Answer[times], error) {
	const usual = 10
	count := body.Count
	if count == 0 {
		count = usual
	}
	due, err := s.engine.PreviewSchedule(ctx, engine.Schedule{Cron: body.Cron, Every: body.Every, TimeZone: body.TimeZone}, count)
	return rest.AnswerOf(times{append([]time.Time{}, due...)}), err
}

// started is a run that was made just now, or before by the same key.
func (s *service) started(run flowforge.Run) *rest.Made[flowforge.Run] {
	return &rest.Made[flowforge.Run]{Location: s.Prefix + rest.Path + "/runs/" + url.PathEscape(string(run.ID)), Body: run}
}
