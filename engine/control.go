package engine

import (
	"context"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Cancel asks a run to end as canceled. It returns once the wish is stored; the run reads canceling until
// no attempt of it runs any more. A run that has ended is an Error with CodeConflict.
func (e *Engine) Cancel(ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, reason string) error {
	return e.send(ctx, store.Message{
		Workspace: workspace, Run: id, ID: "cancel", Kind: store.MessageCancel,
		Payload: flowforge.MustValue(map[string]any{"reason": reason}),
	})
}

// Pause asks a run to begin nothing new. What runs goes on to its end; the run's timeout keeps counting. A run
// that has ended is an Error with CodeConflict.
func (e *Engine) Pause(ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, reason string) error {
	return e.send(ctx, store.Message{
		Workspace: workspace, Run: id, ID: e.config.NewID(), Kind: store.MessagePause,
		Payload: flowforge.MustValue(map[string]any{"reason": reason}),
	})
}

// Resume lets a paused run go on. A run that has ended is an Error with CodeConflict.
func (e *Engine) Resume(ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID) error {
	return e.send(ctx, store.Message{Workspace: workspace, Run: id, ID: e.config.NewID(), Kind: store.MessageResume})
}

// SignalRequest says which signal to send to a run.
type SignalRequest struct {
	Workspace flowforge.Workspace // empty: flowforge.Local
	Run       flowforge.RunID
	Name      string
	Data      flowforge.Value

	// IdempotencyKey makes sending again safe: a run gets a signal of the same key once. Empty: each is another one.
	IdempotencyKey string
}

// Signal sends a signal to a run: a node run that waits for it goes on; until one does, the run keeps it. A run
// that has ended is an Error with CodeConflict.
func (e *Engine) Signal(ctx context.Context, request SignalRequest) error {
	if request.Name == "" {
		return flowforge.Errorf(flowforge.CodeInvalidInput, "the signal has no name")
	}
	key := request.IdempotencyKey
	if key == "" {
		key = e.config.NewID()
	}
	return e.send(ctx, store.Message{
		Workspace: request.Workspace, Run: request.Run, ID: "signal:" + key, Kind: store.MessageSignal,
		Payload: flowforge.MustValue(map[string]any{"name": request.Name, "data": request.Data}),
	})
}

// SignalWithStart sends a signal to the run that a start makes or, by its IdempotencyKey, has made before.
func (e *Engine) SignalWithStart(ctx context.Context, start StartRequest, request SignalRequest) (flowforge.Run, error) {
	if start.IdempotencyKey == "" {
		return flowforge.Run{}, flowforge.Errorf(flowforge.CodeInvalidInput,
			"the start has no IdempotencyKey: it says which run is meant if there is one already")
	}
	run, err := e.Start(ctx, start)
	if err != nil {
		return run, err
	}
	request.Workspace, request.Run = run.Workspace, run.ID
	return run, e.Signal(ctx, request)
}

// Decision tells what became of a node run that is in doubt.
type Decision struct {
	Workspace flowforge.Workspace // empty: flowforge.Local
	Run       flowforge.RunID
	Node      flowforge.NodeID
	Element   string

	// One of them: Output: the effect has happened, with this result. NotDone: it has not, and is to be tried.
	// Otherwise the node run counts as failed, with Message.
	Output  flowforge.Ports
	NotDone bool
	Message string
}

// Decide ends the doubt about a node run. One that is in no doubt is an Error with CodeConflict.
func (e *Engine) Decide(ctx context.Context, told Decision) error {
	recorded, err := e.config.Store.NodeRuns(ctx, orLocal(told.Workspace), told.Run, 0, maxNodeRuns)
	if err != nil {
		return err
	}
	doubted := slices.ContainsFunc(recorded, func(n flowforge.NodeRun) bool {
		return n.Node == told.Node && n.Element == told.Element && n.Status == flowforge.NodeInDoubt
	})
	if !doubted {
		return flowforge.Errorf(flowforge.CodeConflict, "node %q of run %s is in no doubt", told.Node, told.Run)
	}
	d := decision{Node: told.Node, Element: told.Element, NotDone: told.NotDone}
	switch {
	case told.Output != nil:
		d.Output = &told.Output
	case !told.NotDone:
		d.Error = &flowforge.Failure{
			Code: flowforge.CodeNodeFailed, Message: "decided: " + told.Message, Node: told.Node, Element: told.Element,
		}
	}
	payload, err := flowforge.ValueOf(d)
	if err != nil {
		return err
	}
	return e.send(ctx, store.Message{
		Workspace: told.Workspace, Run: told.Run, ID: e.config.NewID(), Kind: store.MessageDecide, Payload: payload,
	})
}

// maxNodeRuns is more than a run has.
const maxNodeRuns = 1 << 30

func orLocal(workspace flowforge.Workspace) flowforge.Workspace {
	if workspace == "" {
		return flowforge.Local
	}
	return workspace
}

// send puts a message into a run's inbox and tells who may read it.
func (e *Engine) send(ctx context.Context, message store.Message) error {
	message.Workspace = orLocal(message.Workspace)
	if err := e.syncClock(ctx); err != nil {
		return err
	}
	message.At = e.now()
	if err := e.config.Store.Send(ctx, message); err != nil {
		return err
	}
	if r := e.owned(message.Run); r != nil {
		r.readInbox()
		return nil
	}
	e.publish(call(newsMail, store.RunKey{Workspace: message.Workspace, Run: message.Run}))
	run, err := e.config.Store.Run(ctx, message.Workspace, message.Run)
	if err != nil {
		return err
	}
	e.hint(ctx, run)
	return nil
}
