package server

import (
	"context"
	"net/http"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/rest"
	"github.com/flowforge-go/flowforge/store"
)

// bulkBody says what is done to which runs.
type bulkBody struct {
	Action string            `json:"action" enum:"cancel,pause,resume,retry" doc:"retry begins at what failed."`
	Runs   []flowforge.RunID `json:"runs,omitempty" maxItems:"200" nullable:"false" doc:"These; or else those that the filter picks."`
	Filter *bulkFilter       `json:"filter,omitempty"`
	Reason string            `json:"reason,omitempty" maxLength:"1000" doc:"Of cancel and pause; shown with the runs."`
}

type bulkFilter struct {
	Workflow string                `json:"workflow,omitempty" maxLength:"200"`
	Statuses []flowforge.RunStatus `json:"statuses" minItems:"1" maxItems:"9" nullable:"false" enum:"queued,running,waiting,paused,canceling,succeeded,failed,canceled,timed_out"`
	Origin   flowforge.RunID       `json:"origin,omitempty" maxLength:"100"`
	From     time.Time             `json:"from,omitzero"`
	To       time.Time             `json:"to,omitzero"`
}

// deed is what came of one run.
type deed struct {
	Run    flowforge.RunID     `json:"run"`
	Status flowforge.RunStatus `json:"status,omitempty" doc:"Of the run as it is now."`
	Made   flowforge.RunID     `json:"made,omitempty" doc:"The new run, of a retry."`
	Code   flowforge.Code      `json:"code,omitempty" doc:"Of the error that kept it from being done."`
	Detail string              `json:"detail,omitempty"`
}

// deeds is what came of all.
type deeds struct {
	Items []deed `json:"items" nullable:"false"`
	Done  int    `json:"done"`
	More  bool   `json:"more,omitempty" doc:"The filter picks more than one request may do something to: ask again."`
}

func (s *service) addBulk() {
	rest.Add(s.Server, rest.Route{
		Method: http.MethodPost, Path: "/bulk/runs", ID: "bulk-runs", Tag: "runs", Summary: "Do something to many runs",
		About: "Up to 200 of them, alone or by a filter. What cannot be done to one does not keep it from the others. " +
			"A retry takes the permission `run:retry`, too.",
		Policy: rest.Requires(auth.RunControl), Codes: []flowforge.Code{flowforge.CodeNotFound},
		Body: &rest.Body{Example: map[string]any{"action": "cancel", "filter": map[string]any{"workflow": "hello", "statuses": []any{"queued"}}}},
	}, s.bulk)
}

func (s *service) bulk(ctx context.Context, c *rest.Call, _ *struct{}, body *bulkBody) (*rest.Answer[deeds], error) {
	if body.Action == "retry" {
		if err := c.Who.Require(auth.RunRetry); err != nil {
			return nil, err
		}
	}
	runs := body.Runs
	out := deeds{Items: []deed{}}
	if (len(runs) == 0) == (body.Filter == nil) {
		return nil, rest.Invalid([]rest.Fault{{Pointer: "/runs", Code: "bad_value", Message: "give either runs or a filter"}})
	}
	if f := body.Filter; f != nil {
		found, err := s.engine.ListRuns(ctx, c.Workspace(), store.Filter{
			Workflow: f.Workflow, Statuses: f.Statuses, Origin: f.Origin, From: f.From, To: f.To, Limit: s.limits.Bulk + 1,
		})
		if err != nil {
			return nil, err
		}
		out.More = len(found) > s.limits.Bulk
		for _, run := range found[:min(len(found), s.limits.Bulk)] {
			runs = append(runs, run.ID)
		}
	}
	for _, id := range runs {
		done := s.deed(ctx, c, id, body)
		if done.Code == "" {
			out.Done++
		}
		out.Items = append(out.Items, done)
	}
	return rest.AnswerOf(out), nil
}

// deed does what is asked to one run.
func (s *service) deed(ctx context.Context, c *rest.Call, id flowforge.RunID, body *bulkBody) deed {
	done := deed{Run: id}
	var err error
	switch body.Action {
	case "cancel":
		err = s.engine.Cancel(ctx, c.Workspace(), id, body.Reason)
	case "pause":
		err = s.engine.Pause(ctx, c.Workspace(), id, body.Reason)
	case "resume":
		err = s.engine.Resume(ctx, c.Workspace(), id)
	case "retry":
		var made flowforge.Run
		made, err = s.engine.Retry(ctx, c.Workspace(), id, engine.RetryRequest{})
		done.Made = made.ID
	}
	var now flowforge.Run
	if err == nil {
		now, err = s.engine.GetRun(ctx, c.Workspace(), id)
	}
	if err != nil {
		problem := s.Details(ctx, err)
		return deed{Run: id, Code: problem.Code, Detail: problem.Error()}
	}
	done.Status = now.Status
	return done
}
