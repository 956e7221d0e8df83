package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

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
	switch {
	case err != nil:
		return created.Run, err
	case r != nil:
		r.attended = true
		r.created()
	case e.claims(), !e.serves(created.Run.Pool):
		e.hint(ctx, created.Run)
		return e.Wait(ctx, created.Run.Workspace, created.Run.ID)
	default:
		var ended flowforge.Run
		if r, ended, err = e.await(ctx, created); r == nil {
			return ended, err
		}
	}
	return r.outcome(ctx)
}

// outcome waits for the end of a run for its caller.
func (r *run) outcome(ctx context.Context) (flowforge.Run, error) {
	select {
	case <-r.done:
	case <-ctx.Done():
		r.cancelFor(context.Cause(ctx)) //nolint:contextcheck // The run goes on to its end without its caller.
		<-r.done
		if r.lost == nil && r.info.Status == flowforge.RunCanceled {
			return r.info, fmt.Errorf("run canceled: %w", context.Cause(ctx))
		}
	}
	if errors.Is(r.lost, errParked) && ctx.Err() == nil {
		return r.engine.Wait(ctx, r.info.Workspace, r.info.ID)
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

// How often Do looks whether a run that waits may begin.
const (
	awaitPause    = 5 * time.Millisecond
	maxAwaitPause = 250 * time.Millisecond
)

// await owns a run that had to wait as soon as it may begin, since no worker loop is active that would. Where the run
// is nil it has ended elsewhere. A run that waits for one caller alone waits no longer than that one.
func (e *Engine) await(ctx context.Context, created store.Created) (r *run, ended flowforge.Run, err error) {
	r, ended, err = e.awaitFor(ctx, created.Run)
	if ctx.Err() == nil || r != nil || ended.Status.Terminal() || created.Existing {
		return r, ended, err
	}
	lasting := context.WithoutCancel(ctx)
	if err := e.Cancel(lasting, ended.Workspace, ended.ID, context.Cause(ctx).Error()); err != nil {
		return nil, ended, err
	}
	return e.awaitFor(lasting, created.Run)
}

func (e *Engine) awaitFor(ctx context.Context, created flowforge.Run) (r *run, ended flowforge.Run, err error) {
	wish := e.wishes(1)
	wish.Only, wish.Pools = &store.RunKey{Workspace: created.Workspace, Run: created.ID}, []string{created.Pool}
	for pause := awaitPause; ; pause = min(2*pause, maxAwaitPause) {
		claims, err := e.config.Store.Claim(ctx, wish)
		if err != nil {
			return nil, created, err
		}
		for _, c := range claims.Runs {
			e.takeOver(ctx, c)
		}
		if r := e.owned(created.ID); r != nil && r.info.Workspace == created.Workspace {
			return r, created, nil
		}
		run, err := e.config.Store.Run(ctx, created.Workspace, created.ID)
		if err != nil || run.Status.Terminal() {
			return nil, run, errors.Join(err, ErrorOf(run))
		}
		if claims.Next > 0 {
			pause = min(pause, claims.Next)
		}
		e.pause(ctx, pause)
		switch {
		case e.base.Err() != nil:
			return nil, run, flowforge.Errorf(flowforge.CodeClosed, "the engine is closed")
		case ctx.Err() != nil:
			return nil, run, context.Cause(ctx)
		}
	}
}
