package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/queue"
	"github.com/flowforge-go/flowforge/store"
)

// StartRequest says what to run. Either Document or Workflow is given.
type StartRequest struct {
	Workspace flowforge.Workspace // empty: flowforge.Local
	Document  *flowforge.Workflow // an unsaved document
	Workflow  string              // the name of a saved one
	Version   int                 // of the saved one; 0: the published version, store.DraftVersion: the draft
	Input     flowforge.Value
	Vars      map[string]flowforge.Value
	Test      bool // pinned outputs are used
	Priority  int  // 0: the document's, or else 3
	Pool      string

	// IdempotencyKey makes starting again safe: the same key in the same workspace answers the same run.
	IdempotencyKey string
}

// Do runs a workflow from start to end: the input may be anything encoding/json can encode. The error is
// nil only if the run succeeded; the run tells more. When ctx ends, the run is canceled.
func (e *Engine) Do(ctx context.Context, workflow *flowforge.Workflow, input any) (flowforge.Run, error) {
	value, err := flowforge.ValueOf(input)
	if err != nil {
		return flowforge.Run{}, flowforge.Errorf(flowforge.CodeInvalidInput, "the input is not JSON: %w", err)
	}
	return e.DoRequest(ctx, StartRequest{Document: workflow, Input: value})
}

// DoRequest is Do for all that a request can say.
func (e *Engine) DoRequest(ctx context.Context, request StartRequest) (flowforge.Run, error) {
	r, created, err := e.create(ctx, request, true)
	if err != nil {
		return created, err
	}
	if r == nil {
		return e.Wait(ctx, created.Workspace, created.ID)
	}
	r.start()
	select {
	case <-r.done:
	case <-ctx.Done():
		r.cancelFor(context.Cause(ctx)) //nolint:contextcheck // The run goes on to its end without its caller.
		<-r.done
		if r.lost == nil && r.info.Status == flowforge.RunCanceled {
			return r.info, fmt.Errorf("run canceled: %w", context.Cause(ctx))
		}
	}
	if r.lost != nil {
		return r.info, r.lost
	}
	return r.info, ErrorOf(r.info)
}

// cancelFor cancels a run whose caller has gone.
func (r *run) cancelFor(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	reason := "its caller went away"
	if cause != nil {
		reason = cause.Error()
	}
	r.requestCancel(reason)
	r.kick()
}

// ErrorOf gives the error of a run that ended otherwise than succeeded, with the code of its failure.
func ErrorOf(run flowforge.Run) error {
	if run.Status == flowforge.RunSucceeded || !run.Status.Terminal() {
		return nil
	}
	failure := run.Error
	if failure == nil {
		return flowforge.Errorf(flowforge.CodeNodeFailed, "the run %s", run.Status)
	}
	if failure.Node == "" {
		return flowforge.Errorf(failure.Code, "%s", failure.Message)
	}
	return flowforge.Errorf(failure.Code, "node %s: %s", failure.Node, failure.Message)
}

// Start creates a run. It begins at once where this engine's worker loop is active, otherwise when some
// engine's loop claims it. Once Start has answered, the run is not lost.
func (e *Engine) Start(ctx context.Context, request StartRequest) (flowforge.Run, error) {
	e.mu.Lock()
	eager := e.looping > 0
	e.mu.Unlock()
	r, created, err := e.create(ctx, request, eager)
	if err != nil {
		return created, err
	}
	if r != nil {
		r.start()
		return created, nil
	}
	hint := queue.Hint{Pool: created.Pool, Priority: created.Priority, Run: created.ID}
	if err := e.config.Queue.Push(ctx, hint); err != nil {
		e.logger.WarnContext(ctx, "push hint: the run starts at the next poll", "run", created.ID, "error", err)
	}
	return created, nil
}

// create makes a run in the store; eager asks for its lease, and then the run is not nil unless the lease was
// not to be had or the run existed.
func (e *Engine) create(ctx context.Context, request StartRequest, eager bool) (*run, flowforge.Run, error) {
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return nil, flowforge.Run{}, flowforge.Errorf(flowforge.CodeClosed, "the engine is closed and starts nothing more")
	}
	if request.Workspace == "" {
		request.Workspace = flowforge.Local
	}
	loaded, err := e.load(ctx, request)
	if err != nil {
		return nil, flowforge.Run{}, err
	}
	if problems := loaded.workflow.InputSchema.Check(request.Input, "", nil); len(problems) > 0 {
		return nil, flowforge.Run{}, &flowforge.Error{
			Code: flowforge.CodeInvalidInput, Err: problems, Msg: "the input does not fit the workflow's input_schema:\n" + problems.Error(),
		}
	}
	fresh, err := e.fresh(loaded, request)
	if err != nil {
		return nil, flowforge.Run{}, err
	}
	if eager {
		fresh.Lease = &store.Lease{Worker: e.worker, For: e.config.Lease}
	}
	answers, err := e.config.Store.Create(ctx, []store.NewRun{fresh})
	if err != nil {
		return nil, flowforge.Run{}, err
	}
	answer := answers[0]
	if answer.Err != nil {
		return nil, flowforge.Run{}, answer.Err
	}
	if answer.Epoch == 0 || answer.Existing {
		return nil, answer.Run, nil
	}
	return e.newRun(answer.Run, loaded.workflow, answer.Epoch), answer.Run, nil
}

