package server

import (
	"context"
	"net/http"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/rest"
)

// reasonBody says why something is done.
type reasonBody struct {
	Reason string `json:"reason,omitempty" maxLength:"1000" doc:"Shown with the run."`
}

// retryBody says where a run is made again from.
type retryBody struct {
	From    engine.RetryFrom                     `json:"from,omitempty" enum:"failed,node,start" doc:"failed: all that succeeded is copied (default). node: that one and all that follows is made again. start: nothing is copied."`
	Node    flowforge.NodeID                     `json:"node,omitempty" maxLength:"200" doc:"With from: node."`
	Latest  bool                                 `json:"latest,omitempty" doc:"With the published version instead of the run's own."`
	Outputs map[flowforge.NodeID]flowforge.Value `json:"outputs,omitempty" doc:"Edited outputs: these nodes are not run, what follows them is."`
}

func (b *retryBody) request() engine.RetryRequest {
	return engine.RetryRequest{From: b.From, Node: b.Node, Latest: b.Latest, Outputs: b.Outputs}
}

// signalBody is a signal.
type signalBody struct {
	Name string          `json:"name" minLength:"1" maxLength:"200"`
	Data flowforge.Value `json:"data,omitzero"`
}

// decisionBody tells what became of a node run in doubt.
type decisionBody struct {
	Node    flowforge.NodeID                   `json:"node" minLength:"1" maxLength:"200"`
	Element string                             `json:"element,omitempty" maxLength:"1000"`
	Outcome string                             `json:"outcome" enum:"done,not_done,failed" doc:"done: the effect has happened, with this output. not_done: it has not, and is tried again. failed: it counts as failed, with the message."`
	Output  map[flowforge.Port]flowforge.Value `json:"output,omitempty" doc:"By port, with outcome: done."`
	Message string                             `json:"message,omitempty" maxLength:"1000" doc:"With outcome: failed."`
}

func (s *service) addRunControl() {
	const soon = " The answer is the run as it is now; the worker that has it acts on the wish."
	controls := func(path, id, summary, about string, policy auth.Permission, codes ...flowforge.Code) rest.Route {
		return rest.Route{
			Method: http.MethodPost, Path: "/runs/{run}/" + path, ID: id, Tag: "runs", Summary: summary, About: about,
			Policy: rest.Requires(policy), Codes: append(codes, flowforge.CodeNotFound, flowforge.CodeConflict), Body: &rest.Body{Optional: true},
		}
	}
	rest.Add(s.Server, controls("cancel", "cancel-run", "Cancel a run", "It ends as canceled."+soon, auth.RunControl), s.cancelRun)
	rest.Add(s.Server, controls("pause", "pause-run", "Pause a run", "It begins nothing new."+soon, auth.RunControl), s.pauseRun)
	rest.Add(s.Server, controls("resume", "resume-run", "Let a paused run go on", soon[1:], auth.RunControl), s.resumeRun)
	retry := controls("retry", "retry-run", "Make a run again", "A new run is made of one that has ended.", auth.RunRetry,
		flowforge.CodeInvalidInput, flowforge.CodeKeyReused, flowforge.CodeLimited)
	retry.Status, retry.Body = http.StatusCreated, &rest.Body{Optional: true, Example: map[string]any{"from": "failed"}}
	rest.Add(s.Server, retry, s.retryRun)
	signal := controls("signals", "send-signal", "Send a signal to a run",
		"A node that waits for it goes on; until one does the run keeps it."+soon, auth.RunControl, flowforge.CodeInvalidInput)
	signal.Body = &rest.Body{Example: map[string]any{"name": "approved", "data": map[string]any{"by": "Ada"}}}
	rest.Add(s.Server, signal, s.signalRun)
	decide := controls("decisions", "decide-node", "End the doubt about a node run",
		"Of a node that happens at most once and whose worker was lost."+soon, auth.RunControl, flowforge.CodeInvalidInput)
	decide.Body = &rest.Body{Example: map[string]any{"node": "pay", "outcome": "not_done"}}
	rest.Add(s.Server, decide, s.decide)
}

// after answers what was done to a run with the run as it is now.
func (s *service) after(ctx context.Context, c *rest.Call, run string, err error) (*rest.Answer[runHead], error) {
	if err != nil {
		return nil, err
	}
	now, err := s.engine.GetRun(ctx, c.Workspace(), flowforge.RunID(run))
	return rest.AnswerOf(headOfRun(&now)), err
}

func (s *service) cancelRun(ctx context.Context, c *rest.Call, in *NamedRun, body *reasonBody) (*rest.Answer[runHead], error) {
	return s.after(ctx, c, in.Run, s.engine.Cancel(ctx, c.Workspace(), flowforge.RunID(in.Run), body.Reason))
}

func (s *service) pauseRun(ctx context.Context, c *rest.Call, in *NamedRun, body *reasonBody) (*rest.Answer[runHead], error) {
	return s.after(ctx, c, in.Run, s.engine.Pause(ctx, c.Workspace(), flowforge.RunID(in.Run), body.Reason))
}

func (s *service) resumeRun(ctx context.Context, c *rest.Call, in *NamedRun, _ *rest.None) (*rest.Answer[runHead], error) {
	return s.after(ctx, c, in.Run, s.engine.Resume(ctx, c.Workspace(), flowforge.RunID(in.Run)))
}

func (s *service) retryRun(ctx context.Context, c *rest.Call, in *struct {
	NamedRun
	KeyParam
}, body *retryBody,
) (*rest.Made[flowforge.Run], error) {
	request := body.request()
	request.IdempotencyKey, request.Fingerprint = in.IdempotencyKey, c.Fingerprint("retry-run", in.Run)
	run, err := s.engine.Retry(ctx, c.Workspace(), flowforge.RunID(in.Run), request)
	return s.started(run), err
}

func (s *service) signalRun(ctx context.Context, c *rest.Call, in *struct {
	NamedRun
	KeyParam
}, body *signalBody,
) (*rest.Answer[runHead], error) {
	return s.after(ctx, c, in.Run, s.engine.Signal(ctx, engine.SignalRequest{
		Workspace: c.Workspace(), Run: flowforge.RunID(in.Run), Name: body.Name, Data: body.Data, IdempotencyKey: in.IdempotencyKey,
	}))
}

func (s *service) decide(ctx context.Context, c *rest.Call, in *NamedRun, body *decisionBody) (*rest.Answer[runHead], error) {
	told := engine.Decision{
		Workspace: c.Workspace(), Run: flowforge.RunID(in.Run), Node: body.Node, Element: body.Element,
		NotDone: body.Outcome == "not_done",
	}
	switch body.Outcome {
	case "done":
		told.Output = make(flowforge.Ports, 0, len(body.Output))
		for port, value := range body.Output {
			told.Output = append(told.Output, flowforge.PortValue{Port: port, Value: value})
		}
	case "failed":
		told.Message = body.Message
	}
	return s.after(ctx, c, in.Run, s.engine.Decide(ctx, told))
}
