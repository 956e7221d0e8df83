package engine

import (
	"context"
	"errors"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/queue"
	"github.com/flowforge-go/flowforge/store"
)

// How long an idle worker waits before it looks for runs without having been told to.
const (
	claimPause    = 250 * time.Millisecond
	maxClaimPause = 2 * time.Second
	claimAtOnce   = 100 // runs
)

// Run is the worker loop: it claims runs and runs them until ctx ends, then takes no more and waits for those
// under way to end, as Close does within its own time. Several loops may be active.
func (e *Engine) Run(ctx context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return flowforge.Errorf(flowforge.CodeClosed, "the engine is closed")
	}
	e.looping++
	e.loops.Add(1)
	e.mu.Unlock()
	defer e.loops.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-e.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	bell := make(chan struct{}, 1)
	ring := func() {
		select {
		case bell <- struct{}{}:
		default:
		}
	}
	listening := make(chan error, 1)
	go func() {
		listening <- e.config.Queue.Subscribe(ctx, e.config.Pools, func(queue.Hint) { ring() })
	}()
	e.claimUntil(ctx, bell, ring)
	e.mu.Lock()
	e.looping--
	e.mu.Unlock()
	err := <-listening
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, e.drain(e.base)) //nolint:contextcheck // ctx has ended; draining takes as long as the runs do.
}

// claimUntil claims runs until ctx ends.
func (e *Engine) claimUntil(ctx context.Context, bell <-chan struct{}, ring func()) {
	pause := claimPause
	for ctx.Err() == nil {
		claimed, err := e.claim(ctx)
		switch {
		case err != nil:
			if ctx.Err() == nil {
				e.logger.ErrorContext(ctx, "claim runs", "error", err)
			}
			pause = maxClaimPause
		case claimed == claimAtOnce:
			continue
		case claimed > 0:
			pause = claimPause
		default:
			pause = min(2*pause, maxClaimPause)
		}
		timer := e.clock.AfterFunc(pause, ring)
		select {
		case <-bell:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// claim takes over runs that are ready and begins them.
func (e *Engine) claim(ctx context.Context) (int, error) {
	claims, err := e.config.Store.Claim(ctx, store.Claim{
		Worker: e.worker, Pools: e.config.Pools, NodeTypes: e.config.Nodes.Names(), Limit: claimAtOnce, For: e.config.Lease,
	})
	if err != nil {
		return 0, err
	}
	for _, c := range claims.Runs {
		e.takeOver(ctx, c)
	}
	return len(claims.Runs), nil
}

// takeOver begins a claimed run. One that another worker had begun cannot be resumed yet: it ends as failed,
// which its reason says.
func (e *Engine) takeOver(ctx context.Context, c store.Claimed) {
	loaded, err := e.loadRun(ctx, c.Run)
	if err == nil && c.Run.Status != flowforge.RunQueued {
		err = flowforge.Errorf(flowforge.CodeWorkerLost, "the worker that ran it was lost, and this engine cannot resume a run yet")
	}
	if err != nil {
		e.fail(ctx, c, err)
		return
	}
	r := e.newRun(c.Run, loaded.workflow, c.Lease.Epoch)
	r.start()
	if len(c.Messages) > 0 {
		r.readInbox()
	}
}

// fail ends a claimed run that cannot be begun.
func (e *Engine) fail(ctx context.Context, c store.Claimed, cause error) {
	now := e.clock.Now()
	failure := &flowforge.Failure{Code: flowforge.CodeOf(cause), Message: cause.Error()}
	answer := e.commits.commit(context.WithoutCancel(ctx), &store.Transition{
		Workspace: c.Run.Workspace, Run: c.Run.ID, Epoch: c.Lease.Epoch, FromSeq: c.Run.Seq, ToSeq: c.Run.Seq + 1,
		Events: []flowforge.Event{{Run: c.Run.ID, Seq: c.Run.Seq + 1, Kind: flowforge.EventRunFailed, At: now, Error: failure}},
		Status: flowforge.RunFailed,
		End:    &store.End{Error: failure, FinishedAt: now},
	})
	if answer.Err != nil {
		e.logger.ErrorContext(ctx, "end run that cannot be begun", "run", c.Run.ID, "error", answer.Err)
	}
}