// fresh makes a run that is to be created.
func (e *Engine) fresh(loaded loaded, request StartRequest) (store.NewRun, error) {
	vars := make(map[string]any, len(request.Vars))
	for name, value := range request.Vars {
		vars[name] = value
	}
	frozen, err := flowforge.Freeze(vars)
	if err != nil {
		return store.NewRun{}, err
	}
	settings := &loaded.workflow.Document.Settings
	run := flowforge.Run{
		ID:        flowforge.RunID(e.config.NewID()),
		Workspace: request.Workspace,
		Workflow:  loaded.ref,
		Status:    flowforge.RunQueued,
		Test:      request.Test,
		Priority:  priority(request.Priority, settings.Priority),
		Pool:      request.Pool,
		Input:     request.Input,
		Vars:      frozen,
		Seq:       1,
		CreatedAt: e.clock.Now(),
	}
	return store.NewRun{
		Run:            run,
		Document:       loaded.text,
		NodeTypes:      loaded.workflow.NodeTypes,
		IdempotencyKey: request.IdempotencyKey,
		Fingerprint:    loaded.text.Hash,
	}, nil
}

func priority(wishes ...int) int {
	const usual = 3
	for _, wish := range wishes {
		if wish != 0 {
			return wish
		}
	}
	return usual
}

// Cancel asks a run to end as canceled. It returns once the wish is stored; the run reads canceling until
// no attempt of it runs any more. A run that has ended is an Error with CodeConflict.
func (e *Engine) Cancel(ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID, reason string) error {
	message := store.Message{
		Workspace: workspace, Run: id, ID: "cancel", Kind: store.MessageCancel,
		Payload: flowforge.MustValue(map[string]any{"reason": reason}), At: e.clock.Now(),
	}
	if err := e.config.Store.Send(ctx, message); err != nil {
		return err
	}
	if r := e.owned(id); r != nil {
		r.readInbox()
		return nil
	}
	run, err := e.config.Store.Run(ctx, workspace, id)
	if err != nil {
		return err
	}
	return e.config.Queue.Push(ctx, queue.Hint{Pool: run.Pool, Priority: run.Priority, Run: id})
}

// startHandler starts the workflow that the document names to be told of failures, in the commit that ends
// the run. A handler's own failure starts none.
func (r *run) startHandler(end *store.End) {
	name := r.workflow.Document.Settings.OnFailure
	handled := r.info.Origin != nil && r.info.Origin.Kind == flowforge.OriginOnFailure
	if name == "" || handled || r.info.Status == flowforge.RunSucceeded || r.info.Status == flowforge.RunCanceled {
		return
	}
	facts := map[string]any{
		"run": r.facts(), "status": string(r.info.Status), "error": end.Error, "input": r.info.Input,
		"started_at": r.info.StartedAt, "finished_at": r.info.FinishedAt,
	}
	input, err := flowforge.ValueOf(facts)
	if err == nil {
		err = r.addHandler(name, input)
	}
	if err != nil {
		r.info.Reason = fmt.Sprintf("on_failure: %v", err)
	}
}

func (r *run) addHandler(name string, input flowforge.Value) error {
	request := StartRequest{Workspace: r.info.Workspace, Workflow: name, Input: input, Pool: r.info.Pool}
	loaded, err := r.engine.load(r.ctx, request)
	if err != nil {
		return err
	}
	handler, err := r.engine.fresh(loaded, request)
	if err != nil {
		return err
	}
	handler.Run.Origin = &flowforge.Origin{Run: r.info.ID, Kind: flowforge.OriginOnFailure}
	handler.Lease = &store.Lease{Worker: r.engine.worker, For: r.engine.config.Lease}
	r.pending.starts = append(r.pending.starts, handler)
	return nil
}

// adopt begins the runs that a commit has started and leased to this engine.
func (e *Engine) adopt(started []store.Created) {
	for _, child := range started {
		err := child.Err
		if err == nil && child.Epoch == 0 {
			continue // it waits to be claimed
		}
		var known loaded
		if err == nil {
			known, err = e.compiled.byHash(child.Run.Workflow.Hash)
		}
		if err != nil {
			e.logger.Error("adopt run", "run", child.Run.ID, "error", err)
			continue
		}
		e.newRun(child.Run, known.workflow, child.Epoch).start()
	}
}

// Wait waits until a run has ended; the error is nil only if it succeeded.
func (e *Engine) Wait(ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID) (flowforge.Run, error) {
	if r := e.owned(id); r != nil && r.info.Workspace == workspace {
		select {
		case <-r.done:
		case <-ctx.Done():
			return flowforge.Run{}, context.Cause(ctx)
		}
	} else {
		for event, err := range e.Watch(ctx, workspace, id, 0) {
			if err != nil {
				return flowforge.Run{}, err
			}
			_ = event
		}
	}
	run, err := e.config.Store.Run(ctx, workspace, id)
	if err != nil {
		return flowforge.Run{}, err
	}
	if !run.Status.Terminal() {
		return run, errors.Join(flowforge.Errorf(flowforge.CodeStaleEpoch, "the run goes on elsewhere"), ctx.Err())
	}
	return run, ErrorOf(run)
}
