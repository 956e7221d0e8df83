package server

import (
	"context"
	"net/http"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
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
	controls := func(path, id, summary, about string, policy auth.Permission, codes ...flowforge.Code) route {
		return route{
			method: http.MethodPost, path: "/runs/{run}/" + path, id: id, tag: "runs", summary: summary, about: about,
			policy: Requires(policy), codes: append(codes, flowforge.CodeNotFound, flowforge.CodeConflict), body: &body{optional: true},
		}
	}
	add(s, controls("cancel", "cancel-run", "Cancel a run", "It ends as canceled."+soon, auth.RunControl), s.cancelRun)
	add(s, controls("pause", "pause-run", "Pause a run", "It begins nothing new."+soon, auth.RunControl), s.pauseRun)
	add(s, controls("resume", "resume-run", "Let a paused run go on", soon[1:], auth.RunControl), s.resumeRun)
	retry := controls("retry", "retry-run", "Make a run again", "A new run is made of one that has ended.", auth.RunRetry,
		flowforge.CodeInvalidInput, flowforge.CodeKeyReused, flowforge.CodeLimited)
	retry.status, retry.body = http.StatusCreated, &body{optional: true, example: map[string]any{"from": "failed"}}
	add(s, retry, s.retryRun)
	signal := controls("signals", "send-signal", "Send a signal to a run",
		"A node that waits for it goes on; until one does the run keeps it."+soon, auth.RunControl, flowforge.CodeInvalidInput)
	signal.body = &body{example: map[string]any{"name": "approved", "data": map[string]any{"by": "Ada"}}}
	add(s, signal, s.signalRun)
	decide := controls("decisions", "decide-node", "End the doubt about a node run",
		"Of a node that happens at most once and whose worker was lost."+soon, auth.RunControl, flowforge.CodeInvalidInput)
	decide.body = &body{example: map[string]any{"node": "pay", "outcome": "not_done"}}
	add(s, decide, s.decide)
}

// after answers what was done to a run with the run as it is now.
func (s *service) after(ctx context.Context, c *call, run string, err error) (*answer[runHead], error) {
	if err != nil {
		return nil, err
	}
	now, err := s.engine.GetRun(ctx, c.workspace(), flowforge.RunID(run))
	return &answer[runHead]{headOfRun(&now)}, err
}

func (s *service) cancelRun(ctx context.Context, c *call, in *NamedRun, body *reasonBody) (*answer[runHead], error) {
	return s.after(ctx, c, in.Run, s.engine.Cancel(ctx, c.workspace(), flowforge.RunID(in.Run), body.Reason))
}

func (s *service) pauseRun(ctx context.Context, c *call, in *NamedRun, body *reasonBody) (*answer[runHead], error) {
	return s.after(ctx, c, in.Run, s.engine.Pause(ctx, c.workspace(), flowforge.RunID(in.Run), body.Reason))
}

func (s *service) resumeRun(ctx context.Context, c *call, in *NamedRun, _ *none) (*answer[runHead], error) {
	return s.after(ctx, c, in.Run, s.engine.Resume(ctx, c.workspace(), flowforge.RunID(in.Run)))
}

func (s *service) retryRun(ctx context.Context, c *call, in *struct {
	NamedRun
	KeyParam
}, body *retryBody,
) (*made[flowforge.Run], error) {
	request := body.request()
	request.IdempotencyKey, request.Fingerprint = in.IdempotencyKey, c.fingerprint("retry-run", in.Run)
	run, err := s.engine.Retry(ctx, c.workspace(), flowforge.RunID(in.Run), request)
	return s.started(run), err
}

func (s *service) signalRun(ctx context.Context, c *call, in *struct {
	NamedRun
	KeyParam
}, body *signalBody,
) (*answer[runHead], error) {
	return s.after(ctx, c, in.Run, s.engine.Signal(ctx, engine.SignalRequest{
		Workspace: c.workspace(), Run: flowforge.RunID(in.Run), Name: body.Name, Data: body.Data, IdempotencyKey: in.IdempotencyKey,
	}))
}

func (s *service) decide(ctx context.Context, c *call, in *NamedRun, body *decisionBody) (*answer[runHead], error) {
	told := engine.Decision{
		Workspace: c.workspace(), Run: flowforge.RunID(in.Run), Node: body.Node, Element: body.Element,
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
