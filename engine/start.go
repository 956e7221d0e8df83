package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/dag"
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

	// Fingerprint tells requests of the same key apart: another one is an Error with CodeKeyReused. Empty: the
	// document's hash.
	Fingerprint string
}

// Start creates a run. It begins at once where this engine's worker loop is active, otherwise when some
// engine's loop claims it. Once Start has answered, the run is not lost.
func (e *Engine) Start(ctx context.Context, request StartRequest) (flowforge.Run, error) {
	r, created, err := e.create(ctx, request, e.mayTakeMore())
	if err != nil {
		return created.Run, err
	}
	if r != nil {
		r.created()
		return created.Run, nil
	}
	e.hint(ctx, created.Run)
	return created.Run, nil
}

// mayTakeMore reports whether a new run may begin here at once: a worker loop is active, has room, and does not
// leave others waiting.
func (e *Engine) mayTakeMore() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.claims() && !e.backlog && len(e.runs) < e.config.MaxRuns && e.slots.room() > 0
}

// hint tells the workers of a pool that a run is ready. Losing the hint costs delay, never the run.
func (e *Engine) hint(ctx context.Context, run flowforge.Run) {
	hint := queue.Hint{Pool: run.Pool, Priority: run.Priority, Run: run.ID}
	if err := e.config.Queue.Push(ctx, hint); err != nil {
		e.logger.WarnContext(ctx, "push hint: the run waits for the next poll", "run", run.ID, "error", err)
	}
}

// create makes a run in the store; eager asks for its lease, and then the run is not nil unless the lease was
// not to be had or the run existed.
func (e *Engine) create(ctx context.Context, request StartRequest, eager bool) (*run, store.Created, error) {
	fresh, loaded, err := e.prepare(ctx, request)
	if err != nil {
		return nil, store.Created{}, err
	}
	return e.createRun(ctx, fresh, loaded.workflow, eager)
}

// leaseFor gives the lease of a run that begins here at once; nil where it is for the workers of another pool.
func (e *Engine) leaseFor(run *flowforge.Run) *store.Lease {
	if !e.alone && !slices.Contains(e.config.Pools, run.Pool) {
		return nil
	}
	return &store.Lease{Worker: e.worker, For: e.config.Lease}
}

// prepare makes the run that a request asks for, ready to be created.
func (e *Engine) prepare(ctx context.Context, request StartRequest) (store.NewRun, loaded, error) {
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return store.NewRun{}, loaded{}, flowforge.Errorf(flowforge.CodeClosed, "the engine is closed and starts nothing more")
	}
	if request.Workspace == "" {
		request.Workspace = flowforge.Local
	}
	if err := e.syncClock(ctx); err != nil {
		return store.NewRun{}, loaded{}, err
	}
	found, err := e.load(ctx, request)
	if err != nil {
		return store.NewRun{}, loaded{}, err
	}
	if problems := found.workflow.InputSchema.Check(request.Input, "", nil); len(problems) > 0 {
		return store.NewRun{}, loaded{}, &flowforge.Error{
			Code: flowforge.CodeInvalidInput, Err: problems, Msg: "the input does not fit the workflow's input_schema:\n" + problems.Error(),
		}
	}
	fresh, err := e.fresh(ctx, found, request)
	if err == nil {
		err = e.admit(ctx, &fresh, found.workflow)
	}
	return fresh, found, err
}

// createRun makes a prepared run in the store, as create does. One that is leased from the start is begun before it
// is created, so that the attempts it begins with are recorded with it.
func (e *Engine) createRun(ctx context.Context, fresh store.NewRun, workflow *dag.Workflow, eager bool) (*run, store.Created, error) {
	var r *run
	if fresh.Lease = e.leaseFor(&fresh.Run); eager && fresh.Lease != nil && fresh.WakeAt.IsZero() {
		r = e.newRun(fresh.Run, workflow, 0)
		fresh.Started = r.foresee()
	} else {
		fresh.Lease = nil
	}
	failpoint("create.before")
	answer, err := e.creates.do(ctx, fresh)
	failpoint("create.after")
	e.tellSuperseded(workflow)
	err = cmp.Or(err, refusal(answer))
	if r == nil {
		return nil, answer, err
	}
	if err != nil || answer.Epoch == 0 || answer.Existing {
		r.notCreated()
		return nil, answer, err
	}
	r.lease.Epoch = answer.Epoch
	return r, answer, nil
}

// fresh makes a run that is to be created.
func (e *Engine) fresh(ctx context.Context, loaded loaded, request StartRequest) (store.NewRun, error) {
	vars, err := e.workspaceVars(ctx, request.Workspace, loaded.workflow)
	if err != nil {
		return store.NewRun{}, err
	}
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
		Pool:      cmp.Or(request.Pool, settings.Pool),
		ActsFor:   loaded.actsFor,
		Input:     request.Input,
		Vars:      frozen,
		Seq:       1,
		CreatedAt: e.now().Truncate(time.Microsecond), // as it is kept, so that expressions see the same after a crash
	}
	return store.NewRun{
		Run:            run,
		Document:       loaded.text,
		NodeTypes:      loaded.needs,
		IdempotencyKey: request.IdempotencyKey,
		Fingerprint:    cmp.Or(request.Fingerprint, loaded.text.Hash),
	}, nil
}

// workspaceVars gives the variables of a workspace, if the document reads any.
func (e *Engine) workspaceVars(ctx context.Context, workspace flowforge.Workspace, workflow *dag.Workflow) (map[string]any, error) {
	vars := make(map[string]any)
	if !workflow.ReadsVars {
		return vars, nil
	}
	kept, err := e.config.Store.Variables(ctx, workspace)
	for name, value := range kept {
		vars[name] = value
	}
	return vars, err
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
	request := StartRequest{Workspace: r.info.Workspace, Workflow: name, Input: input}
	loaded, err := r.engine.load(r.ctx, request)
	if err != nil {
		return err
	}
	handler, err := r.engine.fresh(r.ctx, loaded, request)
	if err == nil {
		err = r.engine.admitAgain(r.ctx, &handler, loaded.workflow)
	}
	if err != nil {
		return err
	}
	handler.Run.Pool = cmp.Or(handler.Run.Pool, r.info.Pool)
	handler.Run.Origin = &flowforge.Origin{Run: r.info.ID, Kind: flowforge.OriginOnFailure}
	handler.Lease = r.engine.leaseFor(&handler.Run)
	r.pending.starts = append(r.pending.starts, handler)
	return nil
}

// adopt begins the runs that a commit has started and leased to this engine.
func (e *Engine) adopt(started []store.Created) {
	for _, child := range started {
		err := child.Err
		if err == nil && (child.Epoch == 0 || e.owned(child.Run.ID) != nil) {
			continue // it waits to be claimed, or the commit was sent twice
		}
		var known loaded
		if err == nil {
			known, err = e.compiled.byHash(child.Run.Workflow.Hash)
		}
		if err == nil {
			e.tellSuperseded(known.workflow)
		}
		if err != nil {
			e.logger.Error("adopt run", "run", child.Run.ID, "error", err)
			continue
		}
		e.newRun(child.Run, known.workflow, child.Epoch).start(nil)
	}
}
